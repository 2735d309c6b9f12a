//! Audits of chains while the store grows.

use cloudauth_flow::testing::samples::{self, BEGIN};
use cloudauth_flow::{
    Audit, Auditor, Commit, Cursor, Event, Input, Machine, Snapshot, Stored, Usage, Verification,
};

fn step(stored: Option<&Stored>, input: Input) -> Commit {
    Machine::new(samples::rules()).step(&Snapshot { stored, usage: Usage::default() }, input, BEGIN).unwrap()
}

/// Audits one chain, whose events are at the places 1, 2, .. of the sequence.
fn audited(verification: &Verification, events: &[Event], last: u64, earlier: Option<u64>) -> Audit {
    let mut auditor = Auditor::new(Cursor(last), earlier.map(Cursor));
    auditor.verification(verification.id, Some((verification.head.n, verification.head.hash)));
    for (place, event) in (1..).zip(events) {
        auditor.event(Some((Cursor(place), event)));
    }
    auditor.finish()
}

/// A store reads the place of the last event before it reads the events: more can come in between.
#[test]
fn an_event_after_the_place_of_a_checkpoint_is_left_to_the_next_one() {
    let first = step(None, Input::Start(samples::start(1, 1).unwrap()));
    let stored =
        Stored { version: 1, fence: 0, lease_until: None, verification: first.verification().clone() };
    let second = step(Some(&stored), Input::Opened(samples::opened(1, 1).unwrap()));
    let place = first.events().len() as u64;
    let events = [first.events(), second.events()].concat();
    assert!(events.len() as u64 > place);

    let early = audited(second.verification(), &events, place, None);
    let late = audited(second.verification(), &events, events.len() as u64, Some(place));
    assert_eq!((early.broken, late.broken), (0, 0));
    assert_ne!(early.checkpoint.days, late.checkpoint.days);
    let differences = early.checkpoint.compare(&late.earlier.unwrap(), BEGIN, None);
    assert!(differences.changed.is_empty(), "{differences:?}");
}
