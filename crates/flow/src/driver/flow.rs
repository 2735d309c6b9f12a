//! The flow: starts, callbacks, looks, reviews.

use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cloudauth_client::{Client, Executed};
use cloudauth_policy::LivePolicy;
use cloudauth_protocol::{
    CertifyUrl, FaceGuardOutput, Identity, InitFaceVerify, MetaInfo, OuterOrderNo, ReturnUrl, UnixTime,
};

use crate::driver::clock::{Clock, ClockAndRandom};
use crate::driver::error::{FlowError, PageRefusal};
use crate::driver::quota::{Owed, Quota};
use crate::driver::region::region;
use crate::driver::settings::{FlowSettings, MARGIN};
use crate::driver::signals;
use crate::driver::ticket::{Capability, NewVerification, Started};
use crate::machine::commit::{CommitOutcome, PageLink};
use crate::machine::ids::{CapabilityHash, OrderRef, VerificationId};
use crate::machine::input::{CheckedCallback, Input, Opened, Review, StartFailed};
use crate::machine::state::Verification;
use crate::machine::step::Machine;
use crate::store::contract::{Cursor, LoggedEvent, Lookup, Store};
use crate::store::error::{StoreError, StoreErrorKind};
use crate::webhook::endpoint::Webhooks;

/// The longest deadline of a call: the leases of a store must not exceed ten minutes.
const LONGEST_CALL: Duration = Duration::from_secs(60);

/// Verifications that survive crashes, lost callbacks and several instances. Share it by an [`Arc`]; any number of processes may
/// use one store.
#[derive(Debug)]
pub struct Flow<S> {
    pub(crate) client: Client,
    pub(crate) policy: Arc<LivePolicy>,
    pub(crate) store: S,
    pub(crate) settings: FlowSettings,
    pub(crate) machine: Machine,
    pub(crate) clock: Clock,
    /// Answers of `InitFaceVerify` that are not committed yet.
    pub(crate) waiting: Mutex<Vec<(OuterOrderNo, Input)>>,
    pub(crate) owed: Owed,
    /// The verifications that could not be read at the last sweep.
    pub(crate) unreadable: AtomicUsize,
    pub(crate) webhooks: Option<Webhooks>,
    #[cfg(feature = "hosted")]
    pub(crate) start_page: Option<crate::hosted::settings::StartPage>,
}

impl<S: Store> Flow<S> {
    /// A flow with these settings. A deadline of the client above a minute becomes a minute. The lease of a start covers the
    /// deadline, and a difference of the instances' clocks up to the tolerance.
    pub fn new(client: Client, policy: Arc<LivePolicy>, store: S, mut settings: FlowSettings) -> Self {
        let client = client.with(|calls| calls.deadline = calls.deadline.min(LONGEST_CALL));
        let call = client.settings().deadline.saturating_add(MARGIN);
        // Another instance, whose clock is ahead, ends the lease.
        let lease = call.saturating_add(settings.clock_tolerance);
        settings.rules.start_lease = settings.rules.start_lease.max(lease);
        let machine = Machine::new(settings.rules.clone());
        let clock = Clock::new(ClockAndRandom::default(), settings.clock_tolerance);
        Self {
            client,
            policy,
            store,
            settings,
            machine,
            clock,
            waiting: Mutex::default(),
            owed: Owed::default(),
            unreadable: AtomicUsize::new(0),
            webhooks: None,
            #[cfg(feature = "hosted")]
            start_page: None,
        }
    }

    /// The same flow with other clocks and other random bytes, for simulations.
    #[must_use]
    pub fn with_inputs(self, inputs: ClockAndRandom) -> Self {
        let clock = Clock::new(inputs, self.settings.clock_tolerance);
        Self { clock, ..self }
    }

    /// Accepts the system's clock after a jump, for instance because the machine was suspended. A store with a clock of its own,
    /// such as PostgreSQL, makes this unnecessary: the flow asks it. With another store, such as SQLite, the flow neither starts,
    /// reviews nor sweeps until you call this, the clock is right again, or the process restarts. A clock that differs from the
    /// clock of the store must be set right.
    pub fn trust_clock(&self) {
        self.clock.trust();
    }

    /// Returns the store.
    pub const fn store(&self) -> &S {
        &self.store
    }

    /// Starts a verification, or the next attempt of one. The person's data go to the service and are never stored. The flow adds
    /// the order number, the callback and its token, and the return URL; and it asks for labels of the device (`FaceGuardOutput`, at extra
    /// cost) if the policy has the input `device_risk` and [`start_with`](Self::start_with) set none. It stores a keyed digest of the identity.
    ///
    /// # Errors
    /// See [`FlowError`]. The same request may be repeated after any of them.
    ///
    /// # Cancellation
    /// Run it to its end, in a task of its own, so that a browser that goes away does not drop it. If it is dropped after the
    /// service answered, the next [`sweep`](Self::sweep) of this process keeps the CertifyId. If it is dropped during the call, the
    /// attempt is orphaned when its lease ends, and its link was given to no one.
    pub async fn start(
        &self,
        new: NewVerification,
        identity: Identity,
        meta_info: MetaInfo,
    ) -> Result<Started, FlowError> {
        self.start_with(new, identity, meta_info, |init| init).await
    }

    /// Like [`start`](Self::start), with more parameters: `|init| init.mobile(mobile)`. What the flow sets itself stays: the order
    /// number, the scene, the return URL, the callback and its token. The face must be compared with the identity of the request: a
    /// `ProductCode` other than `ID_PRO`, such as `LR_FR` (liveness only), and `RarelyCharacters` (the person types the name on the
    /// page) are refused.
    ///
    /// # Errors
    /// Same as [`start`](Self::start), and [`FlowError::OtherRequest`] if the closure changed what must stay.
    pub async fn start_with(
        &self,
        new: NewVerification,
        identity: Identity,
        meta_info: MetaInfo,
        more: impl FnOnce(InitFaceVerify) -> InitFaceVerify,
    ) -> Result<Started, FlowError> {
        let result = self.start_sealing(new, identity, meta_info, more, None, |_| None).await;
        signals::started(&result);
        result
    }

    /// Starts, unless the start page that led here has ended, and keeps the link with it, as `seal` returns it.
    pub(crate) async fn start_sealing(
        &self,
        new: NewVerification,
        identity: Identity,
        meta_info: MetaInfo,
        more: impl FnOnce(InitFaceVerify) -> InitFaceVerify,
        page: Option<&CapabilityHash>,
        seal: impl FnOnce(&CertifyUrl) -> Option<PageLink>,
    ) -> Result<Started, FlowError> {
        let order_no = OuterOrderNo::generate(self.random()?);
        let capability = Capability::generate(self.random()?);
        let op = self.request(&new, &order_no, &capability, |back| {
            more(InitFaceVerify::new(new.scene, order_no.clone(), identity, back, meta_info))
        })?;
        self.start_attempt(new, &order_no, &capability, &op, page, seal).await
    }

    /// The call of an attempt, with everything that leads the result back to it.
    fn request(
        &self,
        new: &NewVerification,
        order_no: &OuterOrderNo,
        capability: &Capability,
        init: impl FnOnce(ReturnUrl) -> InitFaceVerify,
    ) -> Result<InitFaceVerify, FlowError> {
        let urls = &self.settings.urls;
        // Both were checked when the settings were made.
        let (Some(callback), Some(back)) = (urls.callback_url(order_no), urls.return_url(capability)) else {
            return Err(FlowError::OtherRequest);
        };
        let op = init(back.clone());
        // A call with another number would lose its result, and one with another return URL the browser's return.
        if op.outer_order_no() != order_no || op.scene_id() != new.scene || *op.return_url() != back {
            return Err(FlowError::OtherRequest);
        }
        // The result is stored as one of this identity.
        if !op.compares_identity() {
            return Err(FlowError::OtherRequest);
        }
        // Without it, no reply has labels of the device, which a policy reads as no risk.
        let reads_labels =
            self.policy.current().inputs().any(|input| input == cloudauth_policy::Input::DeviceRisk);
        let op = if reads_labels && !op.has_face_guard_output() {
            op.face_guard_output(FaceGuardOutput::DeviceRisk)
        } else {
            op
        };
        let token = self.settings.keys.token(new.scene, order_no);
        Ok(op.callback_url(callback).callback_token(token))
    }

    async fn start_attempt(
        &self,
        new: NewVerification,
        order_no: &OuterOrderNo,
        capability: &Capability,
        op: &InitFaceVerify,
        page: Option<&CapabilityHash>,
        seal: impl FnOnce(&CertifyUrl) -> Option<PageLink>,
    ) -> Result<Started, FlowError> {
        // Its times would mislead the other instances.
        self.checked_now().await?;
        let order = new.order.clone();
        let input = new.start(
            VerificationId::new(self.random()?),
            // That of the request: the closure may have changed it.
            self.settings.refs.of(op.identity()),
            order_no.clone(),
            Capability::digest(capability.expose()),
            page.copied(),
        );
        let by = Lookup::Order(&order);
        let stored = self.store.load(by).await?;
        // A start that is refused or repeated takes no call of the account's rate.
        if let CommitOutcome::Started(_) = self.step(stored.as_ref(), &input).await?.outcome() {
            self.reserve_start().await?;
        }
        let commit = match self.apply_to(stored, by, &input).await {
            // A cancellation, for instance, came first. Nothing was committed.
            Err(FlowError::Store(error)) if error.kind() == StoreErrorKind::PageEnded => {
                return Err(self.why_ended(page).await);
            }
            result => result?,
        };
        if !matches!(commit.outcome(), CommitOutcome::Started(_)) {
            return Err(FlowError::AlreadyStarted);
        }
        let order_no = order_no.clone();
        let (result, report) = self.client.call_reported(op).await;
        self.owe(Quota::Starts, report.requests.saturating_sub(1));
        let session = match result {
            Ok(reply) => reply.output,
            Err(error) => {
                let maybe_executed = error.executed() == Executed::Maybe;
                let code = error.code().cloned();
                let failed = StartFailed { order_no: order_no.clone(), maybe_executed, code };
                // If this fails too, the next sweep records it, or the attempt is orphaned when its lease ends.
                let _ = self.record(&order_no, Input::StartFailed(failed)).await;
                return Err(FlowError::Call(error));
            }
        };
        let (certify_id, region) = (session.certify_id, region(&report.endpoint));
        let link = session.certify_url.as_ref().and_then(seal);
        let opened = Opened { order_no: order_no.clone(), certify_id, region, link };
        let commit = self.record(&order_no, Input::Opened(opened)).await?;
        match (commit.outcome(), session.certify_url) {
            (CommitOutcome::Opened, Some(link)) => {
                Ok(Started { link, verification: commit.verification().clone() })
            }
            (CommitOutcome::Opened, None) => Err(FlowError::NoLink),
            _ => Err(FlowError::LinkDropped),
        }
    }

    /// Why a start page has no identity any more.
    async fn why_ended(&self, page: Option<&CapabilityHash>) -> FlowError {
        let Some((pages, page)) = self.store.pages().zip(page) else { return FlowError::NoStartPage };
        match pages.find_page(page, self.clock.now()).await {
            Ok(found) => PageRefusal::of(found.as_ref()).into(),
            Err(error) => error.into(),
        }
    }

    /// Takes a callback: `order_no` from the path, and the query. Answer every `Ok` with 200 and an empty body: an unknown order,
    /// a forged token and a repetition look alike from outside.
    ///
    /// # Errors
    /// If the store failed. Answer 503: the service calls again.
    pub async fn callback(&self, order_no: &str, query: &str) -> Result<(), StoreError> {
        let known = self.take_callback(order_no, query).await?;
        signals::called_back(known);
        Ok(())
    }

    /// Returns whether the callback belongs to an attempt.
    async fn take_callback(&self, order_no: &str, query: &str) -> Result<bool, StoreError> {
        let Ok(order_no) = OuterOrderNo::new(order_no) else { return Ok(false) };
        let by = Lookup::OrderNo(&order_no);
        let Some(stored) = self.store.load(by).await? else { return Ok(false) };
        let scene = stored.verification.scene;
        let Some(callback) = CheckedCallback::check(&self.settings.keys, scene, &order_no, query) else {
            return Ok(false);
        };
        match self.apply_to(Some(stored), by, &Input::Callback(callback)).await {
            Ok(_) => Ok(true),
            Err(FlowError::Store(error)) => Err(error),
            Err(_) => Ok(false),
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
    /// If the store failed. [`StoreErrorKind::Corrupt`] if the next event cannot be read: to pass over it, add one to the cursor
    /// until the error ends, and audit the store.
    pub async fn events(&self, after: Cursor, limit: usize) -> Result<Vec<LoggedEvent>, StoreError> {
        self.store.events_after(after, limit).await
    }

    /// Takes the decision of a reviewer.
    ///
    /// # Errors
    /// If the verification is not in review, its time is over, it has events that the reviewer did not see, the clock is wrong
    /// ([`FlowError::Clock`]), or the store failed.
    pub async fn review(&self, order: &OrderRef, review: Review) -> Result<Verification, FlowError> {
        // A wrong time would take a review that is over, or refuse one that is not.
        self.checked_now().await?;
        Ok(self.apply(Lookup::Order(order), &Input::Review(review)).await?.verification().clone())
    }

    /// Cancels a verification, also one in review: it can never be approved afterwards. The start pages of the order end
    /// too: none of them starts anything afterwards. If an attempt was committed before, the link of its call is dropped.
    ///
    /// # Errors
    /// If it has ended in another way, or the store failed. [`Refusal::NotFound`](crate::Refusal::NotFound) if there is no
    /// verification, for instance because no browser came to the start page; the page ends then too, and a start from it that is
    /// under way commits nothing.
    pub async fn cancel(&self, order: &OrderRef) -> Result<Verification, FlowError> {
        if let Some(pages) = self.store.pages() {
            pages.end_pages(order, self.clock.now()).await?;
        }
        Ok(self.apply(Lookup::Order(order), &Input::Cancel).await?.verification().clone())
    }

    /// Erases what refers to the person, and the evidence. The sweeper asks the service to delete its data too.
    ///
    /// # Errors
    /// If the verification has not ended (cancel it first), or the store failed.
    pub async fn redact(&self, order: &OrderRef) -> Result<Verification, FlowError> {
        Ok(self.apply(Lookup::Order(order), &Input::Redact).await?.verification().clone())
    }

    /// Returns the time, unless the clock differs from the clock of the store, or the store has none and the clock has jumped.
    pub(crate) async fn checked_now(&self) -> Result<UnixTime, FlowError> {
        let checked = self.clock.check();
        if checked.is_err() || self.clock.is_comparison_due() {
            let asked = self.clock.steady();
            let Some(shared) = self.store.now().await? else { return Ok(checked?) };
            let read = self.clock.compare(shared, asked)?;
            // After a suspension, for instance, the clock is right, and the steady one stood still.
            if checked.is_err() {
                return Ok(self.clock.accept(&read));
            }
        }
        Ok(checked?)
    }

    pub(crate) fn random<const N: usize>(&self) -> Result<[u8; N], FlowError> {
        let mut bytes = [0; N];
        if self.clock.fill(&mut bytes) { Ok(bytes) } else { Err(FlowError::Entropy) }
    }
}
