//! The client and its credentials: fetching, and renewal after expiry.

#![cfg(test)]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cloudauth_client::credentials::{
    CredentialExchange, EcsMetadata, ExpiringCredentials, ProvideCredentials, ProvideError,
};
use cloudauth_client::{BlockingClient, Client, ErrorKind, Executed};
use cloudauth_protocol::{Body, CertifyId, Credentials, DescribeFaceVerify, GatewayCode, SceneId};
use cloudauth_transport::testing::{Recording, Scripted};
use cloudauth_transport::{BlockingTransport, Limits, Transport, TransportError};
use http::{Request, Response};

/// A provider that returns a new key each time, and fails after the last one.
#[derive(Debug)]
struct Rotating {
    fetches: AtomicUsize,
    keys: usize,
}

impl Rotating {
    fn of(keys: usize) -> Arc<Self> {
        Arc::new(Self { fetches: AtomicUsize::new(0), keys })
    }
}

impl ProvideCredentials for Rotating {
    fn begin(&self) -> Box<dyn CredentialExchange + '_> {
        let number = self.fetches.fetch_add(1, Ordering::SeqCst) + 1;
        let key = Credentials::temporary(&format!("key{number}"), "secret", "token").unwrap();
        let keys = self.keys;
        Box::new(move |_| match number <= keys {
            true => Ok(ExpiringCredentials::from(key.clone())),
            false => Err(ProvideError::new("test", "no more keys")),
        })
    }
}

/// A provider that takes a while.
#[derive(Debug)]
struct Slow;

const WHILE: Duration = Duration::from_millis(20);

impl ProvideCredentials for Slow {
    fn begin(&self) -> Box<dyn CredentialExchange + '_> {
        Box::new(|_| {
            std::thread::sleep(WHILE);
            Ok(ExpiringCredentials::from(Credentials::new("key", "secret").unwrap()))
        })
    }
}

/// A transport that answers, and keeps the time that each attempt may take.
#[derive(Clone, Debug, Default)]
struct Timed(Arc<Mutex<Vec<Duration>>>);

impl BlockingTransport for Timed {
    fn send(&self, _: Request<Body>, limits: &Limits) -> Result<Response<Body>, TransportError> {
        self.0.lock().unwrap().push(limits.attempt);
        pending()
    }

    fn sleep(&self, _: Duration) {}
}

#[async_trait::async_trait]
impl Transport for Timed {
    async fn send(&self, request: Request<Body>, limits: &Limits) -> Result<Response<Body>, TransportError> {
        BlockingTransport::send(self, request, limits)
    }

    async fn sleep(&self, _: Duration) {}
}

fn describe() -> DescribeFaceVerify {
    DescribeFaceVerify::new(SceneId::new(1).unwrap(), CertifyId::new("sha1").unwrap())
}

fn expired() -> Result<Response<Body>, TransportError> {
    let body = Body::from(r#"{"Code":"InvalidSecurityToken.Expired"}"#);
    Ok(Response::builder().status(400).body(body).unwrap())
}

fn pending() -> Result<Response<Body>, TransportError> {
    Ok(Response::new(Body::from(r#"{"Code":"424"}"#)))
}

fn keys(recording: &Recording<Scripted>) -> Vec<String> {
    let key = |body: &str| body.split('&').next().unwrap().replace("AccessKeyId=", "");
    let requests = recording.take_requests();
    requests.iter().map(|request| key(std::str::from_utf8(request.body().as_bytes()).unwrap())).collect()
}

#[tokio::test]
async fn expired_token_is_renewed_once_and_cached() {
    let script = Arc::new(Recording::new(Scripted::new([expired(), pending(), pending()])));
    let client = Client::new(script.clone(), Rotating::of(9));
    client.describe_face_verify(&describe()).await.unwrap();
    client.describe_face_verify(&describe()).await.unwrap();
    assert_eq!(keys(&script), ["key1", "key2", "key2"]);

    let script = Arc::new(Recording::new(Scripted::new([expired(), expired()])));
    let error =
        Client::new(script.clone(), Rotating::of(9)).describe_face_verify(&describe()).await.unwrap_err();
    assert_eq!(error.gateway_code(), Some(&GatewayCode::SecurityTokenExpired));
    assert_eq!(keys(&script), ["key1", "key2"]);
}

#[tokio::test]
async fn the_time_that_credentials_took_is_not_given_to_the_first_attempt() {
    let deadline = Duration::from_secs(2);
    let times = Timed::default();
    let client =
        BlockingClient::new(times.clone(), Arc::new(Slow)).with(|settings| settings.deadline = deadline);
    client.describe_face_verify(&describe()).unwrap();
    let client = Client::new(times.clone(), Arc::new(Slow)).with(|settings| settings.deadline = deadline);
    client.describe_face_verify(&describe()).await.unwrap();
    let attempts = times.0.lock().unwrap().clone();
    assert_eq!(attempts.len(), 2);
    assert!(attempts.iter().all(|attempt| *attempt <= deadline - WHILE), "{attempts:?}");
}

#[test]
fn a_blocking_client_fetches_its_credentials_over_its_transport() {
    let keys = r#"{"AccessKeyId":"fetched","AccessKeySecret":"s","SecurityToken":"t"}"#;
    let script = Arc::new(Recording::new(Scripted::bodies(["token", keys, r#"{"Code":"424"}"#])));
    let metadata = EcsMetadata::new().role("shop-role");
    BlockingClient::new(script.clone(), Arc::new(metadata)).describe_face_verify(&describe()).unwrap();
    let requests = script.take_requests();
    assert_eq!(requests[1].uri().path(), "/latest/meta-data/ram/security-credentials/shop-role");
    assert!(requests[2].body().as_bytes().starts_with(b"AccessKeyId=fetched&"));
}

#[tokio::test]
async fn credentials_refused_by_one_call_are_not_sent_by_the_next() {
    let script = Arc::new(Recording::new(Scripted::new([expired(), pending()])));
    let client = Client::new(script.clone(), Rotating::of(9)).with(|settings| settings.attempts = 1);
    client.describe_face_verify(&describe()).await.unwrap_err();
    client.describe_face_verify(&describe()).await.unwrap();
    assert_eq!(keys(&script), ["key1", "key2"]);
}

#[test]
fn blocking_client_renews_too() {
    let script = Arc::new(Recording::new(Scripted::new([expired(), pending()])));
    BlockingClient::new(script.clone(), Rotating::of(9)).describe_face_verify(&describe()).unwrap();
    assert_eq!(keys(&script), ["key1", "key2"]);
}

#[tokio::test]
async fn expired_fixed_credentials_are_not_sent_again() {
    let script = Arc::new(Recording::new(Scripted::new([expired()])));
    let fixed = Credentials::temporary("key1", "secret", "token").unwrap();
    let error = Client::new(script.clone(), fixed).describe_face_verify(&describe()).await.unwrap_err();
    assert_eq!(error.gateway_code(), Some(&GatewayCode::SecurityTokenExpired));
    assert_eq!(keys(&script), ["key1"]);
}

#[tokio::test]
async fn without_credentials_nothing_is_sent_and_the_error_says_why() {
    let script = Arc::new(Recording::new(Scripted::new([expired()])));
    let client = Client::new(script.clone(), Rotating::of(0));
    let error = client.describe_face_verify(&describe()).await.unwrap_err();
    assert_eq!((error.kind(), error.executed(), error.attempts()), (ErrorKind::Credentials, Executed::No, 0));
    assert_eq!(error.to_string().split_once("credentials: ").unwrap().1, "test: no more keys");
    assert!(keys(&script).is_empty());

    let client = Client::new(script.clone(), Rotating::of(1));
    let error = client.describe_face_verify(&describe()).await.unwrap_err();
    assert_eq!((error.kind(), error.attempts()), (ErrorKind::Credentials, 1));
}

#[tokio::test]
async fn client_of_another_account_signs_with_its_own_credentials() {
    let script = Arc::new(Recording::new(Scripted::new((0..6).map(|_| pending()))));
    let other = || Credentials::new("other", "secret").unwrap();
    let client = Client::new(script.clone(), Rotating::of(1));
    client.describe_face_verify(&describe()).await.unwrap();
    client.with_credentials(other()).describe_face_verify(&describe()).await.unwrap();
    client.with(|settings| settings.attempts = 1).describe_face_verify(&describe()).await.unwrap();
    assert_eq!(keys(&script), ["key1", "other", "key1"]);

    let client = BlockingClient::new(script.clone(), Rotating::of(1));
    client.describe_face_verify(&describe()).unwrap();
    client.with_credentials(other()).describe_face_verify(&describe()).unwrap();
    client.with(|settings| settings.attempts = 1).describe_face_verify(&describe()).unwrap();
    assert_eq!(keys(&script), ["key1", "other", "key1"]);
}
