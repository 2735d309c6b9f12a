//! Ends a verification without a new result: review, cancellation, time, erasure.

use std::time::Duration;

use crate::machine::commit::{Commit, CommitOutcome, Stored};
use crate::machine::draft::Draft;
use crate::machine::event::EventKind;
use crate::machine::input::{Deleted, Fence, Review};
use crate::machine::look::check_fence;
use crate::machine::refusal::Refusal;
use crate::machine::state::{Attempt, AttemptState, DecidedBy, Redaction, State};

/// The pause after the first failed deletion. It doubles, up to a day.
const AFTER_FAILURE: Duration = Duration::from_secs(3_600);
const LONGEST_PAUSE: Duration = Duration::from_secs(86_400);

/// Takes the decision of a reviewer, who must have seen every event.
pub(crate) fn review(mut draft: Draft<'_>, review: Review) -> Result<Commit, Refusal> {
    let verification = &draft.verification;
    if verification.state != State::InReview {
        return Err(Refusal::NotInReview);
    }
    if verification.is_review_over(draft.now) {
        return Err(Refusal::ReviewOver);
    }
    if verification.head.n != review.seen {
        return Err(Refusal::SeenTooLittle);
    }
    let Some(DecidedBy::Policy { attempt, record }) = verification.decision.clone() else {
        return Err(Refusal::NotInReview);
    };
    let Review { reviewer, reason, approve, .. } = review;
    draft.event(&EventKind::Reviewed {
        reviewer: reviewer.clone(),
        reason: reason.clone(),
        approved: approve,
    });
    let to = if approve { State::Approved } else { State::Declined };
    draft.set_state(to, Some(DecidedBy::Reviewer { reviewer, reason, attempt, record }));
    Ok(draft.finish(CommitOutcome::Recorded))
}

/// Cancels, also during a review. The results of links that people already have become late evidence.
pub(crate) fn cancel(mut draft: Draft<'_>) -> Result<Commit, Refusal> {
    match draft.verification.state {
        State::RequiresInput | State::Processing | State::InReview => draft.set_state(State::Canceled, None),
        // A repetition.
        State::Canceled => {}
        state => return Err(Refusal::Final(state)),
    }
    Ok(draft.finish(CommitOutcome::Recorded))
}

/// Erases what refers to a person, and the evidence. The states, the events and the CertifyIds stay until the purge.
pub(crate) fn redact(mut draft: Draft<'_>) -> Result<Commit, Refusal> {
    if !draft.verification.state.is_final() {
        return Err(Refusal::NotFinal);
    }
    if draft.verification.redaction == Redaction::Failed {
        // The operator tries again.
        draft.verification.attempts.iter_mut().for_each(|attempt| attempt.deletions = 0);
        request_deletion(&mut draft);
    }
    if draft.verification.redaction != Redaction::None {
        return Ok(draft.finish(CommitOutcome::Recorded));
    }
    let reserved = |attempt: &Attempt| attempt.state == AttemptState::Reserved;
    draft.move_attempts(reserved, AttemptState::Orphaned, |attempt| EventKind::Orphaned { attempt });
    let open = |attempt: &Attempt| matches!(attempt.state, AttemptState::Open | AttemptState::Superseded);
    draft.move_attempts(open, AttemptState::Expired, |attempt| EventKind::AttemptExpired { attempt });
    for attempt in &mut draft.verification.attempts {
        attempt.identity = None;
        attempt.capability = None;
        attempt.next_look_at = None;
        attempt.callbacks.clear();
        if let Some(finding) = &mut attempt.finding {
            finding.redact();
        }
    }
    draft.verification.subject = None;
    request_deletion(&mut draft);
    complete_redaction(&mut draft);
    Ok(draft.finish(CommitOutcome::Recorded))
}

fn request_deletion(draft: &mut Draft<'_>) {
    draft.verification.redaction = Redaction::Requested;
    draft.verification.delete_at = Some(draft.now);
    draft.event(&EventKind::RedactionRequested);
}

/// Records the answer of the vendor to a deletion.
pub(crate) fn deleted(mut draft: Draft<'_>, stored: &Stored, deleted: Deleted) -> Result<Commit, Refusal> {
    check_fence(stored, deleted.fence)?;
    let redaction = draft.verification.redaction;
    let attempt = draft.attempt(&deleted.order_no)?;
    if attempt.certify_id.is_none() || redaction != Redaction::Requested {
        return Err(Refusal::WrongAttemptState);
    }
    if deleted.done {
        attempt.deleted = true;
    } else {
        let pause = AFTER_FAILURE.saturating_mul(1 << attempt.deletions.min(8)).min(LONGEST_PAUSE);
        attempt.deletions += 1;
        draft.verification.delete_at = Some(draft.now.plus(pause));
    }
    complete_redaction(&mut draft);
    draft.release = true;
    Ok(draft.finish(CommitOutcome::Recorded))
}

fn complete_redaction(draft: &mut Draft<'_>) {
    let attempts = &draft.verification.attempts;
    if attempts.iter().any(Attempt::must_delete) {
        return;
    }
    let failed = attempts.iter().any(|attempt| attempt.certify_id.is_some() && !attempt.deleted);
    draft.verification.redaction = if failed { Redaction::Failed } else { Redaction::Done };
    draft.verification.delete_at = None;
    draft.event(if failed { &EventKind::RedactionFailed } else { &EventKind::Redacted });
}

/// Ends what the time ends.
pub(crate) fn tick(mut draft: Draft<'_>, stored: &Stored, fence: Fence) -> Result<Commit, Refusal> {
    check_fence(stored, fence)?;
    draft.end_leases();
    if draft.verification.is_review_over(draft.now) {
        draft.set_state(State::Expired, None);
    }
    draft.rest();
    draft.release = true;
    Ok(draft.finish(CommitOutcome::Recorded))
}
