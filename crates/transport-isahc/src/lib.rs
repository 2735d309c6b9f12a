//! A Cloudauth transport over [`isahc`], async on any runtime, or blocking.
//!
//! TLS needs the feature `rustls`. Without it, `https` fails with [`TransportErrorKind::Unsupported`] and
//! nothing is sent. There is no other TLS feature, because curl supports one TLS library at a time.
//!
//! isahc logs the URL of a request at DEBUG, and its bytes at TRACE. While such a level is enabled, nothing
//! is sent: the call fails with [`TransportErrorKind::Unsupported`] and names the filter to set. At DEBUG
//! this applies only to a URL with a path or parameters, which the default signature does not produce. The
//! check uses the log levels at the point of the call. It does not see a filter that applies only inside
//! isahc's own spans (`isahc[handler]=trace`).

mod clients;
mod timers;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use cloudauth_protocol::Body;
use cloudauth_transport::{
    BlockingTransport, BodyBuffer, Limits, Proxy, Sent, Transport, TransportError, TransportErrorKind,
};
use futures_lite::AsyncReadExt;
use futures_lite::io::Cursor;
use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use http::{HeaderMap, Request, Response, StatusCode};
use isahc::auth::{Authentication, Credentials};
use isahc::config::{Configurable, RedirectPolicy, VersionNegotiation};
use isahc::error::ErrorKind;
use isahc::{AsyncBody, HttpClient};

use crate::clients::Clients;
use crate::timers::Timers;

/// A transport over an [`isahc::HttpClient`]. Its clones share the client, because each client has its own
/// thread.
///
/// isahc does not close the connection of a dropped send. So the transport replaces a client with dropped
/// sends. It closes the old client with all its connections when the last other send on it ends.
#[derive(Clone)]
pub struct IsahcTransport {
    clients: Arc<Clients>,
    timers: Arc<Timers>,
    /// Whether `https` is supported. False only for a client that this crate built without TLS.
    knows_tls: bool,
    /// Whether plain `http` bypasses the client's proxy.
    bypass: bool,
}

impl IsahcTransport {
    /// Creates a transport with its own client: no redirects, no proxy, three seconds to connect.
    ///
    /// # Errors
    /// If the client's thread or its TLS library cannot be set up.
    pub fn new() -> Result<Self, TransportError> {
        let transport = Self::built_by(|| builder().proxy(None).build())?;
        Ok(Self { knows_tls: cfg!(feature = "rustls"), ..transport })
    }

    /// Like [`new`](Self::new), but sends `https` through a proxy. Plain `http` does not use it.
    ///
    /// # Errors
    /// Same as [`new`](Self::new).
    pub fn with_proxy(proxy: &Proxy) -> Result<Self, TransportError> {
        let proxy = proxy.clone();
        let transport = Self::built_by(move || {
            let through = builder().proxy(proxy.uri().clone());
            match proxy.expose_credentials() {
                Some((user, password)) => through
                    .proxy_authentication(Authentication::basic())
                    .proxy_credentials(Credentials::new(user, password)),
                None => through,
            }
            .build()
        })?;
        Ok(Self { knows_tls: cfg!(feature = "rustls"), bypass: true, ..transport })
    }

    /// Creates a transport with clients that `make` builds. All of them must have the same settings. It
    /// builds one immediately, and another whenever a client with dropped sends is replaced. Their proxies,
    /// connect timeout and TLS settings are kept. Redirects, `Expect: 100-continue` and decompression are
    /// always off.
    ///
    /// # Errors
    /// If the first client cannot be built.
    pub fn built_by(
        make: impl Fn() -> Result<HttpClient, isahc::Error> + Send + Sync + 'static,
    ) -> Result<Self, TransportError> {
        let clients = Clients::new(Box::new(make)).map_err(failed)?;
        Ok(Self { clients: Arc::new(clients), timers: Arc::default(), knows_tls: true, bypass: false })
    }

    fn prepared(
        &self,
        request: Request<Body>,
        limits: &Limits,
    ) -> Result<Request<AsyncBody>, TransportError> {
        if request.uri().scheme_str() == Some("https") && !self.knows_tls {
            return Err(unsupported("this build has no TLS for isahc; enable the feature `rustls`"));
        }
        if would_be_logged(request.uri(), self.bypass) {
            return Err(unsupported("isahc would log the request; set its log filter to `isahc=info`"));
        }
        let plain = request.uri().scheme_str() == Some("http");
        let (parts, body) = request.into_parts();
        let mut prepared = Request::builder()
            // curl treats less than a millisecond as no limit.
            .timeout(limits.attempt.max(Duration::from_millis(1)))
            // Under HTTP/2 curl logs the headers, including tokens.
            .version_negotiation(VersionNegotiation::http11())
            .redirect_policy(RedirectPolicy::None)
            .automatic_decompression(false)
            .expect_continue(false)
            .method(parts.method)
            .uri(parts.uri);
        if plain && self.bypass {
            prepared = prepared.proxy(None);
        }
        if let Some(headers) = prepared.headers_mut() {
            *headers = parts.headers;
        }
        // A body that cannot be rewound: otherwise curl would automatically resend it after a lost connection.
        let length = u64::try_from(body.len()).unwrap_or(u64::MAX);
        let body = if body.is_empty() {
            AsyncBody::empty()
        } else {
            AsyncBody::from_reader_sized(Cursor::new(body.into_bytes()), length)
        };
        prepared.body(body).map_err(|_| TransportError::new(TransportErrorKind::Unsupported, Sent::No))
    }
}

/// A transport with your own client. Its proxies, connect timeout and TLS settings are kept; redirects, `Expect: 100-continue` and
/// decompression are always off. The client cannot be replaced, so a dropped send keeps its connection until the time
/// limit of the attempt; prefer [`IsahcTransport::built_by`].
impl From<HttpClient> for IsahcTransport {
    fn from(client: HttpClient) -> Self {
        Self {
            clients: Arc::new(Clients::fixed(client)),
            timers: Arc::default(),
            knows_tls: true,
            bypass: false,
        }
    }
}

fn builder() -> isahc::HttpClientBuilder {
    HttpClient::builder().connect_timeout(Duration::from_secs(3))
}

impl fmt::Debug for IsahcTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IsahcTransport")
    }
}

#[async_trait]
impl Transport for IsahcTransport {
    async fn send(&self, request: Request<Body>, limits: &Limits) -> Result<Response<Body>, TransportError> {
        let request = self.prepared(request, limits)?;
        let lease = self.clients.lease().map_err(no_client)?;
        let client = lease.client().map_err(no_client)?;
        let came = async {
            let (parts, body) = client.send_async(request).await.map_err(failed)?.into_parts();
            let body = whole(&parts.headers, body, limits).await?;
            complete(parts, body)
        }
        .await;
        lease.done();
        came
    }

    async fn sleep(&self, time: Duration) {
        self.timers.sleep(time).await;
    }
}

impl BlockingTransport for IsahcTransport {
    fn send(&self, request: Request<Body>, limits: &Limits) -> Result<Response<Body>, TransportError> {
        futures_lite::future::block_on(Transport::send(self, request, limits))
    }
}

/// Reads a body to its end.
async fn whole(headers: &HeaderMap, mut body: AsyncBody, limits: &Limits) -> Result<Body, TransportError> {
    let mut buffer = BodyBuffer::new(headers, limits);
    loop {
        match body.read(buffer.space()).await {
            Ok(0) => return Ok(buffer.finish()),
            Ok(bytes) => buffer.advance(bytes)?,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => {
                let error = isahc::Error::from(error);
                let late = *error.kind() == ErrorKind::Timeout;
                let kind = if late { TransportErrorKind::Timeout } else { TransportErrorKind::Broken };
                return Err(TransportError::new(kind, Sent::Maybe).with_source(error));
            }
        }
    }
}

/// Returns the response, unless it is truncated.
fn complete(parts: http::response::Parts, body: Body) -> Result<Response<Body>, TransportError> {
    // curl treats truncated headers as complete, and their response as empty.
    let says_how_long =
        [CONTENT_LENGTH, TRANSFER_ENCODING].iter().any(|name| parts.headers.contains_key(name));
    if body.is_empty() && !says_how_long && parts.status != StatusCode::NO_CONTENT {
        return Err(TransportError::new(TransportErrorKind::Broken, Sent::Maybe));
    }
    let mut response = Response::from_parts(parts, body);
    // isahc stores the request's URL and its own handles there.
    response.extensions_mut().clear();
    Ok(response)
}

/// Returns whether isahc's log levels would show bytes, a URL that can contain personal data, or the proxy
/// user.
fn would_be_logged(uri: &http::Uri, proxied: bool) -> bool {
    use tracing::{Level, event_enabled, span_enabled};
    let bytes = event_enabled!(target: "isahc::wire", Level::TRACE)
        || log::log_enabled!(target: "isahc::wire", log::Level::Trace);
    let url = || {
        span_enabled!(target: "isahc::client", Level::DEBUG)
            || event_enabled!(target: "isahc::handler", Level::DEBUG)
            || log::log_enabled!(target: "isahc::client", log::Level::Debug)
            || log::log_enabled!(target: "isahc::handler", log::Level::Debug)
    };
    let bare = !proxied && uri.query().is_none() && uri.path() == "/" && !uri.to_string().contains('@');
    bytes || (!bare && url())
}

fn unsupported(why: &'static str) -> TransportError {
    TransportError::new(TransportErrorKind::Unsupported, Sent::No).with_source(why)
}

/// Returns the error of a client that cannot be built. Nothing was sent, and a retry may find free
/// descriptors.
fn no_client(error: isahc::Error) -> TransportError {
    TransportError::new(TransportErrorKind::Connect, Sent::No).with_source(error)
}

fn failed(error: isahc::Error) -> TransportError {
    let (kind, sent) = match error.kind() {
        ErrorKind::NameResolution
        | ErrorKind::ConnectionFailed
        | ErrorKind::BadServerCertificate
        | ErrorKind::BadClientCertificate => (TransportErrorKind::Connect, Sent::No),
        ErrorKind::InvalidTlsConfiguration | ErrorKind::ClientInitialization | ErrorKind::InvalidRequest => {
            (TransportErrorKind::Unsupported, Sent::No)
        }
        // Without an address there was no connection yet.
        ErrorKind::Timeout if error.remote_addr().is_none() => (TransportErrorKind::Connect, Sent::No),
        ErrorKind::Timeout => (TransportErrorKind::Timeout, Sent::Maybe),
        _ if says(&error, CURL_TOO_LARGE) => (TransportErrorKind::TooLarge, Sent::Maybe),
        _ if says(&error, CURL_NO_TUNNEL) => (TransportErrorKind::Connect, Sent::No),
        _ => (TransportErrorKind::Broken, Sent::Maybe),
    };
    TransportError::new(kind, sent).with_source(error)
}

/// `CURLE_TOO_LARGE`, for headers beyond curl's limit. isahc has no error kind for it, but shows curl's code.
const CURL_TOO_LARGE: &str = "[100]";
/// curl's message when a proxy refuses a tunnel.
const CURL_NO_TUNNEL: &str = "CONNECT tunnel failed";

/// Returns whether curl's error contains this text.
fn says(error: &isahc::Error, text: &str) -> bool {
    let curl = std::error::Error::source(error).map(ToString::to_string);
    curl.is_some_and(|curl| curl.contains(text))
}
