//! The counters of the driver: they are those of `docs/observability.md`, and hold no data of a person.

#![cfg(test)]

#[path = "requests/mod.rs"]
mod requests;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cloudauth_client::Client;
use cloudauth_flow::testing::{MemoryStore, samples};
use cloudauth_flow::{
    BlockingFlow, ClockAndRandom, EndpointId, Flow, FlowSettings, Inline, Input, Machine, NewVerification,
    PageRequest, RefKey, SealingKeys, Snapshot, Start, StartPage, Store, Urls, Usage, VerificationId,
    WebhookEndpoint, WebhookSecret, Webhooks,
};
use cloudauth_policy::{LivePolicy, Policy, builtin};
use cloudauth_protocol::{Body, CallbackKeys, CertName, CertNo, Credentials, Identity, MetaInfo};
use cloudauth_transport::{BlockingTransport, Limits, TransportError};
use http::{Request, Response};
use metrics::{
    Counter, CounterFn, Gauge, GaugeFn, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit,
};
use pollster::block_on;
use requests::new_verification;

/// The counters by name and labels.
#[derive(Default)]
struct Counters(Mutex<BTreeMap<String, Arc<Count>>>);

#[derive(Default)]
struct Count(AtomicU64);

impl CounterFn for Count {
    fn increment(&self, value: u64) {
        self.0.fetch_add(value, Ordering::Relaxed);
    }

    fn absolute(&self, value: u64) {
        self.0.store(value, Ordering::Relaxed);
    }
}

impl GaugeFn for Count {
    fn increment(&self, _: f64) {}

    fn decrement(&self, _: f64) {}

    fn set(&self, value: f64) {
        self.0.store(value as u64, Ordering::Relaxed);
    }
}

impl Recorder for Counters {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        let labels: Vec<_> = key.labels().map(|label| format!("{}={}", label.key(), label.value())).collect();
        let name = format!("{} {}", key.name(), labels.join(","));
        Counter::from_arc(Arc::clone(self.0.lock().unwrap().entry(name).or_default()))
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        let labels: Vec<_> = key.labels().map(|label| format!("{}={}", label.key(), label.value())).collect();
        let name = format!("{} {}", key.name(), labels.join(","));
        Gauge::from_arc(Arc::clone(self.0.lock().unwrap().entry(name).or_default()))
    }

    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::noop()
    }
}

/// A service that creates a session, and refuses every other call.
#[derive(Debug)]
struct Service;

impl BlockingTransport for Service {
    fn send(&self, request: Request<Body>, _: &Limits) -> Result<Response<Body>, TransportError> {
        let form = String::from_utf8(request.body().as_bytes().to_vec()).unwrap();
        let session = r#","ResultObject":{"CertifyId":"sha0000000000000000000000000000","CertifyUrl":"https://t.aliyun.com/x"}"#;
        let (code, result) =
            if form.contains("Action=InitFaceVerify") { ("200", session) } else { ("411", "") };
        Ok(Response::new(Body::from(format!(
            r#"{{"Code":"{code}","Message":"m","RequestId":"R-1"{result}}}"#
        ))))
    }

    fn sleep(&self, _: Duration) {}
}

/// Returns the counters that a function increments.
fn counted(function: impl FnOnce()) -> BTreeMap<String, u64> {
    let counters = Counters::default();
    metrics::with_local_recorder(&counters, function);
    let counters = counters.0.lock().unwrap();
    counters.iter().map(|(name, count)| (name.clone(), count.0.load(Ordering::Relaxed))).collect()
}

#[test]
fn counters_are_the_documented_ones() {
    let counts = counted(live);
    let expected = [
        ("cloudauth_flow_callbacks_total result=ignored", 1),
        ("cloudauth_flow_claims_total ", 1),
        ("cloudauth_flow_deletions_total result=failed", 1),
        ("cloudauth_flow_deliveries_total result=done", 6),
        ("cloudauth_flow_oldest_due_seconds queue=deletions", 7),
        ("cloudauth_flow_oldest_due_seconds queue=results", 0),
        ("cloudauth_flow_starts_total result=ok", 1),
        ("cloudauth_flow_starts_total result=other", 1),
        ("cloudauth_flow_sweeps_total result=ok", 2),
        ("cloudauth_flow_unreadable ", 1),
    ];
    assert_eq!(counts, expected.map(|(name, count)| (name.to_owned(), count)).into());
    let docs = include_str!("../../../docs/observability.md");
    for name in counts.keys() {
        let name = name.split(' ').next().unwrap();
        assert!(docs.contains(&format!("| `{name}` |")), "{name} is not documented");
    }
}

/// A tab that waits for the link of another one looks 20 times, and starts nothing.
#[test]
fn a_start_from_two_tabs_is_counted_once() {
    let counts = counted(|| {
        let store = Arc::new(MemoryStore::default());
        let at_begin = ClockAndRandom { wall: || samples::BEGIN, ..ClockAndRandom::default() };
        let flow = flow(&store).with_inputs(at_begin);
        let page = StartPage::new("https://shop.example/start", SealingKeys::new(&[3; 32]).unwrap()).unwrap();
        let flow = &flow.with_start_page(page);
        let tab = |order| {
            let url = block_on(flow.begin(new(order), &person())).unwrap();
            let capability = url.expose().rsplit('/').next().unwrap().to_owned();
            move |method| {
                let (origin, accept_language, body) = (None, None, b"meta_info=%7B%7D");
                let request = PageRequest { method, capability: &capability, origin, accept_language, body };
                block_on(flow.serve(&request)).status
            }
        };
        let first = tab(1);
        assert_eq!(["POST", "POST", "GET"].map(first), [303; 3]);
        let second = tab(2);
        // The attempt of another tab.
        block_on(reserve(&store, samples::start(2, 2).unwrap()));
        assert_eq!(second("POST"), 503);
    });
    let expected = [
        ("cloudauth_flow_pages_total result=busy", 1),
        ("cloudauth_flow_pages_total result=ok", 2),
        ("cloudauth_flow_starts_total result=ok", 1),
    ];
    assert_eq!(counts, expected.map(|(name, count)| (name.to_owned(), count)).into());
}

fn flow(store: &Arc<MemoryStore>) -> Flow<Arc<MemoryStore>> {
    let client = Client::builder(Inline(Service), Credentials::new("testid", "testsecret").unwrap());
    let policy = Arc::new(LivePolicy::new(Policy::parse(builtin::VENDOR).unwrap()));
    let urls = Urls::new("https://shop.example/callback", "https://shop.example/back").unwrap();
    let keys = CallbackKeys::new(&[1; 32]).unwrap();
    let refs = RefKey::new(&[2; 32]).unwrap();
    let settings = FlowSettings::new(urls, keys, refs, samples::retention());
    Flow::new(client.attempts(1).build(), policy, Arc::clone(store), settings)
}

fn new(order: u64) -> NewVerification {
    new_verification(order, 1)
}

fn person() -> Identity {
    Identity::plain(CertName::new("张三").unwrap(), CertNo::new("999999199001012003").unwrap())
}

/// A start, its repetition, a forged callback, an erasure that the service refuses, a damaged document.
fn live() {
    let store = Arc::new(MemoryStore::default());
    let secret = WebhookSecret::new(&WebhookSecret::text(&[1; 32])).unwrap();
    let endpoint =
        WebhookEndpoint::new(EndpointId::new("crm").unwrap(), "https://crm.example/hook", secret).unwrap();
    static SECONDS: AtomicU64 = AtomicU64::new(100);
    let seconds = || Duration::from_secs(SECONDS.load(Ordering::Relaxed));
    let inputs = ClockAndRandom {
        wall: || samples::BEGIN.plus(Duration::from_secs(SECONDS.load(Ordering::Relaxed))),
        steady: seconds,
        ..ClockAndRandom::default()
    };
    let flow = flow(&store).with_inputs(inputs);
    let flow = block_on(flow.with_webhooks(Webhooks::new(Inline(Service), [endpoint]))).unwrap();
    let flow = BlockingFlow::new(flow);
    flow.start(new(1), person(), MetaInfo::new("{}").unwrap()).unwrap();
    assert!(flow.start(new(1), person(), MetaInfo::new("{}").unwrap()).is_err());
    flow.callback("unknown", "certifyId=sha0&callbackToken=forged").unwrap();
    flow.cancel(&new(1).order).unwrap();
    flow.redact(&new(1).order).unwrap();
    let damaged = block_on(reserve(&store, samples::start(2, 1).unwrap()));
    store.damage(&damaged);
    SECONDS.fetch_add(7, Ordering::Relaxed);
    assert_eq!(flow.sweep().unwrap(), 1);
    assert_eq!([flow.deliver().unwrap(), flow.deliver().unwrap()], [3, 3]);
}

/// Reserves an attempt at [`samples::BEGIN`].
async fn reserve(store: &MemoryStore, start: Start) -> VerificationId {
    let id = start.id;
    let snapshot = Snapshot { stored: None, usage: Usage::default() };
    let commit = Machine::new(samples::rules()).step(&snapshot, Input::Start(start), samples::BEGIN).unwrap();
    store.commit(&commit).await.unwrap();
    id
}
