//! The machine in every order of inputs to depth 12, breadth first. Each invariant is a test, which fails with the shortest
//! script that breaks it.

#![cfg(test)]

mod audit;
mod explore;
mod invariants;
mod tampered;
mod world;

use explore::explored;

macro_rules! invariants {
    ($($name:ident)*) => {
        const NAMES: &[&str] = &[$(stringify!($name)),*];
        $(
        #[test]
        fn $name() {
            if let Some(script) = explored().broken.get(stringify!($name)) {
                panic!("{script}");
            }
        }
        )*
    };
}

invariants! {
    an_attempt_and_its_count_are_committed_before_init
    at_most_one_attempt_is_open
    a_decision_needs_evidence_of_an_own_attempt_or_a_reviewer
    final_states_are_absorbing
    every_certify_id_keeps_its_attempt
    the_result_of_an_attempt_is_written_once
    a_change_of_state_has_its_event_and_version
    the_document_follows_from_its_events
    a_stale_fence_writes_nothing
    nothing_is_stuck
    a_stranger_changes_nothing
    a_decision_names_policy_and_rule
    a_blocked_identity_and_a_used_up_day_are_refused
    a_redacted_verification_refers_to_no_one
    a_link_is_given_out_only_while_it_is_awaited
    no_answer_of_another_region_ends_an_attempt
    only_a_start_that_was_not_executed_is_given_back_and_once
    an_identity_is_erased_with_its_session_and_with_a_refused_person
}

/// So that a test above cannot pass because nothing was explored, or because an invariant has another name.
#[test]
fn every_state_is_reached() {
    let explored = explored();
    println!("{} states, {} steps", explored.states, explored.steps);
    for state in cloudauth_flow::State::ALL {
        assert!(explored.reached.contains(state.as_str()), "{state:?}");
    }
    for attempt in ["reserved", "open", "superseded", "settled", "expired", "refused", "orphaned"] {
        assert!(explored.reached.contains(attempt), "{attempt}");
    }
    assert_eq!(explored.names, NAMES);
}

/// The README has every transition that the exploration finds, and no other.
#[test]
fn the_readme_has_the_transitions() {
    let tables = explored().tables();
    assert!(include_str!("../../README.md").contains(&tables), "the README must have:\n{tables}");
}
