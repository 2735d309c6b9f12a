//! The rules of the machine that depend on a moment, a number or a code, each at its edge. The exploration of the model has few
//! times and two attempts.

#![cfg(test)]

use std::time::Duration;

use cloudauth_flow::testing::samples::{self, BEGIN};
use cloudauth_flow::{
    Attempt, AttemptState, CapabilityHash, CheckedCallback, Commit, CommitOutcome, DOCUMENT_FORMAT,
    DecidedBy, Deleted, Fence, IdempotencyKey, IdentityRef, Input, Job, Look, LookError, Looked, Machine,
    Purpose, Redaction, Refusal, Review, ReviewReason, Reviewer, Rules, Snapshot, Start, StartFailed, State,
    Stored, SubjectRef, Usage, VerdictRecord, read_document, write_document,
};
use cloudauth_protocol::{CallbackKeys, Code, SceneId, UnixTime};
use serde_json::Value;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);
const MILLI: Duration = Duration::from_millis(1);
const FENCE: Fence = Fence(1);

/// A verification and its clock.
struct Life {
    machine: Machine,
    stored: Option<Stored>,
    usage: Usage,
    now: UnixTime,
}

impl Life {
    fn new() -> Self {
        Self { machine: Machine::new(samples::rules()), stored: None, usage: Usage::default(), now: BEGIN }
    }

    /// With one attempt, whose link was opened at the beginning.
    fn opened() -> Self {
        let mut life = Self::new();
        life.take(Input::Start(start(1)));
        life.take(Input::Opened(samples::opened(1, 1).unwrap()));
        life
    }

    fn rules(&self) -> &Rules {
        self.machine.rules()
    }

    fn step(&self, input: Input) -> Result<Commit, Refusal> {
        let snapshot = Snapshot { stored: self.stored.as_ref(), usage: self.usage };
        self.machine.step(&snapshot, input, self.now)
    }

    fn take(&mut self, input: Input) {
        drop(self.taken(input));
    }

    /// Takes an input, and returns its commit.
    fn taken(&mut self, input: Input) -> Commit {
        let commit = self.step(input).unwrap();
        let (version, verification) = (commit.expected().unwrap_or(0) + 1, commit.verification().clone());
        self.stored = Some(Stored { version, fence: FENCE.0, lease_until: None, verification });
        commit
    }

    fn state(&self) -> State {
        self.stored.as_ref().unwrap().verification.state
    }

    fn attempt(&self, number: usize) -> &Attempt {
        &self.stored.as_ref().unwrap().verification.attempts[number - 1]
    }
}

fn start(attempt: u8) -> Start {
    samples::start(1, attempt).unwrap()
}

fn looked(attempt: u8, answer: Look) -> Input {
    Input::Looked(Looked { order_no: start(attempt).order_no, fence: FENCE, answer })
}

fn found(attempt: u8, sub_code: &str) -> Input {
    let certify_id = samples::opened(1, attempt).unwrap().certify_id;
    looked(attempt, Look::Finished(Box::new(samples::finding(&certify_id, sub_code).unwrap())))
}

fn not_looked(transient: bool) -> Look {
    Look::Failed { transient, error: LookError::new("Throttling").unwrap() }
}

fn failed(attempt: u8, maybe_executed: bool, code: Option<&str>) -> Input {
    let code = code.map(|code| code.parse::<Code>().unwrap());
    Input::StartFailed(StartFailed { order_no: start(attempt).order_no, maybe_executed, code })
}

#[test]
fn a_consent_may_be_five_minutes_ahead_of_the_clock() {
    let life = Life::new();
    let with_consent_at = |at| {
        let mut start = start(1);
        start.consent.at = at;
        life.step(Input::Start(start))
    };
    assert!(with_consent_at(BEGIN.plus(5 * MINUTE)).is_ok());
    assert_eq!(with_consent_at(BEGIN.plus(5 * MINUTE + MILLI)), Err(Refusal::ConsentInFuture));
}

#[test]
fn an_order_belongs_to_one_person_one_scene_and_one_purpose() {
    let life = Life::opened();
    let mut next = start(2);
    assert!(life.step(Input::Start(next.clone())).is_ok());
    next.subject = SubjectRef::from_hmac([1; 32]);
    assert_eq!(life.step(Input::Start(next)), Err(Refusal::OrderConflict));
    let mut next = start(2);
    next.scene = SceneId::new(7).unwrap();
    assert_eq!(life.step(Input::Start(next)), Err(Refusal::OrderConflict));
    let mut next = start(2);
    next.purpose = Purpose::new("other").unwrap();
    assert_eq!(life.step(Input::Start(next)), Err(Refusal::OrderConflict));
}

#[test]
fn a_key_belongs_to_one_identity_and_one_text_of_consent() {
    let life = Life::opened();
    let mut again = start(2);
    again.key = start(1).key;
    let replayed = life.step(Input::Start(again.clone())).unwrap();
    assert_eq!(replayed.outcome(), &CommitOutcome::Replayed(start(1).order_no));
    again.identity = IdentityRef::from_hmac([1; 32]);
    assert_eq!(life.step(Input::Start(again)), Err(Refusal::KeyReused));
    let mut again = start(2);
    again.key = start(1).key;
    again.consent.text = cloudauth_flow::ConsentText::new("2026-02").unwrap();
    assert_eq!(life.step(Input::Start(again)), Err(Refusal::KeyReused));
}

#[test]
fn a_person_starts_again_until_the_lifetime_ends() {
    let mut life = Life::opened();
    life.now = BEGIN.plus(life.rules().lifetime - MILLI);
    assert!(life.step(Input::Start(start(2))).is_ok());
    life.now = BEGIN.plus(life.rules().lifetime);
    assert!(matches!(life.step(Input::Start(start(2))), Err(Refusal::TooLate | Refusal::NoAttemptsLeft)));
}

#[test]
fn a_start_waits_for_the_lease_of_another_and_not_longer() {
    let mut life = Life::new();
    life.take(Input::Start(start(1)));
    let until = BEGIN.plus(life.rules().start_lease);
    life.now = BEGIN.plus(life.rules().start_lease - MILLI);
    assert_eq!(life.step(Input::Start(start(2))), Err(Refusal::StartInProgress { until }));
    life.now = until;
    life.take(Input::Start(start(2)));
    assert_eq!((life.attempt(1).state, life.attempt(1).maybe_executed), (AttemptState::Orphaned, true));
}

#[test]
fn a_worker_ends_a_lease_at_its_end_and_only_if_no_link_came() {
    let mut life = Life::new();
    life.take(Input::Start(start(1)));
    let until = BEGIN.plus(life.rules().start_lease);
    let jobs = |life: &Life, at| life.stored.as_ref().unwrap().jobs(at);
    assert_eq!(jobs(&life, BEGIN.plus(life.rules().start_lease - MILLI)), []);
    assert_eq!(jobs(&life, until), [Job::Tick]);
    life.take(Input::Opened(samples::opened(1, 1).unwrap()));
    assert!(!jobs(&life, until).contains(&Job::Tick));
}

/// The old code gave one link out for a limit of zero, and took the looks in the order of the list.
#[test]
fn rules_mean_what_they_say() {
    let mut rules = samples::rules();
    (rules.attempts, rules.looks) = (0, [75, 5, 15].map(Duration::from_secs).to_vec());
    let life = Life { machine: Machine::new(rules.clone()), ..Life::new() };
    assert_eq!(life.step(Input::Start(start(1))), Err(Refusal::NoAttemptsLeft));
    (rules.attempts, rules.lifetime) = (1, Duration::ZERO);
    let life = Life { machine: Machine::new(rules.clone()), ..Life::new() };
    assert_eq!(life.step(Input::Start(start(1))), Err(Refusal::TooLate));
    rules.lifetime = DAY;
    let mut life = Life { machine: Machine::new(rules), ..Life::new() };
    life.take(Input::Start(start(1)));
    life.take(Input::Opened(samples::opened(1, 1).unwrap()));
    for after in [5, 15, 75, 31 * 60] {
        let next = BEGIN.plus(Duration::from_secs(after));
        assert_eq!(life.attempt(1).next_look_at, Some(next));
        life.now = next;
        life.take(looked(1, Look::Pending));
    }
}

#[test]
fn limits_refuse_from_the_number_and_until_the_moment() {
    let mut life = Life::new();
    life.usage.starts_today = life.rules().starts_per_day - 1;
    assert!(life.step(Input::Start(start(1))).is_ok());
    life.usage.starts_today += 1;
    // The day of the samples ends at 16:00 UTC.
    let midnight = UnixTime::from_secs(1_767_369_600);
    assert_eq!(life.step(Input::Start(start(1))), Err(Refusal::DailyLimit { until: midnight }));
    life.usage = Usage { starts_today: 0, blocked_until: Some(BEGIN.plus(MILLI)) };
    let until = BEGIN.plus(MILLI);
    assert_eq!(life.step(Input::Start(start(1))), Err(Refusal::IdentityBlocked { until }));
    life.usage.blocked_until = Some(BEGIN);
    assert!(life.step(Input::Start(start(1))).is_ok());
}

#[test]
fn a_refusal_of_the_account_gives_the_start_back_and_one_of_the_person_does_not() {
    for (code, maybe_executed, is_given_back) in [
        (None, false, true),
        (None, true, false),
        (Some("411"), false, true),
        (Some("411"), true, false),
        (Some("414"), false, false),
        (Some("417"), false, false),
        (Some("999"), false, false),
    ] {
        let mut life = Life::new();
        life.take(Input::Start(start(1)));
        let commit = life.taken(failed(1, maybe_executed, code));
        assert_eq!(commit.refund().is_some(), is_given_back, "{code:?}");
        assert_eq!(life.attempt(1).counted_on.is_none(), is_given_back, "{code:?}");
        let state = if maybe_executed { AttemptState::Orphaned } else { AttemptState::Refused };
        assert_eq!((life.attempt(1).state, life.state()), (state, State::RequiresInput), "{code:?}");
        // Reported again, after a commit whose outcome was not known.
        assert!(life.taken(failed(1, maybe_executed, code)).is_noop(), "{code:?}");
    }
}

#[test]
fn at_most_sixteen_starts_of_a_verification_are_given_back() {
    let mut life = Life::new();
    let given_back = (1..=18).filter(|number| {
        let mut next = start(*number);
        next.key = IdempotencyKey::new(&format!("key-{number}")).unwrap();
        life.take(Input::Start(next));
        life.taken(failed(*number, false, None)).refund().is_some()
    });
    assert_eq!(given_back.count(), 16);
}

#[test]
fn a_refused_identity_is_blocked_for_180_days_or_until_tomorrow() {
    let tomorrow = UnixTime::from_secs(1_767_369_600);
    for (code, until) in [("417", Some(BEGIN.plus(180 * DAY))), ("418", Some(tomorrow)), ("414", None)] {
        let mut life = Life::new();
        life.take(Input::Start(start(1)));
        let commit = life.taken(failed(1, false, Some(code)));
        let expected = until.map(|until| (start(1).identity, until));
        assert_eq!(commit.block().map(|block| (block.identity, block.until)), expected, "{code}");
    }
    let mut life = Life::opened();
    let commit = life.taken(found(1, "201"));
    assert_eq!(commit.block().map(|block| block.until), Some(BEGIN.plus(180 * DAY)));
}

#[test]
fn a_return_of_the_browser_looks_now_eight_times() {
    let mut life = Life::opened();
    let returned = || Input::Returned(start(1).capability);
    assert_eq!(life.attempt(1).next_look_at, Some(BEGIN.plus(Duration::from_secs(5))));
    for number in 1..=8 {
        life.take(returned());
        assert_eq!((life.attempt(1).next_look_at, life.attempt(1).returns), (Some(BEGIN), number));
    }
    assert!(life.taken(returned()).is_noop());
    let stranger = Input::Returned(CapabilityHash::new([1; 32]));
    assert_eq!(life.step(stranger), Err(Refusal::NotFound));
}

fn callback(passed: u32) -> Input {
    let (keys, scene) = (CallbackKeys::new(&[1; 32]).unwrap(), start(1).scene);
    let opened = samples::opened(1, 1).unwrap();
    let token = keys.token(scene, &opened.order_no);
    let query = format!("certifyId={}&passed={passed}&callbackToken={}", opened.certify_id, token.expose());
    Input::Callback(CheckedCallback::check(&keys, scene, &opened.order_no, &query).unwrap())
}

#[test]
fn eight_different_callbacks_look_now_and_each_counts_once() {
    let mut life = Life::opened();
    for number in 1..=8 {
        life.take(callback(number));
        assert_eq!(life.attempt(1).next_look_at, Some(BEGIN));
        assert_eq!(life.attempt(1).callbacks.len(), number as usize);
        assert!(life.taken(callback(number)).is_noop());
    }
    assert!(life.taken(callback(9)).is_noop());
}

#[test]
fn a_callback_before_the_link_is_known_looks_as_soon_as_it_is() {
    let mut life = Life::new();
    life.take(Input::Start(start(1)));
    life.take(callback(1));
    assert_eq!((life.attempt(1).next_look_at, life.attempt(1).callbacks.len()), (None, 1));
    life.take(Input::Opened(samples::opened(1, 1).unwrap()));
    assert_eq!(life.attempt(1).next_look_at, Some(BEGIN));
}

#[test]
fn a_hint_after_a_look_waits_four_seconds() {
    let mut life = Life::opened();
    life.take(looked(1, Look::Pending));
    life.now = BEGIN.plus(Duration::from_secs(1));
    life.take(Input::Returned(start(1).capability));
    assert_eq!(life.attempt(1).next_look_at, Some(BEGIN.plus(Duration::from_secs(4))));
    // A clock that was set back does not delay the look.
    life.now = UnixTime::from_secs(BEGIN.as_secs() - 60);
    life.take(Input::Returned(start(1).capability));
    assert_eq!(life.attempt(1).next_look_at, Some(life.now));
}

#[test]
fn looks_follow_the_plan_until_a_minute_after_the_link() {
    let mut life = Life::opened();
    let mut seconds = Vec::new();
    while let Some(at) = life.attempt(1).next_look_at {
        seconds.push(at.since(BEGIN).as_secs());
        life.now = at;
        let commit = life.taken(looked(1, Look::Pending));
        assert!(commit.releases());
    }
    assert_eq!(seconds, [5, 15, 35, 75, 135, 255, 375, 495, 615, 735, 31 * 60]);
    assert_eq!((life.attempt(1).state, life.attempt(1).looks), (AttemptState::Expired, 11));
}

#[test]
fn a_look_that_fails_is_repeated_for_seven_days_and_no_longer() {
    for (transient, pause) in [(true, 15 * MINUTE), (false, HOUR)] {
        let mut life = Life::opened();
        let end = BEGIN.plus(31 * MINUTE).plus(7 * DAY);
        life.now = UnixTime::from_millis(end.as_millis() - 1);
        life.take(looked(1, not_looked(transient)));
        assert_eq!(life.attempt(1).next_look_at, Some(life.now.plus(pause)));
        assert!(life.attempt(1).last_look_error.is_some());
        life.now = end;
        life.take(looked(1, not_looked(transient)));
        let attempt = life.attempt(1);
        assert_eq!((attempt.state, attempt.next_look_at), (AttemptState::Expired, None));
    }
}

#[test]
fn only_the_region_of_the_link_can_say_that_it_is_unknown() {
    let own = samples::opened(1, 1).unwrap().region;
    let other = Some(cloudauth_flow::Region::new("cloudauth.cn-beijing.aliyuncs.com").unwrap());
    for (region, ends) in [(own, true), (other, false), (None, false)] {
        let mut life = Life::opened();
        life.now = BEGIN.plus(31 * MINUTE);
        life.take(looked(1, Look::Unknown { region }));
        assert_eq!(life.attempt(1).state == AttemptState::Expired, ends);
    }
}

#[test]
fn a_result_of_another_certify_id_or_an_old_claim_is_refused() {
    let life = Life::opened();
    let other = samples::opened(1, 2).unwrap().certify_id;
    let finding = Box::new(samples::finding(&other, "200").unwrap());
    assert_eq!(life.step(looked(1, Look::Finished(finding))), Err(Refusal::OtherCertifyId));
    let old = Looked { order_no: start(1).order_no, fence: Fence(0), answer: Look::Pending };
    assert_eq!(life.step(Input::Looked(old)), Err(Refusal::StaleFence));
}

/// A document that was edited, or migrated by another program. Approved on the old code: two missing identities were the same one.
#[test]
fn a_result_of_a_missing_identity_decides_nothing() {
    for sub_code in ["200", "204", "205"] {
        let mut life = Life::opened();
        let stored = life.stored.as_mut().unwrap();
        let mut document: Value =
            serde_json::from_str(&write_document(&stored.verification).unwrap()).unwrap();
        document["attempts"][0].as_object_mut().unwrap().remove("identity").unwrap();
        let id = stored.verification.id;
        stored.verification = read_document(DOCUMENT_FORMAT, &id, &document.to_string()).unwrap();
        let commit = life.taken(found(1, sub_code));
        let states = (life.state(), life.attempt(1).state);
        assert_eq!(states, (State::RequiresInput, AttemptState::Settled), "{sub_code}");
        assert!(commit.events().iter().any(|event| &*event.kind == "attempt.late_evidence"), "{sub_code}");
        assert_eq!(commit.verification().decision, None, "{sub_code}");
    }
}

#[test]
fn the_last_request_to_try_again_declines_when_no_attempt_is_left() {
    let mut life = Life::opened();
    for number in 1..=3 {
        if number > 1 {
            life.take(Input::Start(start(number)));
            life.take(Input::Opened(samples::opened(1, number).unwrap()));
        }
        assert_eq!(life.state(), State::Processing);
        life.take(found(number, "204"));
    }
    assert_eq!(life.state(), State::Declined);
    let decision = life.stored.as_ref().unwrap().verification.decision.clone().unwrap();
    let DecidedBy::Policy { attempt, record } = decision else { panic!("{decision:?}") };
    assert_eq!((attempt, record.verdict), (start(3).order_no, VerdictRecord::Retry));
    assert_eq!(life.step(Input::Start(start(4))), Err(Refusal::Final(State::Declined)));
}

#[test]
fn a_request_to_try_again_declines_no_one_at_the_end_of_the_lifetime() {
    let mut life = Life::opened();
    let lifetime = life.rules().lifetime;
    for (age, state) in [(lifetime, State::Expired), (lifetime - MILLI, State::RequiresInput)] {
        life.now = BEGIN.plus(age);
        assert_eq!(life.step(found(1, "204")).unwrap().verification().state, state);
    }
}

#[test]
fn a_reviewer_has_seen_every_event_and_decides_in_thirty_days() {
    let mut life = Life::opened();
    life.take(found(1, "205"));
    assert_eq!(life.state(), State::InReview);
    let review = |seen| {
        let (reviewer, reason) = (Reviewer::new("r.lee").unwrap(), ReviewReason::new("seen").unwrap());
        Input::Review(Review { reviewer, reason, approve: true, seen })
    };
    let seen = life.stored.as_ref().unwrap().verification.head.n;
    assert_eq!(life.step(review(seen - 1)), Err(Refusal::SeenTooLittle));
    assert_eq!(life.step(review(seen)).unwrap().verification().state, State::Approved);
    life.now = BEGIN.plus(30 * DAY - MILLI);
    assert_eq!(life.step(review(seen)).unwrap().verification().state, State::Approved);
    assert_eq!(life.step(Input::Tick(FENCE)).unwrap().verification().state, State::InReview);
    life.now = BEGIN.plus(30 * DAY);
    // Also if the sweeper is late. The old code approved.
    assert_eq!(life.step(review(seen)), Err(Refusal::ReviewOver));
    let expired = life.taken(Input::Tick(FENCE));
    assert_eq!((life.state(), expired.releases()), (State::Expired, true));
    assert_eq!(expired.verification().purge_at, Some(life.now.plus(30 * DAY)));
}

#[test]
fn a_deletion_is_asked_for_twelve_times_with_pauses_up_to_a_day() {
    let mut life = Life::opened();
    life.take(found(1, "200"));
    let redact = life.taken(Input::Redact);
    assert_eq!(
        (redact.verification().redaction, redact.verification().delete_at),
        (Redaction::Requested, Some(BEGIN))
    );
    let not_deleted = Deleted { order_no: start(1).order_no, fence: FENCE, done: false };
    let mut hours = Vec::new();
    while life.stored.as_ref().unwrap().verification.redaction == Redaction::Requested {
        let verification = life.taken(Input::Deleted(not_deleted.clone())).verification().clone();
        hours.extend(verification.delete_at.map(|at| at.since(life.now).as_secs() / 3_600));
        let due = |at| life.stored.as_ref().unwrap().jobs(at).len();
        let pause =
            verification.delete_at.map(|at| (due(UnixTime::from_millis(at.as_millis() - 1)), due(at)));
        assert!(pause.is_none_or(|due| due == (0, 1)));
    }
    assert_eq!(hours, [1, 2, 4, 8, 16, 24, 24, 24, 24, 24, 24]);
    assert_eq!(life.stored.as_ref().unwrap().verification.redaction, Redaction::Failed);
    // The operator tries again.
    life.take(Input::Redact);
    life.take(Input::Deleted(Deleted { done: true, ..not_deleted }));
    assert_eq!(life.stored.as_ref().unwrap().verification.redaction, Redaction::Done);
}

#[test]
fn only_an_attempt_with_a_session_is_deleted_and_only_after_a_request() {
    let mut life = Life::new();
    life.take(Input::Start(start(1)));
    life.take(failed(1, false, None));
    life.take(Input::Start(start(2)));
    life.take(Input::Opened(samples::opened(1, 2).unwrap()));
    life.take(found(2, "200"));
    assert!(life.attempt(1).certify_id.is_none());
    let deleted =
        |attempt| Input::Deleted(Deleted { order_no: start(attempt).order_no, fence: FENCE, done: true });
    assert_eq!(life.step(deleted(2)), Err(Refusal::WrongAttemptState), "nothing was requested");
    life.take(Input::Redact);
    assert_eq!(life.step(deleted(1)), Err(Refusal::WrongAttemptState), "the vendor has nothing of it");
    life.take(deleted(2));
    assert_eq!(life.stored.as_ref().unwrap().verification.redaction, Redaction::Done);
}

#[test]
fn a_request_to_try_again_declines_no_one_while_an_earlier_link_is_awaited() {
    let mut life = Life::opened();
    let last = u8::try_from(life.rules().attempts).unwrap();
    for attempt in 2..=last {
        life.take(Input::Start(start(attempt)));
        life.take(Input::Opened(samples::opened(1, attempt).unwrap()));
    }
    life.take(found(last, "204"));
    assert_eq!(life.state(), State::Processing);
    life.take(found(1, "200"));
    assert_eq!(life.state(), State::Approved);
}
