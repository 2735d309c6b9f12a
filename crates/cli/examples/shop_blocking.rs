//! The shop with a blocking client, whose calls run on threads for blocking work. `cloudauth demo --open` runs this file.
//!
//! `cargo run -p cloudauth-cli --example shop_blocking` starts it with an emulator; open the address it prints.

#[path = "shop_page/mod.rs"]
mod shop_page;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::{Form, Path, RawQuery, State};
use axum::http::StatusCode;
use axum::response::{Html, Redirect};
use axum::routing::{get, post};
use cloudauth::policy::{LivePolicy, Policy, builtin};
use cloudauth::{
    BlockingClient, Callback, CallbackKeys, CallbackUrl, CertName, CertNo, CertifyId, DescribeFaceVerify,
    Identity, InitFaceVerify, InvalidValue, MetaInfo, OuterOrderNo, ReturnHint, ReturnUrl, SceneId,
};
use serde::Deserialize;
use shop_page::{Failure, Lang, REFUSED, UNAVAILABLE, UNKNOWN};
use tokio::task::spawn_blocking;

/// The state that all requests share.
pub struct Shop {
    /// The Cloudauth client.
    pub client: BlockingClient,
    /// The policy in force.
    pub policy: LivePolicy,
    /// The keys that authenticate callbacks.
    pub keys: CallbackKeys,
    /// The scene, from the console.
    pub scene: SceneId,
    /// The address of the shop, for the person's browser and for the callback.
    pub url: String,
    /// The address of the vendor's script, which collects the MetaInfo of the browser.
    pub script: String,
    /// The verification of each order. A real shop stores it in a database.
    pub orders: Mutex<HashMap<String, CertifyId>>,
}

type Shared = State<Arc<Shop>>;
type Answer<T> = Result<T, (StatusCode, &'static str)>;

/// The routes of the shop.
pub fn router(shop: Shop) -> Router {
    Router::new()
        .route("/", get(start))
        .route("/verify", post(verify))
        .route("/return/{order}", get(returned))
        .route("/callback/{order}", get(called_back))
        .with_state(Arc::new(shop))
}

/// The start page. Its form sends name and number in the body of a POST, never in a URL.
async fn start(State(shop): Shared, lang: Lang) -> Html<String> {
    lang.start(&shop.script)
}

#[derive(Deserialize)]
struct Person {
    name: String,
    number: String,
    meta_info: String,
}

/// Starts a verification and redirects the person to it.
async fn verify(State(shop): Shared, lang: Lang, Form(person): Form<Person>) -> Answer<Redirect> {
    let unavailable = || lang.failure(UNAVAILABLE);
    let mut entropy = [0; 16];
    getrandom::fill(&mut entropy).map_err(|_| unavailable())?;
    let order = OuterOrderNo::generate(entropy);
    let op = shop.init(&order, &person, lang).map_err(|_| lang.failure(REFUSED))?;
    let client = shop.client.clone();
    let started = spawn_blocking(move || client.init_face_verify(&op)).await.map_err(|_| unavailable())?;
    // Log the error as it is: it shows no name and no number.
    let started = started.map_err(|error| {
        eprintln!("{error}");
        unavailable()
    })?;
    let link = started.output.certify_url.ok_or(lang.failure(REFUSED))?;
    shop.orders().insert(order.as_str().to_owned(), started.output.certify_id);
    Ok(Redirect::to(link.expose()))
}

/// The person returns. The query is only a hint; the service has the result.
async fn returned(
    State(shop): Shared,
    lang: Lang,
    Path(order): Path<String>,
    RawQuery(query): RawQuery,
) -> Answer<Html<String>> {
    let id = shop.certify_id(&order).ok_or(lang.failure(UNKNOWN))?;
    let hint = ReturnHint::parse(&query.unwrap_or_default()).ok();
    let words = spawn_blocking(move || shop.decide(&id, lang)).await.unwrap_or(Err(UNAVAILABLE));
    let words = words.map_err(|failure| lang.failure(failure))?;
    Ok(lang.returned(&words, hint.map(|hint| hint.code().to_string())))
}

/// Receives the callback. It decides nothing either: if its token is valid, the shop asks the service.
async fn called_back(
    State(shop): Shared,
    Path(order): Path<String>,
    RawQuery(query): RawQuery,
) -> StatusCode {
    let query = query.unwrap_or_default();
    let (Ok(callback), Ok(order)) = (Callback::parse(&query), OuterOrderNo::new(&order)) else {
        return StatusCode::OK; // before it starts, the service checks that the address answers
    };
    if shop.keys.verify(&callback, shop.scene, &order)
        && let Some(id) = shop.certify_id(order.as_str())
    {
        // The service waits a second at most: answer, then ask.
        drop(spawn_blocking(move || match shop.decide(&id, Lang::En) {
            Ok(words) => println!("callback   order {}: {words}", order.as_str()),
            Err((_, [words, _])) => eprintln!("callback   order {}: {words}", order.as_str()),
        }));
    } else {
        eprintln!("callback   order {}: not ours, ignored", order.as_str());
    }
    StatusCode::OK
}

impl Shop {
    fn init(
        &self,
        order: &OuterOrderNo,
        person: &Person,
        lang: Lang,
    ) -> Result<InitFaceVerify, InvalidValue> {
        let back = ReturnUrl::new(&format!("{}/return/{}?lang={}", self.url, order.as_str(), lang.name()))?;
        // For your own address use CallbackUrl::new, which requires https.
        let callback = CallbackUrl::loopback(&format!("{}/callback/{}", self.url, order.as_str()))?;
        let identity = Identity::plain(CertName::new(&person.name)?, CertNo::new(&person.number)?);
        let meta_info = MetaInfo::new(&person.meta_info)?;
        Ok(InitFaceVerify::new(self.scene, order.clone(), identity, back, meta_info)
            .callback_url(callback)
            .callback_token(self.keys.token(self.scene, order)))
    }

    /// Asks how it ended, and what the policy says to that. It blocks.
    fn decide(&self, id: &CertifyId, lang: Lang) -> Result<String, Failure> {
        let describe = DescribeFaceVerify::new(self.scene, id.clone());
        let decided = self.client.decide(&describe, &self.policy).map_err(|error| {
            eprintln!("{error}");
            UNAVAILABLE
        })?;
        // Code that admits a person takes decision.approval(): it names this verification and the policy that approved it.
        Ok(lang.decided(decided.decision().as_ref()))
    }

    fn orders(&self) -> std::sync::MutexGuard<'_, HashMap<String, CertifyId>> {
        self.orders.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn certify_id(&self, order: &str) -> Option<CertifyId> {
        self.orders().get(order).cloned()
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let emulator = cloudauth_emulator::Emulator::builder().start().await?;
    let (id, secret) =
        (cloudauth_emulator::Emulator::ACCESS_KEY_ID, cloudauth_emulator::Emulator::ACCESS_KEY_SECRET);
    let credentials = cloudauth::Credentials::new(id, secret)?;
    let transport = cloudauth::UreqTransport::new();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let mut key = [0; 32];
    getrandom::fill(&mut key)?;
    let shop = Shop {
        client: BlockingClient::builder(transport, credentials).endpoint(emulator.url().parse()?).build(),
        policy: LivePolicy::new(Policy::parse(builtin::ONBOARDING)?),
        keys: CallbackKeys::new(&key)?,
        scene: SceneId::new(1_000_000_006)?,
        url: format!("http://{}", listener.local_addr()?),
        script: format!("{}/jsvm_all.js", emulator.url()),
        orders: Mutex::default(),
    };
    println!("shop       {}\nemulator   {}/_emu/ui", shop.url, emulator.url());
    Ok(axum::serve(listener, router(shop)).await?)
}
