//! The retry table: what to do after each kind of failure.
//!
//! | failure | read | harmless write, such as `InitFaceVerify` | any other write |
//! | --- | --- | --- | --- |
//! | nothing was sent | next endpoint | next endpoint | next endpoint |
//! | the request may have been executed: reset, timeout, truncated response | next endpoint | once | final |
//! | HTTP 5xx without a known code, `InternalError`, `ServiceUnavailable`, `500` | next endpoint | next endpoint | final |
//! | `Throttling*` | back off, same endpoint | same | same |
//! | `InvalidTimeStamp.Expired` | correct the clock offset, sign again, once | same | same |
//! | `SignatureNonceUsed` | sign again once with a new nonce | same | final |
//! | `InvalidSecurityToken.Expired` | get new credentials, sign again, once | same | same |
//! | `406` from a region that did not start the verification | ask the region that did | same | same |
//! | any other code | final | final | final |
//!
//! The code decides. The HTTP status counts only if there is no code, or an unknown one.

use cloudauth_protocol::{Code, GatewayCode, ReplyError};
use cloudauth_transport::{Sent, TransportError, TransportErrorKind};

/// What to do after a failed attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RetryAction {
    /// Give up: a retry cannot succeed.
    GiveUp,
    /// Try the next endpoint, if the operation may be repeated after this delivery status.
    NextEndpoint(DeliveryStatus),
    /// Wait, then send to the same endpoint.
    BackOff,
    /// Correct the clock offset of the endpoint, then sign again.
    CorrectClock,
    /// Sign again with a new nonce.
    NewNonce,
    /// Get new credentials, then sign again.
    NewCredentials,
    /// Ask another region, which may know the verification.
    OtherRegion,
}

/// The delivery status of a failed attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DeliveryStatus {
    /// The request was not sent.
    NotSent,
    /// The server reported an internal failure.
    ServerFailed,
    /// The request may have been executed.
    Unknown,
}

const SERVER_FAILED: RetryAction = RetryAction::NextEndpoint(DeliveryStatus::ServerFailed);

impl RetryAction {
    /// Returns the action after a transport error.
    pub(crate) fn after_transport(error: &TransportError) -> Self {
        match (error.kind(), error.sent()) {
            (TransportErrorKind::Unsupported | TransportErrorKind::TooLarge, _) => Self::GiveUp,
            (_, Sent::No) => Self::NextEndpoint(DeliveryStatus::NotSent),
            (_, Sent::Maybe) => Self::NextEndpoint(DeliveryStatus::Unknown),
        }
    }

    /// Returns the action after a response that contains no result.
    pub(crate) fn after_reply(error: &ReplyError) -> Self {
        let is_server_error = error.status().is_server_error();
        match error {
            ReplyError::Gateway(error) => match error.code() {
                GatewayCode::InternalError | GatewayCode::ServiceUnavailable => SERVER_FAILED,
                GatewayCode::TimestampExpired => Self::CorrectClock,
                GatewayCode::SignatureNonceUsed => Self::NewNonce,
                GatewayCode::SecurityTokenExpired => Self::NewCredentials,
                code if code.as_str() == "Throttling" || code.as_str().starts_with("Throttling.") => {
                    Self::BackOff
                }
                GatewayCode::Other(_) if is_server_error => SERVER_FAILED,
                _ => Self::GiveUp,
            },
            ReplyError::Refused(refusal) => match refusal.code() {
                Code::SystemError => SERVER_FAILED,
                Code::InvalidCertifyId => Self::OtherRegion,
                _ => Self::GiveUp,
            },
            ReplyError::Malformed(_) if is_server_error => SERVER_FAILED,
            // A truncated response, or a proxy's page with status 200.
            ReplyError::Malformed(_) if error.status().is_success() => {
                Self::NextEndpoint(DeliveryStatus::Unknown)
            }
            _ => Self::GiveUp,
        }
    }

    /// Returns whether the failure counts against the endpoint in its circuit breaker.
    pub(crate) const fn blames_endpoint(self) -> bool {
        matches!(self, Self::NextEndpoint(_))
    }

    /// Returns whether the same call may succeed later.
    pub(crate) const fn is_transient(self) -> bool {
        !matches!(self, Self::GiveUp | Self::NewCredentials | Self::OtherRegion)
    }
}
