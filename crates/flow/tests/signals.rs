//! What the driver counts and warns of: exactly what `docs/observability.md` lists, and no data of a person.
//!
//! One test in a process of its own: `tracing` may miss an event if another thread without a subscriber reaches its place first.

#![cfg(test)]

mod recorder;
mod requests;
#[path = "driver/support.rs"]
#[allow(dead_code, reason = "the tests of the driver use the rest")]
mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use cloudauth_flow::testing::{MemoryStore, samples};
use cloudauth_flow::{
    EndpointId, Flow, Inline, Input, Machine, NewVerification, PageRequest, Queue, SealingKeys, Snapshot,
    StartPage, Store, Usage, WebhookEndpoint, WebhookSecret, Webhooks,
};
use cloudauth_protocol::{Body, MetaInfo, UnixTime};
use cloudauth_transport::{BlockingTransport, Limits, TransportError};
use http::{Request, Response, StatusCode};
use pollster::block_on;

use crate::recorder::{Log, counted, logged};
use crate::support::{Counted, Service, WALL, flow, keys, later, new, order, person};

const DOCS: &str = include_str!("../../../docs/observability.md");

/// What is planted: in identities, MetaInfo, codes, callbacks, pages, webhooks, keys, and the sources of errors of the store.
const PLANTED: [&str; 9] = [
    "张三",
    "\\u{5f20}",
    "E5%BC%A0",
    "999999199001012003",
    "planted",
    "testsecret",
    "t.aliyun.com",
    "crm.example",
    "shop.example",
];

#[test]
fn counts_and_warns_exactly_as_documented_and_shows_no_person() {
    let mut log = Log::default();
    let counts = counted(|| log = logged(everything));
    check_values(&counts);
    let names: BTreeSet<_> = counts.into_keys().collect();
    assert_eq!(names, documented_metrics());

    let mut written: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for warning in &log.warnings {
        let fields = written.entry(warning.message.clone()).or_insert_with(|| warning.names());
        assert_eq!(*fields, warning.names());
    }
    assert_eq!(written, documented_warnings());

    assert!(log.text.contains("call failed"), "the client logs too: {}", log.text);
    let shown = format!("{} {names:?}", log.text);
    for planted in PLANTED {
        assert!(!shown.contains(planted), "{planted}: {shown}");
    }
}

/// The values that the run below fixes. Every other one is positive.
const VALUES: [(&str, &[(&str, u64)]); 8] = [
    (
        "cloudauth_flow_starts_total result",
        &[("refused", 1), ("store", 1), ("call", 2), ("busy", 2), ("clock", 2), ("other", 2)],
    ),
    (
        "cloudauth_flow_pages_total result",
        &[("ok", 2), ("refused", 1), ("store", 1), ("call", 1), ("busy", 1), ("clock", 1), ("other", 1)],
    ),
    ("cloudauth_flow_callbacks_total result", &[("accepted", 1), ("ignored", 2)]),
    (
        "cloudauth_flow_looks_total result",
        &[("finished", 1), ("pending", 2), ("unknown", 1), ("transient", 1), ("failed", 3)],
    ),
    ("cloudauth_flow_deletions_total result", &[("done", 1), ("failed", 1)]),
    ("cloudauth_flow_deliveries_total result", &[("done", 1), ("retry", 2), ("dead", 2), ("store", 1)]),
    ("cloudauth_flow_sweeps_total result", &[("store", 1), ("clock", 2)]),
    ("cloudauth_flow_oldest_due_seconds queue", &[("results", 2), ("deletions", 169_200)]),
];

fn check_values(counts: &BTreeMap<String, u64>) {
    for (name, values) in VALUES {
        for (value, count) in values {
            assert_eq!(counts[&format!("{name}={value}")], *count, "{name}={value}: {counts:#?}");
        }
    }
    assert_eq!(counts["cloudauth_flow_unreadable "], 1, "a document");
    assert!(counts.values().all(|count| *count > 0), "{counts:#?}");
    // What is due is worked on.
    let [failed, ok] =
        ["failed", "ok"].map(|result| counts[&format!("cloudauth_flow_work_total result={result}")]);
    assert_eq!((failed, failed + ok), (1, counts["cloudauth_flow_claims_total "]));
    assert_eq!(ok + failed, 10, "8 looks, and 2 deletions");
}

/// The rows of the flow's table of metrics: each name with each of its labels.
fn documented_metrics() -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for row in rows("| `cloudauth_flow_") {
        let [name, results, text] = row[..] else { panic!("{row:?}") };
        let (name, results) = (code(name), codes(results));
        // A gauge names its label in the text.
        let words: Vec<_> = text.split('`').skip(1).step_by(2).collect();
        match &words[..] {
            [label, values @ ..] if text.contains("label `") => {
                all.extend(values.iter().map(|value| format!("{name} {label}={value}")));
            }
            _ if results.is_empty() => {
                all.insert(format!("{name} "));
            }
            _ => all.extend(results.iter().map(|result| format!("{name} result={result}"))),
        }
    }
    all
}

/// The messages of the flow's table of warnings, with the names of their fields.
fn documented_warnings() -> BTreeMap<String, BTreeSet<String>> {
    let of = |row: Vec<&'static str>| {
        let [_, message, fields] = row[..] else { panic!("{row:?}") };
        (code(message), codes(fields))
    };
    rows("| WARN |").map(of).collect()
}

/// The cells of the rows of the section about the flow that begin so.
fn rows(begin: &str) -> impl Iterator<Item = Vec<&'static str>> {
    let (_, section) = DOCS.split_once("\n## The flow\n").unwrap();
    let (section, _) = section.split_once("\n## ").unwrap();
    let rows = section.lines().filter(move |line| line.starts_with(begin));
    rows.map(|row| row.trim_matches('|').split('|').map(str::trim).collect())
}

/// The words in backticks.
fn codes(cell: &str) -> BTreeSet<String> {
    cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

fn code(cell: &str) -> String {
    codes(cell).into_iter().collect()
}

/// Provokes each result of each metric, and each warning.
fn everything() {
    starts();
    pages();
    looks();
    callbacks();
    deletions();
    deliveries();
    sweeps();
    work();
    documents();
}

fn start(flow: &Flow<impl Store>, number: u64) -> bool {
    let meta_info = MetaInfo::new(r#"{"planted":"张三"}"#).unwrap();
    block_on(flow.start(order(number), person(), meta_info)).is_ok()
}

/// Takes the calls of an operation in this second.
fn exhaust(flow: &Flow<impl Store>, operation: &str) {
    let now = UnixTime::from_millis(WALL.get());
    block_on(flow.store().reserve_calls(operation, now, 50, 50)).unwrap();
}

fn starts() {
    let service = Service::default();
    let flow = flow(&service, Counted::default());
    service.opens();
    // `ok`, and `other`: this request was answered before.
    assert_eq!([start(&flow, 1), start(&flow, 1)], [true, false]);
    block_on(flow.cancel(&order(1).order)).unwrap();
    // `refused`: it is canceled.
    let again = NewVerification { order: order(1).order, ..new(2) };
    block_on(flow.start(again, person(), MetaInfo::new("{}").unwrap())).unwrap_err();
    // `call`.
    service.refuses("411");
    assert!(!start(&flow, 2));
    // `busy`.
    exhaust(&flow, "InitFaceVerify");
    assert!(!start(&flow, 3));
    // `clock`.
    WALL.set(WALL.get() + 86_400_000);
    assert!(!start(&flow, 3));
    WALL.set(WALL.get() - 86_400_000);
    later(1);
    // `store`, and the sweep that follows cannot commit the CertifyId either.
    service.opens();
    (*flow.store().after.lock().unwrap(), *flow.store().failures.lock().unwrap()) = (1, 16);
    assert!(!start(&flow, 4));
    block_on(flow.sweep()).unwrap();
}

fn pages() {
    let service = Service::default();
    let store = Counted { has_pages: true, ..Counted::default() };
    let page = StartPage::new("https://shop.example/start", SealingKeys::new(&[3; 32]).unwrap()).unwrap();
    let flow = flow(&service, store).with_start_page(page);
    let begin = |number| {
        let url = block_on(flow.begin(order(number), &person())).unwrap();
        url.expose().rsplit('/').next().unwrap().to_owned()
    };
    let post = |capability: &str| {
        let request = PageRequest {
            method: "POST",
            capability,
            origin: None,
            accept_language: None,
            body: b"meta_info=%7B%22planted%22%3A1%7D",
        };
        block_on(flow.serve(&request)).status
    };
    // `ok`, twice.
    let first = begin(1);
    service.opens();
    assert_eq!([post(&first), post(&first)], [303; 2]);
    // `refused`.
    assert_eq!(post("planted"), 404);
    // `call`.
    let second = begin(2);
    service.refuses("411");
    post(&second);
    // `other`: a session without a link.
    let third = begin(3);
    let session = r#"{"CertifyId":"sha1000000000000000000000000000"}"#;
    service.answers(
        200,
        &format!(r#"{{"Code":"200","Message":"m","RequestId":"R-1","ResultObject":{session}}}"#),
    );
    post(&third);
    // `store`.
    let fourth = begin(4);
    flow.store().lost_page.store(1, Ordering::Relaxed);
    assert_eq!(post(&fourth), 503);
    // `busy`.
    exhaust(&flow, "InitFaceVerify");
    assert_eq!(post(&fourth), 503);
    // `clock`.
    WALL.set(WALL.get() + 86_400_000);
    assert_eq!(post(&fourth), 503);
    WALL.set(WALL.get() - 86_400_000);
    later(1);
}

fn looks() {
    let look = |answer: &dyn Fn(&Service)| {
        let service = Service::default();
        let flow = flow(&service, MemoryStore::default());
        service.opens();
        assert!(start(&flow, 1));
        // Due after 5 seconds.
        later(7);
        answer(&service);
        assert_eq!(block_on(flow.sweep()).unwrap(), 1);
    };
    // `pending`, `unknown`, `transient`, and `finished`.
    look(&|service| service.refuses("424"));
    look(&|service| service.refuses("406"));
    look(&|service| service.answers(500, r#"{"Code":"InternalError","RequestId":"R-1"}"#));
    look(&|service| service.finds("T", "200"));
    // `failed`: the code of the gateway, and two that may hold anything.
    for code in ["Forbidden.RAM", "999999199001012003", "planted 张三"] {
        look(&|service| service.rejects(code));
    }
}

fn callbacks() {
    let service = Service::default();
    let flow = flow(&service, MemoryStore::default());
    service.opens();
    assert!(start(&flow, 1));
    let stored = block_on(flow.get(&order(1).order)).unwrap().unwrap();
    let attempt = stored.open_attempt().unwrap();
    let token = keys().token(new(1).scene, &attempt.order_no);
    let query = |token: &str| {
        format!("certifyId={}&passed=200&callbackToken={token}", attempt.certify_id.as_ref().unwrap())
    };
    // `accepted`, and `ignored`: a forged one, and an unknown order.
    for (order_no, token) in [
        (attempt.order_no.as_str(), token.expose()),
        (attempt.order_no.as_str(), "planted"),
        ("999999199001012003", "planted"),
    ] {
        block_on(flow.callback(order_no, &query(token))).unwrap();
    }
}

fn deletions() {
    let service = Service::default();
    let flow = flow(&service, MemoryStore::default());
    service.opens();
    assert!(start(&flow, 1));
    block_on(flow.cancel(&order(1).order)).unwrap();
    block_on(flow.redact(&order(1).order)).unwrap();
    // `failed`, and `done`.
    service.refuses("411");
    block_on(flow.sweep()).unwrap();
    later(2 * 86_400);
    let deleted = r#"{"DeleteResult":"Y"}"#;
    service.answers(
        200,
        &format!(r#"{{"Code":"200","Message":"m","RequestId":"R-1","ResultObject":{deleted}}}"#),
    );
    assert_eq!(block_on(flow.sweep()).unwrap(), 1);
}

/// A receiver of webhooks that answers with one status.
#[derive(Clone, Debug, Default)]
struct Receiver(Arc<AtomicU16>);

impl BlockingTransport for Receiver {
    fn send(&self, _: Request<Body>, _: &Limits) -> Result<Response<Body>, TransportError> {
        let mut response = Response::new(Body::from("planted"));
        *response.status_mut() = StatusCode::from_u16(self.0.load(Ordering::Relaxed)).unwrap();
        Ok(response)
    }

    fn sleep(&self, _: Duration) {}
}

fn deliveries() {
    let (service, receiver) = (Service::default(), Receiver::default());
    let secret = WebhookSecret::new(&WebhookSecret::text(&[1; 32])).unwrap();
    let endpoint =
        WebhookEndpoint::new(EndpointId::new("crm").unwrap(), "https://crm.example/planted", secret);
    let hooks = Webhooks::new(Inline(receiver.clone()), [endpoint.unwrap()]);
    let flow = block_on(flow(&service, Counted::default()).with_webhooks(hooks)).unwrap();
    service.opens();
    assert!(start(&flow, 1));
    // `retry`, `dead`, and `done`.
    for status in [500, 410, 200] {
        if status == 200 {
            block_on(flow.cancel(&order(1).order)).unwrap();
        }
        receiver.0.store(status, Ordering::Relaxed);
        assert!(block_on(flow.deliver()).unwrap() > 0, "{status}");
        later(3_600);
    }
    // `store`.
    flow.store().no_deliveries.store(true, Ordering::Relaxed);
    block_on(flow.deliver()).unwrap_err();
}

fn sweeps() {
    let service = Service::default();
    // `ok` of one queue, and `store` of the other.
    let store = Counted { no_claims: Some(Queue::Deletions), ..Counted::default() };
    let flow = flow(&service, store);
    block_on(flow.sweep()).unwrap_err();
    // `clock`.
    WALL.set(WALL.get() + 86_400_000);
    block_on(flow.sweep()).unwrap_err();
    WALL.set(WALL.get() - 86_400_000);
}

/// A look that cannot be committed.
fn work() {
    let service = Service::default();
    let flow = flow(&service, Counted::default());
    service.opens();
    assert!(start(&flow, 1));
    later(5);
    service.refuses("424");
    *flow.store().refuses.lock().unwrap() = Some(order(1).order);
    block_on(flow.sweep()).unwrap_err();
}

/// A document that cannot be read.
fn documents() {
    let store = Arc::new(MemoryStore::default());
    let flow = flow(&Service::default(), Arc::clone(&store));
    let start = samples::start(2, 1).unwrap();
    let id = start.id;
    let snapshot = Snapshot { stored: None, usage: Usage::default() };
    let commit = Machine::new(samples::rules()).step(&snapshot, Input::Start(start), samples::BEGIN).unwrap();
    block_on(store.commit(&commit)).unwrap();
    store.damage(&id);
    block_on(flow.sweep()).unwrap();
}
