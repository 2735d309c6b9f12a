//! The interface between the Cloudauth protocol and an HTTP client.
//!
//! A [`Transport`] sends one request and returns one complete response. Its contract:
//!
//! | promise | why |
//! | --- | --- |
//! | no redirect is followed | a signed request, and the person in it, must not reach another host |
//! | no proxy unless one is configured ([`Proxy`]); the environment is not read | for the same reason |
//! | 4xx and 5xx are responses, with their bodies | they contain the gateway's errors |
//! | the size of the body is limited while reading | a faulty peer must not exhaust the memory |
//! | [`Sent`] is truthful | it decides whether a paid call may be retried |
//! | connections are reused | a TLS handshake costs as much as about 24 calls |
//! | dropping the future cancels the request and frees its connection | the caller's deadline applies, and the number of descriptors stays bounded |
//! | a request with a body is sent once | retries are the job of the exchange, which signs each one |
//! | no error shows a URL or a body | with some signatures they contain a name and an ID number |
//! | no log shows them either | if the HTTP client would log the request, the transport refuses to send it |

mod buffer;
mod error;
mod proxy;
mod public;
#[cfg(feature = "testing")]
pub mod testing;

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use cloudauth_protocol::Body;
use http::{Request, Response};

pub use buffer::BodyBuffer;
pub use error::{BoxError, Sent, TransportError, TransportErrorKind};
pub use proxy::{Proxy, ProxyError};
pub use public::{PublicOnly, is_public};

/// Sends requests. Implement it for your own HTTP client, and add no other logic.
#[async_trait]
pub trait Transport: Debug + Send + Sync {
    /// Sends one request and reads the whole response within `limits`.
    async fn send(&self, request: Request<Body>, limits: &Limits) -> Result<Response<Body>, TransportError>;

    /// Waits. It is part of the transport because only the transport knows the runtime.
    async fn sleep(&self, time: Duration);
}

#[async_trait]
impl<T: Transport + ?Sized> Transport for Arc<T> {
    async fn send(&self, request: Request<Body>, limits: &Limits) -> Result<Response<Body>, TransportError> {
        (**self).send(request, limits).await
    }

    async fn sleep(&self, time: Duration) {
        (**self).sleep(time).await;
    }
}

/// Sends requests on the calling thread, with the same contract.
pub trait BlockingTransport: Debug + Send + Sync {
    /// Sends one request and reads the whole response within `limits`.
    ///
    /// # Errors
    /// If there is no complete response.
    fn send(&self, request: Request<Body>, limits: &Limits) -> Result<Response<Body>, TransportError>;

    /// Waits.
    fn sleep(&self, time: Duration) {
        std::thread::sleep(time);
    }
}

impl<T: BlockingTransport + ?Sized> BlockingTransport for Arc<T> {
    fn send(&self, request: Request<Body>, limits: &Limits) -> Result<Response<Body>, TransportError> {
        (**self).send(request, limits)
    }

    fn sleep(&self, time: Duration) {
        (**self).sleep(time);
    }
}

/// The limits of one attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// The time from connecting to the last byte of the body.
    pub attempt: Duration,
    /// The size of the response body, in bytes.
    pub body: usize,
}

impl Limits {
    /// Ten seconds, as in the vendor's sample, and 1 MiB. When a verification starts, the service probes the callback URL and may
    /// fetch a picture before it responds.
    pub const DEFAULT: Self = Self { attempt: Duration::from_secs(10), body: 1 << 20 };

    /// Returns the same limits with another body size.
    #[must_use]
    pub const fn with_body(mut self, bytes: usize) -> Self {
        self.body = bytes;
        self
    }

    /// Returns the same limits with another attempt time.
    #[must_use]
    pub const fn with_attempt(mut self, attempt: Duration) -> Self {
        self.attempt = attempt;
        self
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}
