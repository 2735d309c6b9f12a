//! A Cloudauth transport over [`reqwest`].
//!
//! TLS needs the feature `rustls` or `native-tls`. Without either, `https` fails with
//! [`TransportErrorKind::Unsupported`] and nothing is sent.

use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use cloudauth_protocol::Body;
use cloudauth_transport::{
    BodyBuffer, Limits, Proxy, PublicOnly, Sent, Transport, TransportError, TransportErrorKind, is_public,
};
use http::{Request, Response, Uri};
use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::redirect::Policy;

/// A transport over a shared [`reqwest::Client`].
#[derive(Clone)]
pub struct ReqwestTransport {
    client: reqwest::Client,
    endpoint: Arc<LastEndpoint>,
    /// Whether `https` is supported. False only for a client that this crate built without TLS.
    knows_tls: bool,
}

impl ReqwestTransport {
    /// Creates a transport with its own client: no redirects, no proxy, three seconds to connect.
    ///
    /// # Errors
    /// If the TLS backend cannot be set up.
    pub fn new() -> Result<Self, TransportError> {
        Self::built(|client| client)
    }

    /// Like [`new`](Self::new), but connects only to public addresses. Use it for URLs from an untrusted
    /// source, such as a picture URL.
    ///
    /// # Errors
    /// Same as [`new`](Self::new).
    pub fn public_only() -> Result<PublicOnly<Self>, TransportError> {
        Self::built(|client| client.dns_resolver(PublicNames)).map(PublicOnly::vouched)
    }

    /// Like [`new`](Self::new), but sends `https` through a proxy. Plain `http` does not use it.
    ///
    /// # Errors
    /// Same as [`new`](Self::new).
    pub fn with_proxy(proxy: &Proxy) -> Result<Self, TransportError> {
        let mut through =
            reqwest::Proxy::https(proxy.to_string()).map_err(|error| failed(error, Sent::No))?;
        if let Some((user, password)) = proxy.expose_credentials() {
            through = through.basic_auth(user, password);
        }
        Self::built(|client| client.proxy(through))
    }

    fn built(
        with: impl FnOnce(reqwest::ClientBuilder) -> reqwest::ClientBuilder,
    ) -> Result<Self, TransportError> {
        let client = reqwest::Client::builder()
            .redirect(Policy::none())
            .no_proxy()
            .connect_timeout(Duration::from_secs(3));
        let client = with(client).build().map_err(|error| {
            TransportError::new(TransportErrorKind::Unsupported, Sent::No).with_source(error)
        })?;
        let knows_tls = cfg!(any(feature = "rustls", feature = "native-tls"));
        Ok(Self { client, endpoint: Arc::default(), knows_tls })
    }
}

/// A transport with your own client. Turn its redirects off ([`Policy::none`]): a signed request must not reach another
/// host. Leave its retries at reqwest's default, which repeats only requests that HTTP/2 says were not processed: another retry would
/// send the same nonce twice. Its proxies, connect timeout and TLS settings are kept. Extensions of a request are not passed on.
impl From<reqwest::Client> for ReqwestTransport {
    fn from(client: reqwest::Client) -> Self {
        Self { client, endpoint: Arc::default(), knows_tls: true }
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
        let (parts, body) = request.into_parts();
        let mut request = reqwest::Request::new(parts.method, self.endpoint.url(&parts.uri)?);
        *request.headers_mut() = parts.headers;
        *request.version_mut() = parts.version;
        *request.body_mut() = Some(body.into_bytes().into());
        *request.timeout_mut() = Some(limits.attempt);
        let mut response = self.client.execute(request).await.map_err(|error| {
            let sent = if error.is_connect() { Sent::No } else { Sent::Maybe };
            failed(error, sent)
        })?;
        let mut body = BodyBuffer::new(response.headers(), limits);
        while let Some(chunk) = response.chunk().await.map_err(|error| failed(error, Sent::Maybe))? {
            body.push(&chunk)?;
        }
        let mut answer = Response::new(body.finish());
        *answer.status_mut() = response.status();
        *answer.headers_mut() = std::mem::take(response.headers_mut());
        Ok(answer)
    }

    async fn sleep(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }
}

/// The parsed URL of the last request to the root path without a query. Requests with the default signature (V1) have such a URL,
/// and parsing it takes as many instructions as a tenth of a bare call over reqwest.
#[derive(Default)]
struct LastEndpoint(Mutex<Option<(Uri, Url)>>);

impl LastEndpoint {
    /// Parses the URL of a request.
    fn url(&self, uri: &Uri) -> Result<Url, TransportError> {
        let is_endpoint = uri.path() == "/" && uri.query().is_none();
        if is_endpoint
            && let Some((last, url)) = &*self.0.lock().unwrap_or_else(PoisonError::into_inner)
            && last.scheme() == uri.scheme()
            // `Uri` compares the authority without case, a password included.
            && last.authority().map(|found| found.as_str()) == uri.authority().map(|found| found.as_str())
        {
            return Ok(url.clone());
        }
        let url = Url::parse(&uri.to_string()).map_err(|error| {
            TransportError::new(TransportErrorKind::Unsupported, Sent::No).with_source(error)
        })?;
        if is_endpoint {
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((uri.clone(), url.clone()));
        }
        Ok(url)
    }
}

/// A wrapper around the system's resolver that refuses a name with a non-public address. The connection uses
/// exactly the addresses checked here.
#[derive(Debug)]
struct PublicNames;

impl Resolve for PublicNames {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            Ok(public(found)?)
        })
    }
}

/// Returns all addresses if all are public: a name with both public and non-public addresses suggests an attack.
fn public(found: Vec<SocketAddr>) -> Result<Addrs, &'static str> {
    if found.iter().all(|address| is_public(address.ip())) {
        Ok(Box::new(found.into_iter()))
    } else {
        Err("the name resolves to an address outside the public internet")
    }
}

fn failed(error: reqwest::Error, sent: Sent) -> TransportError {
    let kind = if error.is_connect() {
        TransportErrorKind::Connect
    } else if error.is_timeout() {
        TransportErrorKind::Timeout
    } else if error.is_builder() {
        TransportErrorKind::Unsupported
    } else if is_too_large(&error) {
        TransportErrorKind::TooLarge
    } else {
        TransportErrorKind::Broken
    };
    // With some signatures the URL contains personal data.
    TransportError::new(kind, sent).with_source(error.without_url())
}

/// Returns whether the headers exceed hyper's size limit. hyper reports this only in the error's text.
fn is_too_large(error: &reqwest::Error) -> bool {
    let mut next = std::error::Error::source(error);
    while let Some(error) = next {
        if error.to_string() == "message head is too large" {
            return true;
        }
        next = error.source();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_url_is_the_one_that_reqwest_parses() {
        let endpoint = LastEndpoint::default();
        for text in [
            "http://a.example/",
            "http://a.example/?b=c",
            "http://a.example/?",
            "http://a.example/b",
            "http://a.example/",
            "https://a.example/",
            "http://a.example:81/",
            "http://A.example:81/",
            "http://[::1]:8080/",
            "http://127.0.0.1:8080/",
            "http://user:pass@a.example/",
            "http://user:PASS@a.example/",
            "http://a.example/",
        ] {
            let uri: Uri = text.parse().unwrap();
            let url = Url::parse(&uri.to_string()).unwrap();
            assert_eq!(endpoint.url(&uri).unwrap(), url, "{text}");
        }
    }

    #[test]
    fn the_url_of_the_endpoint_is_kept_and_none_with_parameters() {
        let endpoint = LastEndpoint::default();
        let kept = |text: &str| {
            endpoint.url(&text.parse().unwrap()).unwrap();
            endpoint.0.lock().unwrap().as_ref().map(|(_, url)| url.to_string())
        };
        assert_eq!(kept("http://a.example/?CertName=b"), None);
        assert_eq!(kept("http://a.example/b"), None);
        let url = Some("http://a.example/".to_owned());
        assert_eq!(kept("http://a.example/"), url);
        assert_eq!(kept("http://a.example/?CertName=b"), url);
        assert_eq!(kept("http://b.example/b"), url);
        assert_eq!(kept("http://b.example/"), Some("http://b.example/".to_owned()));
    }

    #[test]
    fn rejects_a_name_with_any_non_public_address() {
        let addresses = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect::<Vec<_>>();
        assert_eq!(public(addresses(&["1.1.1.1:0", "[2400:3200::1]:0"])).unwrap().count(), 2);
        for inside in [&["127.0.0.1:0"][..], &["1.1.1.1:0", "10.0.0.1:0"], &["[::1]:0", "1.1.1.1:0"]] {
            assert!(public(addresses(inside)).is_err(), "{inside:?}");
        }
    }
}
