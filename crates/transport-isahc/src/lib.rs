//! Carries Cloudauth requests over [`isahc`], async on any runtime or blocking.
//!
//! No TLS is built in unless the feature `rustls` asks for it; without, `https` fails with
//! [`TransportErrorKind::Unsupported`] and nothing is sent. curl has room for one TLS library, so there is no other.
//!
//! isahc writes a request's URL to the log at DEBUG, and its bytes at TRACE. While its log is open that wide, nothing is
//! sent: the call fails with [`TransportErrorKind::Unsupported`] and says which filter helps. At DEBUG that is so only
//! for a URL with a path or parameters, which the default signature's has not. What is asked is the log as it is where the
//! call is made; a filter that opens inside isahc's own spans (`isahc[handler]=trace`) is not seen.

mod clients;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use cloudauth_protocol::Body;
use cloudauth_transport::{
    BlockingTransport, Limits, Proxy, Sent, Transport, TransportError, TransportErrorKind,
};
use futures_lite::AsyncReadExt;
use futures_lite::io::Cursor;
use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use http::{Request, Response, StatusCode};
use isahc::auth::{Authentication, Credentials};
use isahc::config::{Configurable, RedirectPolicy, VersionNegotiation};
use isahc::error::ErrorKind;
use isahc::{AsyncBody, HttpClient};

use crate::clients::Clients;

/// A transport over an [`isahc::HttpClient`], which its clones share: each client has a thread of its own.
///
/// isahc does not close the connection of a send that is dropped. So the transport replaces a client that has dropped
/// sends, and closes it with all its connections when the last other send on it ends.
#[derive(Clone)]
pub struct IsahcTransport {
    clients: Arc<Clients>,
    /// Whether `https` can be carried. Only the client that this crate built is known not to.
    knows_tls: bool,
    /// Whether plain `http` goes past the client's proxy.
    bypass: bool,
}

impl IsahcTransport {
    /// With a client of its own: no redirects, no proxy, three seconds to connect.
    ///
    /// # Errors
    /// If the client's thread or its TLS library cannot be set up.
    pub fn new() -> Result<Self, TransportError> {
        let transport = Self::built_by(|| builder().proxy(None).build())?;
        Ok(Self { knows_tls: cfg!(feature = "rustls"), ..transport })
    }

    /// The same, with `https` through a proxy. Plain `http` does not go through it.
    ///
    /// # Errors
    /// As [`new`](Self::new).
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

    /// With clients of your own, each like the other: one is built now, and another one whenever a client with dropped
    /// sends is replaced. Their proxies, connect timeout and TLS settings are kept; redirects, `Expect: 100-continue` and
    /// decompression are always off.
    ///
    /// # Errors
    /// If the first client cannot be built.
    pub fn built_by(
        make: impl Fn() -> Result<HttpClient, isahc::Error> + Send + Sync + 'static,
    ) -> Result<Self, TransportError> {
        let clients = Clients::new(Box::new(make)).map_err(failed)?;
        Ok(Self { clients: Arc::new(clients), knows_tls: true, bypass: false })
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
            return Err(unsupported(
                "isahc would write the request to the log; set its filter to `isahc=info`",
            ));
        }
        let plain = request.uri().scheme_str() == Some("http");
        let (parts, body) = request.into_parts();
        let mut prepared = Request::builder()
            // Less than a millisecond is "for ever" to curl.
            .timeout(limits.attempt.max(Duration::from_millis(1)))
            // Under HTTP/2 curl logs the headers, tokens among them.
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
        // A body that cannot be rewound: over a connection that died, curl would otherwise send it a second time by itself.
        let length = u64::try_from(body.len()).unwrap_or(u64::MAX);
        let body = if body.is_empty() {
            AsyncBody::empty()
        } else {
            AsyncBody::from_reader_sized(Cursor::new(body.into_bytes()), length)
        };
        prepared.body(body).map_err(|_| TransportError::new(TransportErrorKind::Unsupported, Sent::No))
    }
}

/// With your own client. Its proxies, connect timeout and TLS settings are kept; redirects, `Expect: 100-continue` and
/// decompression are always off. It cannot be replaced, so that a send that is dropped keeps its connection until the
/// attempt's time is over; prefer [`IsahcTransport::built_by`].
impl From<HttpClient> for IsahcTransport {
    fn from(client: HttpClient) -> Self {
        Self { clients: Arc::new(Clients::fixed(client)), knows_tls: true, bypass: false }
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
            let mut bytes = Vec::new();
            let read = body.take(one_more_than(limits)).read_to_end(&mut bytes).await;
            whole(parts, bytes, read, limits)
        }
        .await;
        lease.done();
        came
    }

    async fn sleep(&self, time: Duration) {
        async_io::Timer::after(time).await;
    }
}

impl BlockingTransport for IsahcTransport {
    fn send(&self, request: Request<Body>, limits: &Limits) -> Result<Response<Body>, TransportError> {
        futures_lite::future::block_on(Transport::send(self, request, limits))
    }
}

/// One byte more than allowed, so that "too large" is told from "just large enough".
fn one_more_than(limits: &Limits) -> u64 {
    u64::try_from(limits.body).unwrap_or(u64::MAX).saturating_add(1)
}

fn whole(
    parts: http::response::Parts,
    bytes: Vec<u8>,
    read: std::io::Result<usize>,
    limits: &Limits,
) -> Result<Response<Body>, TransportError> {
    read.map_err(|error| {
        let error = isahc::Error::from(error);
        let late = *error.kind() == ErrorKind::Timeout;
        let kind = if late { TransportErrorKind::Timeout } else { TransportErrorKind::Broken };
        TransportError::new(kind, Sent::Maybe).with_source(error)
    })?;
    if bytes.len() > limits.body {
        return Err(TransportError::new(TransportErrorKind::TooLarge, Sent::Maybe));
    }
    // curl takes headers that were cut short for whole ones, and their answer for an empty one.
    let says_how_long =
        [CONTENT_LENGTH, TRANSFER_ENCODING].iter().any(|name| parts.headers.contains_key(name));
    if bytes.is_empty() && !says_how_long && parts.status != StatusCode::NO_CONTENT {
        return Err(TransportError::new(TransportErrorKind::Broken, Sent::Maybe));
    }
    let mut response = Response::from_parts(parts, Body::from(bytes));
    // isahc keeps the request's URL and its own handles there.
    response.extensions_mut().clear();
    Ok(response)
}

/// Whether isahc's log is open wide enough to show bytes, or the URL where that may hold anything, or the proxy's user.
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

/// Without a client nothing was sent. Another try may find the descriptors that this one lacked.
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

/// `CURLE_TOO_LARGE`, for headers beyond curl's limit. isahc has no kind for it, and shows curl's code.
const CURL_TOO_LARGE: &str = "[100]";
/// What curl says when a proxy refuses a tunnel.
const CURL_NO_TUNNEL: &str = "CONNECT tunnel failed";

/// Whether curl's own error says this.
fn says(error: &isahc::Error, text: &str) -> bool {
    let curl = std::error::Error::source(error).map(ToString::to_string);
    curl.is_some_and(|curl| curl.contains(text))
}
