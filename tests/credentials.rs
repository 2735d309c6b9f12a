//! Fetching credentials over HTTP, from fakes of STS and the metadata service, with each transport.

#![cfg(test)]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use cloudauth::credentials::{
    AssumeRole, AssumeRoleWithOidc, Chain, CredentialsUri, EcsMetadata, ProvideCredentials,
};
use cloudauth::{
    BlockingClient, CertifyId, Client, Code, Credentials, DescribeFaceVerify, Endpoint, Error,
    IsahcTransport, ReqwestTransport, SceneId, UreqTransport,
};
use cloudauth_emulator::Emulator;
use http::{Method, StatusCode};
use tokio::task::block_in_place;

const KEY: &str = "STS.EMUstandin";

/// A fake of STS, of the metadata service and of a credentials URI.
#[derive(Clone, Default)]
struct FakeService(Arc<Mutex<Fake>>);

#[derive(Default)]
struct Fake {
    /// Whether the metadata service is version 1, which issues no tokens.
    old: bool,
    /// The `Expiration` of every response.
    expiration: String,
    /// The `Code` of every response.
    code: String,
    requests: Vec<String>,
    forms: Vec<BTreeMap<String, String>>,
}

impl FakeService {
    async fn start() -> (Self, String) {
        let service = Self::default();
        service.set(|fake| fake.expiration = "2099-01-01T00:00:00Z".to_owned());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let app = Router::new().fallback(answer).with_state(service.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        (service, url)
    }

    fn set(&self, change: impl FnOnce(&mut Fake)) {
        change(&mut self.0.lock().unwrap());
    }

    fn requests(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap().requests)
    }

    fn form(&self) -> BTreeMap<String, String> {
        self.0.lock().unwrap().forms.pop().unwrap()
    }
}

async fn answer(State(service): State<FakeService>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body: Bytes = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    let mut fake = service.0.lock().unwrap();
    fake.requests.push(format!("{} {}", parts.method, parts.uri));
    let keys = format!(
        r#""AccessKeyId":"{KEY}","AccessKeySecret":"planted-secret","SecurityToken":"planted-token","Expiration":"{}""#,
        fake.expiration
    );
    let has_token =
        parts.headers.get("x-aliyun-ecs-metadata-token").is_some_and(|token| token == "meta-token");
    let refused = StatusCode::FORBIDDEN.into_response();
    let roles = "/latest/meta-data/ram/security-credentials/";
    match (&parts.method, parts.uri.path()) {
        (&Method::PUT, "/latest/api/token") if fake.old => StatusCode::NOT_FOUND.into_response(),
        (&Method::PUT, "/latest/api/token") => {
            assert_eq!(parts.headers["x-aliyun-ecs-metadata-token-ttl-seconds"], "21600");
            "meta-token".into_response()
        }
        (&Method::GET, path) if path.starts_with(roles) && !fake.old && !has_token => refused,
        (&Method::GET, path) if path == roles => "shop-role\n".into_response(),
        (&Method::GET, path) if path.ends_with("/shop-role") || path == "/keys" => {
            format!(r#"{{"Code":"{}",{keys}}}"#, if fake.code.is_empty() { "Success" } else { &fake.code })
                .into_response()
        }
        (&Method::POST, "/") => {
            let pairs = form_urlencoded::parse(&body).into_owned();
            fake.forms.push(pairs.collect());
            if fake.code.is_empty() {
                format!(r#"{{"RequestId":"r","Credentials":{{{keys}}}}}"#).into_response()
            } else {
                let echo = format!(r#"{{"Code":"{}","Message":"planted-token"}}"#, fake.code);
                (StatusCode::BAD_REQUEST, echo).into_response()
            }
        }
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}

/// Calls the emulator, which accepts the fake's key, over each transport.
async fn ask(emulator: &Emulator, provider: impl ProvideCredentials + 'static) -> Vec<Result<(), Error>> {
    let provider: Arc<dyn ProvideCredentials> = Arc::new(provider);
    let describe = DescribeFaceVerify::new(SceneId::new(1).unwrap(), CertifyId::new("unknown").unwrap());
    let endpoint: Endpoint = emulator.url().parse().unwrap();
    let reqwest = Client::builder(ReqwestTransport::new().unwrap(), provider.clone());
    let isahc = Client::builder(IsahcTransport::new().unwrap(), provider.clone());
    let ureq = BlockingClient::builder(UreqTransport::new(), provider).endpoint(endpoint.clone()).build();
    vec![
        reqwest.endpoint(endpoint.clone()).build().describe_face_verify(&describe).await.map(|_| ()),
        isahc.endpoint(endpoint).build().describe_face_verify(&describe).await.map(|_| ()),
        block_in_place(|| ureq.describe_face_verify(&describe)).map(|_| ()),
    ]
}

/// Asserts that the emulator accepted the signature, and reported an unknown verification.
fn assert_accepted(answers: Vec<Result<(), Error>>) {
    for answer in answers {
        assert_eq!(answer.unwrap_err().code(), Some(&Code::InvalidCertifyId));
    }
}

async fn emulator() -> Emulator {
    Emulator::builder().temporary_key(KEY, "planted-secret", "planted-token").start().await.unwrap()
}

fn full_text(error: &dyn std::error::Error) -> String {
    let source = error.source().map(full_text).unwrap_or_default();
    format!("{error} {error:?} {source}")
}

#[tokio::test(flavor = "multi_thread")]
async fn asks_the_metadata_service_with_a_token_if_it_issues_one() {
    let (service, url) = FakeService::start().await;
    let (emulator, at) = (emulator().await, url.parse::<Endpoint>().unwrap());
    assert_accepted(ask(&emulator, EcsMetadata::new().endpoint(at.clone())).await);
    let roles = "GET /latest/meta-data/ram/security-credentials/";
    let once = ["PUT /latest/api/token".to_owned(), roles.to_owned(), format!("{roles}shop-role")];
    assert_eq!(service.requests(), [once.clone(), once.clone(), once].concat());

    assert_accepted(ask(&emulator, EcsMetadata::new().role("shop-role").endpoint(at.clone())).await);
    assert_eq!(service.requests().len(), 6, "a known role is not requested");

    service.set(|fake| fake.old = true);
    assert_accepted(ask(&emulator, EcsMetadata::new().endpoint(at.clone())).await);
    for answer in ask(&emulator, EcsMetadata::new().token_required().endpoint(at.clone())).await {
        assert!(full_text(&answer.unwrap_err()).contains("ECS metadata: refused with HTTP 404"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn assumes_a_role_with_the_machines_credentials() {
    let (service, url) = FakeService::start().await;
    let at: Endpoint = url.parse().unwrap();
    let role = AssumeRole::new(EcsMetadata::new().endpoint(at.clone()), "acs:ram::1:role/shop")
        .external_id("agreed")
        .session_name("night-shift")
        .duration(std::time::Duration::from_secs(1))
        .endpoint(at);
    assert_accepted(ask(&emulator().await, role).await);
    assert_eq!(service.requests().last().unwrap(), "POST /", "the URL has no parameters");
    let form = service.form();
    for (name, value) in [
        ("Action", "AssumeRole"),
        ("Version", "2015-04-01"),
        ("RoleArn", "acs:ram::1:role/shop"),
        ("RoleSessionName", "night-shift"),
        ("ExternalId", "agreed"),
        ("DurationSeconds", "900"),
        ("AccessKeyId", KEY),
        ("SecurityToken", "planted-token"),
        ("SignatureMethod", "HMAC-SHA1"),
    ] {
        assert_eq!(form[name], value);
    }
    assert_eq!(form["Signature"].len(), 28);
}

#[tokio::test(flavor = "multi_thread")]
async fn cluster_token_is_read_for_each_request_and_kept_out_of_the_url() {
    let (service, url) = FakeService::start().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    std::fs::write(&file, "cluster-token\n").unwrap();
    let at: Endpoint = url.parse().unwrap();
    let role =
        AssumeRoleWithOidc::new("acs:ram::1:role/shop", "acs:ram::1:oidc-provider/p", &file).endpoint(at);
    assert_accepted(ask(&emulator().await, role.clone()).await);
    assert_eq!(service.requests(), ["POST /", "POST /", "POST /"]);
    let form = service.form();
    assert_eq!((&*form["OIDCToken"], &*form["Action"]), ("cluster-token", "AssumeRoleWithOIDC"));
    assert!(!form.contains_key("Signature"), "this call is not signed");

    std::fs::remove_file(&file).unwrap();
    for answer in ask(&emulator().await, role).await {
        assert!(full_text(&answer.unwrap_err()).contains("cannot read the token file"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_uri_works_and_its_errors_show_no_secret() {
    let (service, url) = FakeService::start().await;
    let emulator = emulator().await;
    let uri = || CredentialsUri::new(&format!("{url}/keys")).unwrap();
    assert_accepted(ask(&emulator, uri()).await);
    let chain = Chain::new([("mine", Arc::new(uri()) as Arc<dyn ProvideCredentials>)]);
    assert_accepted(ask(&emulator, chain).await);

    let role = || {
        let by = Credentials::new("testid", "planted-secret").unwrap();
        AssumeRole::new(by, "acs:ram::1:role/shop").endpoint(url.parse().unwrap())
    };
    for (expiration, code, of_uri, of_role) in [
        ("soon", "", "Expiration is not a time", "Expiration is not a time"),
        ("2020-01-01T00:00:00Z", "", "returned expired credentials", "returned expired credentials"),
        (
            "2099-01-01T00:00:00Z",
            "NoPermission",
            "HTTP 200, code NoPermission",
            "HTTP 400, code NoPermission",
        ),
        ("2099-01-01T00:00:00Z", "planted-secret!", "refused with HTTP 200", "refused with HTTP 400"),
    ] {
        service.set(|fake| (fake.expiration, fake.code) = (expiration.to_owned(), code.to_owned()));
        for (answers, expected) in
            [(ask(&emulator, uri()).await, of_uri), (ask(&emulator, role()).await, of_role)]
        {
            for answer in answers {
                let text = full_text(&answer.unwrap_err());
                assert!(text.contains(expected) && !text.contains("planted"), "{expected}: {text}");
            }
        }
    }
}
