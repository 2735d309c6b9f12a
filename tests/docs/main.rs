//! The Rust code of README.md and docs/ compiles, and the functions of the guides do what their pages say.

#![cfg(test)]

use std::time::{Duration, SystemTime};

use cloudauth::policy::{LivePolicy, Policy, builtin};
use cloudauth::{
    CallbackKeys, CertName, CertNo, CertifyId, Client, Credentials, DescribeFaceVerify, Error, Identity,
    InitFaceVerify, MetaInfo, Outcome, OuterOrderNo, ReqwestTransport, ReturnUrl, SceneId, SubCode, UnixTime,
};
use cloudauth_emulator::{Emulator, id_number};

mod dashboard;
mod links;

mod pages {
    #![allow(
        clippy::all,
        dead_code,
        missing_docs,
        unreachable_pub,
        reason = "code to copy; the pages explain it"
    )]
    include!(concat!(env!("OUT_DIR"), "/pages.rs"));
}

use pages::page_docs_flow as flow_page;
use pages::{
    page_docs_guides_417_after_201 as retry, page_docs_guides_424_is_not_a_failure as pending,
    page_docs_guides_callback_never_came as callback, page_docs_guides_pass_after_decision as late,
    page_docs_guides_same_order_twice as twice, page_docs_guides_signature_does_not_match as signature,
    page_docs_guides_which_region as region,
};

fn scene() -> SceneId {
    SceneId::new(1_000_000_006).unwrap()
}

fn client(emulators: &[&Emulator]) -> Client {
    let urls: Vec<_> = emulators.iter().map(|emulator| emulator.url()).collect();
    let credentials = Credentials::new(Emulator::ACCESS_KEY_ID, Emulator::ACCESS_KEY_SECRET).unwrap();
    let endpoints = region::endpoints(&urls.join(", ")).unwrap();
    Client::builder(ReqwestTransport::new().unwrap(), credentials).endpoints(endpoints).build()
}

fn init(order: &str, number: &str) -> InitFaceVerify {
    InitFaceVerify::new(
        scene(),
        OuterOrderNo::new(order).unwrap(),
        Identity::plain(CertName::new("张三").unwrap(), CertNo::new(number).unwrap()),
        ReturnUrl::new("https://shop.example/back").unwrap(),
        MetaInfo::new(r#"{"zimVer":"3.0.0"}"#).unwrap(),
    )
}

async fn begin(client: &Client, order: &str, number: &str) -> CertifyId {
    client.init_face_verify(&init(order, number)).await.unwrap().output.certify_id
}

fn describe(certify_id: &CertifyId) -> DescribeFaceVerify {
    DescribeFaceVerify::new(scene(), certify_id.clone())
}

fn ends(sub_code: &str) -> cloudauth_emulator::SessionOutcome {
    cloudauth_emulator::SessionOutcome::with_sub_code(sub_code)
}

/// Of the magic identities, one whose callback never comes.
fn without_callback() -> String {
    id_number("20020101", 1).unwrap()
}

#[tokio::test]
async fn the_sweep_finds_results_whose_callback_never_came() {
    let emulator = Emulator::builder().start().await.unwrap();
    let client = client(&[&emulator]);
    let started_at = SystemTime::now();
    let mut open = Vec::new();
    for order in ["1", "2"] {
        let certify_id = begin(&client, order, &without_callback()).await;
        open.push(callback::Open { certify_id, started_at, looks: 0 });
    }
    emulator.finish(&open[0].certify_id, ends("200")).unwrap();

    let later = |secs| started_at + Duration::from_secs(secs);
    assert!(callback::sweep(&client, scene(), &mut open, later(4)).await.is_empty(), "not due yet");
    let results = callback::sweep(&client, scene(), &mut open, later(5)).await;
    assert_eq!(results.len(), 1);
    assert_eq!((&results[0].0, results[0].1.outcome()), (&open[0].certify_id, Outcome::Passed));
    assert_eq!(open[1].looks, 1);
    assert_eq!(callback::next_look(&open[1]), Some(later(15)));
    open[1].looks = 10;
    assert_eq!(callback::next_look(&open[1]), Some(later(31 * 60)), "a minute after the link has expired");
    open[1].looks = 11;
    assert_eq!(callback::next_look(&open[1]), None);
}

#[test]
fn only_a_genuine_callback_names_a_verification() {
    let keys = CallbackKeys::new(&[7; 32]).unwrap();
    let order = OuterOrderNo::new("1").unwrap();
    let token = keys.token(scene(), &order);
    let genuine = |query: &str| callback::genuine(&keys, scene(), &order, query);
    let query = format!("certifyId=sha1&passed=210&callbackToken={}", token.expose());
    assert_eq!(genuine(&query).unwrap().as_str(), "sha1");
    assert_eq!(genuine("certifyId=sha1&passed=200&callbackToken=1000004826"), None, "forged");
    assert_eq!(genuine(""), None, "the check at the start");
}

#[tokio::test]
async fn an_order_has_one_open_attempt_and_every_verification_is_found_again() {
    let emulator = Emulator::builder().start().await.unwrap();
    let client = client(&[&emulator]);
    let mut attempts = twice::Attempts::default();
    let first = attempts.reserve("4711", [1; 16]).unwrap();
    assert_eq!(attempts.reserve("4711", [2; 16]), None, "a second click");
    let old = begin(&client, first.as_str(), "999999199001012003").await;
    attempts.started("4711", old.clone());
    attempts.close("4711");
    let second = attempts.reserve("4711", [3; 16]).unwrap();
    assert_ne!(first, second);
    let new = begin(&client, second.as_str(), "999999199001012003").await;
    attempts.started("4711", new.clone());
    assert_eq!((attempts.order_of(&old), attempts.order_of(&new)), (Some("4711"), Some("4711")));

    let again = begin(&client, second.as_str(), "999999199001012003").await;
    assert_ne!(again, new, "the emulator does not deduplicate by OuterOrderNo");
}

#[tokio::test]
async fn pending_ends_with_the_link_and_not_with_a_code() {
    let emulator = Emulator::builder().start().await.unwrap();
    let client = client(&[&emulator]);
    let certify_id = begin(&client, "1", "999999199001012003").await;
    let look = async |age| pending::look(&client, &describe(&certify_id), age).await.unwrap();
    assert_eq!(look(Duration::from_secs(60)).await, pending::Next::AskLater);
    assert_eq!(look(pending::LIFE).await, pending::Next::Expired);
    emulator.finish(&certify_id, ends("204")).unwrap();
    assert_eq!(look(pending::LIFE).await, pending::Next::Decide(Outcome::NotPassed));
}

#[tokio::test]
async fn after_201_to_203_the_same_identity_goes_to_review() {
    let emulator = Emulator::builder().start().await.unwrap();
    let client = client(&[&emulator]);
    for (code, again) in [("201", false), ("202", false), ("203", false), ("204", true), ("205", true)] {
        let number = id_number("19850505", code.parse().unwrap()).unwrap();
        let certify_id = begin(&client, "1", &number).await;
        emulator.finish(&certify_id, ends(code)).unwrap();
        assert_eq!(retry::may_start_again(&SubCode::from_wire(code)), again);
        let start = retry::start(&client, &init("2", &number)).await.unwrap();
        assert_eq!(matches!(start, retry::Start::Link(_)), again, "{code}");
        assert_eq!(matches!(start, retry::Start::Review), !again, "{code}");
    }
}

#[tokio::test]
async fn the_string_to_sign_shows_no_personal_data_and_a_wrong_secret_is_named() {
    let emulator = Emulator::builder().start().await.unwrap();
    let wrong = Credentials::new(Emulator::ACCESS_KEY_ID, "wrong").unwrap();
    let certify_id = CertifyId::new("sha1").unwrap();
    let at = UnixTime::from_secs(1_767_323_045);
    let text = signature::string_to_sign(&init("1", "999999199001012003"), &wrong, at, [7; 16]).unwrap();
    assert!(text.starts_with("POST&%2F&AccessKeyId%3DEMUtestid%26"), "{text}");
    assert!(!text.contains("999999199001012003"), "{text}");

    let transport = ReqwestTransport::new().unwrap();
    let client = Client::builder(transport, wrong).endpoint(emulator.url().parse().unwrap()).build();
    let error: Error = client.describe_face_verify(&describe(&certify_id)).await.unwrap_err();
    assert_eq!(error.gateway_code(), Some(&cloudauth::GatewayCode::SignatureDoesNotMatch));
}

#[tokio::test]
async fn a_client_with_both_regions_finds_a_verification_of_either() {
    let (shanghai, beijing) =
        (Emulator::builder().start().await.unwrap(), Emulator::builder().seed(1).start().await.unwrap());
    let certify_id = begin(&client(&[&beijing]), "1", "999999199001012003").await;
    let error = client(&[&shanghai]).describe_face_verify(&describe(&certify_id)).await.unwrap_err();
    assert_eq!(error.code(), Some(&cloudauth::Code::InvalidCertifyId));
    let both = client(&[&shanghai, &beijing]);
    let status = both.describe_face_verify(&describe(&certify_id)).await.unwrap().output;
    assert_eq!(status.outcome(), Outcome::Pending);
    assert!(region::endpoints(" , ").is_err(), "an empty setting does not mean production");
    assert!(region::client(region::endpoints("cloudauth.cn-beijing.aliyuncs.com").unwrap()).is_ok());
}

#[tokio::test]
async fn the_first_final_decision_stays_and_a_later_pass_is_an_event() {
    let emulator = Emulator::builder().start().await.unwrap();
    let client = client(&[&emulator]);
    let policy = LivePolicy::new(Policy::parse(builtin::ONBOARDING).unwrap());
    let mut order = None;
    let mut record = async |number: &str, sub_code: &str| {
        let certify_id = begin(&client, number, "999999199001012003").await;
        emulator.finish(&certify_id, ends(sub_code)).unwrap();
        let decided = client.decide(&describe(&certify_id), &policy).await.unwrap();
        let first = late::record(&mut order, &certify_id, &decided.decision().unwrap());
        (first, late::record(&mut order, &certify_id, &decided.decision().unwrap()))
    };
    use late::Recorded::{Duplicate, Final, Late};
    assert_eq!(record("1", "205").await, (Final, Duplicate));
    assert_eq!(record("2", "200").await, (Late, Late), "a pass does not overwrite a rejection");
    assert_eq!(order.unwrap().verdict, cloudauth::policy::Verdict::Reject);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_lines_of_the_flow_give_a_link_once_per_request() {
    use cloudauth::flow::{Flow, FlowError, FlowSettings, RefKey, Retention, State, Urls};
    let emulator = Emulator::builder().start().await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let store = cloudauth::flow_sqlite::SqliteStore::open(folder.path().join("file")).unwrap();
    let policy = std::sync::Arc::new(LivePolicy::new(Policy::parse(builtin::ONBOARDING).unwrap()));
    // The service checks the callback's address before it starts.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let callback = format!("http://{}/callback", listener.local_addr().unwrap());
    let router = axum::Router::new().fallback(async || ());
    let server = tokio::spawn(async { axum::serve(listener, router).await });
    let urls = Urls::new(&callback, "https://shop.example/back").unwrap();
    let keys = CallbackKeys::new(&[7; 32]).unwrap();
    let flow = Flow::new(
        client(&[&emulator]),
        policy,
        store,
        FlowSettings::new(urls, keys, RefKey::new(&[9; 32]).unwrap(), Retention::days(30).unwrap()),
    );

    let (name, number) = (CertName::new("张三").unwrap(), CertNo::new("999999199001012003").unwrap());
    let refs = RefKey::new(&[9; 32]).unwrap();
    let now = SystemTime::now().into();
    let new = flow_page::new_verification(&refs, "4711", "user-1", now).unwrap();
    let person = || {
        let identity = Identity::plain(name.clone(), number.clone());
        (identity, MetaInfo::new(r#"{"zimVer":"3.0.0"}"#).unwrap())
    };
    let link = flow_page::link(&flow, new.clone(), person()).await.unwrap();
    assert!(link.starts_with(emulator.url()), "{link}");
    let again = flow_page::link(&flow, new.clone(), person()).await;
    assert!(matches!(again, Err(FlowError::AlreadyStarted)), "{again:?}");
    assert_eq!(flow.get(&new.order).await.unwrap().unwrap().state, State::Processing);
    server.abort();
}
