//! Lives of verifications, one rule each, through a store.

#![cfg(test)]

use std::time::Duration;

use cloudauth_flow::testing::MemoryStore;
use cloudauth_flow::testing::samples::{self, BEGIN};
use cloudauth_flow::{
    AttemptState, CapabilityHash, CheckedCallback, Cursor, DOCUMENT_FORMAT, DecidedBy, Deleted, Fence,
    IdentityRef, Input, Job, Look, LookError, Looked, Lookup, Machine, Opened, Outcome, Redaction, Refusal,
    Review, ReviewReason, Reviewer, Snapshot, Start, StartFailed, State, Store, StoreErrorKind, Stored,
    Usage, UsageOf, Verification, read_document, write_document,
};
use cloudauth_protocol::{CallbackKeys, Code, UnixTime};
use pollster::block_on;

/// A service with one order.
struct Service {
    store: MemoryStore,
    machine: Machine,
    now: UnixTime,
}

impl Service {
    fn new() -> Self {
        Self { store: MemoryStore::default(), machine: Machine::new(samples::rules()), now: BEGIN }
    }

    fn later(&mut self, seconds: u64) {
        self.now = self.now.plus(Duration::from_secs(seconds));
    }

    fn stored(&self) -> Stored {
        let order = start(1).order;
        block_on(self.store.load(Lookup::Order(&order))).unwrap().unwrap()
    }

    fn state(&self) -> State {
        self.stored().verification.state
    }

    fn attempt(&self, at: usize) -> cloudauth_flow::Attempt {
        self.stored().verification.attempts[at].clone()
    }

    fn take(&self, input: Input) -> Result<Outcome, Refusal> {
        let order = start(1).order;
        let stored = block_on(self.store.load(Lookup::Order(&order))).unwrap();
        let usage = match &input {
            Input::Start(Start { subject, scene, identity, .. }) => {
                let of = UsageOf { subject: *subject, scene: *scene, identity: *identity, at: self.now };
                block_on(self.store.usage(&of)).unwrap()
            }
            _ => Usage::default(),
        };
        let snapshot = Snapshot { stored: stored.as_ref(), usage };
        let commit = self.machine.step(&snapshot, input, self.now)?;
        if !commit.is_noop() {
            block_on(self.store.commit(&commit)).unwrap();
        }
        Ok(commit.outcome().clone())
    }

    /// Starts, and opens the link.
    fn open(&self, attempt: u8) {
        self.take(Input::Start(start(attempt))).unwrap();
        assert_eq!(self.take(Input::Opened(opened(attempt))), Ok(Outcome::Opened));
    }

    /// A worker claims what is due, and answers each look. Returns the number of looks.
    fn work(&self, answer: impl Fn() -> Look) -> usize {
        let claimed = block_on(self.store.claim(self.now, Duration::from_secs(30), 10)).unwrap();
        let mut looks = 0;
        for stored in claimed {
            let fence = Fence(stored.fence);
            for job in stored.jobs(self.now) {
                match job {
                    Job::Tick => _ = self.take(Input::Tick(fence)).unwrap(),
                    Job::Look(order_no, _) => {
                        looks += 1;
                        self.take(Input::Looked(Looked { order_no, fence, answer: answer() })).unwrap();
                    }
                    Job::Delete(order_no, _) => {
                        self.take(Input::Deleted(Deleted { order_no, fence, done: true })).unwrap();
                    }
                }
            }
        }
        looks
    }

    /// Runs the clock and the worker until nothing is due any more, with this answer to every look. Returns the looks.
    fn run(&mut self, answer: impl Fn() -> Look) -> usize {
        let mut looks = 0;
        while let Some(due) = self.stored().verification.due_at {
            self.now = self.now.max(due);
            looks += self.work(&answer);
        }
        looks
    }
}

fn start(attempt: u8) -> Start {
    samples::start(1, attempt).unwrap()
}

fn opened(attempt: u8) -> Opened {
    samples::opened(1, attempt).unwrap()
}

fn found(attempt: u8, sub_code: &str) -> Look {
    Look::Finished(Box::new(samples::finding(&opened(attempt).certify_id, sub_code).unwrap()))
}

fn failed(transient: bool) -> Look {
    Look::Failed { transient, error: LookError::new("Throttling").unwrap() }
}

fn callback(attempt: u8, query: &str) -> Option<CheckedCallback> {
    let keys = CallbackKeys::new(&[1; 32]).unwrap();
    let (scene, order_no) = (start(attempt).scene, start(attempt).order_no);
    let token = keys.token(scene, &order_no);
    CheckedCallback::check(&keys, scene, &order_no, &query.replace("TOKEN", token.expose()))
}

fn good_callback(attempt: u8) -> CheckedCallback {
    callback(attempt, &format!("certifyId={}&passed=200&callbackToken=TOKEN", opened(attempt).certify_id))
        .unwrap()
}

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
    assert_eq!(service.take(Input::Start(again.clone())), Ok(Outcome::Replayed(start(1).order_no)));
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
    assert_eq!(service.take(Input::Start(start(2))), Ok(Outcome::Started(start(2).order_no)));
    assert_eq!(service.attempt(0).state, AttemptState::Orphaned);
}

#[test]
fn after_a_crash_the_same_key_gets_the_next_attempt_and_the_late_link_is_dropped() {
    let mut service = Service::new();
    service.take(Input::Start(start(1))).unwrap();
    service.later(60);
    service.work(|| Look::Pending);
    assert_eq!(service.state(), State::RequiresInput);
    assert_eq!(service.take(Input::Opened(opened(1))), Ok(Outcome::LinkDropped));
    assert_eq!(service.attempt(0).certify_id, Some(opened(1).certify_id));
    let mut again = start(2);
    again.key = start(1).key;
    assert_eq!(service.take(Input::Start(again)), Ok(Outcome::Started(start(2).order_no)));
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
        service.take(Input::Start(start(attempt))).unwrap();
        let failed = StartFailed { order_no: start(attempt).order_no, maybe_executed: false, code: None };
        service.take(Input::StartFailed(failed)).unwrap();
    }
    let until = UnixTime::from_secs(1_767_369_600); // 2026-01-02T16:00:00Z
    assert_eq!(service.take(Input::Start(start(6))), Err(Refusal::DailyLimit { until }));
    service.now = until;
    assert!(service.take(Input::Start(start(6))).is_ok());
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
    let looks = service.run(|| Look::Unknown);
    assert!((2..=12).contains(&looks), "{looks}");
    assert_eq!(service.attempt(0).state, AttemptState::Expired);
}

/// The commit of a reservation may arrive after a load that did not find it.
#[test]
fn a_request_recognises_its_own_reservation() {
    let mut service = Service::new();
    service.take(Input::Start(start(1))).unwrap();
    assert_eq!(service.take(Input::Start(start(1))), Ok(Outcome::Started(start(1).order_no)));
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
        let claimed = block_on(service.store.claim(service.now, Duration::from_secs(30), 10)).unwrap();
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
    let erased = [person.subject.to_string(), person.capability.to_string(), "88.2500000001".to_owned()];
    for text in erased {
        assert!(before.contains(&text) && !after.contains(&text), "{text}");
    }
    service.work(|| Look::Pending);
    let verification = service.stored().verification;
    assert_eq!((verification.redaction, verification.state), (Redaction::Done, State::Approved));
    let events = block_on(service.store.history(&verification.id)).unwrap();
    assert_eq!(cloudauth_flow::verify_chain(&verification.id, &events), Ok(verification.head));
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
    assert_eq!(cloudauth_flow::verify_chain(&verification.id, &events), Ok(verification.head));
}

#[test]
fn a_consent_in_the_future_is_refused() {
    let service = Service::new();
    let mut early = start(1);
    early.consent.at = BEGIN.plus(Duration::from_secs(301));
    assert_eq!(service.take(Input::Start(early)), Err(Refusal::ConsentInFuture));
}
