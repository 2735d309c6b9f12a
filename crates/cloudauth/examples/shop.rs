//! A shop that verifies its customers, and loses no verification: kill it at any moment and start it again.
//!
//! `cargo run -p cloudauth --features flow-sqlite,reqwest --example shop` starts it with an emulator; open the address that it
//! prints. To restart it, run a `cloudauth emulator` beside it, and set CLOUDAUTH_ENDPOINT, SHOP_CALLBACK_KEY and SHOP_REF_KEY (two
//! secrets of at least 32 characters), and SHOP_ADDRESS (such as 127.0.0.1:8080). For the real service, set your credentials, an https address and the vendor's script.

mod shop_page;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::extract::{Form, Path, RawQuery, State};
use axum::http::StatusCode;
use axum::response::{Html, Redirect};
use axum::routing::{get, post};
use cloudauth::flow::{
    Consent, ConsentText, Cursor, Flow, FlowError, FlowSettings, IdempotencyKey, NewVerification, OrderRef,
    Purpose, RefKey, Retention, Urls,
};
use cloudauth::flow_sqlite::SqliteStore;
use cloudauth::policy::{LivePolicy, Policy, builtin};
use cloudauth::{CallbackKeys, CertName, CertNo, Client, Identity, MetaInfo, OuterOrderNo, SceneId};
use serde::Deserialize;
use shop_page::{Failure, Lang};

/// The state that all requests share.
pub struct Shop {
    /// The verifications.
    pub flow: Flow<SqliteStore>,
    /// The key of the digests that stand for people.
    pub refs: RefKey,
    /// The address of the vendor's script, which collects the MetaInfo of the browser.
    pub script: String,
}

type Shared = State<Arc<Shop>>;

/// Serves the shop. Beside it, the flow looks every second at what is due: results whose callback never came, and what a crash
/// left behind.
pub async fn serve(listener: tokio::net::TcpListener, shop: Shop) -> std::io::Result<()> {
    let shop = Arc::new(shop);
    let (sweeps, follows) = (Arc::clone(&shop), Arc::clone(&shop));
    tokio::spawn(async move { sweeps.flow.run(std::future::pending()).await });
    tokio::spawn(async move { follows.follow().await });
    let router = Router::new()
        .route("/", get(buy))
        .route("/order/{order}", get(order))
        .route("/order/{order}/verify", post(verify))
        .route("/back/{capability}", get(returned))
        .route("/callback/{order_no}", get(called_back));
    axum::serve(listener, router.with_state(shop)).await
}

/// A new order. A real shop has one, with a customer who is logged in.
async fn buy(lang: Lang) -> Result<Redirect, Failure> {
    let order = random().map_err(lang.unavailable())?;
    Ok(Redirect::to(&format!("/order/{order}?lang={}", lang.name())))
}

/// The page of an order. A form that is sent twice is one start.
async fn order(State(shop): Shared, lang: Lang, Path(order): Path<String>) -> Result<Html<String>, Failure> {
    let order = OrderRef::new(&order).map_err(lang.refused())?;
    let verification = shop.flow.get(&order).await.map_err(lang.unavailable())?;
    let (state, key) = (verification.map(|verification| verification.state), random());
    Ok(lang.order(order.as_str(), state, &key.map_err(lang.unavailable())?, &shop.script))
}

#[derive(Deserialize)]
struct Person {
    name: String,
    number: String,
    key: String,
    meta_info: String,
}

/// Starts a verification and redirects the person to it.
async fn verify(
    State(shop): Shared,
    lang: Lang,
    Path(order): Path<String>,
    Form(person): Form<Person>,
) -> Result<Redirect, Failure> {
    let name = CertName::new(&person.name).map_err(lang.refused())?;
    let number = CertNo::new(&person.number).map_err(lang.refused())?;
    let meta_info = MetaInfo::new(&person.meta_info).map_err(lang.refused())?;
    let new = NewVerification {
        order: OrderRef::new(&order).map_err(lang.refused())?,
        subject: shop.refs.subject(&order), // a real shop: the id of the customer who is logged in
        scene: SceneId::new(1_000_000_006).map_err(lang.refused())?,
        purpose: Purpose::new("age-check").map_err(lang.refused())?,
        key: IdempotencyKey::new(&person.key).map_err(lang.refused())?,
        consent: Consent::new(SystemTime::now().into(), ConsentText::new("2026-11").map_err(lang.refused())?),
    };
    // A task of its own: a browser that goes away must not end a start halfway.
    let start = async move { shop.flow.start(new, Identity::plain(name, number), meta_info).await };
    let started = tokio::spawn(start);
    match started.await.map_err(lang.unavailable())? {
        Ok(started) => Ok(Redirect::to(started.link.expose())),
        Err(FlowError::AlreadyStarted) => Ok(Redirect::to(&format!("/order/{order}?lang={}", lang.name()))),
        Err(FlowError::Refused(refusal)) => Err(lang.conflict()(refusal)),
        Err(error) => Err(lang.unavailable()(error)),
    }
}

/// The person returns with the capability of the attempt. It decides nothing: the next sweep asks the service.
async fn returned(
    State(shop): Shared,
    lang: Lang,
    Path(capability): Path<String>,
) -> Result<Redirect, Failure> {
    match shop.flow.returned(&capability).await.map_err(lang.unavailable())? {
        Some(verification) => Ok(Redirect::to(&format!("/order/{}", verification.order.as_str()))),
        None => Err(lang.unknown()),
    }
}

/// Receives the callback. It decides nothing either.
async fn called_back(State(shop): Shared, Path(order_no): Path<String>, query: RawQuery) -> StatusCode {
    match shop.flow.callback(&order_no, &query.0.unwrap_or_default()).await {
        Ok(()) => StatusCode::OK,
        Err(_) => StatusCode::SERVICE_UNAVAILABLE,
    }
}

impl Shop {
    /// Follows the events. A real shop stores the cursor where it ships the goods: an event may come twice, none is skipped.
    async fn follow(&self) {
        let mut cursor = Cursor::default();
        loop {
            for logged in self.flow.events(cursor, 100).await.unwrap_or_default() {
                println!("event      order {}: {}", logged.order.as_str(), logged.event.kind);
                cursor = logged.cursor;
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }
}

fn random() -> Result<String, getrandom::Error> {
    let mut entropy = [0; 16];
    getrandom::fill(&mut entropy)?;
    Ok(OuterOrderNo::generate(entropy).as_str().to_owned())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    use cloudauth_emulator::Emulator;
    let emulator = Emulator::builder().start().await?;
    let endpoint = std::env::var("CLOUDAUTH_ENDPOINT").unwrap_or(emulator.url().to_owned());
    let key = |name| std::env::var(name).or_else(|_| random());
    let keys = CallbackKeys::new(key("SHOP_CALLBACK_KEY")?.as_bytes())?;
    let refs = RefKey::new(key("SHOP_REF_KEY")?.as_bytes())?;
    let credentials = cloudauth::Credentials::new(Emulator::ACCESS_KEY_ID, Emulator::ACCESS_KEY_SECRET)?;
    let client =
        Client::builder(cloudauth::ReqwestTransport::new()?, credentials).endpoint(endpoint.parse()?);
    let policy = Arc::new(LivePolicy::new(Policy::parse(builtin::ONBOARDING)?));
    let address = std::env::var("SHOP_ADDRESS").unwrap_or("127.0.0.1:0".to_owned());
    let listener = tokio::net::TcpListener::bind(address).await?;
    let url = format!("http://{}", listener.local_addr()?);
    let urls = Urls::new(&format!("{url}/callback"), &format!("{url}/back"))?;
    let retention = Retention::days(30)?; // how long you keep a verification after it ended
    let settings = FlowSettings::new(urls, keys, refs.clone(), retention);
    let flow = Flow::new(client.build(), policy, SqliteStore::open("shop.db")?, settings);
    println!("shop       {url}\nemulator   {endpoint}/_emu/ui");
    let script = format!("{endpoint}/jsvm_all.js");
    Ok(serve(listener, Shop { flow, refs, script }).await?)
}
