//! The error of a call.

use std::fmt;

use cloudauth_protocol::{BuildError, Code, Endpoint, GatewayCode, ReplyError, RequestId};
use cloudauth_transport::{Sent, TransportError};

use crate::credentials::ProvideError;
use crate::retry::RetryAction;

/// The error of a call.
///
/// `Display` is a single line that is complete in itself: the operation, the host of the endpoint, the number
/// of attempts if there were several, the reason, the code and the RequestId. The sources add the error of
/// the HTTP client or of the credentials provider, without repeating anything. None of them shows a
/// parameter, a URL or a body.
#[derive(Debug)]
pub struct Error(Box<Inner>);

#[derive(Debug)]
struct Inner {
    action: Box<str>,
    host: Box<str>,
    attempts: u32,
    maybe_executed: bool,
    failure: Failure,
}

/// The failure of one attempt. `Display` is complete except for its source.
#[derive(Debug)]
pub(crate) enum Failure {
    Build(BuildError),
    Entropy(getrandom::Error),
    Credentials(ProvideError),
    Transport(TransportError),
    Reply(ReplyError),
    Deadline,
    Abandoned,
}

/// The kind of failure that ended a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The request could not be built, or the system provided no random bytes.
    Build,
    /// No valid credentials were found.
    Credentials,
    /// No response was received.
    Transport,
    /// The gateway rejected the request; see [`Error::gateway_code`].
    Gateway,
    /// The service refused the call; see [`Error::code`].
    Refused,
    /// The response could not be parsed.
    Malformed,
    /// The deadline of the call passed before an attempt could begin.
    Deadline,
}

/// Whether the service may have executed a call that failed. Exhaustive: what is not certain is `Maybe`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Executed {
    /// The service did not execute the call.
    No,
    /// Unknown. A failed `InitFaceVerify` may leave an unused session, which expires after 30 minutes.
    Maybe,
}

impl Error {
    /// Creates the error of a call. `maybe_executed` covers all attempts; `failure` is from the last one.
    pub(crate) fn new(
        action: &str,
        endpoint: &Endpoint,
        attempts: u32,
        maybe_executed: bool,
        failure: Failure,
    ) -> Self {
        let host = endpoint.host().into();
        Self(Box::new(Inner { action: action.into(), host, attempts, maybe_executed, failure }))
    }

    /// Returns the number of requests sent.
    #[must_use]
    pub fn attempts(&self) -> u32 {
        self.0.attempts
    }

    /// Returns the kind of the failure.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.failure.kind()
    }

    /// Returns whether the same call may succeed later: the network failed, the endpoint failed, or there
    /// were too many requests.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match &self.0.failure {
            Failure::Transport(error) => RetryAction::after_transport(error).is_transient(),
            Failure::Reply(error) => RetryAction::after_reply(error).is_transient(),
            Failure::Credentials(error) => error.is_transient(),
            Failure::Deadline | Failure::Abandoned | Failure::Entropy(_) => true,
            Failure::Build(_) => false,
        }
    }

    /// Returns whether the service may have executed the call, in any of its attempts.
    #[must_use]
    pub fn executed(&self) -> Executed {
        if self.0.maybe_executed { Executed::Maybe } else { Executed::No }
    }

    /// Returns whether only an earlier attempt may have been executed: the last one was not sent.
    #[must_use]
    pub fn maybe_executed_earlier(&self) -> bool {
        self.0.maybe_executed && self.transport().is_some_and(|error| error.sent() == Sent::No)
    }

    /// Returns the service's code, if the service refused the call.
    #[must_use]
    pub fn code(&self) -> Option<&Code> {
        match self.reply() {
            Some(ReplyError::Refused(refusal)) => Some(refusal.code()),
            _ => None,
        }
    }

    /// Returns the gateway's code, if the gateway rejected the request.
    #[must_use]
    pub fn gateway_code(&self) -> Option<&GatewayCode> {
        match self.reply() {
            Some(ReplyError::Gateway(error)) => Some(error.code()),
            _ => None,
        }
    }

    /// Returns the vendor's id of the request, if the response has one.
    #[must_use]
    pub fn request_id(&self) -> Option<&RequestId> {
        self.reply().and_then(ReplyError::request_id)
    }

    /// Returns the error in the response, if a response was received.
    #[must_use]
    pub fn reply(&self) -> Option<&ReplyError> {
        match &self.0.failure {
            Failure::Reply(error) => Some(error),
            _ => None,
        }
    }

    /// Returns the transport's error, if no response was received.
    #[must_use]
    pub fn transport(&self) -> Option<&TransportError> {
        match &self.0.failure {
            Failure::Transport(error) => Some(error),
            _ => None,
        }
    }

    /// Returns the error of the credentials, if the request was not signed for lack of them.
    #[must_use]
    pub fn credentials(&self) -> Option<&ProvideError> {
        match &self.0.failure {
            Failure::Credentials(error) => Some(error),
            _ => None,
        }
    }

    /// Returns the error of the request, if it could not be built.
    #[must_use]
    pub fn build(&self) -> Option<&BuildError> {
        match &self.0.failure {
            Failure::Build(error) => Some(error),
            _ => None,
        }
    }

    /// Returns the failure of the last attempt, without operation and host.
    #[cfg(feature = "tracing")]
    pub(crate) const fn failure(&self) -> &Failure {
        &self.0.failure
    }

    /// Returns the operation, such as `DescribeFaceVerify`.
    #[must_use]
    pub fn action(&self) -> &str {
        &self.0.action
    }

    /// Returns the host of the last attempt's endpoint.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.0.host
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}", self.0.action, self.0.host)?;
        if self.0.attempts > 1 {
            write!(f, ", {} attempts", self.0.attempts)?;
        }
        write!(f, ": {}", self.0.failure)?;
        // Otherwise the text would say that nothing was sent.
        if self.maybe_executed_earlier() {
            f.write_str("; an earlier attempt may have been executed")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.0.failure {
            Failure::Entropy(error) => Some(error),
            // `Display` includes these errors: the chain continues with their sources.
            Failure::Build(error) => error.source(),
            Failure::Credentials(error) => error.source(),
            Failure::Transport(error) => error.source(),
            Failure::Reply(error) => error.source(),
            Failure::Deadline | Failure::Abandoned => None,
        }
    }
}

impl Failure {
    pub(crate) const fn kind(&self) -> ErrorKind {
        match self {
            Self::Build(_) | Self::Entropy(_) => ErrorKind::Build,
            Self::Credentials(_) => ErrorKind::Credentials,
            Self::Transport(_) => ErrorKind::Transport,
            Self::Reply(ReplyError::Gateway(_)) => ErrorKind::Gateway,
            Self::Reply(ReplyError::Refused(_)) => ErrorKind::Refused,
            Self::Reply(_) => ErrorKind::Malformed,
            Self::Deadline | Self::Abandoned => ErrorKind::Deadline,
        }
    }

    /// Returns whether the failed attempt may have been executed.
    pub(crate) fn maybe_executed(&self) -> bool {
        match self {
            Self::Build(_) | Self::Entropy(_) | Self::Credentials(_) | Self::Deadline => false,
            Self::Abandoned => true,
            Self::Transport(error) => error.sent() == Sent::Maybe,
            Self::Reply(ReplyError::Gateway(error)) => match error.code() {
                GatewayCode::InternalError | GatewayCode::ServiceUnavailable => true,
                // The nonce was new here, so only a copy of this request can have used it.
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

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Build(error) => write!(f, "cannot build the request: {error}"),
            Self::Entropy(_) => f.write_str("the system provided no random bytes"),
            Self::Credentials(error) => write!(f, "credentials: {error}"),
            Self::Transport(error) => error.fmt(f),
            Self::Reply(error) => error.fmt(f),
            Self::Deadline => f.write_str("deadline exceeded before the request could be sent"),
            Self::Abandoned => f.write_str("the call was abandoned without a response"),
        }
    }
}

impl From<BuildError> for Failure {
    fn from(error: BuildError) -> Self {
        Self::Build(error)
    }
}
