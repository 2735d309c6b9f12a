//! The client in an axum service: one for all requests, cloned by the handlers.
//!
//! `cargo run -p cloudauth --features reqwest --example axum_handler` starts an emulator and the service, and plays one
//! customer through it.

use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use cloudauth::{
    Callback, CertName, CertNo, CertifyId, Client, Credentials, DescribeFaceVerify, Error, Identity,
    InitFaceVerify, MetaInfo, Outcome, OuterOrderNo, ReqwestTransport, ReturnUrl, SceneId,
};
use cloudauth_emulator::Emulator;
use serde_json::{Value, json};

type Answer = Result<Json<Value>, (StatusCode, &'static str)>;

const UNAVAILABLE: (StatusCode, &str) = (StatusCode::BAD_GATEWAY, "the verification is not available");
const REFUSED: (StatusCode, &str) = (StatusCode::BAD_REQUEST, "please check what you entered");

/// The error goes into your log as it is: it shows no name and no number.
fn told(error: Error) -> (StatusCode, &'static str) {
    eprintln!("{error}");
    UNAVAILABLE
}

fn scene() -> SceneId {
    SceneId::new(1_000_000_006).unwrap_or_else(|_| unreachable!("it is a number"))
}

/// Name and number come in the body of a POST, never in a URL.
async fn start(State(client): State<Client>, Json(person): Json<Value>) -> Answer {
    let field = |name: &str| person.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let op = || -> Result<InitFaceVerify, cloudauth::InvalidValue> {
        Ok(InitFaceVerify::new(
            scene(),
            OuterOrderNo::new(field("order"))?,
            Identity::plain(CertName::new(&field("name"))?, CertNo::new(&field("number"))?),
            ReturnUrl::new("https://shop.example/verified")?,
            MetaInfo::new(&field("meta_info"))?,
        ))
    };
    let started = client.init_face_verify(&op().map_err(|_| REFUSED)?).await.map_err(told)?.output;
    let link = started.certify_url.as_ref().map(|link| link.expose().to_owned());
    Ok(Json(json!({ "certify_id": started.certify_id.as_str(), "link": link })))
}

/// Where Cloudauth calls back. It decides nothing: the result is asked for.
async fn called_back(State(client): State<Client>, RawQuery(query): RawQuery) -> StatusCode {
    if let Ok(callback) = Callback::parse(&query.unwrap_or_default()) {
        let id = callback.certify_id().clone();
        tokio::spawn(async move { client.describe_face_verify(&DescribeFaceVerify::new(scene(), id)).await });
    }
    StatusCode::OK
}

async fn result(State(client): State<Client>, Path(id): Path<String>) -> Answer {
    let id = CertifyId::new(id).map_err(|_| REFUSED)?;
    let status = client.describe_face_verify(&DescribeFaceVerify::new(scene(), id)).await.map_err(told)?;
    Ok(Json(json!({ "passed": status.output.outcome() == Outcome::Passed })))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let emulator = Emulator::builder().start().await?;
    let by = Credentials::new(Emulator::ACCESS_KEY_ID, Emulator::ACCESS_KEY_SECRET)?;
    let client = Client::builder(ReqwestTransport::new()?, by).endpoint(emulator.url().parse()?).build();
    let service = Router::new()
        .route("/start", post(start))
        .route("/callback", get(called_back))
        .route("/result/{id}", get(result))
        .with_state(client);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    tokio::spawn(async move { axum::serve(listener, service).await });

    let browser =
        reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build()?;
    let person = json!({ "order": "1", "name": "张三", "number": "999999199001012003", "meta_info": r#"{"zimVer":"3.0.0"}"# });
    let started = browser.post(format!("{url}/start")).body(person.to_string());
    let started = started.header("content-type", "application/json").send().await?.text().await?;
    println!("start   {started}");
    let started: Value = serde_json::from_str(&started)?;
    let field = |name: &str| started.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    browser.post(format!("{}/submit", field("link"))).send().await?;
    let result = browser.get(format!("{url}/result/{}", field("certify_id"))).send().await?.text().await?;
    println!("result  {result}");
    Ok(())
}
