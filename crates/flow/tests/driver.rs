//! The driver against a scripted service: what it sends, what it keeps, and when it refuses to act.

#![cfg(test)]

use std::cell::Cell;
use std::collections::VecDeque;
use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Waker};
use std::time::Duration;

use async_trait::async_trait;
use cloudauth_client::{Client, Endpoints};
use cloudauth_flow::testing::{MemoryStore, samples};
use cloudauth_flow::{
    AttemptState, BlockingFlow, Commit, Cursor, Event, Flow, FlowError, Inline, Inputs, LoggedEvent,
    LookError, Lookup, NewVerification, Queue, RefKey, Settings, State, Store, StoreError, StoreErrorKind,
    Stored, Urls, Usage, UsageOf, VerificationId,
};
use cloudauth_policy::{LivePolicy, Policy, builtin};
use cloudauth_protocol::{
    Body, CallbackKeys, CertName, CertNo, Credentials, Endpoint, Identity, MetaInfo, OuterOrderNo, UnixTime,
};
use cloudauth_transport::{BlockingTransport, Limits, TransportError};
use http::{Request, Response};
use pollster::block_on;

thread_local! {
    static WALL: Cell<u64> = const { Cell::new(samples::BEGIN.as_millis()) };
    static STEADY: Cell<u64> = const { Cell::new(0) };
    static RANDOM: Cell<u8> = const { Cell::new(0) };
}

/// Lets both clocks run.
fn later(seconds: u64) {
    WALL.set(WALL.get() + 1_000 * seconds);
    STEADY.set(STEADY.get() + 1_000 * seconds);
}

fn inputs() -> Inputs {
    Inputs {
        wall: || UnixTime::from_millis(WALL.get()),
        steady: || Duration::from_millis(STEADY.get()),
        random: |bytes| {
            bytes.fill_with(|| {
                RANDOM.set(RANDOM.get().wrapping_add(1));
                RANDOM.get()
            });
            true
        },
    }
}

/// A service that gives the scripted answers, and keeps the requests.
#[derive(Clone, Debug, Default)]
struct Service(Arc<Mutex<Script>>);

#[derive(Debug, Default)]
struct Script {
    answers: VecDeque<(u16, String)>,
    requests: Vec<String>,
    hosts: Vec<String>,
}

impl Service {
    fn answers(&self, status: u16, body: &str) {
        self.0.lock().unwrap().answers.push_back((status, body.to_owned()));
    }

    /// The next start succeeds.
    fn opens(&self) {
        self.answers(
            200,
            &format!(
                r#"{{"Code":"200","Message":"m","RequestId":"R-1","ResultObject":{{
                "CertifyId":"sha{:028}","CertifyUrl":"https://t.aliyun.com/x"}}}}"#,
                self.requests().len()
            ),
        );
    }

    fn refuses(&self, code: &str) {
        self.answers(200, &format!(r#"{{"Code":"{code}","Message":"m","RequestId":"R-1"}}"#));
    }

    fn rejects(&self, code: &str) {
        self.answers(403, &format!(r#"{{"Code":"{code}","Message":"m","RequestId":"R-1"}}"#));
    }

    /// The next look finds a result.
    fn finds(&self, passed: &str, sub_code: &str) {
        let result = format!(r#"{{"Passed":"{passed}","SubCode":"{sub_code}"}}"#);
        self.answers(
            200,
            &format!(r#"{{"Code":"200","Message":"m","RequestId":"R-1","ResultObject":{result}}}"#),
        );
    }

    fn hosts(&self) -> Vec<String> {
        self.0.lock().unwrap().hosts.clone()
    }

    fn requests(&self) -> Vec<String> {
        self.0.lock().unwrap().requests.clone()
    }
}

impl BlockingTransport for Service {
    fn send(&self, request: Request<Body>, _: &Limits) -> Result<Response<Body>, TransportError> {
        let mut script = self.0.lock().unwrap();
        script.hosts.push(request.uri().host().unwrap().to_owned());
        script.requests.push(String::from_utf8(request.body().as_bytes().to_vec()).unwrap());
        let (status, body) = script.answers.pop_front().expect("an answer");
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = http::StatusCode::from_u16(status).unwrap();
        Ok(response)
    }

    fn sleep(&self, _: Duration) {}
}

/// A store that counts its loads, and fails a set number of commits.
#[derive(Debug, Default)]
struct Counted {
    store: MemoryStore,
    loads: Mutex<u32>,
    failures: Mutex<u32>,
    /// The commits before the failures.
    after: Mutex<u32>,
    /// Whether a failing commit waits for ever.
    hangs: bool,
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
        if self.fails() {
            if self.hangs {
                std::future::pending::<()>().await;
            }
            return Err(StoreErrorKind::Unavailable.into());
        }
        self.store.commit(commit).await
    }

    async fn claim(
        &self,
        queue: Queue,
        now: UnixTime,
        lease: Duration,
        limit: usize,
    ) -> Result<Vec<Stored>, StoreError> {
        self.store.claim(queue, now, lease, limit).await
    }

    async fn events_after(&self, cursor: Cursor, limit: usize) -> Result<Vec<LoggedEvent>, StoreError> {
        self.store.events_after(cursor, limit).await
    }

    async fn history(&self, id: &VerificationId) -> Result<Vec<Event>, StoreError> {
        self.store.history(id).await
    }

    async fn purge(&self, now: UnixTime, limit: usize) -> Result<usize, StoreError> {
        self.store.purge(now, limit).await
    }

    async fn reserve_calls(
        &self,
        operation: &str,
        now: UnixTime,
        want: u32,
        limit: u32,
    ) -> Result<u32, StoreError> {
        self.store.reserve_calls(operation, now, want, limit).await
    }
}

fn keys() -> CallbackKeys {
    CallbackKeys::new(&[1; 32]).unwrap()
}

fn flow<S: Store>(service: &Service, store: S) -> Flow<S> {
    flow_at(Endpoints::default(), service, store)
}

/// A flow with these endpoints.
fn flow_at<S: Store>(endpoints: impl Into<Endpoints>, service: &Service, store: S) -> Flow<S> {
    let client = Client::builder(Inline(service.clone()), Credentials::new("testid", "testsecret").unwrap());
    let client = client.endpoints(endpoints);
    let policy = Arc::new(LivePolicy::new(Policy::parse(builtin::VENDOR).unwrap()));
    let urls = Urls::new("https://shop.example/callback/", "https://shop.example/back").unwrap();
    let settings = Settings::new(urls, keys(), refs(), samples::retention());
    Flow::new(client.attempts(1).build(), policy, store, settings).with_inputs(inputs())
}

fn refs() -> RefKey {
    RefKey::new(&[2; 32]).unwrap()
}

fn new(attempt: u8) -> NewVerification {
    let sample = samples::start(1, attempt).unwrap();
    NewVerification {
        order: sample.order,
        subject: sample.subject,
        scene: sample.scene,
        purpose: sample.purpose,
        key: sample.key,
        consent: sample.consent,
    }
}

fn person() -> Identity {
    Identity::plain(CertName::new("张三").unwrap(), CertNo::new("999999199001012003").unwrap())
}

fn other_person() -> Identity {
    Identity::plain(CertName::new("李四").unwrap(), CertNo::new("999999199001012003").unwrap())
}

fn meta_info() -> MetaInfo {
    MetaInfo::new("{}").unwrap()
}

fn attempt<S: Store>(flow: &Flow<S>) -> cloudauth_flow::Attempt {
    block_on(flow.get(&new(1).order)).unwrap().unwrap().attempts[0].clone()
}

#[test]
fn the_flow_sets_callback_token_and_return_url_itself() {
    let service = Service::default();
    let flow = BlockingFlow::new(flow(&service, MemoryStore::default()));
    service.opens();
    let started = flow.start(new(1), person(), meta_info()).unwrap();
    let order_no = &started.verification.open_attempt().unwrap().order_no;
    let token = keys().token(new(1).scene, order_no);
    let [request] = &service.requests()[..] else { panic!("one request") };
    let has = |text: &str| assert!(request.contains(text), "{text} is missing");
    has(&format!("CallbackUrl=https%3A%2F%2Fshop.example%2Fcallback%2F{order_no}"));
    has(&format!("CallbackToken={}", token.expose()));
    has(&format!("OuterOrderNo={order_no}"));
    // The browser comes back with what the return URL has.
    let back = request.split('&').find_map(|pair| pair.strip_prefix("ReturnUrl=")).unwrap();
    let capability = back.strip_prefix("https%3A%2F%2Fshop.example%2Fback%2F").unwrap();
    assert!(flow.returned(capability).unwrap().is_some());
    assert!(flow.returned("guessed").unwrap().is_none());
}

#[test]
fn more_parameters_cannot_replace_what_the_flow_sets() {
    let service = Service::default();
    let flow = flow(&service, MemoryStore::default());
    let other = |init: cloudauth_protocol::InitFaceVerify| {
        let back = cloudauth_protocol::ReturnUrl::new("https://shop.example/other").unwrap();
        let order_no = OuterOrderNo::generate([9; 16]);
        cloudauth_protocol::InitFaceVerify::new(init.scene_id(), order_no, person(), back, meta_info())
    };
    let result = block_on(flow.start_with(new(1), person(), meta_info(), other));
    assert!(matches!(result, Err(FlowError::OtherRequest)), "{result:?}");
    assert!(block_on(flow.get(&new(1).order)).unwrap().is_none());
    // The browser of the person would come back to another page.
    let elsewhere = |init: cloudauth_protocol::InitFaceVerify| {
        let back = cloudauth_protocol::ReturnUrl::new("https://shop.example/other").unwrap();
        let order_no = init.outer_order_no().clone();
        cloudauth_protocol::InitFaceVerify::new(init.scene_id(), order_no, person(), back, meta_info())
    };
    let result = block_on(flow.start_with(new(1), person(), meta_info(), elsewhere));
    assert!(matches!(result, Err(FlowError::OtherRequest)), "{result:?}");
    assert!(service.requests().is_empty());
    service.opens();
    let forged = |init: cloudauth_protocol::InitFaceVerify| {
        init.callback_url(cloudauth_protocol::CallbackUrl::new("https://evil.example/").unwrap())
    };
    block_on(flow.start_with(new(1), person(), meta_info(), forged)).unwrap();
    assert!(!service.requests()[0].contains("evil"));
}

#[test]
fn addresses_are_checked_when_they_are_set() {
    for (callback, back) in [
        ("http://shop.example/callback", "https://shop.example/back"),
        ("https://shop.example/callback?x=1", "https://shop.example/back"),
        ("https://shop.example/callback", "https://shop.example/back#x"),
        ("callback", "https://shop.example/back"),
        ("https://shop.example/callback", "back"),
    ] {
        assert!(Urls::new(callback, back).is_err(), "{callback} {back}");
    }
}

/// The old code refused plain `http` on loopback, so that no service could run the flow beside an emulator.
#[test]
fn addresses_on_loopback_may_be_plain_http() {
    Urls::new("http://127.0.0.1:8080/callback", "http://127.0.0.1:8080/back").unwrap();
}

/// Lost the CertifyId on the old code: the commit was not tried again.
#[test]
fn an_outage_of_the_store_after_init_keeps_the_certify_id() {
    let (service, store) = (Service::default(), Counted::default());
    (*store.after.lock().unwrap(), *store.failures.lock().unwrap()) = (1, 5);
    let flow = flow(&service, store);
    service.opens();
    block_on(flow.start(new(1), person(), meta_info())).unwrap();
    assert_eq!(attempt(&flow).state, AttemptState::Open);
}

#[test]
fn a_refusal_is_recorded_after_an_outage_too() {
    let (service, store) = (Service::default(), Counted::default());
    (*store.after.lock().unwrap(), *store.failures.lock().unwrap()) = (1, 5);
    let flow = flow(&service, store);
    service.refuses("417");
    assert!(matches!(block_on(flow.start(new(1), person(), meta_info())), Err(FlowError::Call(_))));
    assert_eq!(attempt(&flow).state, AttemptState::Refused);
}

#[test]
fn the_certify_id_of_a_dropped_start_is_kept_by_the_next_sweep() {
    let service = Service::default();
    let store = Counted { hangs: true, ..Counted::default() };
    (*store.after.lock().unwrap(), *store.failures.lock().unwrap()) = (1, 1);
    let flow = flow(&service, store);
    service.opens();
    {
        let mut start = pin!(flow.start(new(1), person(), meta_info()));
        assert!(start.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    }
    assert_eq!(attempt(&flow).state, AttemptState::Reserved);
    block_on(flow.sweep()).unwrap();
    let attempt = attempt(&flow);
    assert!(attempt.state == AttemptState::Open && attempt.certify_id.is_some());
}

#[test]
fn a_disabled_key_ends_no_attempt() {
    let service = Service::default();
    let flow = flow(&service, MemoryStore::default());
    service.opens();
    block_on(flow.start(new(1), person(), meta_info())).unwrap();
    for code in ["InvalidAccessKeyId.Inactive", "Throttling.User", "Forbidden.RAM"] {
        later(2 * 3_600);
        service.rejects(code);
        assert_eq!(block_on(flow.sweep()).unwrap(), 1, "{code}");
        let attempt = attempt(&flow);
        assert_eq!(attempt.state, AttemptState::Open, "{code}");
        assert_eq!(attempt.last_look_error, LookError::new(code).ok());
    }
    // A code that may hold anything is not kept.
    later(2 * 3_600);
    service.rejects("999999199001012003");
    block_on(flow.sweep()).unwrap();
    assert_eq!(attempt(&flow).last_look_error, LookError::new("refused").ok());
}

#[test]
fn a_clock_that_jumps_ahead_expires_purges_and_starts_nothing() {
    let service = Service::default();
    let flow = flow(&service, MemoryStore::default());
    service.opens();
    block_on(flow.start(new(1), person(), meta_info())).unwrap();
    let before = block_on(flow.get(&new(1).order)).unwrap();
    WALL.set(WALL.get() + 86_400_000);
    let result = block_on(flow.sweep());
    let Err(FlowError::Clock(jump)) = result else { panic!("{result:?}") };
    assert!(jump.is_ahead() && jump.by() == Duration::from_secs(86_400));
    let start = block_on(flow.start(new(2), person(), meta_info()));
    assert!(matches!(start, Err(FlowError::Clock(_))));
    assert_eq!(block_on(flow.get(&new(1).order)).unwrap(), before);
    // Right again.
    WALL.set(WALL.get() - 86_400_000);
    later(1);
    assert_eq!(block_on(flow.sweep()).unwrap(), 0);
    // Back, and accepted by an operator.
    WALL.set(WALL.get() - 86_400_000);
    assert!(matches!(block_on(flow.sweep()), Err(FlowError::Clock(jump)) if !jump.is_ahead()));
    flow.trust_clock();
    assert_eq!(block_on(flow.sweep()).unwrap(), 0);
}

#[test]
fn a_lease_of_a_clock_that_was_ahead_does_not_last() {
    let service = Service::default();
    let flow = flow(&service, MemoryStore::default());
    service.opens();
    block_on(flow.start(new(1), person(), meta_info())).unwrap();
    later(60);
    let ahead = UnixTime::from_millis(WALL.get() + 86_400_000);
    assert_eq!(
        block_on(flow.store().claim(Queue::Results, ahead, Duration::from_secs(60), 1)).unwrap().len(),
        1
    );
    service.refuses("424");
    assert_eq!(block_on(flow.sweep()).unwrap(), 1);
}

#[test]
fn a_callback_loads_once() {
    let service = Service::default();
    let flow = flow(&service, Counted::default());
    service.opens();
    let started = block_on(flow.start(new(1), person(), meta_info())).unwrap();
    let attempt = started.verification.open_attempt().unwrap();
    let (order_no, id) = (&attempt.order_no, attempt.certify_id.as_ref().unwrap());
    let token = keys().token(new(1).scene, order_no);
    let query = format!("certifyId={id}&passed=200&callbackToken={}", token.expose());
    *flow.store().loads.lock().unwrap() = 0;
    block_on(flow.callback(order_no.as_str(), &query)).unwrap();
    assert_eq!(*flow.store().loads.lock().unwrap(), 1);
    assert_eq!(block_on(flow.get(&new(1).order)).unwrap().unwrap().attempts[0].callbacks.len(), 1);
}

#[test]
fn instances_share_the_accounts_rate_and_a_start_without_it_changes_nothing() {
    let (service, store) = (Service::default(), Arc::new(MemoryStore::default()));
    let flows = [0, 1].map(|_| flow(&service, Arc::clone(&store)));
    let now = UnixTime::from_millis(WALL.get());
    assert_eq!(block_on(store.reserve_calls("InitFaceVerify", now, 49, 50)).unwrap(), 49);
    service.opens();
    block_on(flows[0].start(new(1), person(), meta_info())).unwrap();
    let mut second = new(1);
    second.order = samples::start(2, 1).unwrap().order;
    let result = block_on(flows[1].start(second.clone(), person(), meta_info()));
    assert!(matches!(result, Err(FlowError::Busy)), "{result:?}");
    assert!(block_on(flows[1].get(&second.order)).unwrap().is_none());
    // Looks have their own quota, and the next second has another.
    later(5);
    service.refuses("424");
    assert_eq!(block_on(flows[1].sweep()).unwrap(), 1);
    service.opens();
    assert!(!matches!(block_on(flows[1].start(second, person(), meta_info())), Err(FlowError::Busy)));
}

#[test]
fn run_sweeps_until_it_is_told_to_stop() {
    let service = Service::default();
    let flow = flow(&service, MemoryStore::default());
    service.opens();
    block_on(flow.start(new(1), person(), meta_info())).unwrap();
    later(5);
    service.finds("T", "200");
    let mut polls = 0;
    let shutdown = std::future::poll_fn(|_| {
        polls += 1;
        if polls < 3 { std::task::Poll::Pending } else { std::task::Poll::Ready(()) }
    });
    block_on(flow.run(shutdown));
    assert_eq!(block_on(flow.get(&new(1).order)).unwrap().unwrap().state, State::Approved);
}

/// Ended the attempt on the old code: the region was not stored, so that a restarted process asked the wrong one.
#[test]
fn a_restarted_process_looks_in_the_region_that_created_the_session() {
    let (service, store) = (Service::default(), Arc::new(MemoryStore::default()));
    let before = flow_at([Endpoint::cn_shanghai(), Endpoint::cn_beijing()], &service, Arc::clone(&store));
    service.opens();
    block_on(before.start(new(1), person(), meta_info())).unwrap();
    drop(before);
    let after = flow_at([Endpoint::cn_beijing(), Endpoint::cn_shanghai()], &service, store);
    later(31 * 60);
    service.finds("T", "200");
    block_on(after.sweep()).unwrap();
    assert_eq!(service.hosts(), ["cloudauth.cn-shanghai.aliyuncs.com"; 2]);
    assert_eq!(block_on(after.get(&new(1).order)).unwrap().unwrap().state, State::Approved);
}

#[test]
fn no_answer_of_another_region_ends_an_attempt() {
    let (service, store) = (Service::default(), Arc::new(MemoryStore::default()));
    let before = flow_at(Endpoint::cn_shanghai(), &service, Arc::clone(&store));
    service.opens();
    block_on(before.start(new(1), person(), meta_info())).unwrap();
    // The operator removed the region that knows the session.
    let after = flow_at(Endpoint::cn_beijing(), &service, store);
    for code in ["406", "424"] {
        later(31 * 60);
        service.refuses(code);
        block_on(after.sweep()).unwrap();
        let attempt = attempt(&after);
        assert_eq!(attempt.state, AttemptState::Open, "{code}");
        assert_eq!(attempt.last_look_error, LookError::new("other-region").ok(), "{code}");
    }
    // In its own region the same answer ends it.
    let own = flow_at(Endpoint::cn_shanghai(), &service, after.store().clone());
    later(31 * 60);
    service.refuses("406");
    block_on(own.sweep()).unwrap();
    assert_eq!(attempt(&own).state, AttemptState::Expired);
}

/// On the old code the caller chose the reference: with one for two people, the first one's face approved the second.
#[test]
fn the_reference_to_a_person_is_that_of_the_identity_that_is_sent() {
    let service = Service::default();
    let flow = flow(&service, MemoryStore::default());
    service.opens();
    block_on(flow.start(new(1), person(), meta_info())).unwrap();
    assert_eq!(attempt(&flow).identity, Some(refs().of(&person())));
    // The closure has the last word.
    let other = |init: cloudauth_protocol::InitFaceVerify| {
        let (scene, order_no) = (init.scene_id(), init.outer_order_no().clone());
        let back = init.return_url().clone();
        cloudauth_protocol::InitFaceVerify::new(scene, order_no, other_person(), back, meta_info())
    };
    service.opens();
    block_on(flow.start_with(new(2), person(), meta_info(), other)).unwrap();
    let found = block_on(flow.get(&new(1).order)).unwrap().unwrap();
    assert_eq!(found.attempts[1].identity, Some(refs().of(&other_person())));
    // The face of the first person.
    later(5);
    service.finds("T", "200");
    service.refuses("424");
    block_on(flow.sweep()).unwrap();
    let found = block_on(flow.get(&new(1).order)).unwrap().unwrap();
    assert_eq!((found.attempts[0].state, found.state), (AttemptState::Settled, State::Processing));
}

#[test]
fn a_ciphertext_and_a_plain_identity_have_different_references() {
    let encrypted = Identity::sm2("AAAA", "BBBB").unwrap();
    let same = Identity::sm2("AAAA", "BBBB").unwrap();
    assert_eq!(refs().of(&encrypted), refs().of(&same));
    assert_ne!(refs().of(&encrypted), refs().identity(encrypted.name(), encrypted.number()));
    assert_ne!(refs().of(&encrypted), refs().of(&Identity::sm2("AAAA", "CCCC").unwrap()));
    assert_eq!(refs().of(&person()), refs().identity(person().name(), person().number()));
}
