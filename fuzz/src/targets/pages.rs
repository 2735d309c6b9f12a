//! The flow's start page: `Flow::serve` takes what a browser sends.

use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use cloudauth_client::Client;
use cloudauth_flow::testing::{MemoryStore, samples};
use cloudauth_flow::{
    ClockAndRandom, Flow, FlowSettings, Inline, PAGE_BODY_LIMIT, PageRequest, PageResponse, RefKey,
    SealingKeys, StartPage, Urls,
};
use cloudauth_policy::{LivePolicy, Policy, builtin};
use cloudauth_protocol::{Body, CallbackKeys, CertName, CertNo, Credentials, Identity, MetaInfo};
use cloudauth_transport::{BlockingTransport, Limits, TransportError};
use http::{HeaderName, HeaderValue, Request, Response};
use pollster::block_on;

use crate::reach::reached;
use crate::requests::new_verification;

const LINK: &str = "https://t.aliyun.com/x";
const ORIGIN: &str = "https://shop.example";
const NAME: &str = "张三";
const NUMBER: &str = "999999199001012003";

/// The statuses that `Flow::serve` documents, and those of a start that is refused.
const STATUSES: [u16; 10] = [200, 303, 400, 403, 404, 405, 409, 410, 413, 503];

/// The vendor's service: each call opens a session.
#[derive(Clone, Debug, Default)]
struct Service(Arc<Mutex<Vec<String>>>);

impl BlockingTransport for Service {
    fn send(&self, request: Request<Body>, _: &Limits) -> Result<Response<Body>, TransportError> {
        let mut requests = self.0.lock().unwrap();
        requests.push(String::from_utf8(request.body().as_bytes().to_vec()).unwrap());
        let body = format!(
            r#"{{"Code":"200","Message":"m","RequestId":"R-1","ResultObject":{{"CertifyId":"sha1","CertifyUrl":"{LINK}"}}}}"#
        );
        Ok(Response::new(Body::from(body)))
    }

    fn sleep(&self, _: Duration) {}
}

static POLICY: LazyLock<Arc<LivePolicy>> =
    LazyLock::new(|| Arc::new(LivePolicy::new(Policy::parse(builtin::VENDOR).unwrap())));

fn flow(service: &Service) -> Flow<MemoryStore> {
    let client = Client::builder(Inline(service.clone()), Credentials::new("testid", "testsecret").unwrap());
    let urls = Urls::new("https://shop.example/callback/", "https://shop.example/back").unwrap();
    let (keys, refs) = (CallbackKeys::new(&[1; 32]).unwrap(), RefKey::new(&[2; 32]).unwrap());
    let settings = FlowSettings::new(urls, keys, refs, samples::retention());
    let inputs = ClockAndRandom {
        wall: || samples::BEGIN,
        steady: || Duration::ZERO,
        random: |bytes| {
            bytes.fill(7);
            true
        },
    };
    let page = StartPage::new("https://shop.example/start", SealingKeys::new(&[3; 32]).unwrap()).unwrap();
    let client = client.attempts(1).build();
    Flow::new(client, Arc::clone(&POLICY), MemoryStore::default(), settings)
        .with_inputs(inputs)
        .with_start_page(page)
}

/// Blocks with an empty line between them: a line with the method and the capability, one with `Origin`, one with
/// `Accept-Language`, and the body. `-` leaves a header out, and `$` is the capability of the page
/// that is open.
pub(super) fn pages(data: &[u8]) {
    let service = Service::default();
    let flow = flow(&service);
    let person = Identity::plain(CertName::new(NAME).unwrap(), CertNo::new(NUMBER).unwrap());
    let url = block_on(flow.begin(new_verification(1, 1), &person)).expect("a page is opened");
    let own = url.expose().rsplit('/').next().unwrap_or_default();
    let mut sent = None;
    for block in String::from_utf8_lossy(data).split("\n\n").take(4) {
        let mut lines = block.splitn(4, '\n');
        let mut next = || lines.next().unwrap_or_default();
        let (first, origin, language, body) = (next(), next(), next(), next());
        let (method, capability) = first.split_once(' ').unwrap_or((first, ""));
        let given = |text| Some(text).filter(|text: &&str| !matches!(*text, "" | "-"));
        let request = PageRequest {
            method,
            capability: if capability == "$" { own } else { capability },
            origin: given(origin),
            accept_language: given(language),
            body: body.as_bytes(),
        };
        let response = block_on(flow.serve(&request));
        check(&request, &response, own);
        let meta_info = meta_info(&request, own);
        let is_start = meta_info.is_some();
        sent = sent.or(meta_info);
        let is_open = sent.is_some();
        let expected = match method {
            "GET" | "HEAD" if request.capability == own && is_open => Some(303),
            "GET" | "HEAD" if request.capability == own => Some(200),
            "GET" | "HEAD" => Some(404),
            "POST" if is_start => Some(303),
            "POST" => None,
            _ => Some(405),
        };
        assert!(expected.is_none_or(|status| status == response.status), "status {}", response.status);
        assert!(response.status != 303 || is_open, "a link without a start");
        let place = match (method, response.status) {
            ("GET", 200) => "the page",
            ("GET", 303) => "the page again",
            ("HEAD", _) => "the head of the page",
            ("POST", 303) => "a start",
            ("POST", 400) => "MetaInfo that cannot be read",
            ("POST", 403) => "a form of another page",
            (_, 404) => "an unknown capability",
            (_, 405) => "another method",
            _ => continue,
        };
        reached(place);
    }
    // One call, with the MetaInfo of the first form.
    let requests = service.0.lock().unwrap();
    let of_call = |request: &String| {
        let mut pairs = form_urlencoded::parse(request.as_bytes());
        pairs.find_map(|(name, value)| (name == "MetaInfo").then(|| value.into_owned()))
    };
    assert_eq!(
        requests.iter().map(of_call).collect::<Vec<_>>(),
        sent.map(Some).into_iter().collect::<Vec<_>>()
    );
}

/// The MetaInfo of a form from the page itself.
fn meta_info(request: &PageRequest<'_>, own: &str) -> Option<String> {
    let is_own = request.origin.is_none_or(|origin| origin == ORIGIN) && request.capability == own;
    let is_form = request.method == "POST" && request.body.len() <= PAGE_BODY_LIMIT;
    let value = request.body.strip_prefix(b"meta_info=").filter(|_| is_own && is_form)?;
    let plain =
        |part: &[u8]| part.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect::<Vec<_>>();
    let mut parts = value.split(|byte| *byte == b'%');
    let mut bytes = plain(parts.next()?);
    for part in parts {
        let code = std::str::from_utf8(part.get(..2)?).ok()?;
        bytes.push(u8::from_str_radix(code, 16).ok().filter(|_| !code.contains('+'))?);
        bytes.extend(plain(&part[2..]));
    }
    String::from_utf8(bytes).ok().filter(|text| MetaInfo::new(text).is_ok())
}

/// A response is HTTP, is not stored, and shows nothing that the browser did not bring, except the link.
fn check(request: &PageRequest<'_>, response: &PageResponse, own: &str) {
    assert!(STATUSES.contains(&response.status), "status {}", response.status);
    let header = |name: &str| response.headers.iter().find(|(found, _)| *found == name);
    for (name, value) in &response.headers {
        assert!(HeaderName::from_bytes(name.as_bytes()).is_ok() && HeaderValue::from_str(value).is_ok());
    }
    assert!(header("cache-control").is_some_and(|(_, value)| value == "no-store"));
    assert_eq!(header("location").map(|(_, link)| &**link), (response.status == 303).then_some(LINK));
    let is_page = !response.body.is_empty();
    assert!(!is_page || header("content-security-policy").is_some(), "a page without its policy");
    assert!(is_page != (response.status == 303 || request.method == "HEAD"), "status {}", response.status);
    let shown = format!("{} {:?} {response:?} {request:?}", response.body, response.headers);
    for planted in [NAME, NUMBER, own, "planted"] {
        assert!(!shown.contains(planted) || request.method.contains(planted), "a planted text is shown");
    }
}
