//! Credentials that are fetched, over real HTTP from small stand-ins of STS and of the metadata service, by each transport.

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

/// Stands in for STS, for the metadata service, and for the address of one's own.
#[derive(Clone, Default)]
struct StandIn(Arc<Mutex<Seen>>);

#[derive(Default)]
struct Seen {
    /// The metadata service knows no tokens.
    old: bool,
    /// `Expiration` and `Code` of every answer.
    expiration: String,
    code: String,
    requests: Vec<String>,
    forms: Vec<BTreeMap<String, String>>,
}

impl StandIn {
    async fn start() -> (Self, String) {
        let stand_in = Self::default();
        stand_in.set(|seen| seen.expiration = "2099-01-01T00:00:00Z".to_owned());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let app = Router::new().fallback(answer).with_state(stand_in.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        (stand_in, url)
    }

    fn set(&self, change: impl FnOnce(&mut Seen)) {
        change(&mut self.0.lock().unwrap());
    }

    fn requests(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap().requests)
    }

    fn form(&self) -> BTreeMap<String, String> {
        self.0.lock().unwrap().forms.pop().unwrap()
    }
}

async fn answer(State(stand_in): State<StandIn>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body: Bytes = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    let mut seen = stand_in.0.lock().unwrap();
    seen.requests.push(format!("{} {}", parts.method, parts.uri));
    let keys = format!(
        r#""AccessKeyId":"{KEY}","AccessKeySecret":"planted-secret","SecurityToken":"planted-token","Expiration":"{}""#,
        seen.expiration
    );
    let has_token =
        parts.headers.get("x-aliyun-ecs-metadata-token").is_some_and(|token| token == "meta-token");
    let refused = StatusCode::FORBIDDEN.into_response();
    let roles = "/latest/meta-data/ram/security-credentials/";
    match (&parts.method, parts.uri.path()) {
        (&Method::PUT, "/latest/api/token") if seen.old => StatusCode::NOT_FOUND.into_response(),
        (&Method::PUT, "/latest/api/token") => {
            assert_eq!(parts.headers["x-aliyun-ecs-metadata-token-ttl-seconds"], "21600");
            "meta-token".into_response()
        }
        (&Method::GET, path) if path.starts_with(roles) && !seen.old && !has_token => refused,
        (&Method::GET, path) if path == roles => "shop-role\n".into_response(),
        (&Method::GET, path) if path.ends_with("/shop-role") || path == "/keys" => {
            format!(r#"{{"Code":"{}",{keys}}}"#, if seen.code.is_empty() { "Success" } else { &seen.code })
                .into_response()
        }
        (&Method::POST, "/") => {
            let pairs = form_urlencoded::parse(&body).into_owned();
            seen.forms.push(pairs.collect());
            if seen.code.is_empty() {
                format!(r#"{{"RequestId":"r","Credentials":{{{keys}}}}}"#).into_response()
            } else {
                let echo = format!(r#"{{"Code":"{}","Message":"planted-token"}}"#, seen.code);
                (StatusCode::BAD_REQUEST, echo).into_response()
            }
        }
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}

/// Asks the emulator, which knows the stand-in's key, over each transport.
async fn ask(emulator: &Emulator, provider: impl ProvideCredentials + 'static) -> Vec<Result<(), Error>> {
    let provider: Arc<dyn ProvideCredentials> = Arc::new(provider);
    let describe = DescribeFaceVerify::new(SceneId::new(1).unwrap(), CertifyId::new("nobody").unwrap());
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

/// The emulator believed the signature, and says that it knows no such verification.
fn assert_believed(answers: Vec<Result<(), Error>>) {
    for answer in answers {
        assert_eq!(answer.unwrap_err().code(), Some(&Code::InvalidCertifyId));
    }
}

async fn emulator() -> Emulator {
    Emulator::builder().temporary_key(KEY, "planted-secret", "planted-token").start().await.unwrap()
}

fn told(error: &dyn std::error::Error) -> String {
    let source = error.source().map(told).unwrap_or_default();
    format!("{error} {error:?} {source}")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_metadata_service_is_asked_with_a_token_and_without_where_it_knows_none() {
    let (stand_in, url) = StandIn::start().await;
    let (emulator, at) = (emulator().await, url.parse::<Endpoint>().unwrap());
    assert_believed(ask(&emulator, EcsMetadata::new().endpoint(at.clone())).await);
    let roles = "GET /latest/meta-data/ram/security-credentials/";
    let once = ["PUT /latest/api/token".to_owned(), roles.to_owned(), format!("{roles}shop-role")];
    assert_eq!(stand_in.requests(), [once.clone(), once.clone(), once].concat());

    assert_believed(ask(&emulator, EcsMetadata::new().role("shop-role").endpoint(at.clone())).await);
    assert_eq!(stand_in.requests().len(), 6, "who knows the role does not ask for it");

    stand_in.set(|seen| seen.old = true);
    assert_believed(ask(&emulator, EcsMetadata::new().endpoint(at.clone())).await);
    for answer in ask(&emulator, EcsMetadata::new().token_required().endpoint(at.clone())).await {
        assert!(told(&answer.unwrap_err()).contains("ECS metadata: refused with HTTP 404"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_is_taken_on_with_the_machines_own() {
    let (stand_in, url) = StandIn::start().await;
    let at: Endpoint = url.parse().unwrap();
    let role = AssumeRole::new(EcsMetadata::new().endpoint(at.clone()), "acs:ram::1:role/shop")
        .external_id("agreed")
        .session_name("night-shift")
        .duration(std::time::Duration::from_secs(1))
        .endpoint(at);
    assert_believed(ask(&emulator().await, role).await);
    assert_eq!(stand_in.requests().last().unwrap(), "POST /", "nothing stands in the URL");
    let form = stand_in.form();
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
async fn a_cluster_s_token_is_read_anew_each_time_and_stands_in_no_url() {
    let (stand_in, url) = StandIn::start().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    std::fs::write(&file, "cluster-token\n").unwrap();
    let at: Endpoint = url.parse().unwrap();
    let role =
        AssumeRoleWithOidc::new("acs:ram::1:role/shop", "acs:ram::1:oidc-provider/p", &file).endpoint(at);
    assert_believed(ask(&emulator().await, role.clone()).await);
    assert_eq!(stand_in.requests(), ["POST /", "POST /", "POST /"]);
    let form = stand_in.form();
    assert_eq!((&*form["OIDCToken"], &*form["Action"]), ("cluster-token", "AssumeRoleWithOIDC"));
    assert!(!form.contains_key("Signature"), "this call is not signed");

    std::fs::remove_file(&file).unwrap();
    for answer in ask(&emulator().await, role).await {
        assert!(told(&answer.unwrap_err()).contains("cannot read the token file"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_address_says_is_taken_and_what_is_wrong_is_told_without_a_secret() {
    let (stand_in, url) = StandIn::start().await;
    let emulator = emulator().await;
    let uri = || CredentialsUri::new(&format!("{url}/keys")).unwrap();
    assert_believed(ask(&emulator, uri()).await);
    let chain = Chain::new([("mine", Arc::new(uri()) as Arc<dyn ProvideCredentials>)]);
    assert_believed(ask(&emulator, chain).await);

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
        stand_in.set(|seen| (seen.expiration, seen.code) = (expiration.to_owned(), code.to_owned()));
        for (answers, expected) in
            [(ask(&emulator, uri()).await, of_uri), (ask(&emulator, role()).await, of_role)]
        {
            for answer in answers {
                let told = told(&answer.unwrap_err());
                assert!(told.contains(expected) && !told.contains("planted"), "{expected}: {told}");
            }
        }
    }
}
