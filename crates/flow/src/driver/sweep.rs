//! The sweep: looks at results, ends leases, deletes data, purges.

use std::time::Duration;

use cloudauth_client::ErrorKind;
use cloudauth_protocol::{
    CertifyId, Code, DeleteFaceVerifyResult, Deletion, DescribeFaceVerify, OuterOrderNo, SceneId, UnixTime,
    mask_digits,
};

use crate::driver::error::FlowError;
use crate::driver::flow::Flow;
use crate::driver::region::region;
use crate::driver::settings::Settings;
use crate::driver::signals;
use crate::join::{Boxed, join_all};
use crate::machine::commit::{Job, Stored};
use crate::machine::finding::Finding;
use crate::machine::ids::{LookError, Region};
use crate::machine::input::{Deleted, Fence, Input, Look, Looked};
use crate::store::contract::{Lookup, Queue, Store};

/// The lease of a claim: longer than a call of the client with its retries.
const LEASE: Duration = Duration::from_secs(60);

/// The verifications of one sweep.
pub(crate) const SWEEP: usize = 20;

impl<S: Store> Flow<S> {
    /// Does what is due: looks at results, ends leases, deletes data, purges. [`run`](Self::run) calls it; any number of processes
    /// may. Returns the number of verifications that were due; if it is 20, call it again without a pause.
    ///
    /// # Errors
    /// If the store failed: what was claimed is claimed again when its lease ends. If the system's clock jumped: nothing is due
    /// until it is right again, or [`trust_clock`](Self::trust_clock) accepts it.
    pub async fn sweep(&self) -> Result<usize, FlowError> {
        let result = self.sweep_once().await;
        signals::swept(&result);
        result
    }

    async fn sweep_once(&self) -> Result<usize, FlowError> {
        let now = self.clock.check()?;
        self.record_waiting().await?;
        let mut claimed = self.store.claim(Queue::Results, now, LEASE, SWEEP).await?;
        claimed.extend(self.store.claim(Queue::Deletions, now, LEASE, SWEEP).await?);
        let mut work: Vec<(&Stored, Vec<Job>)> =
            claimed.iter().map(|stored| (stored, stored.jobs(now))).collect();
        self.ration(&mut work).await?;
        let work =
            work.into_iter().map(|(stored, jobs)| Box::pin(self.work_all(stored, jobs)) as Boxed<'_, _>);
        let results: Result<Vec<()>, FlowError> = join_all(work.collect()).await.into_iter().collect();
        self.report_unreadable().await?;
        // Last, so that a verification that cannot be deleted stops no other.
        self.purge(now).await?;
        results.map(|_| claimed.len())
    }

    async fn purge(&self, now: UnixTime) -> Result<(), FlowError> {
        // The calls of this sweep take time: the clock may have jumped since.
        self.clock.check()?;
        self.store.purge(now, SWEEP).await?;
        Ok(())
    }

    /// Drops the calls that the account's rate does not allow now. They are claimed again when the lease ends.
    async fn ration(&self, work: &mut [(&Stored, Vec<Job>)]) -> Result<(), FlowError> {
        let count = |is: fn(&Job) -> bool| {
            let jobs = work.iter().flat_map(|(_, jobs)| jobs).filter(|job| is(job)).count();
            u32::try_from(jobs).unwrap_or(u32::MAX)
        };
        let looks = count(|job| matches!(job, Job::Look(..)));
        let deletions = count(|job| matches!(job, Job::Delete(..)));
        let Settings { calls_per_second, deletions_per_second, .. } = self.settings;
        let mut looks = self.reserve("DescribeFaceVerify", looks, calls_per_second).await?;
        let mut deletions = self.reserve("DeleteFaceVerifyResult", deletions, deletions_per_second).await?;
        for (_, jobs) in work {
            jobs.retain(|job| match job {
                Job::Tick => true,
                Job::Look(..) => take(&mut looks),
                Job::Delete(..) => take(&mut deletions),
            });
        }
        Ok(())
    }

    /// The jobs of one verification, in order.
    async fn work_all(&self, stored: &Stored, jobs: Vec<Job>) -> Result<(), FlowError> {
        let mut claimed = Some(stored.clone());
        for job in jobs {
            match self.work(stored, claimed.take(), job).await {
                // A refusal means that another input or worker came first.
                Ok(()) | Err(FlowError::Refused(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    async fn work(&self, stored: &Stored, claimed: Option<Stored>, job: Job) -> Result<(), FlowError> {
        let fence = Fence(stored.fence);
        let input = match job {
            Job::Tick => Input::Tick(fence),
            Job::Look(order_no, certify_id) => {
                let answer = self.look(stored, &order_no, certify_id).await;
                signals::looked(&answer);
                Input::Looked(Looked { order_no, fence, answer })
            }
            Job::Delete(order_no, certify_id) => {
                self.aim(&certify_id, region_of(stored, &order_no));
                let done = self.delete(stored.verification.scene, certify_id).await;
                signals::deleted(done);
                Input::Deleted(Deleted { order_no, fence, done })
            }
        };
        // The call took time. A clock that jumped meanwhile must not end the attempt.
        self.clock.check()?;
        let by = Lookup::Id(&stored.verification.id);
        match claimed {
            Some(claimed) => self.apply_to(Some(claimed), by, &input).await,
            None => self.apply(by, &input).await,
        }
        .map(|_| ())
    }

    async fn look(&self, stored: &Stored, order_no: &OuterOrderNo, certify_id: CertifyId) -> Look {
        let created_in = region_of(stored, order_no);
        self.aim(&certify_id, created_in);
        let asked = DescribeFaceVerify::new(stored.verification.scene, certify_id);
        let (result, report) = self.client.call_reported(&asked).await;
        let region = region(&report.endpoint);
        match result {
            Ok(reply) => match Finding::decide(&asked, &reply, &self.policy) {
                Some(finding) => Look::Finished(Box::new(finding)),
                // Another region does not know the session. Its code says nothing about it.
                None if region.as_ref() != created_in => Look::Unknown { region },
                None => Look::Pending,
            },
            Err(error) if error.code() == Some(&Code::InvalidCertifyId) => Look::Unknown { region },
            Err(error) => Look::Failed { transient: error.is_transient(), error: reason(&error) },
        }
    }

    /// Whether the service has deleted its data. It may ask for a look at the result before.
    async fn delete(&self, scene: SceneId, certify_id: CertifyId) -> bool {
        let op = DeleteFaceVerifyResult::new(certify_id.clone());
        let deleted = |reply: &Deletion| matches!(reply, Deletion::Deleted | Deletion::AlreadyDeleted);
        match self.client.delete_face_verify_result(&op).await {
            Ok(reply) if reply.output == Deletion::ResultNotQueried => {
                let look = DescribeFaceVerify::new(scene, certify_id);
                // The answer does not matter: only the next deletion tells.
                let _ = self.client.describe_face_verify(&look).await;
                let again = self.client.delete_face_verify_result(&op).await;
                again.is_ok_and(|reply| deleted(&reply.output))
            }
            result => result.is_ok_and(|reply| deleted(&reply.output)),
        }
    }
}

fn region_of<'a>(stored: &'a Stored, order_no: &OuterOrderNo) -> Option<&'a Region> {
    stored.verification.attempt(order_no)?.region.as_ref()
}

fn take(left: &mut u32) -> bool {
    let some = *left > 0;
    *left = left.saturating_sub(1);
    some
}

/// The reason of a failed call: the code of the service or the gateway, or the kind of the failure. A code of an unknown form is
/// not kept, because it may hold anything.
fn reason(error: &cloudauth_client::Error) -> LookError {
    let code = error.code().map(ToString::to_string);
    let code = code.or_else(|| error.gateway_code().map(ToString::to_string));
    let code = code.filter(|code| mask_digits(code) == *code).and_then(|code| LookError::new(&code).ok());
    code.unwrap_or_else(|| {
        LookError::fixed(match error.kind() {
            ErrorKind::Build => "build",
            ErrorKind::Credentials => "credentials",
            ErrorKind::Transport => "transport",
            ErrorKind::Gateway => "gateway",
            ErrorKind::Refused => "refused",
            ErrorKind::Malformed => "malformed",
            ErrorKind::Deadline => "deadline",
            _ => "other",
        })
    })
}
