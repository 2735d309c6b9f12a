//! Documents that were changed by hand, beside a chain that was not.

use cloudauth_flow::testing::lives::life;
use cloudauth_flow::testing::samples::{self, BEGIN};
use cloudauth_flow::{
    AuditProblem, Consent, ConsentText, DocumentPart, Event, EventKind, Fence, Finding, Input, Look, Looked,
    Machine, OrderRef, Purpose, Review, ReviewReason, Reviewer, Snapshot, State, Stored, Usage, Verification,
    read_document, verify_document, write_document,
};
use cloudauth_protocol::CertifyId;
use sha2::{Digest as _, Sha256};

/// Decides a SubCode.
type Policy = fn(&CertifyId, &str) -> Result<Finding, samples::SampleError>;

/// A verification, step by step.
struct Life {
    order: u64,
    attempts: u8,
    stored: Option<Stored>,
    events: Vec<Event>,
}

impl Life {
    const fn new(order: u64) -> Self {
        Self { order, attempts: 0, stored: None, events: Vec::new() }
    }

    fn step(&mut self, input: Input) {
        let snapshot = Snapshot { stored: self.stored.as_ref(), usage: Usage::default() };
        let commit = Machine::new(samples::rules()).step(&snapshot, input, BEGIN).unwrap();
        self.events.extend_from_slice(commit.events());
        let verification = commit.verification().clone();
        self.stored = Some(Stored { version: 1, fence: 0, lease_until: None, verification });
    }

    /// Starts, opens the link, and settles with this result.
    fn attempt(&mut self, code: &str) {
        self.open();
        self.look(self.attempts, samples::finding, code);
    }

    fn open(&mut self) {
        self.attempts += 1;
        self.step(Input::Start(samples::start(self.order, self.attempts).unwrap()));
        let opened = samples::opened(self.order, self.attempts).unwrap();
        self.step(Input::Opened(opened));
    }

    fn look(&mut self, attempt: u8, by: Policy, code: &str) {
        let opened = samples::opened(self.order, attempt).unwrap();
        let answer = Look::Finished(Box::new(by(&opened.certify_id, code).unwrap()));
        self.step(Input::Looked(Looked { order_no: opened.order_no, fence: Fence(0), answer }));
    }

    fn verification(&self) -> &Verification {
        &self.stored.as_ref().unwrap().verification
    }
}

/// A person needs a second link, and a reviewer approves.
fn reviewed() -> Life {
    let mut life = Life::new(1);
    life.attempt("204");
    life.attempt("205");
    life.step(Input::Review(Review {
        reviewer: Reviewer::new("r.lee@example").unwrap(),
        reason: ReviewReason::new("same-person").unwrap(),
        approve: true,
        seen: life.verification().head.n,
    }));
    life
}

/// The document with another text in place of each that is equal.
fn replaced(verification: &Verification, from: &str, to: &str) -> Verification {
    let document = write_document(verification).unwrap();
    assert!(document.contains(from), "{from} is in {document}");
    read_document(1, &verification.id, &document.replace(from, to)).unwrap()
}

#[test]
fn a_document_that_says_what_no_event_says_is_found() {
    use DocumentPart::{Attempts, Decision, Redaction, Request};
    let life = reviewed();
    let whole = life.verification();
    assert_eq!(verify_document(whole, &life.events), Ok(()));
    let changed = |change: &dyn Fn(&mut Verification)| {
        let mut document = whole.clone();
        change(&mut document);
        assert_ne!(document, *whole);
        document
    };
    let consent = Consent::new(BEGIN, ConsentText::new("2025-12").unwrap());
    let other = samples::start(2, 1).unwrap().order_no;
    for (document, part) in [
        (changed(&|it| it.state = State::Declined), DocumentPart::State),
        (changed(&|it| it.state = State::Processing), DocumentPart::State),
        (changed(&|it| it.order = OrderRef::new("order-2").unwrap()), Request),
        (changed(&|it| it.purpose = Purpose::new("payment").unwrap()), Request),
        (changed(&|it| it.scene = cloudauth_protocol::SceneId::new(7).unwrap()), Request),
        (changed(&|it| it.created_at = cloudauth_protocol::UnixTime::from_secs(1)), Request),
        (changed(&|it| it.redaction = cloudauth_flow::Redaction::Done), Redaction),
        (changed(&|it| drop(it.attempts.remove(0))), Attempts),
        (changed(&|it| it.attempts.swap(0, 1)), Attempts),
        (changed(&|it| it.attempts[0].order_no = other.clone()), Attempts),
        (changed(&|it| it.attempts[0].consent = consent.clone()), Attempts),
        (changed(&|it| it.attempts[0].state = cloudauth_flow::AttemptState::Expired), Attempts),
        (changed(&|it| it.attempts[0].certify_id = None), Attempts),
        (changed(&|it| it.attempts[0].certify_id = it.attempts[1].certify_id.clone()), Attempts),
        (changed(&|it| it.attempts[0].finding = None), Attempts),
        (changed(&|it| it.attempts[0].finding = it.attempts[1].finding.clone()), Attempts),
        (changed(&|it| it.decision = None), Decision),
        (replaced(whole, "r.lee@example", "r.kim@example"), Decision),
        (replaced(whole, "same-person", "other-person"), Decision),
        // In the result of the attempt too.
        (replaced(whole, r#""verdict":"review""#, r#""verdict":"approve""#), Attempts),
        (replaced(whole, r#""policy":""#, r#""policy":"own-"#), Attempts),
        (replaced(whole, r#""policy_hash":""#, r#""policy_hash":"00"#), Attempts),
        (replaced(whole, r#""rule":""#, r#""rule":"own-"#), Attempts),
        (replaced(whole, r#""reason":""#, r#""reason":"own-"#), Attempts),
    ] {
        let found = verify_document(&document, &life.events);
        assert_eq!(found, Err(AuditProblem::Document(part)), "{}", write_document(&document).unwrap());
    }
}

/// The decision on one attempt, in place of that on another.
#[test]
fn a_decision_of_another_attempt_or_with_another_hint_is_found() {
    let life = reviewed();
    let mut document = life.verification().clone();
    let decision = |document: &mut Verification, attempt: usize, hint: Option<&str>| {
        let of = document.attempts[attempt].order_no.clone();
        let mut taken = document.attempts[attempt].finding.as_ref().unwrap().decision().clone();
        if let Some(hint) = hint {
            taken.hint = Some(hint.into());
        }
        if let Some(cloudauth_flow::DecidedBy::Reviewer { attempt, record, .. }) = &mut document.decision {
            (*attempt, *record) = (of, taken);
        }
    };
    for (attempt, hint, is_whole) in [(1, None, true), (0, None, false), (1, Some("call us"), false)] {
        decision(&mut document, attempt, hint);
        let expected = if is_whole { Ok(()) } else { Err(AuditProblem::Document(DocumentPart::Decision)) };
        assert_eq!(verify_document(&document, &life.events), expected, "{attempt} {hint:?}");
    }
}

/// The attempt and the record of the policy's decision.
fn decide_by(document: &mut Verification, attempt: Option<usize>, record: Option<usize>) {
    let of = attempt.map(|at| document.attempts[at].order_no.clone());
    let taken = record.map(|at| document.attempts[at].finding.as_ref().unwrap().decision().clone());
    let Some(cloudauth_flow::DecidedBy::Policy { attempt, record }) = &mut document.decision else {
        panic!("{:?}", document.decision)
    };
    *attempt = of.unwrap_or_else(|| attempt.clone());
    *record = taken.unwrap_or_else(|| record.clone());
}

/// A policy approved the second attempt, or declined it.
#[test]
fn a_policy_decision_of_another_attempt_is_found() {
    let policies: [(Policy, _, _); 2] =
        [(samples::finding, "200", State::Approved), (samples::strict_finding, "204", State::Declined)];
    for (policy, code, state) in policies {
        let mut life = Life::new(1);
        life.attempt("204");
        life.open();
        life.look(2, policy, code);
        let whole = life.verification();
        assert_eq!((whole.state, verify_document(whole, &life.events)), (state, Ok(())));
        let same = Some(1);
        for (attempt, record) in [(Some(0), same), (same, Some(0)), (Some(0), Some(0))] {
            let mut document = whole.clone();
            decide_by(&mut document, attempt, record);
            let found = verify_document(&document, &life.events);
            let wrong = Err(AuditProblem::Document(DocumentPart::Decision));
            assert_eq!(found, wrong, "{state:?} {attempt:?} {record:?}");
        }
    }
}

/// The result of another identity came late, and asked for no other try.
#[test]
fn a_person_without_links_left_was_declined_by_a_result_that_asked_for_another_try() {
    let mut life = Life::new(1);
    let mut first = samples::start(1, 1).unwrap();
    first.identity = samples::start(2, 1).unwrap().identity;
    life.step(Input::Start(first));
    life.step(Input::Opened(samples::opened(1, 1).unwrap()));
    life.attempts = 1;
    life.attempt("204");
    life.look(1, samples::finding, "200");
    life.attempt("204");
    let whole = life.verification();
    assert_eq!((whole.state, verify_document(whole, &life.events)), (State::Declined, Ok(())));
    for (attempt, record, is_whole) in
        [(Some(2), Some(2), true), (Some(0), Some(0), false), (Some(0), None, false), (None, Some(0), false)]
    {
        let mut document = whole.clone();
        decide_by(&mut document, attempt, record);
        let expected = if is_whole { Ok(()) } else { Err(AuditProblem::Document(DocumentPart::Decision)) };
        assert_eq!(verify_document(&document, &life.events), expected, "{attempt:?} {record:?}");
    }
}

/// What a redaction erases does not come back.
#[test]
fn a_document_with_what_was_erased_is_found() {
    let mut life = reviewed();
    let before = life.verification().clone();
    life.step(Input::Redact);
    let whole = life.verification();
    assert_eq!((whole.subject, verify_document(whole, &life.events)), (None, Ok(())));
    let request = before.attempts[0].finding.as_ref().unwrap().request_id().unwrap().as_str();
    let changed = |change: &dyn Fn(&mut Verification)| {
        let mut document = whole.clone();
        change(&mut document);
        document
    };
    for document in [
        changed(&|it| it.subject = before.subject),
        changed(&|it| it.attempts[1].identity = before.attempts[1].identity),
        changed(&|it| it.attempts[1].capability = before.attempts[1].capability),
        changed(&|it| it.attempts[1].next_look_at = Some(BEGIN)),
        changed(&|it| it.attempts[1].callbacks = vec![it.head.hash]),
        changed(&|it| it.attempts[1].finding = before.attempts[1].finding.clone()),
        replaced(whole, r#""request_id":null"#, &format!(r#""request_id":"{request}""#)),
    ] {
        let found = verify_document(&document, &life.events);
        let wrong = Err(AuditProblem::Document(DocumentPart::Redaction));
        assert_eq!(found, wrong, "{}", write_document(&document).unwrap());
    }
}

/// The last of all links asks for another try: the verification is declined, by a decision that asked for one.
#[test]
fn a_person_without_links_left_was_declined_by_a_result() {
    let mut life = Life::new(1);
    for _ in 0..3 {
        life.attempt("204");
    }
    let whole = life.verification();
    assert_eq!(whole.state, State::Declined);
    assert_eq!(verify_document(whole, &life.events), Ok(()));
    let mut document = whole.clone();
    document.decision = None;
    let wrong = Err(AuditProblem::Document(DocumentPart::Decision));
    assert_eq!(verify_document(&document, &life.events), wrong);
}

/// Appends events with right hashes, as a person who can write to the store could. The document follows.
fn forged(of: &Verification, events: &[Event], more: &[EventKind]) -> (Verification, Vec<Event>) {
    let (mut document, mut events) = (of.clone(), events.to_vec());
    for kind in more {
        append(&mut document, &mut events, kind.name(), &serde_json::to_string(kind).unwrap());
    }
    (document, events)
}

fn append(document: &mut Verification, events: &mut Vec<Event>, kind: &str, body: &str) {
    let (n, prev) = (document.head.n + 1, document.head.hash);
    let mut hash = Sha256::new_with_prefix(b"cloudauth flow event 1");
    hash.update(prev.as_bytes());
    hash.update(n.to_be_bytes());
    hash.update((kind.len() as u64).to_be_bytes());
    hash.update(kind.as_bytes());
    hash.update(BEGIN.as_millis().to_be_bytes());
    hash.update(body.as_bytes());
    let hash = cloudauth_flow::Digest::new(hash.finalize().into());
    events.push(Event::stored(n, BEGIN, kind.into(), body.into(), prev, hash));
    (document.head.n, document.head.hash) = (n, hash);
}

/// Hashes protect nothing from a person who can compute them, but a decision without a result is still found.
#[test]
fn events_that_no_program_writes_in_this_order_are_found() {
    use State::{Approved, Declined, Expired, InReview, Processing, RequiresInput};
    let mut open = Life::new(1);
    open.step(Input::Start(samples::start(1, 1).unwrap()));
    open.step(Input::Opened(samples::opened(1, 1).unwrap()));
    let (number, other) = (samples::start(1, 1).unwrap().order_no, samples::start(1, 2).unwrap().order_no);
    let kinds = reviewed().events.iter().filter_map(Event::read).collect::<Vec<_>>();
    let settled = kinds.iter().find(|kind| matches!(kind, EventKind::Settled(_))).unwrap();
    let reviewed = kinds.iter().find(|kind| matches!(kind, EventKind::Reviewed { .. })).unwrap();
    let created = &kinds[0];
    let to = |from, to| EventKind::StateChanged { from, to };
    let attempt = || number.clone();
    let reserved = |attempt| EventKind::Reserved {
        attempt,
        consent: ConsentText::new("2026-01").unwrap(),
        consent_at: BEGIN,
    };
    let verdict = |kind: &EventKind, verdict| {
        let EventKind::Settled(decided) = kind else { panic!("{kind:?}") };
        let mut decided = decided.clone();
        decided.verdict = verdict;
        EventKind::Settled(decided)
    };
    let approves = verdict(settled, cloudauth_flow::VerdictRecord::Approve);
    let life = open.verification();
    // The position of the first event that is refused among those that are appended; `None` if the document is.
    for (more, wrong) in [
        (vec![to(Processing, Approved)], Some(0)),
        (vec![to(Processing, InReview)], Some(0)),
        (vec![to(Processing, Declined)], Some(0)),
        (vec![to(RequiresInput, Expired)], Some(0)),
        (vec![to(Processing, Processing)], Some(0)),
        (vec![reviewed.clone(), to(Processing, Approved)], Some(0)),
        (vec![created.clone()], Some(0)),
        (vec![reserved(other.clone())], Some(0)),
        (vec![EventKind::Superseded { attempt: attempt() }, reserved(attempt())], Some(1)),
        (vec![EventKind::Opened { attempt: attempt() }], Some(0)),
        (vec![EventKind::Opened { attempt: other.clone() }], Some(0)),
        (vec![EventKind::LinkDropped { attempt: attempt() }], Some(0)),
        (vec![EventKind::Refused { attempt: attempt(), code: None }], Some(0)),
        (vec![EventKind::Orphaned { attempt: attempt() }], Some(0)),
        (vec![EventKind::RedactionRequested], Some(0)),
        (vec![EventKind::Redacted], Some(0)),
        (vec![to(Processing, Expired), EventKind::RedactionFailed], Some(1)),
        (vec![to(Processing, Expired), to(Expired, Approved)], Some(1)),
        (vec![settled.clone(), settled.clone()], Some(1)),
        (vec![approves.clone(), to(Processing, Declined)], Some(1)),
        (vec![approves.clone(), EventKind::Superseded { attempt: attempt() }], Some(1)),
        (vec![to(Processing, Expired), approves.clone()], Some(1)),
        // A decision in two events is one commit: the second one is missing.
        (vec![approves.clone()], Some(1)),
        // A right chain, and another document.
        (vec![approves, to(Processing, Approved)], None),
        (vec![to(Processing, Expired)], None),
    ] {
        let (document, events) = forged(life, &open.events, &more);
        let found = verify_document(&document, &events);
        match wrong {
            Some(at) => assert_eq!(found, Err(AuditProblem::Event(life.head.n + 1 + at)), "{more:?}"),
            None => assert_eq!(found, Err(AuditProblem::Document(DocumentPart::State)), "{more:?}"),
        }
    }
}

#[test]
fn a_thirty_third_attempt_is_found() {
    let mut life = Life::new(1);
    life.step(Input::Start(samples::start(1, 1).unwrap()));
    let number = |attempt| samples::start(1, attempt).unwrap().order_no;
    let mut events = Vec::new();
    for attempt in 2..=33 {
        events.push(EventKind::Orphaned { attempt: number(attempt - 1) });
        let consent = ConsentText::new("2026-01").unwrap();
        events.push(EventKind::Reserved { attempt: number(attempt), consent, consent_at: BEGIN });
    }
    let (document, events) = forged(life.verification(), &life.events, &events);
    assert_eq!(verify_document(&document, &events), Err(AuditProblem::Event(document.head.n)));
}

/// A review ends by a reviewer, by time or by a cancellation, and an erasure keeps no evidence that comes back.
#[test]
fn no_program_ends_a_review_without_a_reviewer_or_keeps_evidence_of_an_erased_verification() {
    use State::{Approved, Canceled, Declined, Expired, InReview, Processing, RequiresInput};
    let mut life = Life::new(1);
    life.attempt("204");
    life.attempt("205");
    let asked = life.verification();
    assert_eq!(asked.state, InReview);
    for to in [RequiresInput, Processing, Declined, Approved, Expired, Canceled] {
        let (document, events) =
            forged(asked, &life.events, &[EventKind::StateChanged { from: InReview, to }]);
        let expected = if matches!(to, Expired | Canceled) {
            // A right chain, and another document.
            AuditProblem::Document(DocumentPart::State)
        } else {
            AuditProblem::Event(asked.head.n + 1)
        };
        assert_eq!(verify_document(&document, &events), Err(expected), "{to:?}");
    }

    let mut open = Life::new(1);
    open.step(Input::Start(samples::start(1, 1).unwrap()));
    open.step(Input::Opened(samples::opened(1, 1).unwrap()));
    open.step(Input::Cancel);
    let late = life.events.iter().filter_map(Event::read).find_map(|kind| match kind {
        EventKind::Settled(decided) => Some(EventKind::LateEvidence(decided)),
        _ => None,
    });
    let late = [late.unwrap()];
    let (document, events) = forged(open.verification(), &open.events, &late);
    let attempts = Err(AuditProblem::Document(DocumentPart::Attempts));
    assert_eq!(verify_document(&document, &events), attempts, "late evidence is kept before an erasure");
    open.step(Input::Redact);
    let (document, events) = forged(open.verification(), &open.events, &late);
    assert_eq!(verify_document(&document, &events), Err(AuditProblem::Event(document.head.n)));
}

/// Readers and webhooks go by the type, which is beside the body.
#[test]
fn an_event_with_the_type_of_another_is_found() {
    let commits = life(1).unwrap();
    let events: Vec<_> = commits.iter().flat_map(|commit| commit.events().to_vec()).collect();
    let document = commits.last().unwrap().verification();
    assert_eq!(verify_document(document, &events), Ok(()));
    let kind = EventKind::RedactionRequested.name();
    // The body of another type, and that of a type which this version does not know.
    for body in [&*events[0].body, r#"{"type":"verification.unknown"}"#] {
        let (mut document, mut events) = (document.clone(), events.clone());
        append(&mut document, &mut events, kind, body);
        assert!(cloudauth_flow::verify_chain(&document.id, &events).is_ok(), "the hashes are right");
        assert_eq!(verify_document(&document, &events), Err(AuditProblem::Event(document.head.n)));
    }
}
