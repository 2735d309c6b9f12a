//! Lives of verifications, one rule each, through a store.

#![cfg(test)]

mod faults;
mod service;

use std::time::Duration;

use cloudauth_flow::testing::samples::BEGIN;
use cloudauth_flow::{
    AttemptState, CapabilityHash, CommitOutcome, Cursor, DecidedBy, Fence, IdentityRef, Input, Look, Looked,
    Redaction, Refusal, Retention, Review, ReviewReason, Reviewer, StartFailed, State, Store,
};
use cloudauth_protocol::{Code, UnixTime};
use pollster::block_on;

use crate::service::{Service, callback, failed, found, good_callback, opened, start};

#[test]
fn a_person_who_passes_is_approved_by_the_policy() {
    let mut service = Service::new();
    service.open(1);
    service.later(3);
    service.take(Input::Callback(good_callback(1))).unwrap();
    assert_eq!(service.work(|| found(1, "200")), 1);
    let verification = service.stored().verification;
    assert_eq!(verification.state, State::Approved);
    let Some(DecidedBy::Policy { record, .. }) = &verification.decision else { panic!("not by a policy") };
    assert_eq!((&*record.policy, &*record.rule), ("vendor", "passed"));
    let events = block_on(service.store.events_after(Cursor::default(), 99)).unwrap();
    let kinds: Vec<_> = events.iter().map(|event| &*event.event.kind).collect();
    let expected = [
        "verification.created",
        "attempt.reserved",
        "verification.processing",
        "attempt.opened",
        "attempt.settled",
        "verification.approved",
    ];
    assert_eq!(kinds, expected);
}

#[test]
fn a_lost_callback_is_made_up_for_by_at_most_twelve_looks() {
    let mut service = Service::new();
    service.open(1);
    let looks = service.run(|| Look::Pending);
    assert!((2..=12).contains(&looks), "{looks}");
    assert_eq!(service.attempt(0).state, AttemptState::Expired);
    assert_eq!(service.state(), State::Expired);
}

#[test]
fn a_repeated_start_creates_no_second_link() {
    let service = Service::new();
    service.open(1);
    let mut again = start(2);
    again.key = start(1).key;
    assert_eq!(service.take(Input::Start(again.clone())), Ok(CommitOutcome::Replayed(start(1).order_no)));
    again.identity = IdentityRef::from_hmac([0; 32]);
    assert_eq!(service.take(Input::Start(again)), Err(Refusal::KeyReused));
    let mut other_person = start(2);
    other_person.subject = cloudauth_flow::SubjectRef::from_hmac([0; 32]);
    assert_eq!(service.take(Input::Start(other_person)), Err(Refusal::OrderConflict));
}

#[test]
fn a_start_during_another_start_waits_for_its_lease() {
    let mut service = Service::new();
    service.take(Input::Start(start(1))).unwrap();
    let until = BEGIN.plus(Duration::from_secs(60));
    assert_eq!(service.take(Input::Start(start(2))), Err(Refusal::StartInProgress { until }));
    service.later(60);
    assert_eq!(service.take(Input::Start(start(2))), Ok(CommitOutcome::Started(start(2).order_no)));
    assert_eq!(service.attempt(0).state, AttemptState::Orphaned);
}

#[test]
fn after_a_crash_the_same_key_gets_the_next_attempt_and_the_late_link_is_dropped() {
    let mut service = Service::new();
    service.take(Input::Start(start(1))).unwrap();
    service.later(60);
    service.work(|| Look::Pending);
    assert_eq!(service.state(), State::RequiresInput);
    assert_eq!(service.take(Input::Opened(opened(1))), Ok(CommitOutcome::LinkDropped));
    assert_eq!(service.attempt(0).certify_id, Some(opened(1).certify_id));
    let mut again = start(2);
    again.key = start(1).key;
    assert_eq!(service.take(Input::Start(again)), Ok(CommitOutcome::Started(start(2).order_no)));
}

#[test]
fn a_pass_on_a_superseded_link_counts() {
    let mut service = Service::new();
    service.open(1);
    service.later(1);
    service.open(2);
    service.later(4);
    service.work(|| found(1, "200"));
    assert_eq!(service.state(), State::Approved);
}

#[test]
fn a_pass_of_another_identity_on_a_superseded_link_decides_nothing() {
    let mut service = Service::new();
    service.open(1);
    service.later(1);
    let mut other = start(2);
    other.identity = cloudauth_flow::IdentityRef::from_hmac([2; 32]);
    service.take(Input::Start(other)).unwrap();
    service.take(Input::Opened(opened(2))).unwrap();
    service.later(4);
    service.work(|| found(1, "200"));
    assert_eq!(service.state(), State::Processing);
    let verification = service.stored().verification;
    let events = block_on(service.store.history(&verification.id)).unwrap();
    assert!(events.iter().any(|event| &*event.kind == "attempt.late_evidence"));
}

/// Starts with another identity than [`start`].
fn start_other(attempt: u8) -> cloudauth_flow::Start {
    let mut other = start(attempt);
    other.identity = IdentityRef::from_hmac([2; 32]);
    other
}

/// Declined the order on the old code: the first person's retry was the last one.
#[test]
fn a_retry_of_another_identity_declines_nothing() {
    let mut service = Service::new();
    service.open(1);
    for attempt in [2, 3] {
        service.later(1);
        service.take(Input::Start(start_other(attempt))).unwrap();
        service.take(Input::Opened(opened(attempt))).unwrap();
    }
    let looked = Looked { order_no: start(1).order_no, fence: Fence(0), answer: found(1, "204") };
    service.take(Input::Looked(looked)).unwrap();
    service.run(|| Look::Pending);
    let verification = service.stored().verification;
    assert_eq!((verification.state, verification.decision), (State::Expired, None));
}

#[test]
fn a_retry_of_the_same_identity_declines_when_later_links_expire() {
    let mut service = Service::new();
    service.take(Input::Start(start_other(1))).unwrap();
    service.take(Input::Opened(opened(1))).unwrap();
    service.open(2);
    service.open(3);
    let looked = Looked { order_no: start(2).order_no, fence: Fence(0), answer: found(2, "204") };
    service.take(Input::Looked(looked)).unwrap();
    service.run(|| Look::Pending);
    assert_eq!(service.state(), State::Declined);
}

/// Lost the pass on the old code: the refused identity was the latest one.
#[test]
fn a_refused_start_does_not_change_the_identity() {
    let mut service = Service::new();
    service.open(1);
    service.later(1);
    service.take(Input::Start(start_other(2))).unwrap();
    let (order_no, code) = (start(2).order_no, Some(Code::CannotUseFace));
    service.take(Input::StartFailed(StartFailed { order_no, maybe_executed: false, code })).unwrap();
    service.later(4);
    service.work(|| found(1, "200"));
    assert_eq!(service.state(), State::Approved);
}

/// A session of the other identity may exist.
#[test]
fn a_start_without_an_answer_changes_the_identity() {
    let mut service = Service::new();
    service.open(1);
    service.later(1);
    service.take(Input::Start(start_other(2))).unwrap();
    let failed = StartFailed { order_no: start(2).order_no, maybe_executed: true, code: None };
    service.take(Input::StartFailed(failed)).unwrap();
    service.later(4);
    service.work(|| found(1, "200"));
    assert_eq!(service.state(), State::RequiresInput);
}

#[test]
fn a_retention_of_no_time_is_refused() {
    assert!(Retention::days(0).is_err() && Retention::days(36_501).is_err());
    assert_eq!(Retention::days(1).unwrap().get(), Duration::from_secs(86_400));
}

#[test]
fn a_second_pass_after_a_decision_is_an_event_only() {
    let mut service = Service::new();
    service.open(1);
    service.open(2);
    service.take(Input::Cancel).unwrap();
    let head = service.stored().verification.head;
    service.later(10);
    service
        .take(Input::Looked(Looked { order_no: start(2).order_no, fence: Fence(0), answer: found(2, "200") }))
        .unwrap();
    let verification = service.stored().verification;
    assert_eq!((verification.state, verification.decision), (State::Canceled, None));
    let events = block_on(service.store.history(&verification.id)).unwrap();
    assert_eq!((events.len() as u64, &*events.last().unwrap().kind), (head.n + 1, "attempt.late_evidence"));
}

#[test]
fn a_result_of_another_certify_id_is_refused() {
    let service = Service::new();
    service.open(1);
    let looked = Looked { order_no: start(1).order_no, fence: Fence(0), answer: found(2, "200") };
    assert_eq!(service.take(Input::Looked(looked)), Err(Refusal::OtherCertifyId));
}

#[test]
fn retries_end_with_the_last_link() {
    let service = Service::new();
    for attempt in 1..=3 {
        service.open(attempt);
        let looked =
            Looked { order_no: start(attempt).order_no, fence: Fence(0), answer: found(attempt, "204") };
        service.take(Input::Looked(looked)).unwrap();
        let expected = if attempt < 3 { State::RequiresInput } else { State::Declined };
        assert_eq!(service.state(), expected);
    }
    assert_eq!(service.take(Input::Start(start(4))), Err(Refusal::Final(State::Declined)));
}

#[test]
fn a_blocked_identity_is_refused_and_a_corrected_one_is_not() {
    let service = Service::new();
    service.open(1);
    let looked = Looked { order_no: start(1).order_no, fence: Fence(0), answer: found(1, "201") };
    service.take(Input::Looked(looked)).unwrap();
    let refused = service.take(Input::Start(start(2)));
    assert!(matches!(refused, Err(Refusal::IdentityBlocked { .. })), "{refused:?}");
    let mut corrected = start(2);
    corrected.identity = IdentityRef::from_hmac([0; 32]);
    assert!(service.take(Input::Start(corrected)).is_ok());
}

#[test]
fn the_daily_limit_ends_at_midnight_in_china() {
    let mut service = Service::new();
    for attempt in 1..=5 {
        fail(&service, attempt, true, None);
    }
    let until = UnixTime::from_secs(1_767_369_600); // 2026-01-02T16:00:00Z
    assert_eq!(service.take(Input::Start(start(6))), Err(Refusal::DailyLimit { until }));
    service.now = until;
    assert!(service.take(Input::Start(start(6))).is_ok());
}

fn fail(service: &Service, attempt: u8, maybe_executed: bool, code: Option<Code>) {
    service.take(Input::Start(start(attempt))).unwrap();
    let order_no = start(attempt).order_no;
    service.take(Input::StartFailed(StartFailed { order_no, maybe_executed, code })).unwrap();
}

/// A start that was not executed counted for the day on the old code.
#[test]
fn a_start_that_was_certainly_not_executed_costs_the_person_nothing() {
    for (maybe_executed, code, counts) in [
        (false, None, false),
        (false, Some(Code::ServiceNotActivated), false),
        (false, Some(Code::SystemError), false),
        (true, None, true),
        (true, Some(Code::SystemError), true),
        // The service refused the person.
        (false, Some(Code::IllegalParameter), true),
        (false, Some(Code::from_wire("999")), true),
    ] {
        let service = Service::new();
        for attempt in 1..=4 {
            fail(&service, attempt, true, None);
        }
        fail(&service, 5, maybe_executed, code.clone());
        let limited = matches!(service.take(Input::Start(start(6))), Err(Refusal::DailyLimit { .. }));
        assert_eq!(limited, counts, "{maybe_executed} {code:?}");
    }
}

/// A client that starts in a loop while the service is away must not use all attempts of the verification.
#[test]
fn an_outage_uses_the_days_starts_before_the_attempts_of_a_verification() {
    let mut service = Service::new();
    let mut attempt = 0;
    while service.take(Input::Start(start(attempt + 1))).is_ok() {
        attempt += 1;
        let order_no = start(attempt).order_no;
        let failed = StartFailed { order_no, maybe_executed: false, code: None };
        service.take(Input::StartFailed(failed)).unwrap();
    }
    assert_eq!(attempt, 16 + 5);
    assert_eq!(service.state(), State::RequiresInput);
    service.later(20 * 3_600);
    assert!(service.take(Input::Start(start(attempt + 1))).is_ok());
}

#[test]
fn the_vendors_daily_limit_blocks_until_midnight_in_china() {
    let service = Service::new();
    service.take(Input::Start(start(1))).unwrap();
    let code = Some(Code::TooManyAttempts);
    let failed = StartFailed { order_no: start(1).order_no, maybe_executed: false, code };
    service.take(Input::StartFailed(failed)).unwrap();
    let until = UnixTime::from_secs(1_767_369_600);
    assert_eq!(service.take(Input::Start(start(2))), Err(Refusal::IdentityBlocked { until }));
}

#[test]
fn a_callback_before_the_link_is_stored_is_not_lost() {
    let service = Service::new();
    service.take(Input::Start(start(1))).unwrap();
    service.take(Input::Callback(good_callback(1))).unwrap();
    service.take(Input::Opened(opened(1))).unwrap();
    assert_eq!(service.attempt(0).next_look_at, Some(service.now));
}

#[test]
fn forged_and_oversized_callbacks_are_all_alike() {
    let id = opened(1).certify_id;
    for query in [
        format!("certifyId={id}&passed=200&callbackToken=forged"),
        format!("certifyId={id}&passed=200"),
        format!("certifyId={id}&passed=200&callbackToken=TOKEN&x={}", "y".repeat(2048)),
        "callbackToken=TOKEN".to_owned(),
        String::new(),
    ] {
        assert_eq!(callback(1, &query), None);
    }
}

#[test]
fn repeated_and_excessive_callbacks_cost_few_looks() {
    let mut service = Service::new();
    service.open(1);
    for number in 0..20 {
        let query = format!("certifyId={}&callbackToken=TOKEN&n={number}", opened(1).certify_id);
        for _ in 0..2 {
            service.take(Input::Callback(callback(1, &query).unwrap())).unwrap();
        }
    }
    assert_eq!(service.attempt(0).callbacks.len(), 8);
    // Looks that follow each other are at least four seconds apart.
    service.work(|| Look::Pending);
    service.take(Input::Returned(start(1).capability)).unwrap();
    let next = service.attempt(0).next_look_at.unwrap();
    assert_eq!(next, service.now.plus(Duration::from_secs(4)));
    service.later(1);
    assert_eq!(service.work(|| Look::Pending), 0);
}

#[test]
fn a_capability_of_somebody_else_is_not_found() {
    let service = Service::new();
    service.open(1);
    let guessed = Input::Returned(CapabilityHash::new([0; 32]));
    assert_eq!(service.take(guessed), Err(Refusal::NotFound));
}

#[test]
fn a_late_callback_on_an_expired_link_is_looked_at() {
    let mut service = Service::new();
    service.open(1);
    while service.attempt(0).state == AttemptState::Open {
        service.now = service.now.max(service.stored().verification.due_at.unwrap());
        service.work(|| Look::Pending);
    }
    assert_eq!(service.state(), State::RequiresInput);
    service.take(Input::Callback(good_callback(1))).unwrap();
    service.later(4);
    assert_eq!(service.work(|| found(1, "200")), 1);
    assert_eq!(service.state(), State::Approved);
}

#[test]
fn an_outage_of_the_vendor_at_the_last_look_loses_no_pass() {
    let mut service = Service::new();
    service.open(1);
    service.later(31 * 60);
    assert_eq!(service.work(|| failed(true)), 1);
    assert_eq!(service.attempt(0).state, AttemptState::Open);
    service.later(15 * 60);
    assert_eq!(service.work(|| found(1, "200")), 1);
    assert_eq!(service.state(), State::Approved);
}

#[test]
fn a_reviewer_decides_with_a_name_a_reason_and_a_full_view() {
    let service = Service::new();
    service.open(1);
    let looked = Looked { order_no: start(1).order_no, fence: Fence(0), answer: found(1, "205") };
    service.take(Input::Looked(looked)).unwrap();
    assert_eq!(service.state(), State::InReview);
    assert_eq!(service.take(Input::Start(start(2))), Err(Refusal::InReview));
    let seen = service.stored().verification.head.n;
    let review = |seen| {
        let (reviewer, reason) = (Reviewer::new("r.lee").unwrap(), ReviewReason::new("same-person").unwrap());
        Input::Review(Review { reviewer, reason, approve: true, seen })
    };
    assert_eq!(service.take(review(seen - 1)), Err(Refusal::SeenTooLittle));
    service.take(review(seen)).unwrap();
    assert_eq!(service.state(), State::Approved);
    assert_eq!(service.take(review(seen)), Err(Refusal::NotInReview));
}

#[test]
fn a_redaction_erases_people_and_evidence_and_waits_for_the_vendor() {
    let service = Service::new();
    service.open(1);
    let looked = Looked { order_no: start(1).order_no, fence: Fence(0), answer: found(1, "200") };
    service.take(Input::Looked(looked)).unwrap();
    let before = serde_json::to_string(&service.stored().verification).unwrap();
    service.take(Input::Redact).unwrap();
    let verification = service.stored().verification;
    assert_eq!(verification.redaction, Redaction::Requested);
    let after = serde_json::to_string(&verification).unwrap();
    let person = start(1);
    let erased = [String::from(person.subject), String::from(person.capability), "88.2500000001".to_owned()];
    for text in erased {
        assert!(before.contains(&text) && !after.contains(&text), "{text}");
    }
    service.work(|| Look::Pending);
    let verification = service.stored().verification;
    assert_eq!((verification.redaction, verification.state), (Redaction::Done, State::Approved));
    let events = block_on(service.store.history(&verification.id)).unwrap();
    assert_eq!(cloudauth_flow::verify_document(&verification, &events), Ok(()));
}

#[test]
fn a_clock_that_jumps_by_a_day_decides_nothing() {
    let mut service = Service::new();
    service.open(1);
    let true_time = service.now;
    // A day ahead: the link seems to have expired. A later pass still counts.
    service.later(86_400);
    service.work(|| Look::Pending);
    assert!(!matches!(service.state(), State::Approved | State::Declined));
    // A day back: the times of the chain never decrease, and nothing waits longer than the link lives.
    service.now = UnixTime::from_secs(true_time.as_secs() - 86_400);
    service.take(Input::Callback(good_callback(1))).unwrap();
    assert_eq!(service.attempt(0).next_look_at, Some(service.now));
    service.work(|| found(1, "200"));
    let verification = service.stored().verification;
    let events = block_on(service.store.history(&verification.id)).unwrap();
    assert!(events.is_sorted_by_key(|event| event.at));
    assert_eq!(cloudauth_flow::verify_document(&verification, &events), Ok(()));
}

#[test]
fn a_consent_in_the_future_is_refused() {
    let service = Service::new();
    let mut early = start(1);
    early.consent.at = BEGIN.plus(Duration::from_secs(301));
    assert_eq!(service.take(Input::Start(early)), Err(Refusal::ConsentInFuture));
}
