//! The hosted start page over HTTP, against the emulator; and every byte that the service keeps or writes.

#![cfg(test)]
#![allow(dead_code, unreachable_pub, reason = "the example is a program of its own; other tests plant more")]

use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use cloudauth::flow::{
    Consent, ConsentText, Cursor, Flow, FlowSettings, IdempotencyKey, NewVerification, OrderRef, Purpose,
    RefKey, Retention, SealingKeys, StartPage, State, Urls,
};
use cloudauth::flow_sqlite::SqliteStore;
use cloudauth::policy::{LivePolicy, Policy, builtin};
use cloudauth::{CallbackKeys, CertName, CertNo, Client, Credentials, Identity, ReqwestTransport, SceneId};
use cloudauth_emulator::{Emulator, SessionOutcome};

#[path = "../crates/cloudauth/examples/start_page.rs"]
mod example;
mod planted;

/// The name, the number, and halves of them; and what the browser sends.
const SECRETS: [&str; 7] =
    ["欧阳张三丰", "欧阳", "张三丰", "999999199001012046", "999999199", "001012046", "planted-meta-info"];

const FORM: &str = "meta_info=%7B%22zimVer%22%3A%223.0.0%22%2C%22x%22%3A%22planted-meta-info%22%7D";

/// The server of the example, in this process.
async fn service(emulator: &Emulator, folder: &Path) -> Arc<example::Server> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let by = Credentials::new(Emulator::ACCESS_KEY_ID, Emulator::ACCESS_KEY_SECRET).unwrap();
    let client =
        Client::builder(ReqwestTransport::new().unwrap(), by).endpoint(emulator.url().parse().unwrap());
    let policy = Arc::new(LivePolicy::new(Policy::parse(builtin::VENDOR).unwrap()));
    let urls = Urls::new(&format!("{url}/callback"), &format!("{url}/back")).unwrap();
    let (keys, refs) = (CallbackKeys::new(&[1; 32]).unwrap(), RefKey::new(&[2; 32]).unwrap());
    let settings = FlowSettings::new(urls, keys, refs.clone(), Retention::days(1).unwrap());
    let page = StartPage::new(&format!("{url}/start"), SealingKeys::new(&[3; 32]).unwrap()).unwrap();
    let page = page.script(&format!("{}/jsvm_all.js", emulator.url())).unwrap();
    let store = SqliteStore::open(folder.join("file")).unwrap();
    let flow = Flow::new(client.build(), policy, store, settings).with_start_page(page);
    let server = Arc::new(example::Server { flow, refs });
    let router = example::router(Arc::clone(&server));
    tokio::spawn(async move { axum::serve(listener, router).await });
    server
}

fn new(refs: &RefKey) -> NewVerification {
    NewVerification {
        order: OrderRef::new("order-4711").unwrap(),
        subject: refs.subject("user-1"),
        scene: SceneId::new(1_000_000_006).unwrap(),
        purpose: Purpose::new("account-opening").unwrap(),
        key: IdempotencyKey::new("attempt-1").unwrap(),
        consent: Consent::new(SystemTime::now().into(), ConsentText::new("2026-11").unwrap()),
    }
}

/// No file beside the store has a secret.
fn check_files(folder: &Path, secrets: &[&str]) {
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        for secret in secrets {
            let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!found, "{} has {secret}", path.display());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_starts_from_the_page_and_no_byte_shows_who_it_is() {
    let log = planted::listen(tracing::Level::DEBUG);
    let emulator = Emulator::builder().start().await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let server = service(&emulator, folder.path()).await;
    let (flow, new) = (&server.flow, new(&server.refs));
    let person =
        Identity::plain(CertName::new("欧阳张三丰").unwrap(), CertNo::new("999999199001012046").unwrap());
    let url = flow.begin(new.clone(), &person).await.unwrap();
    check_files(folder.path(), &SECRETS);

    let browser = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none());
    let browser = browser.build().unwrap();
    let page = browser.get(url.expose()).send().await.unwrap();
    assert_eq!(page.status(), 200);
    assert!(page.text().await.unwrap().contains(&format!("{}/jsvm_all.js", emulator.url())));
    let post = || {
        let form = browser.post(url.expose()).header("content-type", "application/x-www-form-urlencoded");
        let form = form.body(FORM).send();
        async move { form.await.unwrap() }
    };
    // Two tabs.
    let mut links = Vec::new();
    let (first, second) = tokio::join!(post(), post());
    for response in [first, second] {
        assert_eq!(response.status(), 303);
        links.push(response.headers()["location"].to_str().unwrap().to_owned());
    }
    let again = browser.get(url.expose()).send().await.unwrap();
    links.push(again.headers()["location"].to_str().unwrap().to_owned());
    assert!(links.iter().all(|link| *link == links[0]), "{links:?}");
    let link = browser.get(&links[0]).send().await.unwrap();
    assert!(!link.status().is_client_error(), "{}", link.status());

    let secrets: Vec<&str> = SECRETS.into_iter().chain([&*links[0]]).collect();
    check_files(folder.path(), &secrets);
    let found = flow.get(&new.order).await.unwrap().unwrap();
    let [attempt] = &found.attempts[..] else { panic!("one attempt: {found:#?}") };
    emulator.finish(attempt.certify_id.as_ref().unwrap(), SessionOutcome::pass()).unwrap();
    let done = browser.get(url.expose()).send().await.unwrap();
    assert_eq!(done.status(), 303, "the service does not know yet");
    emulator.settle().await;
    flow.sweep().await.unwrap();
    assert_eq!(flow.get(&new.order).await.unwrap().unwrap().state, State::Approved);
    assert_eq!(browser.get(url.expose()).send().await.unwrap().status(), 410);
    check_files(folder.path(), &secrets);
    for logged in flow.events(Cursor::default(), 100).await.unwrap() {
        assert!(!secrets.iter().any(|secret| logged.event.body.contains(secret)), "{logged:?}");
    }
    let log = log.text();
    assert!(log.contains("InitFaceVerify"), "{log}");
    for secret in SECRETS {
        assert!(!log.contains(secret), "the log has {secret}");
    }
}
