//! A scripted service, a store that fails, and a flow between them.

use std::cell::Cell;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

use async_trait::async_trait;
use cloudauth_client::{Client, Endpoints};
use cloudauth_flow::testing::{MemoryStore, samples};
use cloudauth_flow::{
    CapabilityHash, ClaimedDeliveries, ClockAndRandom, Commit, Cursor, Delivery, DeliveryEnd, EndpointId,
    Event, Flow, FlowSettings, Inline, LoggedEvent, Lookup, NewPage, NewVerification, OrderRef, Outbox, Page,
    Pages, Queue, RefKey, Store, StoreError, StoreErrorKind, Stored, Urls, Usage, UsageOf, VerificationId,
};
use cloudauth_policy::{LivePolicy, Policy, builtin};
use cloudauth_protocol::{Body, CallbackKeys, CertName, CertNo, Credentials, Identity, MetaInfo, UnixTime};
use cloudauth_transport::{BlockingTransport, Limits, Transport, TransportError};
use http::{Request, Response};
use pollster::block_on;

use crate::requests::new_verification;

thread_local! {
    pub(crate) static WALL: Cell<u64> = const { Cell::new(samples::BEGIN.as_millis()) };
    static STEADY: Cell<u64> = const { Cell::new(0) };
    static RANDOM: Cell<u64> = const { Cell::new(0) };
}

/// Lets both clocks run.
pub(crate) fn later(seconds: u64) {
    WALL.set(WALL.get() + 1_000 * seconds);
    STEADY.set(STEADY.get() + 1_000 * seconds);
}

pub(crate) fn inputs() -> ClockAndRandom {
    ClockAndRandom {
        wall: || UnixTime::from_millis(WALL.get()),
        steady: || Duration::from_millis(STEADY.get()),
        random: |bytes| {
            bytes.fill_with(|| {
                RANDOM.set(RANDOM.get() + 1);
                RANDOM.get().wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes()[0]
            });
            true
        },
    }
}

/// A service that gives the scripted answers, and keeps the requests.
#[derive(Clone, Debug, Default)]
pub(crate) struct Service(Arc<Mutex<Script>>);

#[derive(Debug, Default)]
pub(crate) struct Script {
    answers: VecDeque<(u16, String)>,
    requests: Vec<String>,
    hosts: Vec<String>,
    /// The seconds that each request takes.
    takes: u64,
    slept: Duration,
}

impl Service {
    pub(crate) fn answers(&self, status: u16, body: &str) {
        self.0.lock().unwrap().answers.push_back((status, body.to_owned()));
    }

    /// The next start succeeds.
    pub(crate) fn opens(&self) {
        self.answers(
            200,
            &format!(
                r#"{{"Code":"200","Message":"m","RequestId":"R-1","ResultObject":{{
                "CertifyId":"sha{:028}","CertifyUrl":"https://t.aliyun.com/x"}}}}"#,
                self.requests().len()
            ),
        );
    }

    pub(crate) fn refuses(&self, code: &str) {
        self.answers(200, &format!(r#"{{"Code":"{code}","Message":"m","RequestId":"R-1"}}"#));
    }

    pub(crate) fn rejects(&self, code: &str) {
        self.answers(403, &format!(r#"{{"Code":"{code}","Message":"m","RequestId":"R-1"}}"#));
    }

    /// The next look finds a result.
    pub(crate) fn finds(&self, passed: &str, sub_code: &str) {
        let result = format!(r#"{{"Passed":"{passed}","SubCode":"{sub_code}"}}"#);
        self.answers(
            200,
            &format!(r#"{{"Code":"200","Message":"m","RequestId":"R-1","ResultObject":{result}}}"#),
        );
    }

    pub(crate) fn takes(&self, seconds: u64) {
        self.0.lock().unwrap().takes = seconds;
    }

    /// Keeps a request that gets no answer.
    pub(crate) fn notes(&self, request: String) {
        self.0.lock().unwrap().requests.push(request);
    }

    /// The sum of the pauses.
    pub(crate) fn slept(&self) -> Duration {
        self.0.lock().unwrap().slept
    }

    pub(crate) fn hosts(&self) -> Vec<String> {
        self.0.lock().unwrap().hosts.clone()
    }

    pub(crate) fn requests(&self) -> Vec<String> {
        self.0.lock().unwrap().requests.clone()
    }
}

impl BlockingTransport for Service {
    fn send(&self, request: Request<Body>, _: &Limits) -> Result<Response<Body>, TransportError> {
        let mut script = self.0.lock().unwrap();
        script.hosts.push(request.uri().host().unwrap().to_owned());
        script.requests.push(String::from_utf8(request.body().as_bytes().to_vec()).unwrap());
        later(script.takes);
        let (status, body) = script.answers.pop_front().expect("an answer");
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = http::StatusCode::from_u16(status).unwrap();
        Ok(response)
    }

    fn sleep(&self, time: Duration) {
        self.0.lock().unwrap().slept += time;
    }
}

/// A store that notes what the driver asks of it, and fails on demand.
#[derive(Debug, Default)]
pub(crate) struct Counted {
    pub(crate) store: MemoryStore,
    pub(crate) loads: Mutex<u32>,
    pub(crate) failures: Mutex<u32>,
    /// The commits before the failures.
    pub(crate) after: Mutex<u32>,
    /// Whether a failing commit waits for ever.
    pub(crate) hangs: bool,
    /// The order whose commits fail once it exists.
    pub(crate) refuses: Mutex<Option<OrderRef>>,
    /// The queue whose claims fail, or wait for ever if `hangs`.
    pub(crate) no_claims: Option<Queue>,
    /// The purges.
    pub(crate) purges: AtomicU32,
    /// The claims of results.
    pub(crate) claims: AtomicU32,
    /// The lease of each claim, and for each commit whether it ends the lease.
    pub(crate) leases: Mutex<Vec<Duration>>,
    pub(crate) releases: Mutex<Vec<bool>>,
    /// By how many seconds its own clock is ahead; `None` if it has none.
    pub(crate) ahead: Mutex<Option<u64>>,
    /// The seconds that the answer of its clock takes.
    pub(crate) clock_takes: u64,
    /// Whether others have a turn before a reservation.
    pub(crate) yields: bool,
    /// The operation whose reservations are all granted.
    pub(crate) races: Option<&'static str>,
    /// Whether it keeps start pages.
    pub(crate) has_pages: bool,
    /// Whether claims of deliveries fail.
    pub(crate) no_deliveries: AtomicBool,
    /// The look for a start page that fails, counted from 1.
    pub(crate) lost_page: AtomicU32,
    /// The commit that does not arrive, and the one whose answer does not, each counted from 1. Both look the same.
    pub(crate) lost_commit: AtomicU32,
    pub(crate) lost_answer: AtomicU32,
}

impl Counted {
    fn fails(&self) -> bool {
        let take = |left: &Mutex<u32>| {
            let mut left = left.lock().unwrap();
            let some = *left > 0;
            *left = left.saturating_sub(1);
            some
        };
        !take(&self.after) && take(&self.failures)
    }
}

#[async_trait]
impl Store for Counted {
    async fn load(&self, by: Lookup<'_>) -> Result<Option<Stored>, StoreError> {
        *self.loads.lock().unwrap() += 1;
        self.store.load(by).await
    }

    async fn usage(&self, of: &UsageOf) -> Result<Usage, StoreError> {
        self.store.usage(of).await
    }

    async fn commit(&self, commit: &Commit) -> Result<(), StoreError> {
        let refuses = self.refuses.lock().unwrap().as_ref() == Some(&commit.verification().order);
        if self.fails() || refuses && commit.expected().is_some() {
            if self.hangs {
                std::future::pending::<()>().await;
            }
            return Err(unavailable());
        }
        let is_lost = |counter: &AtomicU32| counter.fetch_sub(1, Ordering::Relaxed) == 1;
        if is_lost(&self.lost_commit) {
            return Err(StoreErrorKind::OutcomeUnknown.into());
        }
        self.releases.lock().unwrap().push(commit.releases());
        self.store.commit(commit).await?;
        if is_lost(&self.lost_answer) { Err(StoreErrorKind::OutcomeUnknown.into()) } else { Ok(()) }
    }

    async fn claim(
        &self,
        queue: Queue,
        now: UnixTime,
        lease: Duration,
        limit: usize,
    ) -> Result<Vec<Stored>, StoreError> {
        self.leases.lock().unwrap().push(lease);
        self.claims.fetch_add(u32::from(queue == Queue::Results), Ordering::Relaxed);
        if self.no_claims == Some(queue) {
            if self.hangs {
                std::future::pending::<()>().await;
            }
            return Err(unavailable());
        }
        self.store.claim(queue, now, lease, limit).await
    }

    async fn events_after(&self, cursor: Cursor, limit: usize) -> Result<Vec<LoggedEvent>, StoreError> {
        self.store.events_after(cursor, limit).await
    }

    async fn history(&self, id: &VerificationId) -> Result<Vec<Event>, StoreError> {
        self.store.history(id).await
    }

    async fn purge(&self, now: UnixTime, limit: usize) -> Result<usize, StoreError> {
        self.purges.fetch_add(1, Ordering::Relaxed);
        self.store.purge(now, limit).await
    }

    async fn reserve_calls(
        &self,
        operation: &str,
        now: UnixTime,
        want: u32,
        limit: u32,
    ) -> Result<u32, StoreError> {
        if self.races == Some(operation) {
            return Ok(want.min(limit));
        }
        let mut ready = !self.yields;
        poll_fn(|context| {
            context.waker().wake_by_ref();
            if std::mem::replace(&mut ready, true) { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
        self.store.reserve_calls(operation, now, want, limit).await
    }

    async fn now(&self) -> Result<Option<UnixTime>, StoreError> {
        let ahead = *self.ahead.lock().unwrap();
        let shown = ahead.map(|seconds| UnixTime::from_millis(WALL.get() + 1_000 * seconds));
        later(self.clock_takes);
        Ok(shown)
    }

    async fn unreadable(&self, limit: usize) -> Result<Vec<VerificationId>, StoreError> {
        self.store.unreadable(limit).await
    }

    fn outbox(&self) -> Option<&dyn Outbox> {
        Some(self)
    }

    fn pages(&self) -> Option<&dyn Pages> {
        self.has_pages.then_some(self)
    }
}

#[async_trait]
impl Outbox for Counted {
    async fn subscribe(&self, endpoint: &EndpointId) -> Result<(), StoreError> {
        self.store.subscribe(endpoint).await
    }

    async fn unsubscribe(&self, endpoint: &EndpointId) -> Result<(), StoreError> {
        self.store.unsubscribe(endpoint).await
    }

    async fn claim_deliveries(
        &self,
        endpoint: &EndpointId,
        now: UnixTime,
        lease: Duration,
        limit: usize,
    ) -> Result<ClaimedDeliveries, StoreError> {
        if self.no_deliveries.load(Ordering::Relaxed) {
            return Err(unavailable());
        }
        self.store.claim_deliveries(endpoint, now, lease, limit).await
    }

    async fn end_delivery(&self, delivery: &Delivery, end: DeliveryEnd) -> Result<bool, StoreError> {
        self.store.end_delivery(delivery, end).await
    }

    async fn revive_deliveries(
        &self,
        endpoint: &EndpointId,
        now: UnixTime,
        limit: usize,
    ) -> Result<usize, StoreError> {
        self.store.revive_deliveries(endpoint, now, limit).await
    }
}

/// An error whose source shows a person, as that of a careless store would.
fn unavailable() -> StoreError {
    StoreError::with_source(StoreErrorKind::Unavailable, "no row for 张三, 999999199001012003")
}

#[async_trait]
impl Pages for Counted {
    async fn open_page(&self, page: &NewPage, now: UnixTime) -> Result<bool, StoreError> {
        self.store.open_page(page, now).await
    }

    async fn find_page(
        &self,
        capability: &CapabilityHash,
        now: UnixTime,
    ) -> Result<Option<Page>, StoreError> {
        if self.lost_page.fetch_sub(1, Ordering::Relaxed) == 1 {
            return Err(unavailable());
        }
        self.store.find_page(capability, now).await
    }

    async fn end_pages(&self, order: &OrderRef, now: UnixTime) -> Result<(), StoreError> {
        self.store.end_pages(order, now).await
    }

    async fn erase_pages(&self, now: UnixTime, limit: usize) -> Result<usize, StoreError> {
        self.store.erase_pages(now, limit).await
    }
}

pub(crate) fn keys() -> CallbackKeys {
    CallbackKeys::new(&[1; 32]).unwrap()
}

pub(crate) fn flow<S: Store>(service: &Service, store: S) -> Flow<S> {
    flow_at(Endpoints::default(), service, store)
}

/// A flow whose client repeats requests, and whose account makes two calls a second.
pub(crate) fn slow_flow<S: Store>(service: &Service, store: S) -> Flow<S> {
    flow_of_rate(2, service, store)
}

/// A flow whose client repeats requests, and whose account makes so many calls a second.
pub(crate) fn flow_of_rate<S: Store>(rate: u32, service: &Service, store: S) -> Flow<S> {
    let client = Client::builder(Inline(service.clone()), Credentials::new("testid", "testsecret").unwrap());
    let mut settings = settings();
    (settings.calls_per_second, settings.deletions_per_second) = (rate, rate);
    Flow::new(client.attempts(3).build(), policy(), store, settings).with_inputs(inputs())
}

/// A flow whose client has this deadline.
pub(crate) fn patient_flow<S: Store>(deadline: u64, service: &Service, store: S) -> Flow<S> {
    let client = Client::builder(Inline(service.clone()), Credentials::new("testid", "testsecret").unwrap());
    let client = client.attempts(1).deadline(Duration::from_secs(deadline));
    Flow::new(client.build(), policy(), store, settings()).with_inputs(inputs())
}

/// A flow with another policy.
pub(crate) fn flow_deciding<S: Store>(policy: &str, service: &Service, store: S) -> Flow<S> {
    let client = Client::builder(Inline(service.clone()), Credentials::new("testid", "testsecret").unwrap());
    let policy = Arc::new(LivePolicy::new(Policy::parse(policy).unwrap()));
    Flow::new(client.attempts(1).build(), policy, store, settings()).with_inputs(inputs())
}

fn policy() -> Arc<LivePolicy> {
    Arc::new(LivePolicy::new(Policy::parse(builtin::VENDOR).unwrap()))
}

fn settings() -> FlowSettings {
    let urls = Urls::new("https://shop.example/callback/", "https://shop.example/back").unwrap();
    FlowSettings::new(urls, keys(), refs(), samples::retention())
}

/// A flow with these endpoints.
pub(crate) fn flow_at<S: Store>(endpoints: impl Into<Endpoints>, service: &Service, store: S) -> Flow<S> {
    let client = Client::builder(Inline(service.clone()), Credentials::new("testid", "testsecret").unwrap());
    let client = client.endpoints(endpoints);
    Flow::new(client.attempts(1).build(), policy(), store, settings()).with_inputs(inputs())
}

/// A flow over another transport.
pub(crate) fn flow_over<S: Store>(transport: impl Transport + 'static, store: S) -> Flow<S> {
    let client = Client::builder(transport, Credentials::new("testid", "testsecret").unwrap());
    Flow::new(client.attempts(1).build(), policy(), store, settings()).with_inputs(inputs())
}

pub(crate) fn refs() -> RefKey {
    RefKey::new(&[2; 32]).unwrap()
}

pub(crate) fn new(attempt: u8) -> NewVerification {
    new_verification(1, attempt)
}

pub(crate) fn person() -> Identity {
    Identity::plain(CertName::new("张三").unwrap(), CertNo::new("999999199001012003").unwrap())
}

pub(crate) fn other_person() -> Identity {
    Identity::plain(CertName::new("李四").unwrap(), CertNo::new("999999199001012003").unwrap())
}

pub(crate) fn meta_info() -> MetaInfo {
    MetaInfo::new("{}").unwrap()
}

/// Another order of the same person.
pub(crate) fn order(number: u64) -> NewVerification {
    NewVerification { order: samples::start(number, 1).unwrap().order, ..new(1) }
}

/// The calls of an operation that are left in this second, of two.
pub(crate) fn left<S: Store>(flow: &Flow<S>, operation: &str) -> u32 {
    let now = UnixTime::from_millis(WALL.get());
    block_on(flow.store().reserve_calls(operation, now, 99, 2)).unwrap()
}

pub(crate) fn attempt<S: Store>(flow: &Flow<S>) -> cloudauth_flow::Attempt {
    block_on(flow.get(&new(1).order)).unwrap().unwrap().attempts[0].clone()
}
