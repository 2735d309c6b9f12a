//! The error of a call.

use std::fmt;

use cloudauth_protocol::{BuildError, Code, Endpoint, GatewayCode, ReplyError, RequestId};
use cloudauth_transport::{Sent, TransportError};

use crate::credentials::ProvideError;
use crate::verdict::{self, Verdict};

/// A call that failed. `Display` is one line that is useful alone: the operation, the endpoint's host, the number of
/// attempts if there were several, what failed, the code and the RequestId. The sources add the HTTP client's or the
/// provider's own error and repeat nothing. None of them shows a parameter, a URL or a body.
#[derive(Debug)]
pub struct Error(Box<Inner>);

#[derive(Debug)]
struct Inner {
    action: Box<str>,
    host: Box<str>,
    attempts: u32,
    maybe_executed: bool,
    problem: Problem,
}

#[derive(Debug)]
pub(crate) enum Problem {
    Build(BuildError),
    Entropy(getrandom::Error),
    Credentials(ProvideError),
    Transport(TransportError),
    Reply(ReplyError),
    Deadline,
    Abandoned,
}

impl Problem {
    /// Whether the attempt that ended so may have been executed.
    pub(crate) fn maybe_executed(&self) -> bool {
        match self {
            Self::Build(_) | Self::Entropy(_) | Self::Credentials(_) | Self::Deadline => false,
            Self::Abandoned => true,
            Self::Transport(error) => error.sent() == Sent::Maybe,
            Self::Reply(ReplyError::Gateway(error)) => match error.code() {
                GatewayCode::InternalError | GatewayCode::ServiceUnavailable => true,
                // The nonce was new here: whoever used it carried this very request.
                GatewayCode::SignatureNonceUsed => true,
                GatewayCode::Other(_) => self.is_server_error(),
                _ => false,
            },
            Self::Reply(ReplyError::Refused(refusal)) => *refusal.code() == Code::SystemError,
            Self::Reply(_) => true,
        }
    }

    fn is_server_error(&self) -> bool {
        matches!(self, Self::Reply(error) if error.status().is_server_error())
    }
}

impl From<BuildError> for Problem {
    fn from(error: BuildError) -> Self {
        Self::Build(error)
    }
}

/// What failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The request could not be written, or the system gave no random bytes.
    Build,
    /// There are no credentials, or none that hold.
    Credentials,
    /// No response came.
    Transport,
    /// The gateway turned the call away; see [`Error::gateway_code`].
    Gateway,
    /// The product refused the call; see [`Error::code`].
    Refused,
    /// The answer cannot be understood.
    Malformed,
    /// The time for the whole call was over before any attempt could begin.
    Deadline,
}

/// Whether the service may have acted on a call that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Executed {
    /// No.
    No,
    /// Nobody knows. Of an `InitFaceVerify`, a session may exist that nobody will use; it dies in 30 minutes.
    Maybe,
}

impl Error {
    /// `maybe_executed` speaks of all attempts, the problem of the last.
    pub(crate) fn new(
        action: &str,
        endpoint: &Endpoint,
        attempts: u32,
        maybe_executed: bool,
        problem: Problem,
    ) -> Self {
        let host = endpoint.host().into();
        Self(Box::new(Inner { action: action.into(), host, attempts, maybe_executed, problem }))
    }

    /// How often the call was sent.
    #[must_use]
    pub fn attempts(&self) -> u32 {
        self.0.attempts
    }

    /// What failed, without operation and host.
    #[cfg(feature = "tracing")]
    pub(crate) const fn problem(&self) -> &Problem {
        &self.0.problem
    }

    /// The host of the last attempt's endpoint.
    #[cfg(feature = "tracing")]
    pub(crate) fn host(&self) -> &str {
        &self.0.host
    }

    /// What failed.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match &self.0.problem {
            Problem::Build(_) | Problem::Entropy(_) => ErrorKind::Build,
            Problem::Credentials(_) => ErrorKind::Credentials,
            Problem::Transport(_) => ErrorKind::Transport,
            Problem::Reply(ReplyError::Gateway(_)) => ErrorKind::Gateway,
            Problem::Reply(ReplyError::Refused(_)) => ErrorKind::Refused,
            Problem::Reply(_) => ErrorKind::Malformed,
            Problem::Deadline | Problem::Abandoned => ErrorKind::Deadline,
        }
    }

    /// Whether it may be gone when asked again later: the network, an endpoint that is unwell, too many requests.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        let verdict = match &self.0.problem {
            Problem::Transport(error) => verdict::of_transport(error),
            Problem::Reply(error) => verdict::of_reply(error),
            Problem::Deadline | Problem::Abandoned | Problem::Entropy(_) => return true,
            Problem::Credentials(error) => return error.is_passing(),
            Problem::Build(_) => return false,
        };
        !matches!(verdict, Verdict::Final | Verdict::NewCredentials | Verdict::OtherRegion)
    }

    /// The answer that was no result, if there was one.
    #[must_use]
    pub fn reply(&self) -> Option<&ReplyError> {
        match &self.0.problem {
            Problem::Reply(error) => Some(error),
            _ => None,
        }
    }

    /// The transport's error, if that is what failed.
    #[must_use]
    pub fn transport(&self) -> Option<&TransportError> {
        match &self.0.problem {
            Problem::Transport(error) => Some(error),
            _ => None,
        }
    }

    /// The product's code, if the product refused the call.
    #[must_use]
    pub fn code(&self) -> Option<&Code> {
        match self.reply() {
            Some(ReplyError::Refused(refusal)) => Some(refusal.code()),
            _ => None,
        }
    }

    /// The gateway's code, if the gateway turned the call away.
    #[must_use]
    pub fn gateway_code(&self) -> Option<&GatewayCode> {
        match self.reply() {
            Some(ReplyError::Gateway(error)) => Some(error.code()),
            _ => None,
        }
    }

    /// The vendor's name of the call, if an answer held one.
    #[must_use]
    pub fn request_id(&self) -> Option<&RequestId> {
        self.reply().and_then(ReplyError::request_id)
    }

    /// Whether the service may have acted on the call, in any of its attempts.
    #[must_use]
    pub fn executed(&self) -> Executed {
        if self.0.maybe_executed { Executed::Maybe } else { Executed::No }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}", self.0.action, self.0.host)?;
        if self.0.attempts > 1 {
            write!(f, ", {} attempts", self.0.attempts)?;
        }
        write!(f, ": {}", self.0.problem)
    }
}

/// What failed, complete except for the source.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Build(error) => write!(f, "cannot build the request: {error}"),
            Self::Entropy(_) => f.write_str("the system gave no random bytes"),
            Self::Credentials(error) => write!(f, "credentials: {error}"),
            Self::Transport(error) => error.fmt(f),
            Self::Reply(error) => error.fmt(f),
            Self::Deadline => f.write_str("deadline exceeded before the request could be sent"),
            Self::Abandoned => f.write_str("the call was abandoned without an answer"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.0.problem {
            Problem::Entropy(error) => Some(error),
            // `Display` has these errors themselves.
            Problem::Build(error) => error.source(),
            Problem::Credentials(error) => error.source(),
            Problem::Transport(error) => error.source(),
            Problem::Reply(error) => error.source(),
            Problem::Deadline | Problem::Abandoned => None,
        }
    }
}
