//! Carries Cloudauth requests over [`reqwest`].
//!
//! No TLS is built in unless the feature `rustls` or `native-tls` asks for it; without, `https` fails with
//! [`TransportErrorKind::Unsupported`] and nothing is sent.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use cloudauth_protocol::Body;
use cloudauth_transport::{Limits, Sent, Transport, TransportError, TransportErrorKind};
use http::{Request, Response};
use reqwest::redirect::Policy;

/// A transport over a [`reqwest::Client`], which it shares and never rebuilds.
#[derive(Clone)]
pub struct ReqwestTransport {
    client: reqwest::Client,
    /// Whether `https` can be carried. Only the client that this crate built is known not to.
    knows_tls: bool,
}

impl ReqwestTransport {
    /// With a client of its own: no redirects, no proxy, three seconds to connect.
    ///
    /// # Errors
    /// If the TLS backend cannot be set up.
    pub fn new() -> Result<Self, TransportError> {
        let client = reqwest::Client::builder()
            .redirect(Policy::none())
            .no_proxy()
            .connect_timeout(Duration::from_secs(3))
            .build()
            .map_err(|error| {
                TransportError::new(TransportErrorKind::Unsupported, Sent::No).with_source(error)
            })?;
        Ok(Self { client, knows_tls: cfg!(any(feature = "rustls", feature = "native-tls")) })
    }
}

/// With your own client. Turn its redirects off ([`Policy::none`]): a signed request must not reach another
/// host. Its proxies, connect timeout and TLS settings are kept.
impl From<reqwest::Client> for ReqwestTransport {
    fn from(client: reqwest::Client) -> Self {
        Self { client, knows_tls: true }
    }
}

impl fmt::Debug for ReqwestTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ReqwestTransport")
    }
}

#[async_trait]
impl Transport for ReqwestTransport {
    async fn send(&self, request: Request<Body>, limits: &Limits) -> Result<Response<Body>, TransportError> {
        if request.uri().scheme_str() == Some("https") && !self.knows_tls {
            return Err(TransportError::new(TransportErrorKind::Unsupported, Sent::No)
                .with_source("this build has no TLS; enable the feature `rustls` or `native-tls`"));
        }
        let mut request =
            reqwest::Request::try_from(request.map(|body| reqwest::Body::from(body.into_bytes())))
                .map_err(|error| failed(error, Sent::No))?;
        *request.timeout_mut() = Some(limits.attempt);
        let mut response = self.client.execute(request).await.map_err(|error| {
            let sent = if error.is_connect() { Sent::No } else { Sent::Maybe };
            failed(error, sent)
        })?;
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| failed(error, Sent::Maybe))? {
            if body.len() + chunk.len() > limits.body {
                return Err(TransportError::new(TransportErrorKind::TooLarge, Sent::Maybe));
            }
            body.extend_from_slice(&chunk);
        }
        let mut answer = Response::new(Body::from(body));
        *answer.status_mut() = response.status();
        *answer.headers_mut() = std::mem::take(response.headers_mut());
        Ok(answer)
    }

    async fn sleep(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }
}

fn failed(error: reqwest::Error, sent: Sent) -> TransportError {
    let kind = if error.is_connect() {
        TransportErrorKind::Connect
    } else if error.is_timeout() {
        TransportErrorKind::Timeout
    } else if error.is_builder() {
        TransportErrorKind::Unsupported
    } else {
        TransportErrorKind::Broken
    };
    // The URL holds personal data under some signatures.
    TransportError::new(kind, sent).with_source(error.without_url())
}
