//! From a hint to the result of an attempt, and to the decision.

use std::time::Duration;

use cloudauth_protocol::UnixTime;

use crate::machine::commit::{Commit, CommitOutcome, Stored};
use crate::machine::draft::{Draft, decided};
use crate::machine::event::EventKind;
use crate::machine::finding::{Finding, VerdictRecord};
use crate::machine::ids::{CapabilityHash, LookError};
use crate::machine::input::{CheckedCallback, Fence, Look, Looked};
use crate::machine::refusal::Refusal;
use crate::machine::rules::{HINT_GAP, HINTS, LAST_LOOK, LINK, Rules};
use crate::machine::state::{Attempt, AttemptState, DecidedBy, Redaction, State};

/// The pause after a failed look, when the planned looks are over: after a transient error, and after another one, which lasts
/// until an operator acts.
const AFTER_TRANSIENT: Duration = Duration::from_secs(15 * 60);
const AFTER_OWN: Duration = Duration::from_secs(60 * 60);

/// Keeps a callback, and looks soon.
pub(crate) fn callback(mut draft: Draft<'_>, callback: CheckedCallback) -> Result<Commit, Refusal> {
    let (now, redaction) = (draft.now, draft.verification.redaction);
    let attempt = draft.attempt(&callback.order_no)?;
    if attempt.certify_id.as_ref().is_some_and(|known| *known != callback.certify_id) {
        return Err(Refusal::NotFound);
    }
    let waits = attempt.state == AttemptState::Reserved || is_watched(attempt);
    let is_new = attempt.callbacks.len() < HINTS && !attempt.callbacks.contains(&callback.digest);
    if waits && is_new && redaction == Redaction::None {
        attempt.callbacks.push(callback.digest);
        look_soon(attempt, now);
    }
    Ok(draft.finish(CommitOutcome::Recorded))
}

/// Looks soon, because the browser came back.
pub(crate) fn returned(mut draft: Draft<'_>, capability: CapabilityHash) -> Result<Commit, Refusal> {
    let (now, redaction) = (draft.now, draft.verification.redaction);
    let holds = |attempt: &&mut Attempt| attempt.capability == Some(capability);
    let attempt = draft.verification.attempts.iter_mut().find(holds).ok_or(Refusal::NotFound)?;
    if is_watched(attempt) && usize::from(attempt.returns) < HINTS && redaction == Redaction::None {
        attempt.returns += 1;
        look_soon(attempt, now);
    }
    Ok(draft.finish(CommitOutcome::Recorded))
}

/// Whether a result of the attempt would still count.
fn is_watched(attempt: &Attempt) -> bool {
    matches!(attempt.state, AttemptState::Open | AttemptState::Superseded | AttemptState::Expired)
        && attempt.certify_id.is_some()
}

/// Moves the next look forward. Never before the shortest gap has passed, unless the clock was set back.
fn look_soon(attempt: &mut Attempt, now: UnixTime) {
    if !is_watched(attempt) {
        return;
    }
    let earliest = match attempt.looked_at {
        Some(last) if last <= now => now.max(last.plus(HINT_GAP)),
        _ => now,
    };
    attempt.next_look_at = Some(attempt.next_look_at.map_or(earliest, |planned| planned.min(earliest)));
}

/// Records the answer to a look, under the claim of the worker.
pub(crate) fn looked(mut draft: Draft<'_>, stored: &Stored, looked: Looked) -> Result<Commit, Refusal> {
    check_fence(stored, looked.fence)?;
    let (now, rules) = (draft.now, draft.rules);
    draft.release = true;
    if draft.verification.redaction != Redaction::None {
        // The evidence came back during an erasure. It must not be stored again.
        return Ok(draft.finish(CommitOutcome::Recorded));
    }
    let attempt = draft.attempt(&looked.order_no)?;
    if !is_watched(attempt) {
        return Err(Refusal::WrongAttemptState);
    }
    if let Look::Finished(finding) = &looked.answer
        && attempt.certify_id.as_ref() != Some(finding.certify_id())
    {
        return Err(Refusal::OtherCertifyId);
    }
    attempt.looks = attempt.looks.saturating_add(1);
    attempt.looked_at = Some(now);
    attempt.next_look_at = None;
    attempt.last_look_error = None;
    match from_another_region(looked.answer, attempt) {
        Look::Finished(finding) => settle(&mut draft, &looked.order_no, *finding)?,
        Look::Pending | Look::Unknown { .. } => {
            let next =
                if attempt.state == AttemptState::Expired { None } else { planned(rules, attempt, now) };
            wait(&mut draft, &looked.order_no, next)?;
        }
        Look::Failed { transient, error } => {
            attempt.last_look_error = Some(error);
            let pause = if transient { AFTER_TRANSIENT } else { AFTER_OWN };
            let next = planned(rules, attempt, now).or_else(|| extra(rules, attempt, now, pause));
            wait(&mut draft, &looked.order_no, next)?;
        }
    }
    draft.rest();
    Ok(draft.finish(CommitOutcome::Recorded))
}

/// A region that did not create the CertifyId knows nothing of it. The person may have passed.
fn from_another_region(answer: Look, attempt: &Attempt) -> Look {
    match answer {
        Look::Unknown { region } if region.is_none() || region != attempt.region => {
            Look::Failed { transient: true, error: LookError::fixed("other-region") }
        }
        answer => answer,
    }
}

/// A worker writes only under its own claim.
pub(crate) fn check_fence(stored: &Stored, fence: Fence) -> Result<(), Refusal> {
    if stored.fence == fence.0 { Ok(()) } else { Err(Refusal::StaleFence) }
}

fn planned(rules: &Rules, attempt: &Attempt, now: UnixTime) -> Option<UnixTime> {
    rules.next_look(attempt.opened_at?, now)
}

/// A look after the last planned one failed: the result may be there, so that the attempt must not expire yet.
fn extra(rules: &Rules, attempt: &Attempt, now: UnixTime, pause: Duration) -> Option<UnixTime> {
    let end = attempt.opened_at?.plus(LINK).plus(LAST_LOOK).plus(rules.look_until);
    (now < end).then(|| now.plus(pause))
}

/// Waits for the next look, or ends the attempt.
fn wait(
    draft: &mut Draft<'_>,
    order_no: &cloudauth_protocol::OuterOrderNo,
    next: Option<UnixTime>,
) -> Result<(), Refusal> {
    let attempt = draft.attempt(order_no)?;
    attempt.next_look_at = next;
    if next.is_none() && attempt.state != AttemptState::Expired {
        attempt.state = AttemptState::Expired;
        draft.event(&EventKind::AttemptExpired { attempt: order_no.clone() });
    }
    Ok(())
}

/// Keeps the result of an attempt, and decides the verification unless it was decided before, the identity of the attempt is
/// missing, or the order was started since with another identity: the face of one person must not approve another.
fn settle(
    draft: &mut Draft<'_>,
    order_no: &cloudauth_protocol::OuterOrderNo,
    finding: Finding,
) -> Result<(), Refusal> {
    let until = draft.now.plus(draft.rules.identity_block);
    let blocks = finding.blocks_identity();
    let record = finding.decision().clone();
    let attempt = draft.attempt(order_no)?;
    let identity = attempt.identity;
    attempt.state = AttemptState::Settled;
    attempt.finding = Some(finding);
    if blocks {
        draft.block(identity, until);
    }
    let state = draft.verification.state;
    // Before a redaction, which allows no look, only a document that was edited has no identity.
    let is_current = identity.is_some() && identity == draft.verification.identity();
    if state.is_final() || state == State::InReview || !is_current {
        draft.event(&EventKind::LateEvidence(decided(order_no, &record)));
        return Ok(());
    }
    draft.event(&EventKind::Settled(decided(order_no, &record)));
    let verdict = record.verdict;
    let by = Some(DecidedBy::Policy { attempt: order_no.clone(), record });
    match verdict {
        VerdictRecord::Approve => draft.set_state(State::Approved, by),
        VerdictRecord::Review => draft.set_state(State::InReview, by),
        VerdictRecord::Reject => draft.set_state(State::Declined, by),
        // The caller finds out whether the person can start again.
        VerdictRecord::Retry => {}
    }
    Ok(())
}
