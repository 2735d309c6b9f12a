//! Carries Cloudauth requests over [`ureq`], on the calling thread and without a runtime.
//!
//! No TLS is built in unless the feature `rustls` or `native-tls` asks for it; without, `https` fails with
//! [`TransportErrorKind::Unsupported`] and nothing is sent.
//!
//! At the log level TRACE ureq prints the bytes of every request. While its log is that open, nothing is sent: the call
//! fails with [`TransportErrorKind::Unsupported`] and says which filter helps (`ureq=debug,ureq_proto=debug`).

use std::fmt;
use std::io::{self, Read};
use std::time::Duration;

use cloudauth_protocol::Body;
use cloudauth_transport::{BlockingTransport, Limits, Sent, TransportError, TransportErrorKind};
use http::{Request, Response};
use ureq::{Agent, Timeout};

/// A transport over a [`ureq::Agent`], which it shares and never rebuilds.
#[derive(Clone)]
pub struct UreqTransport {
    agent: Agent,
    /// Whether `https` can be carried. Only the agent that this crate built is known not to.
    knows_tls: bool,
}

impl UreqTransport {
    /// With an agent of its own: no redirects, no proxy, three seconds to connect.
    #[must_use]
    pub fn new() -> Self {
        let config = Agent::config_builder().proxy(None).timeout_connect(Some(Duration::from_secs(3)));
        // ureq does not take it of itself, though it be the only one.
        #[cfg(all(feature = "native-tls", not(feature = "rustls")))]
        let config = config
            .tls_config(ureq::tls::TlsConfig::builder().provider(ureq::tls::TlsProvider::NativeTls).build());
        let knows_tls = cfg!(any(feature = "rustls", feature = "native-tls"));
        Self { agent: config.build().into(), knows_tls }
    }
}

impl Default for UreqTransport {
    fn default() -> Self {
        Self::new()
    }
}

/// With your own agent. Its proxies, connect timeout and TLS settings are kept; redirects are off whatever it says.
impl From<Agent> for UreqTransport {
    fn from(agent: Agent) -> Self {
        Self { agent, knows_tls: true }
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
                "ureq would write the request to the log; set its filter to `ureq=debug,ureq_proto=debug`",
            ));
        }
        let request = self
            .agent
            .configure_request(request.map(|body| body.as_bytes().to_vec()))
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_global(Some(limits.attempt))
            .build();
        let (mut parts, body) = self.agent.run(request).map_err(failed)?.into_parts();
        // ureq keeps the request's URL there.
        parts.extensions.clear();
        // One byte more than allowed, so that "too large" is told from "just large enough".
        let most = u64::try_from(limits.body).unwrap_or(u64::MAX).saturating_add(1);
        let mut bytes = Vec::new();
        body.into_reader().take(most).read_to_end(&mut bytes).map_err(|error| {
            let error = ureq::Error::from(error);
            let late = matches!(error, ureq::Error::Timeout(_));
            let kind = if late { TransportErrorKind::Timeout } else { TransportErrorKind::Broken };
            TransportError::new(kind, Sent::Maybe).with_source(error)
        })?;
        if bytes.len() > limits.body {
            return Err(TransportError::new(TransportErrorKind::TooLarge, Sent::Maybe));
        }
        Ok(Response::from_parts(parts, Body::from(bytes)))
    }
}

/// Whether ureq's log is open wide enough to show URLs and bytes.
fn would_be_logged() -> bool {
    ["ureq::util", "ureq::run", "ureq_proto::util"]
        .into_iter()
        .any(|module| log::log_enabled!(target: module, log::Level::Trace))
}

fn unsupported(why: &'static str) -> TransportError {
    TransportError::new(TransportErrorKind::Unsupported, Sent::No).with_source(why)
}

fn failed(error: ureq::Error) -> TransportError {
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
        ureq::Error::Io(error) if is_unreachable(error) || is_untrusted(error) => {
            (TransportErrorKind::Connect, Sent::No)
        }
        ureq::Error::LargeResponseHeader(..) => (TransportErrorKind::TooLarge, Sent::Maybe),
        ureq::Error::BadUri(_) | ureq::Error::RequireHttpsOnly(_) | ureq::Error::TlsRequired => {
            // These show the URL.
            return TransportError::new(TransportErrorKind::Unsupported, Sent::No);
        }
        _ => (TransportErrorKind::Broken, Sent::Maybe),
    };
    TransportError::new(kind, sent).with_source(error)
}

/// What only the connection's beginning can say.
fn is_unreachable(error: &io::Error) -> bool {
    use io::ErrorKind::{AddrNotAvailable, ConnectionRefused, HostUnreachable, NetworkUnreachable};
    matches!(error.kind(), ConnectionRefused | HostUnreachable | NetworkUnreachable | AddrNotAvailable)
}

/// A certificate is looked at before the first byte of the request is sent.
#[cfg(feature = "rustls")]
fn is_untrusted(error: &io::Error) -> bool {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    matches!(inner, Some(rustls::Error::InvalidCertificate(_)))
}

#[cfg(not(feature = "rustls"))]
fn is_untrusted(_: &io::Error) -> bool {
    false
}
