//! What may be repeated: the table, row by row.
//!
//! | what came | a read | a harmless write, as a start | any other write |
//! | --- | --- | --- | --- |
//! | nothing was sent | the next endpoint | the next endpoint | the next endpoint |
//! | it may have been executed: reset, timeout, cut short | the next endpoint | once | final |
//! | HTTP 5xx without a known code, `InternalError`, `ServiceUnavailable`, `500` | the next endpoint | the next endpoint | final |
//! | `Throttling*` | back off, the same endpoint | likewise | likewise |
//! | `InvalidTimeStamp.Expired` | learn the clock's offset, sign anew, once | likewise | likewise |
//! | `SignatureNonceUsed` | sign anew, once | likewise | final |
//! | `InvalidSecurityToken.Expired` | other credentials, sign anew, once | likewise | likewise |
//! | `406` from another region than the verification's | ask that region | likewise | likewise |
//! | any other code | final | final | final |
//!
//! By the code; by the HTTP status only where there is no code, or an unknown one.

use cloudauth_protocol::{Code, GatewayCode, ReplyError};
use cloudauth_transport::{Sent, TransportError, TransportErrorKind};

/// What to do about a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Nothing helps.
    Final,
    /// The endpoint is unwell: try the next, if the operation may be repeated after that.
    NextEndpoint(Fate),
    /// Too fast: wait, and ask the same endpoint.
    BackOff,
    /// The clock is off: learn by how much.
    LearnTime,
    /// The nonce was used: take another.
    NewNonce,
    /// The security token has expired: take others.
    NewCredentials,
    /// Unknown here: another region may know it.
    OtherRegion,
}

/// What is known of an attempt that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It was not sent.
    NotSent,
    /// The server says that it failed.
    Failed,
    /// Nobody knows.
    Unknown,
}

pub(crate) fn of_transport(error: &TransportError) -> Verdict {
    match error.kind() {
        TransportErrorKind::Unsupported | TransportErrorKind::TooLarge => Verdict::Final,
        _ => Verdict::NextEndpoint(if error.sent() == Sent::No { Fate::NotSent } else { Fate::Unknown }),
    }
}

pub(crate) fn of_reply(error: &ReplyError) -> Verdict {
    let server_failed = error.status().is_server_error();
    match error {
        ReplyError::Gateway(error) => match error.code() {
            GatewayCode::InternalError | GatewayCode::ServiceUnavailable => UNWELL,
            GatewayCode::TimestampExpired => Verdict::LearnTime,
            GatewayCode::SignatureNonceUsed => Verdict::NewNonce,
            GatewayCode::SecurityTokenExpired => Verdict::NewCredentials,
            code if code.as_str() == "Throttling" || code.as_str().starts_with("Throttling.") => {
                Verdict::BackOff
            }
            GatewayCode::Other(_) if server_failed => UNWELL,
            _ => Verdict::Final,
        },
        ReplyError::Refused(refusal) => match refusal.code() {
            Code::SystemError => UNWELL,
            Code::InvalidCertifyId => Verdict::OtherRegion,
            _ => Verdict::Final,
        },
        ReplyError::Malformed(_) if server_failed => UNWELL,
        // An answer cut short, or a proxy's page beside 200.
        ReplyError::Malformed(_) if error.status().is_success() => Verdict::NextEndpoint(Fate::Unknown),
        _ => Verdict::Final,
    }
}

const UNWELL: Verdict = Verdict::NextEndpoint(Fate::Failed);

impl Verdict {
    /// Whether the endpoint did its part, which is what its breaker wants to know.
    pub(crate) const fn endpoint_is_well(self) -> bool {
        !matches!(self, Self::NextEndpoint(_))
    }
}
