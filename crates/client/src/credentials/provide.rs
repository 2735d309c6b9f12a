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
    /// When they end; `None` if they do not.
    pub expires: Option<UnixTime>,
}

impl Provided {
    /// Credentials that hold until `expires`.
    #[must_use]
    pub const fn until(credentials: Credentials, expires: UnixTime) -> Self {
        Self { credentials, expires: Some(expires) }
    }
}

impl From<Credentials> for Provided {
    fn from(credentials: Credentials) -> Self {
        Self { credentials, expires: None }
    }
}

/// Where a client's credentials come from. The client keeps what it was given until shortly before it expires, and asks
/// once however many calls are waiting; a failure is not kept.
///
/// [`Credentials`] are a provider that always gives themselves. One of your own need not speak HTTP:
///
/// ```
/// use cloudauth_client::credentials::{Fetch, ProvideCredentials, ProvideError, Provided};
/// use cloudauth_protocol::Credentials;
///
/// /// A file that somebody else keeps fresh.
/// #[derive(Debug)]
/// struct SecretFile;
///
/// impl ProvideCredentials for SecretFile {
///     fn begin(&self) -> Box<dyn Fetch + '_> {
///         let read = std::fs::read_to_string("/run/secrets/cloudauth").map_err(|error| error.kind().to_string());
///         let provided = read.and_then(|secret| {
///             let credentials = Credentials::new("my-key-id", secret.trim()).map_err(|error| error.to_string())?;
///             Ok(Provided::from(credentials))
///         });
///         Box::new(Some(provided.map_err(|why| ProvideError::new("the secret file", why))))
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
        Box::new(Some(Ok(self.clone().into())))
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

/// One that is at its end from the start.
impl Fetch for Option<Result<Provided, ProvideError>> {
    fn next(
        &mut self,
        _: UnixTime,
        _: Entropy,
        _: Option<Result<Response<Body>, TransportError>>,
    ) -> FetchStep {
        FetchStep::Done(
            self.take().unwrap_or_else(|| Err(ProvideError::new("a provider", "was asked twice"))),
        )
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
    One { provider: String, why: String, source: Option<BoxError> },
    All(Vec<ProvideError>),
}

impl ProvideError {
    /// A failure of `provider`. Neither text may hold a secret.
    pub fn new(provider: impl Into<String>, why: impl Into<String>) -> Self {
        Self(Arc::new(Inner::One { provider: provider.into(), why: why.into(), source: None }))
    }

    /// With what is behind it, which must show no secret either.
    #[must_use]
    pub fn with_source(mut self, error: impl Into<BoxError>) -> Self {
        // It was made just now, and is nobody else's yet.
        if let Some(Inner::One { source, .. }) = Arc::get_mut(&mut self.0) {
            *source = Some(error.into());
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
                f.write_str("nobody has credentials")?;
                // All of them are the cause, and an error has one source only: each is told with its own.
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
