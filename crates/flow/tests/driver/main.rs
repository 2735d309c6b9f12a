//! The driver against a scripted service: what it sends, what it keeps, and when it refuses to act.

#![cfg(test)]

mod hosted;
mod leases;
mod people;
mod rate;
#[path = "../requests/mod.rs"]
mod requests;
mod slow;
mod support;

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Waker};
use std::time::Duration;

use cloudauth_flow::testing::{MemoryStore, samples};
use cloudauth_flow::{
    AttemptState, BlockingFlow, Cursor, FlowError, Inline, LookError, Queue, State, Store, StoreErrorKind,
    Urls, events_before_damage,
};
use cloudauth_policy::{LivePolicy, Policy, builtin};
use cloudauth_protocol::{Body, InitFaceVerify, OuterOrderNo, ParamLocation, ProductCode, SceneId, UnixTime};
use cloudauth_transport::{BlockingTransport, Limits, Sent, TransportError, TransportErrorKind};
use http::{Request, Response};
use pollster::block_on;

use crate::support::{
    Counted, Service, WALL, attempt, flow, flow_deciding, flow_over, keys, later, meta_info, new,
    other_person, person,
};

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
    // The result would belong to no attempt, or to one of another scene.
    let number = OuterOrderNo::generate([9; 16]);
    for (scene, order_no) in [(None, Some(number)), (SceneId::new(7).ok(), None)] {
        let changed = |init: InitFaceVerify| {
            let scene = scene.unwrap_or_else(|| init.scene_id());
            let order_no = order_no.unwrap_or_else(|| init.outer_order_no().clone());
            InitFaceVerify::new(scene, order_no, person(), init.return_url().clone(), meta_info())
        };
        let result = block_on(flow.start_with(new(1), person(), meta_info(), changed));
        assert!(matches!(result, Err(FlowError::OtherRequest)), "{result:?}");
    }
    // The face would be compared with no identity, or with a name that the person types.
    type Change = fn(InitFaceVerify) -> InitFaceVerify;
    let without_comparison: [Change; 4] = [
        |init| init.product_code(ProductCode::LrFr),
        |init| init.product_code(ProductCode::Other("ID_MIN".into())),
        |init| init.rarely_characters(true),
        |init| init.extra(ParamLocation::Query, "RarelyCharacters", "Y"),
    ];
    for change in without_comparison {
        let result = block_on(flow.start_with(new(1), person(), meta_info(), change));
        assert!(matches!(result, Err(FlowError::OtherRequest)), "{result:?}");
    }
    assert!(block_on(flow.get(&new(1).order)).unwrap().is_none());
    assert!(service.requests().is_empty());
    service.opens();
    let forged = |init: cloudauth_protocol::InitFaceVerify| {
        init.callback_url(cloudauth_protocol::CallbackUrl::new("https://evil.example/").unwrap())
    };
    block_on(flow.start_with(new(1), person(), meta_info(), forged)).unwrap();
    assert!(!service.requests()[0].contains("evil"));
}

/// A reply without labels counts as one without risk.
#[test]
fn labels_of_the_device_are_requested_if_the_policy_reads_them() {
    let inputs = "[inputs]\ndevice_risk = { type = \"labels\", values = [\"ROOT\"] }";
    let rule = "[[rule]]\nid = \"device\"\nwhen = { device_risk = [\"ROOT\", \"unknown\"] }\n\
                then = { decision = \"review\", reason = \"device_risk\" }\n\n[[rule]]";
    let reading = builtin::VENDOR.replacen("[inputs]", inputs, 1).replacen("[[rule]]", rule, 1);
    for (policy, is_requested) in [(&*reading, true), (builtin::VENDOR, false)] {
        let service = Service::default();
        service.opens();
        let flow = flow_deciding(policy, &service, MemoryStore::default());
        block_on(flow.start(new(1), person(), meta_info())).unwrap();
        assert_eq!(service.requests()[0].contains("FaceGuardOutput=DeviceRisk"), is_requested);
        service.opens();
        let own =
            |init: InitFaceVerify| init.extra(ParamLocation::Query, "FaceGuardOutput", "DeviceRisk,New");
        block_on(flow.start_with(new(2), person(), meta_info(), own)).unwrap();
        assert!(service.requests()[1].contains("FaceGuardOutput=DeviceRisk%2CNew"));
    }
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

#[test]
fn debug_shows_no_address_beyond_its_host_no_code_of_a_policy_and_no_reference() {
    let urls = Urls::new("https://user:planted@shop.example/planted", "https://planted@shop.example/planted");
    let shown = format!("{:?}", urls.unwrap());
    assert_eq!(shown, r#"Urls { callback: Some("shop.example"), back: Some("shop.example") }"#);
    let planted = "\"206\", \"999999199001012\"";
    let policy = builtin::VENDOR.replacen("\"206\"", planted, 1);
    let policy = policy.replace("sub_code = \"206\"", &format!("sub_code = [{planted}]"));
    let policy = LivePolicy::new(Policy::parse(&policy).unwrap());
    let shown = format!("{policy:?}{policy:#?}");
    assert!(shown.contains("vendor") && !shown.contains("999999199001012"), "{shown}");
    let service = Service::default();
    service.opens();
    let flow = flow(&service, MemoryStore::default());
    block_on(flow.start(new(1), person(), meta_info())).unwrap();
    let (attempt, found) = (attempt(&flow), block_on(flow.get(&new(1).order)).unwrap().unwrap());
    let shown = format!("{found:?}{found:#?}");
    for planted in [String::from(attempt.identity.unwrap()), String::from(attempt.capability.unwrap())] {
        assert!(shown.contains("[redacted]") && !shown.contains(&planted), "{shown}");
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
fn events_are_read_up_to_a_damaged_one() {
    let service = Service::default();
    let flow = flow(&service, Counted::default());
    service.opens();
    block_on(flow.start(new(1), person(), meta_info())).unwrap();
    let events = block_on(flow.events(Cursor::default(), 9)).unwrap();
    let kinds: Vec<_> = events.iter().map(|logged| &*logged.event.kind).collect();
    assert_eq!(kinds.first(), Some(&"verification.created"), "{kinds:?}");
    let damaged = || Err(StoreErrorKind::Corrupt.into());
    let read = events_before_damage(events.iter().cloned().map(Ok).chain([damaged(), damaged()]));
    assert_eq!(read.unwrap(), events);
    assert_eq!(events_before_damage([damaged()]).unwrap_err().kind(), StoreErrorKind::Corrupt);
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
    // A start of another order, whose answer waits for nothing.
    service.opens();
    block_on(flow.start(requests::new_verification(2, 1), other_person(), meta_info())).unwrap();
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

#[derive(Debug)]
struct Offline;

impl BlockingTransport for Offline {
    fn send(&self, _: Request<Body>, _: &Limits) -> Result<Response<Body>, TransportError> {
        Err(TransportError::new(TransportErrorKind::Connect, Sent::No))
    }

    fn sleep(&self, _: Duration) {}
}

#[test]
fn a_look_without_a_connection_has_that_as_its_reason() {
    let (service, store) = (Service::default(), Arc::new(MemoryStore::default()));
    let flow = flow(&service, Arc::clone(&store));
    service.opens();
    block_on(flow.start(new(1), person(), meta_info())).unwrap();
    later(31 * 60);
    block_on(flow_over(Inline(Offline), store).sweep()).unwrap();
    let attempt = attempt(&flow);
    assert_eq!(
        (attempt.state, attempt.last_look_error),
        (AttemptState::Open, LookError::new("transport").ok())
    );
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
