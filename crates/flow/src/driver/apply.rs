//! Steps that become commits: again if another commit came first, looked up if the outcome is unknown.

use std::sync::PoisonError;
use std::time::Duration;

use cloudauth_protocol::OuterOrderNo;

use crate::driver::error::FlowError;
use crate::driver::flow::Flow;
use crate::driver::signals;
use crate::machine::commit::{Commit, Snapshot, Stored, Usage};
use crate::machine::input::{Input, Start};
use crate::store::contract::{Lookup, Store, UsageOf};
use crate::store::error::{StoreError, StoreErrorKind};

/// How often a step is repeated when other commits come first.
const REPEATS: usize = 8;

/// The pauses before the answer of `InitFaceVerify` is committed again, in milliseconds: 55 s in total.
const PAUSES: [u64; 14] =
    [50, 100, 200, 400, 800, 1_600, 3_200, 5_000, 6_000, 7_000, 7_000, 8_000, 8_000, 8_000];

/// The answers that a sweep commits at most, before it looks at results.
const MOST_RECORDED: usize = 100;

/// The answers that wait for their commit. More cannot be in flight on one machine.
const MOST_WAITING: usize = 10_000;

impl<S: Store> Flow<S> {
    /// Loads, steps and commits.
    pub(crate) async fn apply(&self, by: Lookup<'_>, input: &Input) -> Result<Commit, FlowError> {
        let stored = self.store.load(by).await?;
        self.apply_to(stored, by, input).await
    }

    /// Steps and commits, from what was loaded before.
    pub(crate) async fn apply_to(
        &self,
        stored: Option<Stored>,
        by: Lookup<'_>,
        input: &Input,
    ) -> Result<Commit, FlowError> {
        self.apply_claimed(stored, by, input, false).await
    }

    /// Steps and commits. A worker with more jobs keeps the lease of its claim.
    pub(crate) async fn apply_claimed(
        &self,
        mut stored: Option<Stored>,
        by: Lookup<'_>,
        input: &Input,
        keeps_lease: bool,
    ) -> Result<Commit, FlowError> {
        let mut last = StoreErrorKind::Conflict.into();
        for repeat in 0..REPEATS {
            if repeat > 0 {
                stored = self.store.load(by).await?;
            }
            let mut commit = self.step(stored.as_ref(), input).await?;
            if keeps_lease {
                commit = commit.keeping_lease();
            }
            if commit.is_noop() {
                return Ok(commit);
            }
            last = match self.store.commit(&commit).await {
                Ok(()) => return Ok(commit),
                Err(error) => error,
            };
            match last.kind() {
                StoreErrorKind::Conflict | StoreErrorKind::Limit => {}
                StoreErrorKind::OutcomeUnknown => {
                    if self.happened(&commit).await? {
                        return Ok(commit);
                    }
                }
                _ => return Err(last.into()),
            }
        }
        Err(last.into())
    }

    /// Makes a step, and commits nothing.
    pub(crate) async fn step(&self, stored: Option<&Stored>, input: &Input) -> Result<Commit, FlowError> {
        let now = self.clock.now();
        let usage = match input {
            Input::Start(Start { subject, scene, identity, .. }) => {
                let of = UsageOf { subject: *subject, scene: *scene, identity: *identity, at: now };
                self.store.usage(&of).await?
            }
            _ => Usage::default(),
        };
        Ok(self.machine.step(&Snapshot { stored, usage }, input.clone(), now)?)
    }

    /// Commits the answer of `InitFaceVerify`, and tries again while the store is unavailable. If the caller drops the future, or
    /// the store stays away, the next sweep of this process commits it.
    pub(crate) async fn record(&self, order_no: &OuterOrderNo, input: Input) -> Result<Commit, FlowError> {
        self.keep(order_no, &input);
        let mut pauses = PAUSES.into_iter();
        loop {
            let result = self.apply(Lookup::OrderNo(order_no), &input).await;
            match (is_unavailable(&result), pauses.next()) {
                (true, Some(pause)) => self.client.sleep(Duration::from_millis(pause)).await,
                (true, None) => return result,
                (false, _) => {
                    self.forget(order_no);
                    return result;
                }
            }
        }
    }

    /// Commits the answers whose starts ended before they could. One that cannot be committed now waits behind the others, and stops
    /// no sweep.
    pub(crate) async fn record_waiting(&self) {
        let waiting: Vec<_> = {
            let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            waiting.iter().take(MOST_RECORDED).cloned().collect()
        };
        for (order_no, input) in waiting {
            let result = self.apply(Lookup::OrderNo(&order_no), &input).await;
            self.forget(&order_no);
            if is_unavailable(&result) {
                self.keep(&order_no, &input);
                signals::waiting();
                // The others need the same store.
                return;
            }
        }
    }

    fn keep(&self, order_no: &OuterOrderNo, input: &Input) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.len() < MOST_WAITING {
            waiting.push((order_no.clone(), input.clone()));
        }
    }

    fn forget(&self, order_no: &OuterOrderNo) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.retain(|(other, _)| other != order_no);
    }

    /// Whether a commit is in the store: its last event is there, or a commit without events has its version.
    async fn happened(&self, commit: &Commit) -> Result<bool, StoreError> {
        let verification = commit.verification();
        if let Some(last) = commit.events().last() {
            let history = self.store.history(&verification.id).await?;
            return Ok(history.iter().any(|event| event.n == last.n && event.hash == last.hash));
        }
        let stored = self.store.load(Lookup::Id(&verification.id)).await?;
        Ok(stored.is_some_and(|stored| {
            commit.expected().is_some_and(|version| stored.version == version + 1)
                && stored.verification == *verification
        }))
    }
}

/// Whether the same step may succeed later, because the store did not do its part.
fn is_unavailable(result: &Result<Commit, FlowError>) -> bool {
    let Err(FlowError::Store(error)) = result else { return false };
    !matches!(error.kind(), StoreErrorKind::Corrupt | StoreErrorKind::Duplicate)
}
