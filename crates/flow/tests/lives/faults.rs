//! What fails for long: looks, deletions, reviews, commits, and documents of other versions.

use std::time::Duration;

use cloudauth_flow::testing::samples::BEGIN;
use cloudauth_flow::{
    AttemptState, CommitOutcome, DOCUMENT_FORMAT, Deleted, Fence, Input, Job, Look, LookError, Looked, Queue,
    Redaction, Refusal, Region, State, Store, StoreErrorKind, Verification, read_document, write_document,
};
use pollster::block_on;

use crate::service::{Service, failed, found, opened, start};

/// Loses a pass on the old code: an error that is not transient ended the attempt at the last planned look.
#[test]
fn an_error_of_your_own_ends_no_attempt_and_stays_visible() {
    let mut service = Service::new();
    service.open(1);
    service.later(31 * 60);
    for _ in 0..100 {
        assert_eq!(service.work(|| failed(false)), 1);
        assert_eq!(service.attempt(0).state, AttemptState::Open);
        assert_eq!(service.attempt(0).last_look_error, LookError::new("Throttling").ok());
        service.later(3_600);
    }
    assert_eq!(service.work(|| found(1, "200")), 1);
    assert_eq!((service.state(), service.attempt(0).last_look_error), (State::Approved, None));
}

#[test]
fn looks_that_always_fail_end_after_a_week() {
    for transient in [true, false] {
        let mut service = Service::new();
        service.open(1);
        let looks = service.run(|| failed(transient));
        assert_eq!((service.attempt(0).state, service.state()), (AttemptState::Expired, State::Expired));
        let age = service.now.since(BEGIN).as_secs() / 3_600;
        assert!((167..=170).contains(&age), "{age} hours");
        assert!(looks < 800, "{looks}");
    }
}

#[test]
fn an_unknown_certify_id_ends_the_attempt_at_the_last_look() {
    let mut service = Service::new();
    service.open(1);
    let region = opened(1).region;
    let looks = service.run(|| Look::Unknown { region: region.clone() });
    assert!((2..=12).contains(&looks), "{looks}");
    assert_eq!(service.attempt(0).state, AttemptState::Expired);
}

/// Ended the attempt on the old code, at the last planned look.
#[test]
fn a_region_that_did_not_create_the_session_ends_no_attempt() {
    for region in [None, Region::new("cloudauth.cn-beijing.aliyuncs.com").ok()] {
        let mut service = Service::new();
        service.open(1);
        service.later(31 * 60);
        assert_eq!(service.work(|| Look::Unknown { region: region.clone() }), 1);
        let attempt = service.attempt(0);
        assert_eq!(
            (attempt.state, attempt.last_look_error),
            (AttemptState::Open, LookError::new("other-region").ok())
        );
        service.later(15 * 60);
        assert_eq!(service.work(|| found(1, "200")), 1);
        assert_eq!(service.state(), State::Approved);
    }
}

/// The commit of a reservation may arrive after a load that did not find it.
#[test]
fn a_request_recognises_its_own_reservation() {
    let mut service = Service::new();
    service.take(Input::Start(start(1))).unwrap();
    assert_eq!(service.take(Input::Start(start(1))), Ok(CommitOutcome::Started(start(1).order_no)));
    assert_eq!(service.stored().version, 1);
    let mut other = start(1);
    other.key = start(2).key;
    assert_eq!(service.take(Input::Start(other)), Err(Refusal::WrongAttemptState));
    // Its lease is over: another worker may have orphaned it.
    service.later(60);
    assert_eq!(service.take(Input::Start(start(1))), Err(Refusal::WrongAttemptState));
}

#[test]
fn a_verification_in_review_can_be_canceled_and_erased() {
    let service = in_review();
    service.take(Input::Cancel).unwrap();
    let verification = service.stored().verification;
    assert_eq!((verification.state, verification.review_by), (State::Canceled, None));
    service.take(Input::Redact).unwrap();
    service.work(|| Look::Pending);
    assert_eq!(service.stored().verification.redaction, Redaction::Done);
}

#[test]
fn a_review_that_no_one_makes_expires_and_decides_nothing() {
    let mut service = in_review();
    let by = service.stored().verification.review_by.unwrap();
    assert_eq!(by, BEGIN.plus(Duration::from_secs(30 * 86_400)));
    service.now = by;
    service.work(|| Look::Pending);
    let verification = service.stored().verification;
    assert_eq!((verification.state, verification.due_at), (State::Expired, None));
    assert!(verification.purge_at.is_some());
}

fn in_review() -> Service {
    let service = Service::new();
    service.open(1);
    let looked = Looked { order_no: start(1).order_no, fence: Fence(0), answer: found(1, "205") };
    service.take(Input::Looked(looked)).unwrap();
    assert_eq!(service.state(), State::InReview);
    service
}

#[test]
fn deletions_that_the_vendor_never_confirms_end_visibly_and_release_the_purge() {
    let mut service = Service::new();
    service.open(1);
    service.take(Input::Cancel).unwrap();
    service.take(Input::Redact).unwrap();
    let delete = |service: &Service, done| {
        let claimed =
            block_on(service.store.claim(Queue::Deletions, service.now, Duration::from_secs(30), 10))
                .unwrap();
        let [stored] = &claimed[..] else { panic!("{} are due", claimed.len()) };
        let [Job::Delete(order_no, _)] = &stored.jobs(service.now)[..] else { panic!("no deletion is due") };
        let (order_no, fence) = (order_no.clone(), Fence(stored.fence));
        service.take(Input::Deleted(Deleted { order_no, fence, done })).unwrap();
    };
    let mut pauses = Vec::new();
    for _ in 0..12 {
        delete(&service, false);
        let Some(due) = service.stored().verification.due_at else { break };
        pauses.push(due.since(service.now).as_secs() / 3_600);
        service.now = due;
    }
    assert_eq!(pauses, [1, 2, 4, 8, 16, 24, 24, 24, 24, 24, 24]);
    let verification = service.stored().verification;
    assert_eq!((verification.redaction, verification.delete_at), (Redaction::Failed, None));
    let events = block_on(service.store.history(&verification.id)).unwrap();
    assert_eq!(&*events.last().unwrap().kind, "verification.redaction_failed");
    // An operator requests it again.
    service.take(Input::Redact).unwrap();
    assert_eq!(service.stored().verification.redaction, Redaction::Requested);
    delete(&service, true);
    assert_eq!(service.stored().verification.redaction, Redaction::Done);
}

#[test]
fn the_purge_does_not_wait_for_a_deletion_that_failed() {
    let mut service = Service::new();
    service.open(1);
    service.take(Input::Cancel).unwrap();
    service.take(Input::Redact).unwrap();
    let order_no = start(1).order_no;
    for _ in 0..12 {
        let deleted = Deleted { order_no: order_no.clone(), fence: Fence(0), done: false };
        service.take(Input::Deleted(deleted)).unwrap();
    }
    service.later(31 * 86_400);
    assert_eq!(block_on(service.store.purge(service.now, 10)).unwrap(), 1);
}

#[test]
fn a_document_over_16_mib_is_not_read() {
    let service = Service::new();
    service.open(1);
    let verification = service.stored().verification;
    let text = write_document(&verification).unwrap();
    let read = |length: usize| {
        let padded = text.clone() + &" ".repeat(length - text.len());
        read_document(DOCUMENT_FORMAT, &verification.id, &padded)
    };
    assert_eq!(read(16 << 20).unwrap(), verification);
    let error = read((16 << 20) + 1).unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Corrupt);
    assert!(
        std::error::Error::source(&error).unwrap().to_string().contains("longer than 16 MiB"),
        "{error:?}"
    );
}

#[test]
fn a_document_of_another_format_is_not_read() {
    let service = Service::new();
    service.open(1);
    let verification = service.stored().verification;
    let text = write_document(&verification).unwrap();
    let read = |format, text: &str| read_document(format, &verification.id, text);
    assert_eq!(read(DOCUMENT_FORMAT, &text).unwrap(), verification);
    let error = read(DOCUMENT_FORMAT + 1, &text).unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Corrupt);
    // A field of a later version, at each level.
    for from in [r#"{"id":"#, r#"{"order_no":"#, r#""consent":{"#, r#""head":{"#] {
        let (brace, field) = from.split_at(from.find('{').unwrap() + 1);
        let changed = text.replacen(from, &format!(r#"{brace}"quorum":2,{field}"#), 1);
        assert!(changed != text && read(DOCUMENT_FORMAT, &changed).is_err(), "{from}");
    }
}

#[test]
fn a_decision_with_an_unknown_field_is_not_read() {
    let service = Service::new();
    service.open(1);
    let looked = Looked { order_no: start(1).order_no, fence: Fence(0), answer: found(1, "200") };
    service.take(Input::Looked(looked)).unwrap();
    let text = serde_json::to_string(&service.stored().verification).unwrap();
    for from in [r#""decision":{"#, r#""record":{"#, r#""finding":{"#, r#""evidence":{"#] {
        let changed = text.replacen(from, &format!("{from}\"quorum\":2,"), 1);
        assert!(changed != text && serde_json::from_str::<Verification>(&changed).is_err(), "{from}");
    }
}
