//! A transport of your own, here over hyper. It only carries requests and responses.
//!
//! `cargo run -p cloudauth --example own_transport`; the project's tests run the conformance suite on it.

use std::time::Duration;

use async_trait::async_trait;
use cloudauth::{Body, Limits, Sent, Transport, TransportError, TransportErrorKind};
use http::{Request, Response};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper_util::client::legacy::{Client, Error, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;

#[derive(Debug)]
pub(crate) struct HyperTransport(Client<HttpConnector, Full<bytes::Bytes>>);

impl HyperTransport {
    pub(crate) fn new() -> Self {
        let mut connector = HttpConnector::new();
        connector.set_connect_timeout(Some(Duration::from_secs(3)));
        Self(Client::builder(TokioExecutor::new()).build(connector))
    }

    async fn carry(&self, request: Request<Body>, limits: &Limits) -> Result<Response<Body>, TransportError> {
        let request = request.map(|body| Full::new(body.into_bytes()));
        let (parts, body) = self.0.request(request).await.map_err(failed)?.into_parts();
        let body = Limited::new(body, limits.body).collect().await.map_err(|error| {
            let too_large = error.is::<LengthLimitError>();
            let kind = if too_large { TransportErrorKind::TooLarge } else { TransportErrorKind::Broken };
            TransportError::new(kind, Sent::Maybe).with_source(error)
        })?;
        Ok(Response::from_parts(parts, Body::from(body.to_bytes())))
    }
}

#[async_trait]
impl Transport for HyperTransport {
    async fn send(&self, request: Request<Body>, limits: &Limits) -> Result<Response<Body>, TransportError> {
        let late = |_| Err(TransportError::new(TransportErrorKind::Timeout, Sent::Maybe));
        tokio::time::timeout(limits.attempt, self.carry(request, limits)).await.unwrap_or_else(late)
    }

    async fn sleep(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }
}

/// Translates an error. Without a connection nothing was sent; any other request may have been executed.
fn failed(error: Error) -> TransportError {
    let too_large = |error: &dyn std::error::Error| error.to_string() == "message head is too large";
    let cause = std::error::Error::source(&error);
    let (kind, sent) = match cause {
        _ if error.is_connect() => (TransportErrorKind::Connect, Sent::No),
        Some(cause) if too_large(cause) || cause.source().is_some_and(too_large) => {
            (TransportErrorKind::TooLarge, Sent::Maybe)
        }
        _ => (TransportErrorKind::Broken, Sent::Maybe),
    };
    TransportError::new(kind, sent).with_source(error)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let emulator = cloudauth_emulator::Emulator::builder().start().await?;
    let by = cloudauth::Credentials::new("EMUtestid", "EMUtestsecret")?;
    let client =
        cloudauth::Client::builder(HyperTransport::new(), by).endpoint(emulator.url().parse()?).build();
    let id = cloudauth::CertifyId::new("unknown")?;
    let op = cloudauth::DescribeFaceVerify::new(cloudauth::SceneId::new(1)?, id);
    println!(
        "{}",
        client.describe_face_verify(&op).await.map_or_else(|error| error.to_string(), |_| "?".into())
    );
    Ok(())
}
