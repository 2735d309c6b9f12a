//! The invariants, each as a check of one step: the world before, the input, the result, the world after.

use std::time::Duration;

use cloudauth_flow::{
    AttemptState, Block, CapabilityHash, Commit, CommitOutcome, DecidedBy, EventKind, Fence, Input, Look,
    Redaction, Refusal, State, VerdictRecord, Verification, verify_chain, verify_document,
};

use crate::world::{FENCE, World, foreign_callback};

type Check = fn(&World, &Input, &Result<Commit, Refusal>, Option<&World>) -> Result<(), String>;

pub(crate) const INVARIANTS: &[(&str, Check)] = &[
    ("an_attempt_and_its_count_are_committed_before_init", reserved_first),
    ("at_most_one_attempt_is_open", one_open),
    ("a_decision_needs_evidence_of_an_own_attempt_or_a_reviewer", evidence),
    ("final_states_are_absorbing", absorbing),
    ("every_certify_id_keeps_its_attempt", certify_ids),
    ("the_result_of_an_attempt_is_written_once", results),
    ("a_change_of_state_has_its_event_and_version", events),
    ("the_document_follows_from_its_events", documents),
    ("a_stale_fence_writes_nothing", fences),
    ("nothing_is_stuck", timers),
    ("a_stranger_changes_nothing", strangers),
    ("a_decision_names_policy_and_rule", named),
    ("a_blocked_identity_and_a_used_up_day_are_refused", limits),
    ("a_redacted_verification_refers_to_no_one", redacted),
    ("a_link_is_given_out_only_while_it_is_awaited", links),
    ("no_answer_of_another_region_ends_an_attempt", regions),
    ("only_a_start_that_was_not_executed_is_given_back_and_once", refunds),
    ("an_identity_is_erased_with_its_session_and_with_a_refused_person", pages),
];

fn ensure(holds: bool, problem: &str) -> Result<(), String> {
    if holds { Ok(()) } else { Err(problem.to_owned()) }
}

fn of(world: &World) -> Option<&Verification> {
    world.stored.as_ref().map(|stored| &stored.verification)
}

/// Invariant 1.
fn reserved_first(
    before: &World,
    input: &Input,
    result: &Result<Commit, Refusal>,
    after: Option<&World>,
) -> Result<(), String> {
    let (Ok(commit), Some(after)) = (result, after.and_then(of)) else { return Ok(()) };
    let repeated = |order_no| of(before).is_some_and(|before| before.attempt(order_no).is_some());
    if let CommitOutcome::Started(order_no) = commit.outcome()
        && !(commit.is_noop() && repeated(order_no))
    {
        let attempt = after.attempt(order_no).ok_or("the started attempt is not in the commit")?;
        ensure(attempt.state == AttemptState::Reserved, "the started attempt is not reserved")?;
        ensure(commit.take().is_some(), "the start is not counted in its commit")?;
        ensure(of(before).is_none_or(|before| before.attempt(order_no).is_none()), "the attempt is old")?;
    } else {
        ensure(commit.take().is_none(), "a step counts a start and makes no attempt")?;
    }
    let page = if let Input::Start(start) = input { start.page.as_ref() } else { None };
    let needs = page.filter(|_| commit.take().is_some());
    ensure(commit.needs_page() == needs, "a start from a page does not need it, or another commit does")
}

/// Invariant 2.
fn one_open(_: &World, _: &Input, _: &Result<Commit, Refusal>, after: Option<&World>) -> Result<(), String> {
    let Some(after) = after.and_then(of) else { return Ok(()) };
    let busy = |state| matches!(state, AttemptState::Reserved | AttemptState::Open);
    let count = after.attempts.iter().filter(|attempt| busy(attempt.state)).count();
    ensure(count <= 1, "two attempts are reserved or open")
}

/// Invariant 3.
fn evidence(
    world: &World,
    input: &Input,
    _: &Result<Commit, Refusal>,
    after: Option<&World>,
) -> Result<(), String> {
    let Some(after) = after.and_then(of) else { return Ok(()) };
    if !matches!(after.state, State::Approved | State::Declined) {
        return Ok(());
    }
    let approved = after.state == State::Approved;
    let (attempt, record, by_reviewer) = match after.decision.as_ref().ok_or("there is no decision")? {
        DecidedBy::Policy { attempt, record } => (attempt, record, false),
        DecidedBy::Reviewer { attempt, record, .. } => (attempt, record, true),
        _ => return Err("the decision has another origin".to_owned()),
    };
    let attempt = after.attempt(attempt).ok_or("the attempt is of another verification")?;
    let finding = attempt.finding.as_ref().ok_or("the attempt has no result")?;
    ensure(attempt.certify_id.as_ref() == Some(finding.certify_id()), "the result has another CertifyId")?;
    ensure(finding.decision() == record, "the decision is not that of the evidence")?;
    let fits = match record.verdict {
        VerdictRecord::Approve => approved && !by_reviewer,
        VerdictRecord::Review => by_reviewer,
        VerdictRecord::Reject => !approved && !by_reviewer,
        // The last link was used.
        VerdictRecord::Retry => !approved && !by_reviewer,
    };
    ensure(fits, "the state is not that of the verdict")?;
    // Of the attempts that may have a session, the latest one says whose verification it is.
    let latest = after.attempts.iter().rfind(|attempt| attempt.state != AttemptState::Refused);
    let same = |latest: &cloudauth_flow::Attempt| latest.identity == attempt.identity;
    ensure(latest.is_some_and(same), "the result of another identity decided")?;
    if of(world).is_some_and(|before| !before.state.is_final()) {
        let may = match input {
            Input::Review(review) => {
                let in_time = |before: &Verification| before.review_by.is_some_and(|by| world.now < by);
                by_reviewer && review.approve == approved && of(world).is_some_and(in_time)
            }
            Input::Looked(_) | Input::Tick(_) | Input::StartFailed(_) | Input::Opened(_) => !by_reviewer,
            Input::Start(_) => record.verdict == VerdictRecord::Retry,
            _ => false,
        };
        ensure(may, "an input decided that must not")?;
        let looked = matches!(input, Input::Looked(_));
        ensure(looked || !approved || by_reviewer, "approved without a look or a reviewer")?;
    }
    Ok(())
}

/// Invariant 4.
fn absorbing(
    before: &World,
    _: &Input,
    _: &Result<Commit, Refusal>,
    after: Option<&World>,
) -> Result<(), String> {
    let (Some(before), Some(after)) = (of(before), after.and_then(of)) else { return Ok(()) };
    if !before.state.is_final() {
        return Ok(());
    }
    ensure(after.state == before.state, "a final state changed")?;
    ensure(after.decision == before.decision, "the decision of a final state changed")?;
    ensure(after.attempts.len() == before.attempts.len(), "a final verification has a new attempt")
}

/// Invariant 5.
fn certify_ids(
    before: &World,
    input: &Input,
    result: &Result<Commit, Refusal>,
    after: Option<&World>,
) -> Result<(), String> {
    let (Some(before), Some(after)) = (of(before), after.and_then(of)) else { return Ok(()) };
    for attempt in &before.attempts {
        let same = after.attempt(&attempt.order_no).ok_or("an attempt vanished")?;
        ensure(attempt.certify_id.is_none() || same.certify_id == attempt.certify_id, "a CertifyId changed")?;
    }
    if let (Input::Opened(opened), Ok(_)) = (input, result) {
        let kept = after.attempt(&opened.order_no).and_then(|attempt| attempt.certify_id.as_ref());
        ensure(kept == Some(&opened.certify_id), "an issued CertifyId was not kept")?;
    }
    Ok(())
}

/// A result is erased at most, never replaced.
fn results(
    before: &World,
    _: &Input,
    _: &Result<Commit, Refusal>,
    after: Option<&World>,
) -> Result<(), String> {
    let (Some(before), Some(after)) = (of(before), after.and_then(of)) else { return Ok(()) };
    for attempt in before.attempts.iter().filter(|attempt| attempt.state == AttemptState::Settled) {
        let now = after.attempt(&attempt.order_no).ok_or("an attempt vanished")?;
        let same = now.state == AttemptState::Settled && now.looked_at == attempt.looked_at;
        let kept = now.finding == attempt.finding || after.redaction != Redaction::None;
        ensure(same && kept, "the result of an attempt was replaced")?;
    }
    Ok(())
}

/// Invariant 6.
fn events(
    before: &World,
    _: &Input,
    result: &Result<Commit, Refusal>,
    after: Option<&World>,
) -> Result<(), String> {
    let (Ok(commit), Some(after)) = (result, after.and_then(of)) else { return Ok(()) };
    ensure(commit.expected() == before.stored.as_ref().map(|stored| stored.version), "another version")?;
    let first = of(before).map_or(cloudauth_flow::ChainHead::new(&after.id), |before| before.head);
    let mut state = of(before).map(|before| before.state);
    let mut head = first;
    for event in commit.events() {
        ensure(event.n == head.n + 1 && event.prev == head.hash && event.at >= head.at, "a broken chain")?;
        (head.n, head.at, head.hash) = (event.n, event.at, event.hash);
        let kind = event.read().ok_or("an event that cannot be read")?;
        ensure(kind.name() == &*event.kind, "an event with the name of another")?;
        if let EventKind::StateChanged { from, to } = kind {
            ensure(state.is_none_or(|state| state == from), "an event with another previous state")?;
            state = Some(to);
        }
    }
    ensure(head == after.head, "the head is not the last event")?;
    if of(before).is_none() {
        ensure(verify_chain(&after.id, commit.events()) == Ok(after.head), "the chain does not verify")?;
    }
    ensure(state == Some(after.state), "a change of state without its event")?;
    let noop = of(before) == Some(after) && !commit.releases();
    ensure(commit.is_noop() == noop, "`is_noop` is wrong")
}

/// An audit accepts every document that the machine writes, with its whole history.
fn documents(
    _: &World,
    _: &Input,
    result: &Result<Commit, Refusal>,
    after: Option<&World>,
) -> Result<(), String> {
    let (Ok(commit), Some(world)) = (result, after) else { return Ok(()) };
    let Some(after) = of(world).filter(|_| !commit.events().is_empty()) else { return Ok(()) };
    verify_document(after, &world.events).map_err(|problem| problem.to_string())
}

/// Invariant 7.
fn fences(
    before: &World,
    input: &Input,
    _: &Result<Commit, Refusal>,
    _: Option<&World>,
) -> Result<(), String> {
    let stale = Fence(FENCE.0 - 1);
    let mut input = input.clone();
    match &mut input {
        // One of the answers is enough.
        Input::Looked(looked) if matches!(looked.answer, Look::Pending) => looked.fence = stale,
        Input::Deleted(deleted) => deleted.fence = stale,
        Input::Tick(fence) => *fence = stale,
        _ => return Ok(()),
    }
    let refused = matches!(before.step(&input), Err(Refusal::StaleFence | Refusal::NotFound));
    ensure(refused, "a worker wrote under the claim of another")
}

/// Invariant 8: every attempt that is awaited has a timer, and so has every verification that time ends.
fn timers(_: &World, _: &Input, _: &Result<Commit, Refusal>, after: Option<&World>) -> Result<(), String> {
    let (Some(world), Some(after)) = (after, after.and_then(of)) else { return Ok(()) };
    let due = after.due_at;
    let by = |at| due.is_some_and(|due| due <= at);
    for attempt in &after.attempts {
        match attempt.state {
            AttemptState::Reserved => ensure(by(attempt.lease_until), "a lease without a timer")?,
            AttemptState::Open | AttemptState::Superseded => {
                let next = attempt.next_look_at.ok_or("an open attempt without a next look")?;
                let opened = attempt.opened_at.ok_or("an open attempt without its time")?;
                let last = opened.plus(Duration::from_secs(31 * 60));
                let failed_late = attempt.looked_at.is_some_and(|looked| {
                    looked >= last && next <= looked.plus(Duration::from_secs(60 * 60))
                });
                ensure(next <= last || failed_late, "a look that comes too late")?;
                ensure(by(next), "a look without a timer")?;
            }
            _ => {
                if let Some(next) = attempt.next_look_at {
                    ensure(attempt.state == AttemptState::Expired && by(next), "a look at nothing")?;
                }
            }
        }
    }
    match after.state {
        State::RequiresInput => ensure(by(after.expires_at), "an idle verification that never expires")?,
        State::Processing => ensure(due.is_some(), "a verification in processing without a timer")?,
        State::InReview => ensure(after.review_by.is_some_and(by), "a review without an end")?,
        _ => ensure(after.purge_at.is_some(), "a final verification that is kept for ever")?,
    }
    let delete = after.redaction == Redaction::Requested;
    ensure(!delete || after.delete_at.is_some_and(by), "a deletion without a timer")?;
    // A worker that claims a due verification finds something to do.
    let stored = world.stored.as_ref().ok_or("nothing stored")?;
    let idle = due.is_some_and(|due| stored.jobs(due).is_empty());
    ensure(!idle, "a timer with no job")
}

/// Invariant 10, and forged callbacks.
fn strangers(
    before: &World,
    input: &Input,
    _: &Result<Commit, Refusal>,
    _: Option<&World>,
) -> Result<(), String> {
    // Once per world is enough.
    let (Input::Cancel, Some(verification)) = (input, of(before)) else { return Ok(()) };
    let guessed = before.step(&Input::Returned(CapabilityHash::new([0xee; 32])));
    ensure(guessed == Err(Refusal::NotFound), "a guessed capability was accepted")?;
    for attempt in verification.attempts.iter().filter(|attempt| attempt.certify_id.is_some()) {
        let forged = before.step(&foreign_callback(&attempt.order_no));
        ensure(forged == Err(Refusal::NotFound), "a callback with another CertifyId was accepted")?;
    }
    Ok(())
}

/// Invariant 11.
fn named(_: &World, _: &Input, _: &Result<Commit, Refusal>, after: Option<&World>) -> Result<(), String> {
    let Some(after) = after.and_then(of) else { return Ok(()) };
    let record = match &after.decision {
        Some(DecidedBy::Policy { record, .. } | DecidedBy::Reviewer { record, .. }) => record,
        _ => return ensure(after.state != State::InReview, "a review without a decision of a policy"),
    };
    let hash = record.policy_hash.starts_with("sha256:") && record.policy_hash.len() == 71;
    ensure(hash && !record.rule.is_empty(), "a decision without policy hash and rule")?;
    let open = after.state == State::InReview && after.redaction == Redaction::None;
    let seen = |attempt: &cloudauth_flow::Attempt| {
        attempt.finding.as_ref().is_some_and(|finding| finding.evidence().is_some())
    };
    ensure(!open || after.attempts.iter().any(seen), "a review without evidence")
}

/// Invariant 12.
fn limits(
    before: &World,
    input: &Input,
    result: &Result<Commit, Refusal>,
    _: Option<&World>,
) -> Result<(), String> {
    if let Input::Start(start) = input {
        let started =
            |commit: &Commit| matches!(commit.outcome(), CommitOutcome::Started(_)) && !commit.is_noop();
        let started = result.as_ref().is_ok_and(started);
        ensure(!started || !before.blocked.contains(&start.identity), "a blocked identity was started")?;
        ensure(!started || before.starts_today < 3, "a start beyond the day's limit")?;
    }
    let (Input::Looked(looked), Ok(commit)) = (input, result) else { return Ok(()) };
    let Look::Finished(finding) = &looked.answer else { return Ok(()) };
    let blocks = finding.evidence().is_some_and(|evidence| evidence.sub_code.as_deref() == Some("201"));
    let identity = of(before).and_then(|v| v.attempt(&looked.order_no)).and_then(|attempt| attempt.identity);
    let blocked = commit.block().map(|block: &Block| block.identity);
    ensure(blocked == identity.filter(|_| blocks), "SubCode 201 must block its identity, and no other code")
}

/// What a redaction erases stays erased.
fn redacted(_: &World, _: &Input, _: &Result<Commit, Refusal>, after: Option<&World>) -> Result<(), String> {
    let Some(after) = after.and_then(of) else { return Ok(()) };
    if after.redaction == Redaction::None {
        return Ok(());
    }
    ensure(after.state.is_final(), "a redaction before the end")?;
    let clean = after.attempts.iter().all(|attempt| {
        attempt.identity.is_none()
            && attempt.capability.is_none()
            && attempt.callbacks.is_empty()
            && attempt.finding.as_ref().is_none_or(|finding| finding.evidence().is_none())
    });
    ensure(clean && after.subject.is_none(), "a redacted verification refers to a person")?;
    let left = |attempt: &cloudauth_flow::Attempt| attempt.certify_id.is_some() && !attempt.deleted;
    let done = !after.attempts.iter().any(left);
    ensure(done == (after.redaction == Redaction::Done), "the vendor's deletion is not tracked")
}

/// A person gets a link only if its result will be looked for and can decide.
fn links(
    _: &World,
    input: &Input,
    result: &Result<Commit, Refusal>,
    after: Option<&World>,
) -> Result<(), String> {
    let (Ok(commit), Some(after), Input::Opened(opened)) = (result, after.and_then(of), input) else {
        return Ok(());
    };
    if *commit.outcome() != CommitOutcome::Opened {
        return Ok(());
    }
    let open = after.attempt(&opened.order_no).is_some_and(|attempt| attempt.state == AttemptState::Open);
    ensure(open && after.state == State::Processing, "a link that leads nowhere")
}

/// A region that did not create a session knows nothing of it. The model looks again for ten minutes.
fn regions(
    before: &World,
    input: &Input,
    _: &Result<Commit, Refusal>,
    after: Option<&World>,
) -> Result<(), String> {
    let (Input::Looked(looked), Some(after)) = (input, after.and_then(of)) else { return Ok(()) };
    if !matches!(looked.answer, Look::Unknown { region: None }) {
        return Ok(());
    }
    let state = |verification: &Verification| verification.attempt(&looked.order_no).map(|a| a.state);
    let ends = state(after) == Some(AttemptState::Expired) && of(before).and_then(state) != state(after);
    let opened = after.attempt(&looked.order_no).and_then(|attempt| attempt.opened_at);
    let tried = opened.is_some_and(|opened| before.now >= opened.plus(Duration::from_secs(41 * 60)));
    ensure(!ends || tried, "another region ended an attempt")
}

/// A start is given back only by the refusal that ends its attempt.
fn refunds(
    before: &World,
    input: &Input,
    result: &Result<Commit, Refusal>,
    after: Option<&World>,
) -> Result<(), String> {
    let (Ok(commit), Some(after)) = (result, after.and_then(of)) else { return Ok(()) };
    let Some(refund) = commit.refund() else { return Ok(()) };
    let Input::StartFailed(failed) = input else { return Err("another input gives a start back".to_owned()) };
    let earlier = of(before).and_then(|before| before.attempt(&failed.order_no)).ok_or("no such attempt")?;
    ensure(!failed.maybe_executed && failed.code.is_none(), "an executed start is given back")?;
    ensure(earlier.state == AttemptState::Reserved, "a start is given back twice")?;
    ensure(earlier.counted_on == Some(refund.day), "a start of another day is given back")?;
    let kept = after.attempt(&failed.order_no).and_then(|attempt| attempt.counted_on);
    ensure(kept.is_none() && commit.take().is_none(), "a start that is given back is still counted")
}

/// A start page ends with the commit that records its session or a refused person, and with no other.
fn pages(
    before: &World,
    input: &Input,
    result: &Result<Commit, Refusal>,
    after: Option<&World>,
) -> Result<(), String> {
    let (Ok(commit), Some(after)) = (result, after.and_then(of)) else { return Ok(()) };
    let (order_no, link) = match input {
        Input::Opened(opened) => (&opened.order_no, opened.link.as_ref()),
        Input::StartFailed(failed) if failed.code.is_some() => (&failed.order_no, None),
        _ => return ensure(commit.page().is_none(), "an input ended a page that must not"),
    };
    let is_new = of(before).is_some_and(|before| before.attempt(order_no) != after.attempt(order_no));
    let Some(end) = commit.page() else { return ensure(!is_new, "an identity outlives its call") };
    let key = after.attempt(order_no).map(|attempt| &attempt.key);
    ensure(key == Some(&end.key), "the page of another request ended")?;
    let link = link.filter(|_| *commit.outcome() == CommitOutcome::Opened);
    ensure(end.link.as_ref() == link, "a link is kept that leads nowhere, or not kept")
}
