//! The flow: starts, callbacks, looks, reviews.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use cloudauth_client::{Client, Executed};
use cloudauth_policy::LivePolicy;
use cloudauth_protocol::{
    CallbackKeys, CertifyId, DeleteFaceVerifyResult, Deletion, DescribeFaceVerify, InitFaceVerify,
    InvalidValue, OuterOrderNo, SceneId, UnixTime,
};

use crate::driver::error::FlowError;
use crate::driver::ticket::{Capability, NewVerification, Started, Ticket};
use crate::join::{Boxed, join_all};
use crate::machine::commit::{Commit, Job, Outcome, Snapshot, Stored, Usage};
use crate::machine::finding::Finding;
use crate::machine::ids::{OrderRef, VerificationId};
use crate::machine::input::{
    CheckedCallback, Deleted, Fence, Input, Look, Looked, Opened, Review, Start, StartFailed,
};
use crate::machine::refusal::Refusal;
use crate::machine::rules::Rules;
use crate::machine::state::Verification;
use crate::machine::step::Machine;
use crate::store::contract::{Cursor, LoggedEvent, Lookup, Store, UsageOf};
use crate::store::error::{StoreError, StoreErrorKind};

/// Verifications that survive crashes, lost callbacks and several instances. Share it by an [`Arc`]; any number of processes may
/// use one store.
#[derive(Debug)]
pub struct Flow<S> {
    client: Client,
    policy: Arc<LivePolicy>,
    keys: CallbackKeys,
    store: S,
    machine: Machine,
    clock: fn() -> UnixTime,
    random: fn(&mut [u8]) -> bool,
}

/// How often a step is repeated when other commits come first.
const REPEATS: usize = 8;

/// The lease of a claim: longer than a call of the client with its retries.
const LEASE: Duration = Duration::from_secs(60);

/// The verifications of one sweep.
const SWEEP: usize = 20;

impl<S: Store> Flow<S> {
    /// A flow with these rules.
    pub fn new(client: Client, policy: Arc<LivePolicy>, keys: CallbackKeys, store: S, rules: Rules) -> Self {
        let clock = || SystemTime::now().into();
        let random = |bytes: &mut [u8]| getrandom::fill(bytes).is_ok();
        Self { client, policy, keys, store, machine: Machine::new(rules), clock, random }
    }

    /// The same flow with another clock and other random bytes, for simulations. `random` returns whether it filled the bytes.
    #[must_use]
    pub fn with_inputs(self, clock: fn() -> UnixTime, random: fn(&mut [u8]) -> bool) -> Self {
        Self { clock, random, ..self }
    }

    /// Returns the store.
    pub const fn store(&self) -> &S {
        &self.store
    }

    /// Starts a verification, or the next attempt of one. `init` builds the call from the ticket and the person's data, which
    /// this crate never stores.
    ///
    /// # Errors
    /// See [`FlowError`]. The same request may be repeated after any of them.
    pub async fn start(
        &self,
        new: NewVerification,
        init: impl FnOnce(&Ticket) -> Result<InitFaceVerify, InvalidValue>,
    ) -> Result<Started, FlowError> {
        let capability = Capability::generate(self.bytes()?);
        let order_no = OuterOrderNo::generate(self.bytes()?);
        let order = new.order.clone();
        let input = Input::Start(Start {
            id: VerificationId::new(self.bytes()?),
            order: new.order,
            subject: new.subject,
            scene: new.scene,
            purpose: new.purpose,
            key: new.key,
            identity: new.identity,
            consent: new.consent,
            order_no: order_no.clone(),
            capability: Capability::digest(capability.expose()),
        });
        let commit = self.apply(Lookup::Order(&order), &input).await?;
        if !matches!(commit.outcome(), Outcome::Started(_)) {
            return Err(FlowError::AlreadyStarted);
        }
        let token = self.keys.token(new.scene, &order_no);
        let ticket = Ticket { scene: new.scene, order_no: order_no.clone(), token, capability };
        let op = match init(&ticket) {
            Ok(op) if *op.outer_order_no() == order_no && op.scene_id() == new.scene => op,
            built => {
                let failed = StartFailed { order_no: order_no.clone(), maybe_executed: false, code: None };
                let _ = self.apply(Lookup::OrderNo(&order_no), &Input::StartFailed(failed)).await?;
                // A call with another number would lose its result.
                return Err(built.err().map_or(Refusal::NotFound.into(), FlowError::Invalid));
            }
        };
        let session = match self.client.init_face_verify(&op).await {
            Ok(reply) => reply.output,
            Err(error) => {
                let maybe_executed = error.executed() == Executed::Maybe;
                let code = error.code().cloned();
                let failed = StartFailed { order_no: order_no.clone(), maybe_executed, code };
                // If this fails too, the attempt is orphaned when its lease ends.
                let _ = self.apply(Lookup::OrderNo(&order_no), &Input::StartFailed(failed)).await;
                return Err(FlowError::Call(error));
            }
        };
        let opened = Opened { order_no: order_no.clone(), certify_id: session.certify_id, region: None };
        let commit = self.apply(Lookup::OrderNo(&order_no), &Input::Opened(opened)).await?;
        match (commit.outcome(), session.certify_url) {
            (Outcome::Opened, Some(link)) => {
                Ok(Started { link, verification: commit.verification().clone() })
            }
            (Outcome::Opened, None) => Err(FlowError::NoLink),
            _ => Err(FlowError::LinkDropped),
        }
    }

    /// Takes a callback: `order_no` from the path, and the query. Answer every `Ok` with 200 and an empty body: an unknown order,
    /// a forged token and a repetition look alike from outside.
    ///
    /// # Errors
    /// If the store failed. Answer 503: the service calls again.
    pub async fn callback(&self, order_no: &str, query: &str) -> Result<(), StoreError> {
        let Ok(order_no) = OuterOrderNo::new(order_no) else { return Ok(()) };
        let Some(stored) = self.store.load(Lookup::OrderNo(&order_no)).await? else { return Ok(()) };
        let scene = stored.verification.scene;
        let Some(callback) = CheckedCallback::check(&self.keys, scene, &order_no, query) else {
            return Ok(());
        };
        match self.apply(Lookup::OrderNo(&order_no), &Input::Callback(callback)).await {
            Err(FlowError::Store(error)) => Err(error),
            _ => Ok(()),
        }
    }

    /// Takes a browser that came back with its capability, and returns the verification. `None` if the capability is unknown.
    ///
    /// # Errors
    /// If the store failed.
    pub async fn returned(&self, capability: &str) -> Result<Option<Verification>, FlowError> {
        let hash = Capability::digest(capability);
        match self.apply(Lookup::Capability(&hash), &Input::Returned(hash)).await {
            Ok(commit) => Ok(Some(commit.verification().clone())),
            Err(FlowError::Refused(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Returns the verification of an order.
    ///
    /// # Errors
    /// If the store failed.
    pub async fn get(&self, order: &OrderRef) -> Result<Option<Verification>, StoreError> {
        Ok(self.store.load(Lookup::Order(order)).await?.map(|stored| stored.verification))
    }

    /// Returns up to `limit` events after a place.
    ///
    /// # Errors
    /// If the store failed.
    pub async fn events(&self, after: Cursor, limit: usize) -> Result<Vec<LoggedEvent>, StoreError> {
        self.store.events_after(after, limit).await
    }

    /// Takes the decision of a reviewer.
    ///
    /// # Errors
    /// If the verification is not in review, has events that the reviewer did not see, or the store failed.
    pub async fn review(&self, order: &OrderRef, review: Review) -> Result<Verification, FlowError> {
        Ok(self.apply(Lookup::Order(order), &Input::Review(review)).await?.verification().clone())
    }

    /// Cancels a verification.
    ///
    /// # Errors
    /// If it is in review or has ended in another way, or the store failed.
    pub async fn cancel(&self, order: &OrderRef) -> Result<Verification, FlowError> {
        Ok(self.apply(Lookup::Order(order), &Input::Cancel).await?.verification().clone())
    }

    /// Erases what refers to the person, and the evidence. The sweeper asks the service to delete its data too.
    ///
    /// # Errors
    /// If the verification has not ended, or the store failed.
    pub async fn redact(&self, order: &OrderRef) -> Result<Verification, FlowError> {
        Ok(self.apply(Lookup::Order(order), &Input::Redact).await?.verification().clone())
    }

    /// Does what is due: looks at results, ends leases, deletes data, purges. Call it every second, in any number of processes.
    /// Returns the number of verifications that were due; if it is 20, call it again without a pause.
    ///
    /// # Errors
    /// If the store failed. What was claimed is claimed again when its lease ends.
    pub async fn sweep(&self) -> Result<usize, StoreError> {
        let now = (self.clock)();
        let claimed = self.store.claim(now, LEASE, SWEEP).await?;
        let work = claimed.iter().map(|stored| Box::pin(self.work_all(stored, now)) as Boxed<'_, _>);
        let results: Result<Vec<()>, StoreError> = join_all(work.collect()).await.into_iter().collect();
        // Last, so that a verification that cannot be deleted stops no other.
        self.store.purge(now, SWEEP).await?;
        results.map(|_| claimed.len())
    }

    /// The jobs of one verification, in order.
    async fn work_all(&self, stored: &Stored, now: UnixTime) -> Result<(), StoreError> {
        for job in stored.jobs(now) {
            // A refusal means that another input or worker came first.
            if let Err(FlowError::Store(error)) = self.work(stored, job).await {
                return Err(error);
            }
        }
        Ok(())
    }

    async fn work(&self, stored: &Stored, job: Job) -> Result<(), FlowError> {
        let fence = Fence(stored.fence);
        let input = match job {
            Job::Tick => Input::Tick(fence),
            Job::Look(order_no, certify_id) => {
                let asked = DescribeFaceVerify::new(stored.verification.scene, certify_id);
                let answer = match self.client.describe_face_verify(&asked).await {
                    Ok(reply) => match Finding::decide(&asked, &reply, &self.policy) {
                        Some(finding) => Look::Finished(Box::new(finding)),
                        None => Look::Pending,
                    },
                    Err(error) => Look::Failed { transient: error.is_transient() },
                };
                Input::Looked(Looked { order_no, fence, answer })
            }
            Job::Delete(order_no, certify_id) => {
                let done = self.delete(stored.verification.scene, certify_id).await;
                Input::Deleted(Deleted { order_no, fence, done })
            }
        };
        self.apply(Lookup::Id(&stored.verification.id), &input).await.map(|_| ())
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

    /// Steps and commits, again if another commit came first. An unknown outcome is looked up, never guessed.
    async fn apply(&self, by: Lookup<'_>, input: &Input) -> Result<Commit, FlowError> {
        let mut last = StoreErrorKind::Conflict.into();
        for _ in 0..REPEATS {
            let stored = self.store.load(by).await?;
            let now = (self.clock)();
            let usage = match input {
                Input::Start(Start { subject, scene, identity, .. }) => {
                    let of = UsageOf { subject: *subject, scene: *scene, identity: *identity, at: now };
                    self.store.usage(&of).await?
                }
                _ => Usage::default(),
            };
            let snapshot = Snapshot { stored: stored.as_ref(), usage };
            let commit = self.machine.step(&snapshot, input.clone(), now)?;
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

    fn bytes(&self) -> Result<[u8; 16], FlowError> {
        let mut bytes = [0; 16];
        if (self.random)(&mut bytes) { Ok(bytes) } else { Err(FlowError::Entropy) }
    }
}
