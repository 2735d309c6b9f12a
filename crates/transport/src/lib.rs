//! The seam between Cloudauth's protocol and an HTTP client.
//!
//! A [`Transport`] carries one request and brings back one response, whole. What it promises:
//!
//! | promise | why |
//! | --- | --- |
//! | no redirect is followed | a signed request, and the person in it, must not reach another host |
//! | no proxy unless one is configured ([`Proxy`]); the environment is not read | likewise |
//! | 4xx and 5xx are responses, with their bodies | the gateway's errors stand there |
//! | the body is bounded while it is read | a broken peer must not fill the memory |
//! | [`Sent`] is truthful | it decides whether a paid call may be repeated |
//! | connections are reused | one TLS handshake costs about 24 calls |
//! | dropping the future cancels the request and frees its connection | the caller's deadline holds, and descriptors stay bounded |
//! | a request with a body is sent once | repeating is the exchange's, which signs anew |
//! | no error shows a URL or a body | under some signatures a name and an ID number stand there |
//! | nor does a log | where the HTTP client would write the request to its own, the transport does not send |

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

pub use error::{BoxError, Sent, TransportError, TransportErrorKind};
pub use proxy::{Proxy, ProxyError};
pub use public::{PublicOnly, is_public};

/// Carries requests. Implement it for a client of your own; keep it to nothing but carrying.
#[async_trait]
pub trait Transport: Debug + Send + Sync {
    /// Sends one request and reads the whole response within `limits`.
    async fn send(&self, request: Request<Body>, limits: &Limits) -> Result<Response<Body>, TransportError>;

    /// Waits. It is here because only the transport knows the runtime.
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

/// Carries requests on the calling thread. The promises are the same.
pub trait BlockingTransport: Debug + Send + Sync {
    /// Sends one request and reads the whole response within `limits`.
    ///
    /// # Errors
    /// If there is no whole response.
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

/// What one attempt may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// From the first byte of the connection to the last of the body.
    pub attempt: Duration,
    /// Bytes of the response's body.
    pub body: usize,
}

impl Limits {
    /// Ten seconds, as in the vendor's sample (the start of a verification probes the callback's address and
    /// may fetch a picture before it answers), and 1 MiB.
    pub const DEFAULT: Self = Self { attempt: Duration::from_secs(10), body: 1 << 20 };

    /// The same limits with another size of the body.
    #[must_use]
    pub const fn with_body(mut self, bytes: usize) -> Self {
        self.body = bytes;
        self
    }

    /// The same limits with another time for the attempt.
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
