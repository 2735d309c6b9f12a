//! A Cloudauth transport over [`ureq`], on the calling thread and without a runtime.
//!
//! TLS needs the feature `rustls` or `native-tls`. Without either, `https` fails with
//! [`TransportErrorKind::Unsupported`] and nothing is sent.
//!
//! At log level TRACE, ureq logs the bytes of every request. While that level is enabled, nothing is sent:
//! the call fails with [`TransportErrorKind::Unsupported`] and names the filter to set
//! (`ureq=debug,ureq_proto=debug`).

use std::fmt;
use std::io::{self, Read};
use std::time::Duration;

use cloudauth_protocol::Body;
use cloudauth_transport::{
    BlockingTransport, BodyBuffer, Limits, Proxy, Sent, TransportError, TransportErrorKind,
};
use http::{Request, Response};
use ureq::config::Config;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{ConnectionDetails, Connector, DefaultConnector, NextTimeout};
use ureq::{Agent, Timeout};

/// A transport over a shared [`ureq::Agent`].
#[derive(Clone)]
pub struct UreqTransport {
    agent: Agent,
    /// Whether `https` is supported. False only for an agent that this crate built without TLS.
    knows_tls: bool,
    /// Whether plain `http` bypasses the agent's proxy.
    bypass: bool,
}

impl UreqTransport {
    /// Creates a transport with its own agent: no redirects, no proxy, three seconds to connect.
    #[must_use]
    pub fn new() -> Self {
        Self::built(None)
    }

    /// Like [`new`](Self::new), but sends `https` through a proxy. Plain `http` does not use it.
    ///
    /// # Errors
    /// If ureq does not accept the proxy.
    pub fn with_proxy(proxy: &Proxy) -> Result<Self, TransportError> {
        let mut through =
            ureq::Proxy::builder(ureq::ProxyProtocol::Http).host(proxy.host()).port(proxy.port());
        if let Some((user, password)) = proxy.expose_credentials() {
            through = through.username(user).password(password);
        }
        Ok(Self::built(Some(through.build().map_err(|_| unsupported("ureq does not accept the proxy"))?)))
    }

    fn built(proxy: Option<ureq::Proxy>) -> Self {
        let bypass = proxy.is_some();
        let config = Agent::config_builder().proxy(proxy).timeout_connect(Some(Duration::from_secs(3)));
        // ureq does not select it automatically, even if it is the only one.
        #[cfg(all(feature = "native-tls", not(feature = "rustls")))]
        let config = config
            .tls_config(ureq::tls::TlsConfig::builder().provider(ureq::tls::TlsProvider::NativeTls).build());
        let knows_tls = cfg!(any(feature = "rustls", feature = "native-tls"));
        Self { knows_tls, bypass, ..Self::from(config.build()) }
    }
}

impl Default for UreqTransport {
    fn default() -> Self {
        Self::new()
    }
}

/// A transport with your own configuration. Its proxy, connect timeout and TLS settings are kept; redirects are always off.
impl From<Config> for UreqTransport {
    fn from(config: Config) -> Self {
        let agent = Agent::with_parts(
            config,
            MarksUnsent(DefaultConnector::new()),
            MarksUnsent(DefaultResolver::default()),
        );
        Self::from(agent)
    }
}

/// A transport with your own agent. Its proxy, connect timeout and TLS settings are kept; redirects are always off. Prefer
/// [`From<Config>`](#impl-From<Config>-for-UreqTransport): with an agent's own connector, an interrupted TLS handshake counts as
/// [`Sent::Maybe`].
impl From<Agent> for UreqTransport {
    fn from(agent: Agent) -> Self {
        Self { agent, knows_tls: true, bypass: false }
    }
}

impl fmt::Debug for UreqTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UreqTransport")
    }
}

impl BlockingTransport for UreqTransport {
    fn send(&self, request: Request<Body>, limits: &Limits) -> Result<Response<Body>, TransportError> {
        if request.uri().scheme_str() == Some("https") && !self.knows_tls {
            return Err(unsupported("this build has no TLS; enable the feature `rustls` or `native-tls`"));
        }
        if would_be_logged() {
            return Err(unsupported(
                "ureq would log the request; set its log filter to `ureq=debug,ureq_proto=debug`",
            ));
        }
        let plain = request.uri().scheme_str() == Some("http");
        let mut request = self
            .agent
            .configure_request(request.map(|body| body.as_bytes().to_vec()))
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_global(Some(limits.attempt));
        if plain && self.bypass {
            request = request.proxy(None);
        }
        let request = request.build();
        let (mut parts, body) = self.agent.run(request).map_err(failed)?.into_parts();
        // ureq stores the request's URL there.
        parts.extensions.clear();
        let mut buffer = BodyBuffer::new(&parts.headers, limits);
        let mut reader = body.into_reader();
        loop {
            match reader.read(buffer.space()) {
                Ok(0) => return Ok(Response::from_parts(parts, buffer.finish())),
                Ok(bytes) => buffer.advance(bytes)?,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(broken(error)),
            }
        }
    }
}

/// Returns the error of a body that was not read to its end.
fn broken(error: io::Error) -> TransportError {
    let error = ureq::Error::from(error);
    let late = matches!(error, ureq::Error::Timeout(_));
    let kind = if late { TransportErrorKind::Timeout } else { TransportErrorKind::Broken };
    TransportError::new(kind, Sent::Maybe).with_source(error)
}

/// Returns whether ureq's log levels would show URLs and bytes.
fn would_be_logged() -> bool {
    ["ureq::util", "ureq::run", "ureq_proto::util"]
        .into_iter()
        .any(|module| log::log_enabled!(target: module, log::Level::Trace))
}

fn unsupported(why: &'static str) -> TransportError {
    TransportError::new(TransportErrorKind::Unsupported, Sent::No).with_source(why)
}

fn failed(error: ureq::Error) -> TransportError {
    let error = match error {
        ureq::Error::Other(inner) => match inner.downcast::<Unsent>() {
            Ok(unsent) => {
                return TransportError::new(TransportErrorKind::Connect, Sent::No).with_source(unsent.0);
            }
            Err(inner) => ureq::Error::Other(inner),
        },
        error => error,
    };
    let (kind, sent) = match &error {
        ureq::Error::HostNotFound
        | ureq::Error::ConnectionFailed
        | ureq::Error::ConnectProxyFailed(_)
        | ureq::Error::Tls(_)
        | ureq::Error::Timeout(Timeout::Resolve | Timeout::Connect) => {
            (TransportErrorKind::Connect, Sent::No)
        }
        #[cfg(feature = "native-tls")]
        ureq::Error::NativeTls(_) | ureq::Error::Der(_) => (TransportErrorKind::Connect, Sent::No),
        ureq::Error::Timeout(_) => (TransportErrorKind::Timeout, Sent::Maybe),
        ureq::Error::Io(error)
            if is_unreachable(error) || is_unresolved(error, cfg!(windows)) || is_untrusted(error) =>
        {
            (TransportErrorKind::Connect, Sent::No)
        }
        ureq::Error::LargeResponseHeader(..) => (TransportErrorKind::TooLarge, Sent::Maybe),
        ureq::Error::Protocol(error) if error.to_string().contains("too many headers") => {
            (TransportErrorKind::TooLarge, Sent::Maybe)
        }
        ureq::Error::BadUri(_) | ureq::Error::RequireHttpsOnly(_) | ureq::Error::TlsRequired => {
            // These show the URL.
            return TransportError::new(TransportErrorKind::Unsupported, Sent::No);
        }
        _ => (TransportErrorKind::Broken, Sent::Maybe),
    };
    TransportError::new(kind, sent).with_source(error)
}

/// A ureq error that occurred before the connection was established.
#[derive(Debug)]
struct Unsent(ureq::Error);

impl fmt::Display for Unsent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Unsent {}

/// A resolver or a connector that marks its errors as [`Unsent`], because a ureq error does not say at which
/// stage it occurred.
#[derive(Debug)]
struct MarksUnsent<T>(T);

impl Resolver for MarksUnsent<DefaultResolver> {
    fn resolve(
        &self,
        uri: &http::Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        self.0.resolve(uri, config, timeout).map_err(unsent)
    }
}

impl Connector<()> for MarksUnsent<DefaultConnector> {
    type Out = Box<dyn ureq::unversioned::transport::Transport>;

    fn connect(
        &self,
        details: &ConnectionDetails<'_>,
        chained: Option<()>,
    ) -> Result<Option<Self::Out>, ureq::Error> {
        self.0.connect(details, chained).map_err(unsent)
    }
}

fn unsent(error: ureq::Error) -> ureq::Error {
    match error {
        // These show the URL.
        ureq::Error::BadUri(_) | ureq::Error::RequireHttpsOnly(_) => error,
        error => ureq::Error::Other(Box::new(Unsent(error))),
    }
}

/// Returns whether the error occurs only before a connection exists.
fn is_unreachable(error: &io::Error) -> bool {
    use io::ErrorKind::{AddrNotAvailable, ConnectionRefused, HostUnreachable, NetworkUnreachable};
    matches!(error.kind(), ConnectionRefused | HostUnreachable | NetworkUnreachable | AddrNotAvailable)
        || has_no_descriptor(error, cfg!(windows))
}

/// Returns whether the process or the system has no descriptors left: `ENFILE` and `EMFILE`, on Windows `WSAEMFILE`.
fn has_no_descriptor(error: &io::Error, is_windows: bool) -> bool {
    match error.raw_os_error() {
        Some(10024) => is_windows,
        Some(23 | 24) => !is_windows,
        _ => false,
    }
}

/// Returns whether name resolution failed. On Unix the standard library reports this only in the error's text. On Windows it
/// reports the code: `WSAHOST_NOT_FOUND`, `WSATRY_AGAIN`, `WSANO_RECOVERY`, `WSANO_DATA`.
fn is_unresolved(error: &io::Error, is_windows: bool) -> bool {
    if is_windows {
        return matches!(error.raw_os_error(), Some(11001..=11004));
    }
    error.to_string().starts_with("failed to lookup address information")
}

/// Returns whether the certificate was rejected. This happens before the first byte of the request is sent.
#[cfg(feature = "rustls")]
fn is_untrusted(error: &io::Error) -> bool {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    matches!(inner, Some(rustls::Error::InvalidCertificate(_)))
}

#[cfg(not(feature = "rustls"))]
fn is_untrusted(_: &io::Error) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_does_not_resolve_is_known_on_unix_and_windows() {
        for code in [11001, 11002, 11003, 11004] {
            let error = io::Error::from_raw_os_error(code);
            assert!(is_unresolved(&error, true) && !is_unresolved(&error, false), "{code}");
        }
        assert!(!is_unresolved(&io::Error::from_raw_os_error(10054), true), "WSAECONNRESET");
        // `conformance::unresolved` checks that the standard library says so.
        let error = io::Error::other("failed to lookup address information: Name or service not known");
        assert!(is_unresolved(&error, false) && !is_unresolved(&error, true));
    }

    #[test]
    fn missing_descriptors_are_known_on_unix_and_windows() {
        for (code, on_windows) in [(23, false), (24, false), (10024, true)] {
            let error = io::Error::from_raw_os_error(code);
            assert_eq!([false, true].map(|is| has_no_descriptor(&error, is)), [!on_windows, on_windows]);
        }
        for is_windows in [false, true] {
            assert!(!has_no_descriptor(&io::Error::from_raw_os_error(10054), is_windows));
        }
    }
}
