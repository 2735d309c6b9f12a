//! The example shop, end to end, and killed at several moments.

#![cfg(test)]
#![allow(dead_code, unreachable_pub, reason = "the example is a program of its own")]

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime};

use cloudauth::flow::{
    AttemptState, ClockAndRandom, Flow, FlowSettings, Lookup, OrderRef, RefKey, Retention, State, Store,
    Stored, Urls, verify_document,
};
use cloudauth::flow_sqlite::SqliteStore;
use cloudauth::policy::{LivePolicy, Policy, builtin};
use cloudauth::{CallbackKeys, Client, Credentials, ReqwestTransport};
use cloudauth_emulator::{Emulator, Fault, FaultKind, Latency, SessionOutcome, id_number};
use tokio::net::TcpListener;

#[path = "../crates/cloudauth/examples/shop.rs"]
mod example;

/// Serves the shop with its database in `folder`, and its clock ahead by `AHEAD` seconds. Prints its address.
async fn serve(emulator: &str, folder: &Path, address: &str) {
    let listener = TcpListener::bind(address).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    println!("serves {url}");
    let by = Credentials::new(Emulator::ACCESS_KEY_ID, Emulator::ACCESS_KEY_SECRET).unwrap();
    let client = Client::builder(ReqwestTransport::new().unwrap(), by).endpoint(emulator.parse().unwrap());
    let policy = Arc::new(LivePolicy::new(Policy::parse(builtin::ONBOARDING).unwrap()));
    let urls = Urls::new(&format!("{url}/callback"), &format!("{url}/back")).unwrap();
    let (keys, refs) = (CallbackKeys::new(&[1; 32]).unwrap(), RefKey::new(&[2; 32]).unwrap());
    let settings = FlowSettings::new(urls, keys, refs.clone(), Retention::days(1).unwrap());
    let store = SqliteStore::open(folder.join("shop.db")).unwrap();
    let inputs =
        ClockAndRandom { wall: || (SystemTime::now() + ahead()).into(), ..ClockAndRandom::default() };
    let flow = Flow::new(client.build(), policy, store, settings).with_inputs(inputs);
    let script = format!("{emulator}/jsvm_all.js");
    let shop = example::Shop { flow, refs, script };
    example::serve(listener, shop).await.unwrap();
}

fn ahead() -> Duration {
    Duration::from_secs(std::env::var("AHEAD").map_or(0, |seconds| seconds.parse().unwrap()))
}

#[tokio::test]
#[ignore = "the process that the other tests start and kill"]
async fn runs_the_shop() {
    let of = |name| std::env::var(name).unwrap();
    serve(&of("EMULATOR"), Path::new(&of("FOLDER")), &of("ADDRESS")).await;
}

/// A shop in a process of its own, which can be killed.
struct Killable {
    emulator: Emulator,
    folder: tempfile::TempDir,
    browser: reqwest::Client,
    child: Option<Child>,
    url: String,
    restarts: u64,
}

impl Killable {
    async fn start() -> Self {
        let emulator = Emulator::builder().start().await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        // A connection to a killed process must not be used again.
        let browser = reqwest::Client::builder().no_proxy().pool_max_idle_per_host(0).build().unwrap();
        let url = "http://127.0.0.1:0".to_owned();
        let mut shop = Self { emulator, folder, browser, child: None, url, restarts: 0 };
        shop.spawn();
        shop
    }

    fn spawn(&mut self) {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["runs_the_shop", "--exact", "--ignored", "--nocapture"])
            .env("EMULATOR", self.emulator.url())
            .env("FOLDER", self.folder.path())
            .env("ADDRESS", self.url.trim_start_matches("http://"))
            // Each restart is 101 seconds later, so that the leases of the killed process are over.
            .env("AHEAD", (101 * self.restarts).to_string())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let serves = lines.find_map(|line| Some(line.split_once("serves ")?.1.to_owned()));
        self.url = serves.expect("the shop serves");
        // The pipe must stay open, and be read: the shop prints its events.
        std::thread::spawn(move || lines.count());
        self.child = Some(child);
    }

    /// `kill -9`.
    fn kill(&mut self) {
        let mut child = self.child.take().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        self.restarts += 1;
    }

    fn restart(&mut self) {
        self.kill();
        self.emulator.clear_faults();
        self.spawn();
    }

    fn store(&self) -> PathBuf {
        self.folder.path().join("shop.db")
    }

    async fn stored(&self, order: &str) -> Option<Stored> {
        let store = SqliteStore::open(self.store()).unwrap();
        store.load(Lookup::Order(&OrderRef::new(order).unwrap())).await.unwrap()
    }

    /// Waits until the verification is as it should be.
    async fn until(&self, order: &str, is: impl Fn(&Stored) -> bool) -> Stored {
        for _ in 0..600 {
            match self.stored(order).await {
                Some(stored) if is(&stored) => return stored,
                _ => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
        panic!("{order}: {:#?}", self.stored(order).await);
    }

    /// Sends a new form of an order. The browser follows the link to the page of the emulator.
    fn submit(
        &self,
        order: &str,
        number: &str,
    ) -> impl Future<Output = reqwest::Result<reqwest::Response>> + use<> {
        static FORMS: AtomicU32 = AtomicU32::new(0);
        self.send(order, number, &format!("form{}", FORMS.fetch_add(1, Ordering::Relaxed)))
    }

    fn send(
        &self,
        order: &str,
        number: &str,
        key: &str,
    ) -> impl Future<Output = reqwest::Result<reqwest::Response>> + use<> {
        let meta_info = r#"{"zimVer":"3.0.0"}"#;
        let person = form_urlencoded::Serializer::new(String::new())
            .extend_pairs([("name", "张三"), ("number", number), ("key", key), ("meta_info", meta_info)])
            .finish();
        let form = self.browser.post(format!("{}/order/{order}/verify", self.url));
        form.header("content-type", "application/x-www-form-urlencoded").body(person).send()
    }

    /// Gets a link, and returns the address of the emulator's page.
    async fn link(&self, order: &str) -> String {
        let page = self.submit(order, &id_number("19850505", 1).unwrap()).await.unwrap();
        assert!(page.url().path().starts_with("/h5/"), "{}", page.url());
        page.url().to_string()
    }

    /// The person films their face at the page, and the browser goes back.
    async fn film(&self, page: &str) -> reqwest::Result<reqwest::Response> {
        self.browser.post(format!("{page}/submit")).send().await
    }

    /// The person finishes without the browser going back.
    async fn finish(&self, order: &str) {
        let stored = self.stored(order).await.unwrap();
        let attempt = stored.verification.open_attempt().unwrap();
        self.emulator.finish(attempt.certify_id.as_ref().unwrap(), SessionOutcome::pass()).unwrap();
    }

    fn slow(&self, action: &str) {
        let slow = FaultKind::Latency(Latency::Fixed(Duration::from_secs(8)));
        self.emulator.inject(Fault::new(slow).action(action)).unwrap();
    }

    /// Waits for the approval, and checks that the record is whole and has exactly one decision.
    async fn approved(&self, order: &str) {
        let stored = self.until(order, |stored| stored.verification.state.is_final()).await;
        assert_eq!(stored.verification.state, State::Approved);
        let history =
            SqliteStore::open(self.store()).unwrap().history(&stored.verification.id).await.unwrap();
        assert_eq!(verify_document(&stored.verification, &history), Ok(()));
        let decisions = history.iter().filter(|event| &*event.kind == "verification.approved");
        assert_eq!(decisions.count(), 1);
    }
}

impl Drop for Killable {
    fn drop(&mut self) {
        if self.child.is_some() {
            self.kill();
        }
    }
}

#[tokio::test]
async fn shop_sends_people_to_the_service_and_decides_when_they_return() {
    let shop = Killable::start().await;
    for (order, born, value, decision) in [
        ("passes", "19850505", 1, "approve: "),
        ("fails", "19900101", 205, "reject: "),
        ("pends", "20010101", 9, "pending: "),
    ] {
        let page = shop.submit(order, &id_number(born, value).unwrap()).await.unwrap();
        let back = shop.film(page.url().as_str()).await.unwrap();
        assert_eq!(back.url().as_str(), format!("{}/order/{order}", shop.url));
        if decision != "pending: " {
            shop.until(order, |stored| stored.verification.state.is_final()).await;
        }
        let text = shop.browser.get(back.url().clone()).send().await.unwrap().text().await.unwrap();
        assert!(text.contains(decision), "{order}: {text}");
    }
    let refused = shop.submit("refused", "1").await.unwrap();
    assert_eq!(refused.status(), 400);
    let text = refused.text().await.unwrap();
    assert_eq!(text, "Please check what you entered.", "no input is repeated");
}

#[tokio::test]
async fn pages_follow_the_language_of_the_address_or_of_the_browser() {
    let shop = Killable::start().await;
    for (query, browser, words) in [
        ("", "zh-CN,en;q=0.5", "请填写您的身份信息"),
        ("", "en-GB,zh;q=0.5", "Who are you?"),
        ("?lang=zh", "en", "请填写您的身份信息"),
        ("?lang=en", "zh", "Who are you?"),
    ] {
        let page = shop.browser.get(format!("{}/{query}", shop.url)).header("accept-language", browser);
        let text = page.send().await.unwrap().text().await.unwrap();
        assert!(text.contains(words), "{query} {browser}: {text}");
    }
    let form = shop.browser.post(format!("{}/order/order/verify?lang=zh", shop.url));
    let form = form.header("content-type", "application/x-www-form-urlencoded");
    let refused = form.body("name=x&number=1&key=k&meta_info=m").send().await.unwrap();
    assert_eq!(
        (refused.status(), &*refused.text().await.unwrap()),
        (400.try_into().unwrap(), "请检查您填写的内容。")
    );
}

#[tokio::test]
async fn a_form_sent_twice_uses_one_attempt() {
    let shop = Killable::start().await;
    let page = format!("{}/order/order", shop.url);
    let form = async || shop.browser.get(&page).send().await.unwrap().text().await.unwrap();
    let key_of = |text: &str| {
        let (_, rest) = text.split_once("name=key value=").expect("the form has a key");
        rest.split_once('>').unwrap().0.to_owned()
    };
    let key = key_of(&form().await);
    let number = id_number("19850505", 1).unwrap();
    let first = shop.send("order", &number, &key).await.unwrap();
    assert!(first.url().path().starts_with("/h5/"), "{}", first.url());
    let second = shop.send("order", &number, &key).await.unwrap();
    assert_eq!((second.status().as_u16(), second.url().path()), (200, "/order/order"));
    assert_eq!(shop.stored("order").await.unwrap().verification.attempts.len(), 1);
    assert_ne!(key_of(&form().await), key, "another form is another start");
}

#[tokio::test]
async fn a_shop_killed_while_a_link_is_created_gives_another_one() {
    let mut shop = Killable::start().await;
    shop.slow("InitFaceVerify");
    let lost = tokio::spawn(shop.submit("order", &id_number("19850505", 1).unwrap()));
    shop.until("order", |stored| stored.verification.attempts[0].state == AttemptState::Reserved).await;
    shop.restart();
    assert!(lost.await.unwrap().is_err(), "no one has the lost link");
    shop.until("order", |stored| stored.verification.state == State::RequiresInput).await;
    let page = shop.link("order").await;
    shop.film(&page).await.unwrap();
    shop.approved("order").await;
}

#[tokio::test]
async fn a_shop_killed_while_the_person_films_decides_when_they_return() {
    let mut shop = Killable::start().await;
    let page = shop.link("order").await;
    shop.restart();
    shop.film(&page).await.unwrap();
    shop.approved("order").await;
}

#[tokio::test]
async fn a_result_whose_callback_and_return_found_no_shop_is_not_lost() {
    let mut shop = Killable::start().await;
    let page = shop.link("order").await;
    shop.kill();
    assert!(shop.film(&page).await.is_err(), "the browser finds no shop");
    shop.emulator.settle().await;
    shop.spawn();
    shop.approved("order").await;
}

#[tokio::test]
async fn a_shop_killed_while_it_looks_looks_again() {
    let mut shop = Killable::start().await;
    shop.link("order").await;
    shop.finish("order").await;
    shop.slow("DescribeFaceVerify");
    shop.until("order", |stored| stored.lease_until.is_some()).await;
    shop.restart();
    shop.approved("order").await;
}

#[tokio::test]
async fn a_shop_killed_after_the_decision_keeps_it() {
    let mut shop = Killable::start().await;
    let page = shop.link("order").await;
    shop.film(&page).await.unwrap();
    shop.approved("order").await;
    shop.restart();
    let text =
        shop.browser.get(format!("{}/order/order", shop.url)).send().await.unwrap().text().await.unwrap();
    assert!(text.contains("approve: "), "{text}");
    shop.approved("order").await;
}
