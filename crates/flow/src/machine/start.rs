//! From a request to start to the link, or to its failure.

use cloudauth_protocol::{Actor, Code, OuterOrderNo, UnixTime};

use crate::machine::chain::ChainHead;
use crate::machine::commit::{Commit, CommitOutcome, PageEnd, Refund, Snapshot, Stored, Take, Usage};
use crate::machine::draft::Draft;
use crate::machine::event::EventKind;
use crate::machine::input::{Opened, Start, StartFailed};
use crate::machine::refusal::Refusal;
use crate::machine::rules::{CLOCK_SKEW, MOST_REFUNDS, Rules};
use crate::machine::state::{Attempt, AttemptState, Redaction, State, Verification};
use crate::machine::time::{day, start_of};

/// Reserves an attempt, or finds the one that an earlier request with the same key made.
pub(crate) fn start(
    rules: &Rules,
    snapshot: &Snapshot<'_>,
    start: Start,
    now: UnixTime,
) -> Result<Commit, Refusal> {
    if start.consent.at > now.plus(CLOCK_SKEW) {
        return Err(Refusal::ConsentInFuture);
    }
    let draft = match snapshot.stored {
        None => created(rules, &start, now),
        Some(stored) => match again(rules, stored, &start, now)? {
            Again::Replay(commit) => return Ok(*commit),
            Again::Next(draft) => *draft,
        },
    };
    if now >= draft.verification.expires_at {
        return Err(Refusal::TooLate);
    }
    if !draft.can_start() {
        return Err(Refusal::NoAttemptsLeft);
    }
    within_limits(rules, snapshot.usage, now)?;
    Ok(reserve(draft, start))
}

fn created<'a>(rules: &'a Rules, start: &Start, now: UnixTime) -> Draft<'a> {
    let verification = Verification {
        id: start.id,
        order: start.order.clone(),
        subject: Some(start.subject),
        scene: start.scene,
        purpose: start.purpose.clone(),
        state: State::RequiresInput,
        decision: None,
        redaction: Redaction::None,
        created_at: now,
        expires_at: now.plus(rules.lifetime),
        review_by: None,
        delete_at: None,
        due_at: None,
        purge_at: None,
        attempts: Vec::new(),
        head: ChainHead::new(&start.id),
    };
    let mut draft = Draft::new(rules, verification, now);
    let (order, purpose) = (start.order.clone(), start.purpose.clone());
    draft.event(&EventKind::Created { order, purpose, scene: start.scene });
    draft
}

/// A start of an order that exists.
enum Again<'a> {
    Replay(Box<Commit>),
    Next(Box<Draft<'a>>),
}

fn again<'a>(
    rules: &'a Rules,
    stored: &'a Stored,
    start: &Start,
    now: UnixTime,
) -> Result<Again<'a>, Refusal> {
    let mut draft = Draft::of(rules, stored, now);
    let verification = &stored.verification;
    let same_person = verification.subject.is_none_or(|subject| subject == start.subject);
    if !same_person || verification.scene != start.scene || verification.purpose != start.purpose {
        return Err(Refusal::OrderConflict);
    }
    draft.end_leases();
    draft.rest();
    if let Some(own) = draft.verification.attempt(&start.order_no) {
        // The number is random: the commit of this very request arrived, after its outcome was unknown.
        return if own.state == AttemptState::Reserved && own.key == start.key {
            Ok(Again::Replay(Box::new(draft.finish(CommitOutcome::Started(start.order_no.clone())))))
        } else {
            Err(Refusal::WrongAttemptState)
        };
    }
    if let Some(earlier) = draft.verification.attempts.iter().rev().find(|attempt| attempt.key == start.key) {
        let same_identity = earlier.identity.is_none_or(|identity| identity == start.identity);
        if !same_identity || earlier.consent.text != start.consent.text {
            return Err(Refusal::KeyReused);
        }
        let no_link =
            matches!(earlier.state, AttemptState::Reserved | AttemptState::Refused | AttemptState::Orphaned);
        if !no_link {
            let order_no = earlier.order_no.clone();
            return Ok(Again::Replay(Box::new(draft.finish(CommitOutcome::Replayed(order_no)))));
        }
    }
    match verification.state {
        State::RequiresInput | State::Processing => {}
        State::InReview => return Err(Refusal::InReview),
        state => return Err(Refusal::Final(state)),
    }
    let reserved = draft.verification.attempts.iter().find(|attempt| attempt.state == AttemptState::Reserved);
    if let Some(other) = reserved {
        return Err(Refusal::StartInProgress { until: other.lease_until });
    }
    Ok(Again::Next(Box::new(draft)))
}

fn within_limits(rules: &Rules, usage: Usage, now: UnixTime) -> Result<(), Refusal> {
    if let Some(until) = usage.blocked_until.filter(|until| *until > now) {
        return Err(Refusal::IdentityBlocked { until });
    }
    if usage.starts_today >= rules.starts_per_day {
        return Err(Refusal::DailyLimit { until: start_of(day(now) + 1) });
    }
    Ok(())
}

fn reserve(mut draft: Draft<'_>, start: Start) -> Commit {
    let open = |attempt: &Attempt| attempt.state == AttemptState::Open;
    draft.move_attempts(open, AttemptState::Superseded, |attempt| EventKind::Superseded { attempt });
    let order_no = start.order_no.clone();
    let consent = start.consent.clone();
    draft.verification.attempts.push(Attempt {
        order_no: start.order_no,
        key: start.key,
        identity: Some(start.identity),
        consent: start.consent,
        capability: Some(start.capability),
        counted_on: Some(day(draft.now)),
        state: AttemptState::Reserved,
        lease_until: draft.now.plus(draft.rules.start_lease),
        certify_id: None,
        region: None,
        opened_at: None,
        next_look_at: None,
        looked_at: None,
        looks: 0,
        last_look_error: None,
        callbacks: Vec::new(),
        returns: 0,
        finding: None,
        refused: None,
        maybe_executed: false,
        deleted: false,
        deletions: 0,
    });
    let (attempt, consent_at) = (order_no.clone(), consent.at);
    draft.event(&EventKind::Reserved { attempt, consent: consent.text, consent_at });
    draft.rest();
    draft.needs_page = start.page;
    draft.take = Some(Take {
        subject: start.subject,
        scene: start.scene,
        day: day(draft.now),
        limit: draft.rules.starts_per_day,
        identity: start.identity,
        at: draft.now,
    });
    draft.finish(CommitOutcome::Started(order_no))
}

/// Records the session that `InitFaceVerify` returned. If the verification moved on in the meantime, the link is dropped, and the
/// CertifyId is kept.
pub(crate) fn opened(mut draft: Draft<'_>, opened: Opened) -> Result<Commit, Refusal> {
    let (now, rules) = (draft.now, draft.rules);
    let usable = draft.verification.state == State::Processing;
    let attempt = draft.attempt(&opened.order_no)?;
    if let Some(known) = &attempt.certify_id {
        // A repetition, after a commit whose outcome was not known.
        return match attempt.state {
            _ if *known != opened.certify_id => Err(Refusal::OtherCertifyId),
            AttemptState::Open => Ok(draft.finish(CommitOutcome::Opened)),
            _ => Ok(draft.finish(CommitOutcome::LinkDropped)),
        };
    }
    let reserved = attempt.state == AttemptState::Reserved;
    if !reserved && !matches!(attempt.state, AttemptState::Orphaned | AttemptState::Refused) {
        return Err(Refusal::WrongAttemptState);
    }
    attempt.certify_id = Some(opened.certify_id);
    attempt.region = opened.region;
    attempt.opened_at = Some(now);
    let key = attempt.key.clone();
    let order_no = opened.order_no;
    if reserved && usable {
        attempt.state = AttemptState::Open;
        let called_back = !attempt.callbacks.is_empty();
        attempt.next_look_at = if called_back { Some(now) } else { rules.next_look(now, now) };
        draft.page = Some(PageEnd { key, link: opened.link });
        draft.event(&EventKind::Opened { attempt: order_no });
        return Ok(draft.finish(CommitOutcome::Opened));
    }
    if reserved {
        attempt.state = AttemptState::Orphaned;
    }
    draft.page = Some(PageEnd { key, link: None });
    draft.event(&EventKind::LinkDropped { attempt: order_no });
    if draft.verification.redaction != Redaction::None {
        draft.verification.redaction = Redaction::Requested;
        draft.verification.delete_at = Some(now);
    }
    draft.rest();
    Ok(draft.finish(CommitOutcome::LinkDropped))
}

/// Whether a code is about the service or the account, and says nothing about the person.
fn is_of_the_account(code: &Code) -> bool {
    code.manual().is_some_and(|manual| matches!(manual.actor, Actor::Operator | Actor::Software))
}

/// Gives back the start of a refused attempt.
fn give_back(draft: &mut Draft<'_>, order_no: &OuterOrderNo) -> Result<(), Refusal> {
    let (subject, scene) = (draft.verification.subject, draft.verification.scene);
    let is_refused = |attempt: &&Attempt| attempt.state == AttemptState::Refused;
    if draft.verification.attempts.iter().filter(is_refused).count() <= MOST_REFUNDS
        && let Some(subject) = subject
        && let Some(day) = draft.attempt(order_no)?.counted_on.take()
    {
        draft.refund = Some(Refund { subject, scene, day });
    }
    Ok(())
}

/// Records a start that failed: its attempt has no link. The start is given back if it was certainly not executed, unless the
/// service refused the person.
pub(crate) fn failed(mut draft: Draft<'_>, failed: StartFailed) -> Result<Commit, Refusal> {
    let (now, rules) = (draft.now, draft.rules);
    let attempt = draft.attempt(&failed.order_no)?;
    match attempt.state {
        AttemptState::Reserved => {}
        AttemptState::Refused | AttemptState::Orphaned => return Ok(draft.finish(CommitOutcome::Recorded)),
        _ => return Err(Refusal::WrongAttemptState),
    }
    let (identity, key) = (attempt.identity, attempt.key.clone());
    attempt.maybe_executed = failed.maybe_executed;
    attempt.state = if failed.maybe_executed { AttemptState::Orphaned } else { AttemptState::Refused };
    attempt.refused = failed.code.clone().filter(|code| !matches!(code, Code::Other(_)));
    let code = attempt.refused.clone();
    let refuses_person = failed.code.as_ref().is_some_and(|code| !is_of_the_account(code));
    if !failed.maybe_executed && !refuses_person {
        give_back(&mut draft, &failed.order_no)?;
    }
    if refuses_person {
        // The same identity would be refused again.
        draft.page = Some(PageEnd { key, link: None });
    }
    match failed.code {
        Some(Code::CannotUseFace) => draft.block(identity, now.plus(rules.identity_block)),
        Some(Code::TooManyAttempts) => draft.block(identity, start_of(day(now) + 1)),
        _ => {}
    }
    let attempt = failed.order_no;
    draft.event(&if failed.maybe_executed {
        EventKind::Orphaned { attempt }
    } else {
        EventKind::Refused { attempt, code }
    });
    draft.rest();
    Ok(draft.finish(CommitOutcome::Recorded))
}
