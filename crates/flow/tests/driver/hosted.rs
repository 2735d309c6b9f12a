//! The hosted start page: one call for each page, an identity that is sealed until then, and typed refusals.

use std::future::Future as _;
use std::pin::pin;
use std::sync::atomic::Ordering;
use std::task::{Context, Waker};
use std::time::Duration;

use cloudauth_flow::testing::{MemoryStore, join_all};
use cloudauth_flow::{
    BrowserUrl, Flow, FlowError, IdempotencyKey, PAGE_BODY_LIMIT, PageRefusal, PageRequest, PageResponse,
    Pages as _, Refusal, SealingKeys, StartPage, State, Store,
};
use cloudauth_protocol::UnixTime;
use pollster::block_on;

use crate::support::{Counted, Service, WALL, flow, later, meta_info, new, person};

const FORM: &str = "meta_info=%7B%22zimVer%22%3A%223.0.0%22%7D";
const LINK: &str = "https://t.aliyun.com/x";

fn page(key: u8) -> StartPage {
    StartPage::new("https://shop.example/start", SealingKeys::new(&[key; 32]).unwrap()).unwrap()
}

fn hosted(service: &Service) -> Flow<MemoryStore> {
    flow(service, MemoryStore::default()).with_start_page(page(1))
}

fn begin(flow: &Flow<impl Store>) -> String {
    capability(&block_on(flow.begin(new(1), &person())).unwrap())
}

fn capability(url: &BrowserUrl) -> String {
    let capability = url.expose().strip_prefix("https://shop.example/start/").unwrap().to_owned();
    assert_eq!(capability.len(), 64);
    capability
}

fn request<'a>(method: &'a str, capability: &'a str) -> PageRequest<'a> {
    let body = if method == "POST" { FORM.as_bytes() } else { b"" };
    PageRequest { method, capability, origin: None, accept_language: None, body }
}

fn serve(flow: &Flow<impl Store>, method: &str, capability: &str) -> PageResponse {
    block_on(flow.serve(&request(method, capability)))
}

fn header<'a>(response: &'a PageResponse, name: &str) -> Option<&'a str> {
    response.headers.iter().find_map(|(header, value)| (*header == name).then_some(&**value))
}

fn inits(service: &Service) -> usize {
    service.requests().iter().filter(|request| request.contains("Action=InitFaceVerify")).count()
}

#[test]
fn a_page_collects_the_meta_info_and_leads_to_the_link() {
    let service = Service::default();
    let flow = hosted(&service);
    let capability = begin(&flow);
    assert!(block_on(flow.get(&new(1).order)).unwrap().is_none(), "nothing is started");
    let page = serve(&flow, "GET", &capability);
    assert_eq!(page.status, 200);
    assert!(page.body.contains("<form method=post") && page.body.contains("o.alicdn.com"), "{}", page.body);
    assert_eq!(header(&page, "cache-control"), Some("no-store"));
    assert_eq!(header(&page, "referrer-policy"), Some("same-origin"));
    let policy = header(&page, "content-security-policy").unwrap();
    assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{policy}");
    assert!(policy.contains(" https://o.alicdn.com;"), "{policy}");
    assert_eq!(serve(&flow, "HEAD", &capability).body, "");

    service.opens();
    let response = serve(&flow, "POST", &capability);
    assert_eq!((response.status, header(&response, "location")), (303, Some(LINK)));
    assert_eq!(header(&response, "referrer-policy"), Some("no-referrer"));
    let [sent] = &service.requests()[..] else { panic!("one request") };
    for part in ["CertName=%E5%BC%A0%E4%B8%89", "CertNo=999999199001012003", "zimVer"] {
        assert!(sent.contains(part), "{part}: {sent}");
    }
    let found = block_on(flow.get(&new(1).order)).unwrap().unwrap();
    assert_eq!(found.state, State::Processing);
}

#[test]
fn a_page_that_is_sent_again_or_reloaded_makes_one_call_and_leads_to_the_same_link() {
    let service = Service::default();
    let flow = flow(&service, Counted { yields: true, ..Counted::default() });
    let flow = flow.with_start_page(page(1));
    assert!(matches!(block_on(flow.begin(new(1), &person())), Err(FlowError::NoStartPage)));

    let flow = hosted(&service);
    let capability = begin(&flow);
    service.opens();
    let twice = ["POST", "POST", "POST"].map(|method| {
        let (flow, request) = (&flow, request(method, &capability));
        Box::pin(async move { flow.serve(&request).await }) as _
    });
    let mut responses = block_on(join_all(twice.into()));
    responses.extend(["GET", "POST", "GET"].map(|method| serve(&flow, method, &capability)));
    for response in responses {
        assert_eq!((response.status, header(&response, "location")), (303, Some(LINK)));
    }
    assert_eq!(inits(&service), 1);
}

#[test]
fn a_page_that_waits_for_another_tab_looks_once_a_second() {
    let service = Service::default();
    let store = Counted { hangs: true, has_pages: true, ..Counted::default() };
    (*store.after.lock().unwrap(), *store.failures.lock().unwrap()) = (1, 1);
    let flow = flow(&service, store).with_start_page(page(1));
    let capability = begin(&flow);
    service.opens();
    // The other tab has made its call, and waits for the store.
    let request = request("POST", &capability);
    let mut other = pin!(flow.serve(&request));
    assert!(other.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    let response = serve(&flow, "POST", &capability);
    assert_eq!((response.status, service.slept()), (503, Duration::from_secs(19)));
    assert_eq!(inits(&service), 1);
}

#[test]
fn a_page_is_unknown_used_or_expired() {
    let service = Service::default();
    let flow = hosted(&service);
    let start = |capability: &str| block_on(flow.start_from_page(capability, &meta_info()));
    let refuses = |capability: &str, refusal, status| {
        let result = start(capability);
        assert!(matches!(&result, Err(FlowError::Page(found)) if *found == refusal), "{result:?}");
        for method in ["GET", "POST"] {
            assert_eq!(serve(&flow, method, capability).status, status);
        }
    };
    refuses("guessed", PageRefusal::Unknown, 404);
    refuses(&"0".repeat(64), PageRefusal::Unknown, 404);

    let first = begin(&flow);
    later(599);
    assert_eq!(serve(&flow, "GET", &first).status, 200);
    later(1);
    refuses(&first, PageRefusal::Expired, 410);
    block_on(flow.sweep()).unwrap();
    refuses(&first, PageRefusal::Expired, 410);

    // The same request may begin again, and its address replaces the one before.
    let second = begin(&flow);
    let third = begin(&flow);
    refuses(&first, PageRefusal::Unknown, 404);
    refuses(&second, PageRefusal::Unknown, 404);
    service.opens();
    assert_eq!(start(&third).unwrap().expose(), LINK);
    let again = block_on(flow.begin(new(1), &person()));
    assert!(matches!(again, Err(FlowError::AlreadyStarted)), "{again:?}");
    block_on(flow.cancel(&new(1).order)).unwrap();
    refuses(&third, PageRefusal::Used, 410);
    let refused = block_on(flow.begin(new(2), &person()));
    assert!(matches!(refused, Err(FlowError::Refused(Refusal::Final(State::Canceled)))), "{refused:?}");
    later(86_400);
    let now = UnixTime::from_millis(WALL.get());
    assert_eq!(block_on(flow.store().erase_pages(now, 9)).unwrap(), 1);
    refuses(&third, PageRefusal::Unknown, 404);
}

#[test]
fn a_link_is_over_with_its_time_and_with_the_next_attempt() {
    let service = Service::default();
    let flow = hosted(&service);
    let first = begin(&flow);
    service.opens();
    assert_eq!(serve(&flow, "POST", &first).status, 303);
    let other = IdempotencyKey::new("key-2").unwrap();
    let second = block_on(flow.begin(cloudauth_flow::NewVerification { key: other, ..new(1) }, &person()));
    service.opens();
    assert_eq!(serve(&flow, "POST", &capability(&second.unwrap())).status, 303);
    assert_eq!(serve(&flow, "GET", &first).status, 410);
    assert_eq!(inits(&service), 2);

    let flow = hosted(&service);
    let last = begin(&flow);
    service.opens();
    assert_eq!(serve(&flow, "POST", &last).status, 303);
    later(599);
    assert_eq!(serve(&flow, "GET", &last).status, 303);
    later(1);
    assert_eq!(serve(&flow, "GET", &last).status, 410);
}

#[test]
fn a_canceled_order_starts_nothing_from_its_page() {
    let service = Service::default();
    let flow = hosted(&service);
    let early = begin(&flow);
    let canceled = block_on(flow.cancel(&new(1).order));
    assert!(matches!(canceled, Err(FlowError::Refused(Refusal::NotFound))), "{canceled:?}");
    for method in ["GET", "POST"] {
        assert_eq!(serve(&flow, method, &early).status, 410);
    }
    assert_eq!(inits(&service), 0);

    // Another order, whose browser has come: it waits for a call of the account's rate.
    let store = Counted { yields: true, has_pages: true, ..Counted::default() };
    let flow = crate::support::flow(&service, store).with_start_page(page(1));
    let capability = begin(&flow);
    let post = request("POST", &capability);
    let statuses = block_on(join_all(vec![
        Box::pin(async { flow.serve(&post).await.status }),
        Box::pin(async { if flow.cancel(&new(1).order).await.is_ok() { 200 } else { 404 } }),
    ]));
    assert_eq!(statuses, [410, 404]);
    assert_eq!(inits(&service), 0);
    assert!(block_on(flow.get(&new(1).order)).unwrap().is_none());
}

/// On the old code the cancellation was a second commit. It was lost with the process, or if the page could not be read, and the order
/// could be started again.
#[test]
fn no_failure_starts_a_canceled_order() {
    for is_dropped in [false, true] {
        let service = Service::default();
        let store =
            Counted { yields: true, has_pages: true, hangs: true, lost_page: 2.into(), ..Counted::default() };
        if is_dropped {
            store.lost_page.store(0, Ordering::Relaxed);
            (*store.after.lock().unwrap(), *store.failures.lock().unwrap()) = (1, 1);
        }
        let flow = crate::support::flow(&service, store).with_start_page(page(1));
        let capability = begin(&flow);
        let meta_info = meta_info();
        {
            let mut start = pin!(flow.start_from_page(&capability, &meta_info));
            let mut context = Context::from_waker(Waker::noop());
            // It waits for a call of the account's rate.
            assert!(start.as_mut().poll(&mut context).is_pending());
            let canceled = block_on(flow.cancel(&new(1).order));
            assert!(matches!(canceled, Err(FlowError::Refused(Refusal::NotFound))), "{canceled:?}");
            let _ = start.as_mut().poll(&mut context);
        }
        later(200);
        block_on(flow.sweep()).unwrap();
        let state = block_on(flow.get(&new(1).order)).unwrap().map(|found| found.state);
        assert!(state.is_none_or(|state| state == State::Canceled), "{state:?}");
        assert_eq!(inits(&service), 0);
    }
}

#[test]
fn a_page_that_ends_during_its_start_says_why_and_makes_no_call() {
    for (expires, refusal) in [(true, PageRefusal::Expired), (false, PageRefusal::Unknown)] {
        let service = Service::default();
        let store = Counted { yields: true, has_pages: true, ..Counted::default() };
        let flow = crate::support::flow(&service, store).with_start_page(page(1));
        let capability = begin(&flow);
        let meta_info = meta_info();
        // The start waits for a call of the account's rate.
        let results = block_on(join_all(vec![
            Box::pin(async { flow.start_from_page(&capability, &meta_info).await.err() }),
            Box::pin(async {
                if expires {
                    later(600);
                    return None;
                }
                flow.begin(new(1), &person()).await.err()
            }),
        ]));
        let [Some(FlowError::Page(found)), None] = &results[..] else { panic!("{results:?}") };
        assert_eq!(*found, refusal);
        assert_eq!(inits(&service), 0);
    }
}

#[test]
fn a_page_that_cannot_be_read_can_be_sent_again() {
    let service = Service::default();
    let store = Counted { has_pages: true, lost_page: 1.into(), ..Counted::default() };
    let flow = crate::support::flow(&service, store).with_start_page(page(1));
    let capability = begin(&flow);
    let failed = block_on(flow.start_from_page(&capability, &meta_info()));
    assert!(matches!(failed, Err(FlowError::Store(_))), "{failed:?}");
    assert_eq!(inits(&service), 0);
    assert!(block_on(flow.get(&new(1).order)).unwrap().is_none());
    service.opens();
    assert_eq!(serve(&flow, "POST", &capability).status, 303);
}

#[test]
fn a_failure_that_passes_keeps_the_page_and_a_refused_person_ends_it() {
    let service = Service::default();
    let flow = hosted(&service);
    let capability = begin(&flow);
    service.refuses("500");
    let busy = serve(&flow, "POST", &capability);
    assert_eq!((busy.status, header(&busy, "retry-after")), (503, Some("5")));
    assert!(busy.body.contains("Try again"), "{}", busy.body);
    assert_eq!(serve(&flow, "GET", &capability).status, 200);
    service.refuses("417");
    let refused = serve(&flow, "POST", &capability);
    assert_eq!(refused.status, 409);
    assert!(!refused.body.contains("Try again"), "{}", refused.body);
    assert_eq!(serve(&flow, "GET", &capability).status, 410);
}

#[test]
fn a_browser_without_a_link_is_told_so() {
    let service = Service::default();
    let flow = hosted(&service);
    let capability = begin(&flow);
    service.answers(
        200,
        r#"{"Code":"200","Message":"m","RequestId":"R-1","ResultObject":{"CertifyId":"sha1"}}"#,
    );
    let response = serve(&flow, "POST", &capability);
    assert!(response.status == 409 && response.body.contains("another browser"), "{}", response.body);
    assert_eq!(serve(&flow, "GET", &capability).status, 410);
}

#[test]
fn a_request_is_refused_before_anything_is_started() {
    let service = Service::default();
    let flow = hosted(&service);
    let capability = begin(&flow);
    assert_eq!(PAGE_BODY_LIMIT, 65_536);
    let form = |length: usize| format!("meta_info={}", "x".repeat(length - "meta_info=".len()));
    let (largest, large) = (form(PAGE_BODY_LIMIT), form(PAGE_BODY_LIMIT + 1));
    let post = request("POST", &capability);
    for (status, request) in [
        (403, PageRequest { origin: Some("https://other.example"), ..post }),
        (403, PageRequest { origin: Some("null"), ..post }),
        (400, PageRequest { body: largest.as_bytes(), ..post }),
        (413, PageRequest { body: large.as_bytes(), ..post }),
        (400, PageRequest { body: b"", ..post }),
        (400, PageRequest { body: b"meta_info=%7B", ..post }),
        (400, PageRequest { body: b"meta_info=%zz", ..post }),
        (405, PageRequest { method: "PUT", ..post }),
    ] {
        let response = block_on(flow.serve(&request));
        assert_eq!(response.status, status);
        assert!(header(&response, "content-security-policy").is_some());
    }
    service.opens();
    let own = PageRequest { origin: Some("https://shop.example"), ..post };
    assert_eq!(block_on(flow.serve(&own)).status, 303);
}

#[test]
fn a_page_has_the_language_of_the_browser() {
    let service = Service::default();
    let flow = hosted(&service);
    let capability = begin(&flow);
    let of = |capability: &str, language| {
        let request = PageRequest { accept_language: language, ..request("GET", capability) };
        block_on(flow.serve(&request)).body
    };
    assert!(of(&capability, Some("zh-CN,zh;q=0.9")).contains("人脸认证"));
    assert!(of(&capability, None).contains("Face verification"));
    assert!(of("guessed", Some("zh")).contains("链接无效"));
}

#[test]
fn a_page_opens_after_a_rotation_and_not_without_its_key() {
    let service = Service::default();
    let flow = hosted(&service);
    let capability = begin(&flow);
    let rotated = SealingKeys::new(&[2; 32]).unwrap().with_previous(&[1; 32]).unwrap();
    let flow = flow.with_start_page(StartPage::new("https://shop.example/start", rotated).unwrap());
    assert_eq!(serve(&flow, "GET", &capability).status, 200);
    let flow = flow.with_start_page(page(2));
    assert_eq!(serve(&flow, "GET", &capability).status, 409);
    assert_eq!(inits(&service), 0);
}

#[test]
fn nothing_shows_a_name_a_number_a_link_or_an_address() {
    let service = Service::default();
    let flow = hosted(&service);
    let url = block_on(flow.begin(new(1), &person())).unwrap();
    let capability = capability(&url);
    let request = request("POST", &capability);
    let mut shown = format!("{url:?} {request:?} {:?}", flow.store());
    service.opens();
    let response = block_on(flow.serve(&request));
    assert_eq!(format!("{request:?} {response:?}"), "PageRequest(POST) PageResponse(303)");
    let error = block_on(flow.begin(new(1), &person())).unwrap_err();
    shown += &format!("{response:?} {:?} {error} {error:?}", flow.store());
    for secret in ["张三", "9999991990", "01012003", "t.aliyun.com", &*capability, "zimVer"] {
        assert!(!shown.contains(secret), "{secret}: {shown}");
    }
    // As bytes, which `Debug` of a slice shows as numbers.
    for text in ["张三", "999999199001012003", LINK] {
        let bytes = format!("{:?}", text.as_bytes());
        assert!(!shown.contains(bytes.trim_matches(['[', ']'])), "{text}");
    }
}
