//! The step: one input, one commit.

use cloudauth_protocol::UnixTime;

use crate::machine::close;
use crate::machine::commit::{Commit, Job, Snapshot, Stored};
use crate::machine::draft::Draft;
use crate::machine::input::Input;
use crate::machine::look;
use crate::machine::refusal::Refusal;
use crate::machine::rules::Rules;
use crate::machine::start;
use crate::machine::state::{AttemptState, Redaction, State};

/// The state machine. It does no I/O, reads no clock and draws no randomness.
#[derive(Clone, Debug)]
pub struct Machine {
    rules: Rules,
}

impl Machine {
    /// A machine with these rules.
    #[must_use]
    pub const fn new(rules: Rules) -> Self {
        Self { rules }
    }

    /// Returns the rules.
    #[must_use]
    pub const fn rules(&self) -> &Rules {
        &self.rules
    }

    /// Takes one input, and returns the transaction that it leads to.
    ///
    /// # Errors
    /// If the input cannot be taken in this state. Nothing changes then.
    pub fn step(&self, snapshot: &Snapshot<'_>, input: Input, now: UnixTime) -> Result<Commit, Refusal> {
        if let Input::Start(start) = input {
            return start::start(&self.rules, snapshot, start, now);
        }
        let stored = snapshot.stored.ok_or(Refusal::NotFound)?;
        let draft = Draft::of(&self.rules, stored, now);
        match input {
            Input::Start(_) => Err(Refusal::NotFound),
            Input::Opened(opened) => start::opened(draft, opened),
            Input::StartFailed(failed) => start::failed(draft, failed),
            Input::Callback(callback) => look::callback(draft, callback),
            Input::Returned(capability) => look::returned(draft, capability),
            Input::Looked(looked) => look::looked(draft, stored, looked),
            Input::Review(review) => close::review(draft, review),
            Input::Cancel => close::cancel(draft),
            Input::Redact => close::redact(draft),
            Input::Deleted(deleted) => close::deleted(draft, stored, deleted),
            Input::Tick(fence) => close::tick(draft, stored, fence),
        }
    }
}

impl Stored {
    /// Returns what a worker must do now for a verification that it claimed, in this order.
    #[must_use]
    pub fn jobs(&self, now: UnixTime) -> Vec<Job> {
        let verification = &self.verification;
        let is_over = |at: UnixTime| at <= now;
        let lease_over = verification
            .attempts
            .iter()
            .any(|attempt| attempt.state == AttemptState::Reserved && is_over(attempt.lease_until));
        let time_over = verification.state == State::RequiresInput && is_over(verification.expires_at);
        let looks = verification.attempts.iter().filter_map(|attempt| {
            attempt.next_look_at.filter(|at| is_over(*at))?;
            Some(Job::Look(attempt.order_no.clone(), attempt.certify_id.clone()?))
        });
        let delete_now =
            verification.redaction == Redaction::Requested && verification.delete_at.is_some_and(is_over);
        let deletions =
            verification.attempts.iter().filter(|attempt| delete_now && attempt.must_delete()).filter_map(
                |attempt| Some(Job::Delete(attempt.order_no.clone(), attempt.certify_id.clone()?)),
            );
        let tick = (lease_over || time_over || verification.is_review_over(now)).then_some(Job::Tick);
        tick.into_iter().chain(looks).chain(deletions).collect()
    }
}
