//! Where credentials come from, as a conversation without I/O.

use std::fmt;
use std::sync::Arc;

use cloudauth_protocol::{Body, Credentials, CredentialsError, UnixTime};
use cloudauth_transport::{BoxError, Limits, TransportError};
use http::{Request, Response};

use crate::exchange::Entropy;

/// Credentials, and until when they hold.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Provided {
    /// What to sign with.
    pub credentials: Credentials,
    /// When they end; `None` if they do not, or if nobody knows.
    pub expires: Option<UnixTime>,
    /// When to ask for others, while these still hold. A quarter of an hour before they expire, or at half time, unless
    /// set.
    pub renew: Option<UnixTime>,
}

impl Provided {
    /// Credentials that hold until `expires`.
    #[must_use]
    pub const fn until(credentials: Credentials, expires: UnixTime) -> Self {
        Self { credentials, expires: Some(expires), renew: None }
    }

    /// When to ask for others.
    #[must_use]
    pub const fn renewed_at(mut self, time: UnixTime) -> Self {
        self.renew = Some(time);
        self
    }
}

impl From<Credentials> for Provided {
    fn from(credentials: Credentials) -> Self {
        Self { credentials, expires: None, renew: None }
    }
}

/// Where a client's credentials come from. The client keeps what it was given until shortly before it expires, and asks
/// once however many calls are waiting; a failure is not kept.
///
/// [`Credentials`] are a provider that always gives themselves. One of your own need not speak HTTP:
///
/// ```
/// use std::time::Duration;
///
/// use cloudauth_client::credentials::{Fetch, ProvideCredentials, ProvideError, Provided};
/// use cloudauth_protocol::{Credentials, UnixTime};
///
/// /// A file that somebody else keeps fresh; looked at every five minutes.
/// #[derive(Debug)]
/// struct SecretFile;
///
/// impl ProvideCredentials for SecretFile {
///     fn begin(&self) -> Box<dyn Fetch + '_> {
///         Box::new(|now: UnixTime| {
///             let failed = |why: String| ProvideError::new("the secret file", why);
///             let secret = std::fs::read_to_string("/run/secrets/cloudauth");
///             let secret = secret.map_err(|error| failed(error.kind().to_string()))?;
///             let credentials = Credentials::new("my-key-id", secret.trim());
///             let provided = Provided::from(credentials.map_err(|error| failed(error.to_string()))?);
///             Ok(provided.renewed_at(now.plus(Duration::from_secs(300))))
///         })
///     }
/// }
/// ```
pub trait ProvideCredentials: fmt::Debug + Send + Sync {
    /// Begins to get credentials.
    fn begin(&self) -> Box<dyn Fetch + '_>;
}

impl<T: ProvideCredentials + ?Sized> ProvideCredentials for Arc<T> {
    fn begin(&self) -> Box<dyn Fetch + '_> {
        (**self).begin()
    }
}

impl ProvideCredentials for Credentials {
    fn begin(&self) -> Box<dyn Fetch + '_> {
        Box::new(|_| Ok(self.clone().into()))
    }
}

/// One attempt to get credentials. It is told the time, given entropy and fed what its last request brought, and says
/// what to do next.
pub trait Fetch: Send {
    /// What to do next. `answer` is what came of the last [`FetchStep::Send`], and nothing at first.
    fn next(
        &mut self,
        now: UnixTime,
        entropy: Entropy,
        answer: Option<Result<Response<Body>, TransportError>>,
    ) -> FetchStep;
}

/// One that asks nobody: it is told the time, and is at its end.
impl<F: FnMut(UnixTime) -> Result<Provided, ProvideError> + Send> Fetch for F {
    fn next(
        &mut self,
        now: UnixTime,
        _: Entropy,
        _: Option<Result<Response<Body>, TransportError>>,
    ) -> FetchStep {
        FetchStep::Done(self(now))
    }
}

/// What a [`Fetch`] wants.
#[non_exhaustive]
#[expect(clippy::large_enum_variant, reason = "there is one at a time, and it is taken apart at once")]
pub enum FetchStep {
    /// Send this request, and tell what came of it. Its URL, headers and body may hold secrets.
    Send(Request<Body>, Limits),
    /// The end.
    Done(Result<Provided, ProvideError>),
}

impl fmt::Debug for FetchStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Send(request, _) => {
                write!(f, "Send(to {})", request.uri().host().unwrap_or_default())
            }
            Self::Done(result) => f.debug_tuple("Done").field(result).finish(),
        }
    }
}

/// No credentials: who was asked, and why not. It shows no secret and no answer's text.
#[derive(Clone, Debug)]
pub struct ProvideError(Arc<Inner>);

#[derive(Debug)]
enum Inner {
    One { provider: String, why: String, passing: bool, absent: bool, source: Option<BoxError> },
    All(Vec<ProvideError>),
}

impl ProvideError {
    /// A failure of `provider`. Neither text may hold a secret.
    pub fn new(provider: impl Into<String>, why: impl Into<String>) -> Self {
        Self(Arc::new(Inner::One {
            provider: provider.into(),
            why: why.into(),
            passing: false,
            absent: false,
            source: None,
        }))
    }

    /// With what is behind it, which must show no secret either.
    #[must_use]
    pub fn with_source(self, error: impl Into<BoxError>) -> Self {
        self.changed(|_, _, source| *source = Some(error.into()))
    }

    /// It may be gone when asked again later.
    #[must_use]
    pub fn passing(self) -> Self {
        self.changed(|passing, _, _| *passing = true)
    }

    /// There is nothing to get here: the source is not configured, so that a [`Chain`](super::Chain) asks the next one. Any
    /// other failure ends the chain, since the next source could be another account.
    #[must_use]
    pub fn absent(self) -> Self {
        self.changed(|_, absent, _| *absent = true)
    }

    /// Whether a chain asks the next source.
    #[must_use]
    pub fn is_absent(&self) -> bool {
        match &*self.0 {
            Inner::One { absent, .. } => *absent,
            Inner::All(_) => true,
        }
    }

    /// Whether it may be gone when asked again later; of several, whether any may.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        match &*self.0 {
            Inner::One { passing, .. } => *passing,
            Inner::All(errors) => errors.iter().any(Self::is_passing),
        }
    }

    /// Changes an error that has not been shared yet.
    fn changed(mut self, change: impl FnOnce(&mut bool, &mut bool, &mut Option<BoxError>)) -> Self {
        if let Some(Inner::One { passing, absent, source, .. }) = Arc::get_mut(&mut self.0) {
            change(passing, absent, source);
        }
        self
    }

    pub(super) fn all(errors: Vec<Self>) -> Self {
        Self(Arc::new(Inner::All(errors)))
    }

    pub(super) fn unusable(provider: &str, error: CredentialsError) -> Self {
        Self::new(provider, "gave credentials that cannot be used").with_source(error)
    }
}

impl fmt::Display for ProvideError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.0 {
            Inner::One { provider, why, .. } => write!(f, "{provider}: {why}"),
            Inner::All(errors) => {
                f.write_str("no credentials found")?;
                // An error has one source only, and all of these are the cause: each is printed with its own.
                for error in errors {
                    write!(f, "; {error}")?;
                    let mut source = std::error::Error::source(error);
                    while let Some(error) = source {
                        write!(f, ": {error}")?;
                        source = error.source();
                    }
                }
                Ok(())
            }
        }
    }
}

impl std::error::Error for ProvideError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &*self.0 {
            Inner::One { source, .. } => source.as_deref().map(|error| error as _),
            Inner::All(_) => None,
        }
    }
}
