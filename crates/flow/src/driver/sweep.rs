//! The sweep: claims what is due, makes the calls that the account's rate allows, purges.
//!
//! Calls run side by side, and the purge beside them: one that takes until its deadline holds no other.

use std::time::Duration;

use cloudauth_protocol::UnixTime;

use crate::driver::error::FlowError;
use crate::driver::flow::Flow;
use crate::driver::quota::Quota;
use crate::driver::settings::MARGIN;
use crate::driver::signals;
use crate::join::{Boxed, join_all};
use crate::machine::commit::{Job, Stored};
use crate::machine::input::{Deleted, Fence, Input, Looked};
use crate::machine::refusal::Refusal;
use crate::store::contract::{Lookup, Queue, Store};

/// The most verifications of a claim.
pub(crate) const SWEEP: usize = 20;

/// The identities of start pages that a sweep erases.
const ERASED: usize = 1_000;

/// What a claim found.
pub(crate) struct Due<'a> {
    /// The work, to run side by side.
    pub(crate) work: Vec<Boxed<'a, Result<(), FlowError>>>,
    /// The verifications that were due, and that the account's rate allows.
    pub(crate) count: usize,
}

/// What a sweep of a queue did.
pub(crate) struct Swept {
    /// What was due, or why it could not be claimed, or the purge failed.
    pub(crate) result: Result<usize, FlowError>,
    /// The first error of the work on a verification.
    pub(crate) worked: Result<(), FlowError>,
}

/// The calls of the longest job, a deletion: two deletions, and a look between them.
const CALLS: u32 = 3;

impl<S: Store> Flow<S> {
    /// Does what is due: looks at results, ends leases, deletes data, purges. [`run`](Self::run) does the same, with a loop for each
    /// queue. Any number of processes may sweep. Returns the number of verifications that were due and that the account's rate
    /// allowed; if it is 20 or more, call it again without a pause.
    ///
    /// # Errors
    /// If the store failed: what was claimed is claimed again when its lease ends. If the system's clock jumped: nothing is due
    /// until it is right again, or [`trust_clock`](Self::trust_clock) accepts it.
    pub async fn sweep(&self) -> Result<usize, FlowError> {
        let sweeps = [Queue::Results, Queue::Deletions]
            .map(|queue| Box::pin(self.sweep_queue(queue)) as Boxed<'_, Swept>);
        let each = join_all(sweeps.into()).await;
        each.into_iter().map(|Swept { result, worked }| worked.and(result)).sum()
    }

    /// Does what is due in a queue.
    pub(crate) async fn sweep_queue(&self, queue: Queue) -> Swept {
        let swept = match self.claim_due(queue, SWEEP).await {
            Ok(due) => self.work_beside(queue, due).await,
            Err(error) => Swept { result: Err(error), worked: Ok(()) },
        };
        signals::swept(&swept.result);
        swept
    }

    /// Does the work of a claim, and keeps house.
    async fn work_beside(&self, queue: Queue, Due { mut work, count }: Due<'_>) -> Swept {
        // Beside the others: a verification that cannot be deleted stops none of them. First, because a blocking transport lets
        // the next one begin only when its call has ended.
        work.insert(0, Box::pin(self.keep_house(queue)));
        let mut results = join_all(work).await.into_iter();
        let kept = results.next().unwrap_or(Ok(()));
        let worked = results.inspect(signals::worked).fold(Ok(()), Result::and);
        Swept { result: kept.map(|()| count), worked }
    }

    /// Claims at most so many verifications that are due, and returns their work.
    pub(crate) async fn claim_due(&self, queue: Queue, most: usize) -> Result<Due<'_>, FlowError> {
        if let Some(pages) = self.store.pages().filter(|_| queue == Queue::Results) {
            // By the store's clock: also if that of this process jumped.
            pages.erase_pages(self.clock.now(), ERASED).await?;
        }
        let now = self.checked_now().await?;
        if queue == Queue::Results {
            self.record_waiting().await;
        }
        if most == 0 {
            return Ok(Due { work: Vec::new(), count: 0 });
        }
        let lease = self.lease();
        let claimed = self.store.claim(queue, now, lease, most).await?;
        let oldest = claimed.iter().filter_map(|stored| stored.verification.due_at).min();
        signals::claimed(queue, oldest.map(|at| now.since(at)));
        let mut count = claimed.len();
        let mut work: Vec<_> = claimed.into_iter().map(|stored| (stored.jobs(now), stored)).collect();
        let calls = work.iter().flat_map(|(jobs, _)| jobs).filter(|job| **job != Job::Tick).count();
        let quota = if queue == Queue::Results { Quota::Looks } else { Quota::Deletions };
        let mut granted = self.reserve(quota, u32::try_from(calls).unwrap_or(u32::MAX)).await?;
        // What the rate does not allow now is released, and claimed again.
        for (jobs, _) in &mut work {
            let before = jobs.len();
            jobs.retain(|job| *job == Job::Tick || take(&mut granted));
            count -= usize::from(jobs.is_empty() && before > 0);
        }
        let until = now.plus(lease);
        let work = work.into_iter().map(|(jobs, stored)| Box::pin(self.work_all(stored, jobs, until)) as _);
        Ok(Due { work: work.collect(), count })
    }

    /// Purges, and reports what claims pass over.
    pub(crate) async fn keep_house(&self, queue: Queue) -> Result<(), FlowError> {
        if queue != Queue::Results {
            return Ok(());
        }
        let purged = self.purge().await;
        self.report_unreadable().await.and(purged)
    }

    /// The lease of a claim: the calls of the longest job fit, each with the client's deadline.
    fn lease(&self) -> Duration {
        self.client.settings().deadline.saturating_mul(CALLS).saturating_add(MARGIN)
    }

    async fn purge(&self) -> Result<(), FlowError> {
        // The claim took time: the clock may have jumped since.
        let now = self.clock.check()?;
        self.store.purge(now, SWEEP).await?;
        Ok(())
    }

    /// The jobs of one verification, in order. The lease ends with the last one, or with a tick if the last one wrote nothing.
    async fn work_all(&self, stored: Stored, jobs: Vec<Job>, until: UnixTime) -> Result<(), FlowError> {
        let stored = &stored;
        let (mut claimed, mut released) = (Some(stored.clone()), false);
        let last = jobs.len().saturating_sub(1);
        for (at, job) in jobs.into_iter().enumerate() {
            let time = self.client.settings().deadline.saturating_mul(calls(&job));
            if self.clock.now().plus(time) > until {
                // The lease may end before the answer. The next claim does the rest.
                break;
            }
            match self.work(stored, claimed.take(), job, at < last).await {
                Ok(()) => released = at == last,
                Err(FlowError::Refused(Refusal::StaleFence | Refusal::NotFound)) => return Ok(()),
                // Another input came first.
                Err(FlowError::Refused(_)) => {}
                Err(error) => return Err(error),
            }
        }
        if released {
            return Ok(());
        }
        match self.work(stored, claimed.take(), Job::Tick, false).await {
            Err(FlowError::Refused(_)) => Ok(()),
            result => result,
        }
    }

    async fn work(
        &self,
        stored: &Stored,
        claimed: Option<Stored>,
        job: Job,
        keeps_lease: bool,
    ) -> Result<(), FlowError> {
        let fence = Fence(stored.fence);
        let input = match job {
            Job::Tick => Input::Tick(fence),
            Job::Look(order_no, certify_id) => {
                let answer = self.look(stored, &order_no, certify_id).await;
                signals::looked(&answer);
                Input::Looked(Looked { order_no, fence, answer })
            }
            Job::Delete(order_no, certify_id) => {
                let done = self.delete(stored, &order_no, certify_id).await;
                signals::deleted(done);
                Input::Deleted(Deleted { order_no, fence, done })
            }
        };
        // The call took time. A clock that jumped meanwhile must not end the attempt.
        self.clock.check()?;
        let by = Lookup::Id(&stored.verification.id);
        let claimed = match claimed {
            Some(claimed) => Some(claimed),
            None => self.store.load(by).await?,
        };
        self.apply_claimed(claimed, by, &input, keeps_lease).await.map(|_| ())
    }
}

/// The most calls of a job.
const fn calls(job: &Job) -> u32 {
    match job {
        Job::Tick => 0,
        Job::Look(..) => 1,
        Job::Delete(..) => CALLS,
    }
}

fn take(left: &mut u32) -> bool {
    let some = *left > 0;
    *left = left.saturating_sub(1);
    some
}
