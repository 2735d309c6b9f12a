//! The credentials provider, as a state machine without I/O.

use std::fmt;
use std::sync::Arc;

use cloudauth_protocol::{Body, Credentials, UnixTime};
use cloudauth_transport::{Limits, TransportError};
use http::{Request, Response};

use super::error::ProvideError;
use crate::inputs::Entropy;

/// Credentials and their expiry.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ExpiringCredentials {
    /// The credentials.
    pub credentials: Credentials,
    /// When they expire. `None` if they never expire, or if the expiry is unknown.
    pub expires_at: Option<UnixTime>,
    /// When to fetch new ones. The default is 15 minutes before they expire, or halfway through a lifetime of
    /// less than 30 minutes.
    pub renew_at: Option<UnixTime>,
}

impl ExpiringCredentials {
    /// Creates credentials that expire at a known time.
    #[must_use]
    pub const fn new(credentials: Credentials, expires_at: UnixTime) -> Self {
        Self { credentials, expires_at: Some(expires_at), renew_at: None }
    }

    /// Sets the time at which to fetch new ones.
    #[must_use]
    pub const fn renew_at(mut self, time: UnixTime) -> Self {
        self.renew_at = Some(time);
        self
    }
}

/// Credentials without a known expiry.
impl From<Credentials> for ExpiringCredentials {
    fn from(credentials: Credentials) -> Self {
        Self { credentials, expires_at: None, renew_at: None }
    }
}

/// A credentials provider. The client caches the credentials until shortly before they expire. It fetches them once for all
/// calls that wait, and does not cache failures.
///
/// [`Credentials`] are a provider that always returns itself. A provider of your own does not have to use HTTP:
///
/// ```
/// use std::time::Duration;
///
/// use cloudauth_client::credentials::{
///     CredentialExchange, ExpiringCredentials, ProvideCredentials, ProvideError,
/// };
/// use cloudauth_protocol::{Credentials, UnixTime};
///
/// /// A file that another process keeps up to date. It is read again every five minutes.
/// #[derive(Debug)]
/// struct SecretFile;
///
/// impl ProvideCredentials for SecretFile {
///     fn begin(&self) -> Box<dyn CredentialExchange + '_> {
///         Box::new(|now: UnixTime| {
///             let failed = |reason: String| ProvideError::new("secret file", reason);
///             let secret = std::fs::read_to_string("/run/secrets/cloudauth");
///             let secret = secret.map_err(|error| failed(error.kind().to_string()))?;
///             let credentials = Credentials::new("my-key-id", secret.trim());
///             let credentials = credentials.map_err(|error| failed(error.to_string()))?;
///             Ok(ExpiringCredentials::from(credentials).renew_at(now.plus(Duration::from_secs(300))))
///         })
///     }
/// }
/// ```
pub trait ProvideCredentials: fmt::Debug + Send + Sync {
    /// Starts an exchange that fetches credentials.
    fn begin(&self) -> Box<dyn CredentialExchange + '_>;
}

impl<T: ProvideCredentials + ?Sized> ProvideCredentials for Arc<T> {
    fn begin(&self) -> Box<dyn CredentialExchange + '_> {
        (**self).begin()
    }
}

impl ProvideCredentials for Credentials {
    fn begin(&self) -> Box<dyn CredentialExchange + '_> {
        Box::new(|_| Ok(self.clone().into()))
    }
}

/// One attempt to fetch credentials, as a state machine. Its caller passes in the time, random bytes and the outcome of the
/// last request; it returns the next step.
pub trait CredentialExchange: Send {
    /// Returns the next step. `answer` is the outcome of the last [`CredentialStep::Send`], and `None` at first.
    fn next(
        &mut self,
        now: UnixTime,
        entropy: Entropy,
        answer: Option<Result<Response<Body>, TransportError>>,
    ) -> CredentialStep;
}

/// An exchange without requests: a function of the time.
impl<F: FnMut(UnixTime) -> Result<ExpiringCredentials, ProvideError> + Send> CredentialExchange for F {
    fn next(
        &mut self,
        now: UnixTime,
        _: Entropy,
        _: Option<Result<Response<Body>, TransportError>>,
    ) -> CredentialStep {
        CredentialStep::Done(self(now))
    }
}

/// The next step of a [`CredentialExchange`]. `Debug` shows only the host of a request.
#[non_exhaustive]
#[expect(clippy::large_enum_variant, reason = "only one exists at a time, and it is matched immediately")]
pub enum CredentialStep {
    /// Send this request, and pass its outcome to the next step. URL, headers and body may hold secrets.
    Send(Request<Body>, Limits),
    /// The exchange is complete.
    Done(Result<ExpiringCredentials, ProvideError>),
}

impl fmt::Debug for CredentialStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Send(request, _) => {
                write!(f, "Send(to {})", request.uri().host().unwrap_or_default())
            }
            Self::Done(result) => f.debug_tuple("Done").field(result).finish(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_of_a_step_shows_the_host_and_the_key_id_only() {
        let request = Request::get("https://sts.example/planted?token=planted").header("x-token", "planted");
        let send = CredentialStep::Send(request.body(Body::from("planted")).unwrap(), Limits::DEFAULT);
        assert_eq!(format!("{send:?}"), "Send(to sts.example)");
        let by = Credentials::temporary("STS.id", "planted", "planted").unwrap();
        let done = format!("{:?}", CredentialStep::Done(Ok(by.into())));
        assert!(done.contains("STS.id") && !done.contains("planted"), "{done}");
        let failed = CredentialStep::Done(Err(ProvideError::new("vault", "sealed")));
        assert!(format!("{failed:?}").contains("sealed"));
    }
}
