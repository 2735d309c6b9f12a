//! The driver on PostgreSQL: two processes in one, each with a store of its own, and a scripted service.

use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cloudauth_client::Client;
use cloudauth_flow::testing::samples;
use cloudauth_flow::{
    AttemptState, Cursor, Flow, FlowSettings, IdempotencyKey, Inline, NewVerification, OrderRef, PageRequest,
    Redaction, RefKey, Review, ReviewReason, Reviewer, SealingKeys, StartPage, State, Store, Urls,
    Verification, verify_document,
};
use cloudauth_flow_postgres::PostgresStore;
use cloudauth_policy::{LivePolicy, Policy, builtin};
use cloudauth_protocol::{
    Body, CallbackKeys, CertName, CertNo, Credentials, Identity, MetaInfo, SceneId, UnixTime,
};
use cloudauth_transport::{BlockingTransport, Limits, TransportError};
use http::{Request, Response};

use crate::common::Schema;

/// What must be in no file of the server: the name, the number, the browser, the link, a picture.
const NAME: &str = "欧阳测试";
const NUMBER: &str = "999999199001012003";
const BROWSER: &str = "planted-browser-4711";
const LINK: &str = "https://t.aliyun.com/planted-link-4711";
const PICTURE: &str = "planted-picture-4711";

/// The service: each start succeeds, and each look finds the next of these SubCodes.
#[derive(Clone, Debug, Default)]
struct Service(Arc<Mutex<(u32, Vec<&'static str>)>>);

impl BlockingTransport for Service {
    fn send(&self, request: Request<Body>, _: &Limits) -> Result<Response<Body>, TransportError> {
        let body = String::from_utf8(request.body().as_bytes().to_vec()).unwrap();
        let mut script = self.0.lock().unwrap();
        let result = if body.contains("Action=InitFaceVerify") {
            script.0 += 1;
            format!(r#"{{"CertifyId":"sha{:029}","CertifyUrl":"{LINK}"}}"#, script.0)
        } else if body.contains("Action=DeleteFaceVerifyResult") {
            r#"{"DeleteResult":"Y"}"#.to_owned()
        } else {
            let code = script.1.remove(0);
            let passed = if code == "200" { "T" } else { "F" };
            let material = format!(
                r#"{{\"faceAttack\":\"F\",\"facialPictureFront\":{{\"verifyScore\":88.25,\"pictureUrl\":\"https://oss.example/{PICTURE}\"}}}}"#
            );
            format!(r#"{{"Passed":"{passed}","SubCode":"{code}","MaterialInfo":"{material}"}}"#)
        };
        let reply = format!(r#"{{"Code":"200","Message":"m","RequestId":"R-1","ResultObject":{result}}}"#);
        Ok(Response::new(Body::from(reply)))
    }

    fn sleep(&self, time: Duration) {
        std::thread::sleep(time);
    }
}

fn keys() -> CallbackKeys {
    CallbackKeys::new(&[1; 32]).unwrap()
}

async fn instance(schema: &Schema, service: &Service) -> Flow<PostgresStore> {
    let client = Client::builder(Inline(service.clone()), Credentials::new("testid", "testsecret").unwrap());
    let policy = Arc::new(LivePolicy::new(Policy::parse(builtin::VENDOR).unwrap()));
    let urls = Urls::new("https://shop.example/callback", "https://shop.example/back").unwrap();
    let refs = RefKey::new(&[2; 32]).unwrap();
    let settings = FlowSettings::new(urls, keys(), refs, samples::retention());
    let page = StartPage::new("https://shop.example/start", SealingKeys::new(&[3; 32]).unwrap()).unwrap();
    let flow = Flow::new(client.attempts(1).build(), policy, schema.store().await, settings);
    flow.with_start_page(page)
}

fn new(order: u64, attempt: u8) -> NewVerification {
    let sample = samples::start(order, attempt).unwrap();
    let (order, subject, scene) = (sample.order, sample.subject, sample.scene);
    NewVerification {
        order,
        subject,
        scene,
        purpose: sample.purpose,
        key: IdempotencyKey::new(&format!("click-{attempt}")).unwrap(),
        consent: cloudauth_flow::Consent::new(
            UnixTime::from(std::time::SystemTime::now()),
            sample.consent.text,
        ),
    }
}

fn person() -> Identity {
    Identity::plain(CertName::new(NAME).unwrap(), CertNo::new(NUMBER).unwrap())
}

async fn get(flow: &Flow<PostgresStore>, order: &OrderRef) -> Verification {
    flow.get(order).await.unwrap().unwrap()
}

/// The vendor calls one instance, and the other one sweeps.
async fn finish(called: &Flow<PostgresStore>, sweeps: &Flow<PostgresStore>, order: &OrderRef) -> State {
    let found = get(called, order).await;
    let attempt = found.attempts.last().unwrap();
    let scene = SceneId::new(1_000_000_006).unwrap();
    let token = keys().token(scene, &attempt.order_no);
    let certify_id = attempt.certify_id.as_ref().unwrap();
    let query = format!("certifyId={certify_id}&passed=200&callbackToken={}", token.expose());
    called.callback(attempt.order_no.as_str(), &query).await.unwrap();
    sweeps.sweep().await.unwrap();
    get(called, order).await.state
}

async fn check(flow: &Flow<PostgresStore>, orders: &[&OrderRef]) {
    for order in orders {
        let found = get(flow, order).await;
        let events = flow.store().history(&found.id).await.unwrap();
        assert_eq!(verify_document(&found, &events), Ok(()), "{order:?}");
    }
    let audit = flow.store().audit(None).await.unwrap();
    assert_eq!((audit.broken, audit.chains), (0, orders.len() as u64), "{:?}", audit.named);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a server: cargo xtask postgres"]
async fn two_instances_of_the_driver_share_a_database() {
    let (schema, service) = (Schema::new().await, Service::default());
    let (one, other) = (instance(&schema, &service).await, instance(&schema, &service).await);
    let meta_info = || MetaInfo::new("{}").unwrap();
    let orders = [1, 2, 3].map(|order| new(order, 1).order);
    service.0.lock().unwrap().1 = vec!["200", "204", "200", "205"];

    let started = one.start(new(1, 1), person(), meta_info()).await.unwrap();
    assert_eq!(started.link.expose(), LINK);
    assert!(other.start(new(1, 1), person(), meta_info()).await.is_err(), "the same click, elsewhere");
    assert_eq!(finish(&one, &other, &orders[0]).await, State::Approved);

    one.start(new(2, 1), person(), meta_info()).await.unwrap();
    assert_eq!(finish(&other, &one, &orders[1]).await, State::RequiresInput);
    other.start(new(2, 2), person(), meta_info()).await.unwrap();
    assert_eq!(finish(&one, &other, &orders[1]).await, State::Approved);

    other.start(new(3, 1), person(), meta_info()).await.unwrap();
    assert_eq!(finish(&one, &other, &orders[2]).await, State::InReview);
    let (reviewer, reason) = (Reviewer::new("r.lee@example").unwrap(), ReviewReason::new("other").unwrap());
    let seen = get(&one, &orders[2]).await.head.n;
    let declined = other.review(&orders[2], Review { reviewer, reason, approve: false, seen }).await.unwrap();
    assert_eq!(declined.state, State::Declined);
    assert!(one.cancel(&orders[2]).await.is_err(), "it has ended");

    let events = one.events(Cursor::default(), 999).await.unwrap();
    let ended = |kind: &str| events.iter().filter(|event| &*event.event.kind == kind).count();
    assert_eq!((ended("verification.approved"), ended("verification.declined")), (2, 1));
    let attempts = get(&one, &orders[1]).await.attempts;
    assert!(attempts.iter().all(|attempt| attempt.state == AttemptState::Settled));
    check(&other, &orders.each_ref()).await;
}

/// The files of the server that have one of these texts: tables, indexes, the write-ahead log, the server's log.
fn files_with(texts: &[&str]) -> Vec<PathBuf> {
    let address = std::env::var("CLOUDAUTH_POSTGRES").unwrap();
    let folder = address.split(' ').find_map(|part| part.strip_prefix("host=")).unwrap();
    let mut search = Command::new("grep");
    search.env("LC_ALL", "C").args(["--recursive", "--text", "--fixed-strings", "--files-with-matches"]);
    for text in texts {
        search.args(["-e", text]);
    }
    // A file that the server removed meanwhile is an error of the search only.
    let found = search.arg(folder).output().unwrap();
    String::from_utf8(found.stdout).unwrap().lines().map(PathBuf::from).collect()
}

/// A life with a start page, a callback, a result, an erasure. The test looks into the server's files after each step.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a server: cargo xtask postgres"]
async fn no_file_of_the_server_has_personal_data() {
    let (schema, service) = (Schema::new().await, Service::default());
    let flow = instance(&schema, &service).await;
    let server = schema.connect().await;
    // A long value is compressed otherwise, and could not be searched.
    server
        .batch_execute(
            "ALTER TABLE ca_verification ALTER COLUMN document SET STORAGE EXTERNAL;
             ALTER TABLE ca_event ALTER COLUMN body SET STORAGE EXTERNAL;
             ALTER TABLE ca_page ALTER COLUMN request SET STORAGE EXTERNAL",
        )
        .await
        .unwrap();
    service.0.lock().unwrap().1 = vec!["200"];
    let mut request = new(1, 1);
    // Found in the files: the search works.
    request.order = OrderRef::new("order-planted-4711").unwrap();
    let order = request.order.clone();
    let percent: String = NAME.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let hex: String = NAME.bytes().map(|byte| format!("{byte:02x}")).collect();
    let hex_number: String = NUMBER.bytes().map(|byte| format!("{byte:02x}")).collect();
    let personal = [NAME, &percent, &hex, NUMBER, &hex_number, BROWSER, LINK, "planted-link", PICTURE];
    let clean = async |after: &str| {
        // Before and after the server writes its pages to the tables.
        for checkpoint in ["", "CHECKPOINT"] {
            server.batch_execute(checkpoint).await.unwrap();
            let found = files_with(&personal);
            assert!(found.is_empty(), "after {after}, personal data is in {found:?}");
        }
        let found = files_with(&[order.as_str()]);
        for part in ["pg_wal", "base"] {
            assert!(found.iter().any(|file| file.iter().any(|name| name == part)), "{part}: {found:?}");
        }
    };

    let url = flow.begin(request, &person()).await.unwrap();
    clean("the start page is there").await;
    let capability = url.expose().rsplit('/').next().unwrap().to_owned();
    let form = format!("meta_info=%7B%22zimVer%22%3A%22{BROWSER}%22%7D");
    let (origin, accept_language) = (None, None);
    let posted = PageRequest {
        method: "POST",
        capability: &capability,
        origin,
        accept_language,
        body: form.as_bytes(),
    };
    let response = flow.serve(&posted).await;
    assert!(response.headers.iter().any(|(_, value)| value == LINK), "{}", response.status);
    clean("the link was given out").await;
    assert_eq!(finish(&flow, &flow, &order).await, State::Approved);
    clean("the result").await;
    assert_eq!(flow.redact(&order).await.unwrap().redaction, Redaction::Requested);
    flow.sweep().await.unwrap();
    assert_eq!(get(&flow, &order).await.redaction, Redaction::Done);
    clean("the erasure").await;
    check(&flow, &[&order]).await;
}
