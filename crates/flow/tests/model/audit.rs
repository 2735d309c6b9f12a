//! Audits of chains while the store grows.

use std::time::Duration;

use cloudauth_flow::testing::samples::{self, BEGIN};
use cloudauth_flow::{
    Audit, AuditProblem, Auditor, Checkpoint, Commit, Cursor, Event, Input, Machine, Snapshot, Stored, Usage,
    Verification, verify_chain,
};
use cloudauth_protocol::UnixTime;

fn step(stored: Option<&Stored>, input: Input) -> Commit {
    Machine::new(samples::rules()).step(&Snapshot { stored, usage: Usage::default() }, input, BEGIN).unwrap()
}

/// Audits one chain, whose events are at the places 1, 2, .. of the sequence.
fn audited(verification: &Verification, events: &[Event], last: u64, earlier: Option<u64>) -> Audit {
    let mut auditor = Auditor::new(Cursor(last), earlier.map(Cursor));
    auditor.verification(verification.id, Some(verification.clone()));
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

#[test]
fn the_first_event_that_was_changed_is_named() {
    let (verification, events) = chain(1, 0);
    for (at, event) in events.iter().enumerate() {
        let [first, .., last] = &events[..] else { panic!("{events:?}") };
        let other = if event.n == first.n { last } else { first };
        let (n, when, kind, body) = (event.n, event.at, event.kind.clone(), event.body.clone());
        let (prev, hash) = (event.prev, event.hash);
        let stored = Event::stored;
        for changed in [
            stored(other.n, when, kind.clone(), body.clone(), prev, hash),
            stored(n, when.plus(Duration::from_secs(1)), kind.clone(), body.clone(), prev, hash),
            stored(n, when, other.kind.clone(), body.clone(), prev, hash),
            stored(n, when, kind.clone(), other.body.clone(), prev, hash),
            stored(n, when, kind.clone(), body.clone(), hash, hash),
            stored(n, when, kind.clone(), body.clone(), prev, other.hash),
        ] {
            let mut events = events.clone();
            events[at] = changed;
            assert_eq!(verify_chain(&verification.id, &events).unwrap_err().event(), n, "{events:?}");
        }
    }
}

/// The chain of an order that began so many days later.
fn chain(order: u64, days: u64) -> (Verification, Vec<Event>) {
    let now = later(days);
    let mut start = samples::start(order, 1).unwrap();
    start.consent.at = now;
    let snapshot = Snapshot { stored: None, usage: Usage::default() };
    let commit = Machine::new(samples::rules()).step(&snapshot, Input::Start(start), now).unwrap();
    (commit.verification().clone(), commit.events().to_vec())
}

fn later(days: u64) -> UnixTime {
    BEGIN.plus(Duration::from_secs(days * 86_400))
}

fn checkpoint(chains: &[(Verification, Vec<Event>)]) -> Checkpoint {
    let mut auditor = Auditor::new(Cursor(99), None);
    for (verification, events) in chains {
        auditor.verification(verification.id, Some(verification.clone()));
        events.iter().for_each(|event| auditor.event(Some((Cursor(1), event))));
    }
    let audit = auditor.finish();
    assert_eq!((audit.broken, audit.chains), (0, chains.len() as u64));
    assert_eq!(audit.events, chains.iter().map(|(_, events)| events.len() as u64).sum::<u64>());
    audit.checkpoint
}

#[test]
fn a_broken_chain_is_counted_and_named_with_its_event() {
    let ((one, events), (other, others)) = (chain(1, 0), chain(2, 0));
    let [first, second, last] = [Some(&events[0]), Some(&events[1]), Some(&events[2])];
    let audit = |document: Option<&Verification>, events: &[Option<&Event>]| {
        let mut auditor = Auditor::new(Cursor(9), None);
        auditor.verification(one.id, document.cloned());
        events.iter().for_each(|event| auditor.event(event.map(|event| (Cursor(1), event))));
        // A chain that is whole comes after it.
        auditor.verification(other.id, Some(other.clone()));
        others.iter().for_each(|event| auditor.event(Some((Cursor(2), event))));
        let audit = auditor.finish();
        assert_eq!(audit.chains, 2);
        let named: Vec<_> = audit.named.iter().map(|named| (named.id, named.problem)).collect();
        (audit.broken, named)
    };
    let error = verify_chain(&one.id, &[events[0].clone(), events[2].clone()]).unwrap_err();
    assert_eq!((error.event(), error.to_string().contains("event 2 does not fit")), (2, true));
    let wrong = |problem| (1, vec![(one.id, problem)]);
    let broken = |event| wrong(AuditProblem::Event(event));
    let document = Some(&one);
    assert_eq!(audit(document, &[first, second, last]), (0, vec![]));
    assert_eq!(audit(document, &[Some(&others[0]), second, last]), broken(1), "an event of another chain");
    assert_eq!(audit(document, &[first, None, last]), broken(2), "an event that cannot be read");
    assert_eq!(audit(document, &[first, last]), broken(2), "an event that is missing");
    assert_eq!(audit(document, &[first, second]), broken(3), "the last event is missing");
    assert_eq!(audit(document, &[]), broken(1), "all events are missing");
    assert_eq!(audit(document, &[first, second, last, last]), broken(4), "an event too many");
    let unreadable = wrong(AuditProblem::Unreadable);
    assert_eq!(audit(None, &[first, second, last]), unreadable, "a document that cannot be read");
    assert_eq!(audit(None, &[first, last]), broken(2), "neither");
}

#[test]
fn events_without_a_verification_are_broken_and_only_a_hundred_are_named() {
    let mut auditor = Auditor::new(Cursor(9), None);
    let orphans: Vec<_> = (0..103).map(|order| chain(order, 0).0.id).collect();
    orphans.iter().for_each(|id| auditor.orphans(*id));
    let audit = auditor.finish();
    assert_eq!((audit.broken, audit.named.len(), audit.chains), (103, 100, 0));
    assert!(
        audit
            .named
            .iter()
            .zip(&orphans)
            .all(|(named, id)| named.id == *id && named.problem == AuditProblem::Deleted)
    );
}

#[test]
fn a_checkpoint_shows_chains_that_were_added_changed_or_deleted() {
    let (first, second, third) = (chain(1, 0), chain(2, 0), chain(3, 2));
    let kept = checkpoint(&[first.clone(), second.clone(), third.clone()]);
    let [day, later_day] = ["2026-01-02", "2026-01-04"];
    assert_eq!(
        kept.days.iter().map(|(day, of)| (&**day, of.chains)).collect::<Vec<_>>(),
        [(day, 2), (later_day, 1)]
    );
    let compare = |chains: &[(Verification, Vec<Event>)], days, retention| {
        let differences = kept.compare(&checkpoint(chains), later(days), retention);
        (differences.changed, differences.purged)
    };
    let (none, of) = (Vec::<String>::new, |day: &str| vec![day.to_owned()]);
    let (one, all) = ([second.clone(), third.clone()], [first.clone(), second.clone(), third.clone()]);
    assert_eq!(compare(&all, 99, Some(30)), (none(), none()));
    // A purge after thirty days explains that one is missing, and nothing does before.
    assert_eq!(compare(&one, 30, Some(30)), (none(), of(day)));
    assert_eq!(compare(&one, 29, Some(30)), (of(day), none()));
    assert_eq!(compare(&one, 31, None), (of(day), none()));
    // No purge adds a chain, or puts another in its place.
    assert_eq!(
        compare(&[first.clone(), second.clone(), third.clone(), chain(4, 0)], 99, Some(30)).0,
        of(day)
    );
    assert_eq!(compare(&[first.clone(), chain(4, 0), third.clone()], 99, Some(30)), (of(day), none()));
    assert_eq!(
        compare(&[first.clone(), second.clone(), third, chain(4, 3)], 99, Some(30)).0,
        of("2026-01-05")
    );
    assert_eq!(compare(&[first, second], 99, Some(30)), (none(), of(later_day)));
}

#[test]
fn a_checkpoint_of_another_format_is_not_read() {
    let checkpoint = checkpoint(&[chain(1, 0)]);
    assert!(checkpoint.is_readable());
    let text = serde_json::to_string(&checkpoint).unwrap();
    assert_eq!(serde_json::from_str::<Checkpoint>(&text).unwrap(), checkpoint);
    let newer = text.replace("\"format\":1", "\"format\":2");
    assert!(!serde_json::from_str::<Checkpoint>(&newer).unwrap().is_readable());
}
