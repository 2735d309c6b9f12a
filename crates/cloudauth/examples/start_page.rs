//! A server that knows its customer, and the start page of the flow: the browser brings its MetaInfo, and goes on to the link.
//!
//! `cargo run -p cloudauth --features flow-hosted,flow-sqlite,reqwest --example start_page` starts it with an emulator; open the address
//! that it prints. It keeps nothing after its end.

use std::sync::Arc;
use std::time::SystemTime;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, Path, RawQuery, State};
use axum::http::{HeaderMap, Method, Response, StatusCode};
use axum::response::{Html, Redirect};
use axum::routing::{any, get};
use cloudauth::flow::{
    Consent, ConsentText, Flow, FlowSettings, IdempotencyKey, NewVerification, OrderRef, PAGE_BODY_LIMIT,
    PageRequest, Purpose, RefKey, Retention, SealingKeys, StartPage, Urls,
};
use cloudauth::flow_sqlite::SqliteStore;
use cloudauth::policy::{LivePolicy, Policy, builtin};
use cloudauth::{CallbackKeys, CertName, CertNo, Client, Credentials, Identity, ReqwestTransport, SceneId};
use cloudauth_emulator::Emulator;

type Failed = Box<dyn std::error::Error + Send + Sync>;

/// What the requests share.
pub struct Server {
    /// The flow, which has a start page at `/start`.
    pub flow: Flow<SqliteStore>,
    /// The key of its settings.
    pub refs: RefKey,
}

/// The routes of the server.
pub fn router(server: Arc<Server>) -> Router {
    Router::new()
        .route("/", get(begin))
        .route("/start/{capability}", any(start))
        .route("/back/{capability}", get(returned))
        .route("/callback/{order_no}", get(called_back))
        .layer(DefaultBodyLimit::max(PAGE_BODY_LIMIT + 1))
        .with_state(server)
}

type Shared = State<Arc<Server>>;

/// The customer agreed to a verification: the server has the name and the number, and redirects the browser to the start page.
async fn begin(State(server): Shared) -> Result<Redirect, StatusCode> {
    let begun = async {
        let order = random()?;
        let new = NewVerification {
            order: OrderRef::new(&order)?,
            subject: server.refs.subject("customer-1"),
            scene: SceneId::new(1_000_000_006)?,
            purpose: Purpose::new("account-opening")?,
            key: IdempotencyKey::new("attempt-1")?,
            consent: Consent::new(SystemTime::now().into(), ConsentText::new("2026-11")?),
        };
        let person = Identity::plain(CertName::new("张三")?, CertNo::new("999999199001012003")?);
        Ok::<_, Failed>(server.flow.begin(new, &person).await?)
    };
    match begun.await {
        Ok(page) => Ok(Redirect::to(page.expose())),
        Err(error) => Err(failed(&error)),
    }
}

/// The start page itself.
async fn start(
    State(server): Shared,
    method: Method,
    Path(capability): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response<Body>, StatusCode> {
    let header = |name: &str| headers.get(name)?.to_str().ok();
    let request = PageRequest {
        method: method.as_str(),
        capability: &capability,
        origin: header("origin"),
        accept_language: header("accept-language"),
        body: &body,
    };
    let page = server.flow.serve(&request).await;
    let headers = page.headers.into_iter();
    let response = headers.fold(Response::builder().status(page.status), |response, (name, value)| {
        response.header(name, value)
    });
    response.body(page.body.into()).map_err(|error| failed(&error))
}

/// The person returns. A real server waits for the event, or shows that it decides soon.
async fn returned(State(server): Shared, Path(capability): Path<String>) -> Result<Html<String>, StatusCode> {
    let verification = server.flow.returned(&capability).await.map_err(|error| failed(&error))?;
    let verification = verification.ok_or(StatusCode::NOT_FOUND)?;
    Ok(Html(format!(
        "<!doctype html><html lang=en><title>Thank you</title><link rel=icon href='data:,'>\
         <p>Thank you. The verification is {}.",
        verification.state.as_str()
    )))
}

async fn called_back(State(server): Shared, Path(order_no): Path<String>, query: RawQuery) -> StatusCode {
    match server.flow.callback(&order_no, &query.0.unwrap_or_default()).await {
        Ok(()) => StatusCode::OK,
        Err(_) => StatusCode::SERVICE_UNAVAILABLE,
    }
}

/// No error shows a name or a number: log it as it is.
fn failed(error: &impl std::fmt::Display) -> StatusCode {
    eprintln!("{error}");
    StatusCode::BAD_GATEWAY
}

fn random() -> Result<String, Failed> {
    Ok(key()?.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// 32 random bytes. Yours come from your secret store.
fn key() -> Result<[u8; 32], Failed> {
    let mut key = [0; 32];
    getrandom::fill(&mut key)?;
    Ok(key)
}

#[tokio::main]
async fn main() -> Result<(), Failed> {
    let emulator = Emulator::builder().start().await?;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);

    let credentials = Credentials::new(Emulator::ACCESS_KEY_ID, Emulator::ACCESS_KEY_SECRET)?;
    let client = Client::builder(ReqwestTransport::new()?, credentials).endpoint(emulator.url().parse()?);
    let policy = Arc::new(LivePolicy::new(Policy::parse(builtin::ONBOARDING)?));
    let folder = tempfile::tempdir()?;
    let store = SqliteStore::open(folder.path().join("verifications.db"))?;
    let refs = RefKey::new(&key()?)?;
    let urls = Urls::new(&format!("{url}/callback"), &format!("{url}/back"))?;
    let settings = FlowSettings::new(urls, CallbackKeys::new(&key()?)?, refs.clone(), Retention::days(30)?);
    // Without `script`, the page loads the vendor's.
    let page = StartPage::new(&format!("{url}/start"), SealingKeys::new(&key()?)?)?;
    let page = page.script(&format!("{}/jsvm_all.js", emulator.url()))?;
    let flow = Flow::new(client.build(), policy, store, settings).with_start_page(page);

    println!("serves {url}, with the emulator {}/_emu/ui", emulator.url());
    let server = Arc::new(Server { flow, refs });
    let sweeps = Arc::clone(&server);
    tokio::spawn(async move { sweeps.flow.run(std::future::pending()).await });
    Ok(axum::serve(listener, router(server)).await?)
}
