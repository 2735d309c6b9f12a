//! What may be repeated: the table, row by row.
//!
//! | what came | a read | a write |
//! | --- | --- | --- |
//! | nothing was sent | the next endpoint | the next endpoint |
//! | it may have been sent | the next endpoint | once: an orphaned session dies in 30 minutes, and what is billed is the finished verification |
//! | HTTP 5xx without a code, `InternalError`, `ServiceUnavailable`, `500` | the next endpoint | the next endpoint |
//! | `Throttling*` | back off, the same endpoint | likewise |
//! | `InvalidTimeStamp.Expired` | learn the clock's offset, sign anew, once | likewise |
//! | `SignatureNonceUsed` | sign anew, once | likewise |
//! | `406` from another region than the verification's | ask that region | - |
//! | any other code | final | final |
//!
//! By the code; by the HTTP status only where there is no code.

use cloudauth_protocol::{Code, Effect, GatewayCode, ReplyError};
use cloudauth_transport::{Sent, TransportError, TransportErrorKind};

/// What to do about a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Nothing helps.
    Final,
    /// The endpoint is unwell: try the next.
    NextEndpoint {
        /// Whether it may have been executed, so that a write is repeated once at most.
        maybe_executed: bool,
    },
    /// Too fast: wait, and ask the same endpoint.
    BackOff,
    /// The clock is off: learn by how much.
    LearnTime,
    /// The nonce was used: take another.
    NewNonce,
    /// Unknown here: another region may know it.
    OtherRegion,
}

pub(crate) fn of_transport(error: &TransportError) -> Verdict {
    match error.kind() {
        TransportErrorKind::Unsupported | TransportErrorKind::TooLarge => Verdict::Final,
        _ => Verdict::NextEndpoint { maybe_executed: error.sent() == Sent::Maybe },
    }
}

pub(crate) fn of_reply(error: &ReplyError, effect: Effect) -> Verdict {
    match error {
        ReplyError::Gateway(error) => match error.code() {
            GatewayCode::InternalError | GatewayCode::ServiceUnavailable => UNWELL,
            GatewayCode::TimestampExpired => Verdict::LearnTime,
            GatewayCode::SignatureNonceUsed => Verdict::NewNonce,
            code if code.as_str() == "Throttling" || code.as_str().starts_with("Throttling.") => {
                Verdict::BackOff
            }
            _ => Verdict::Final,
        },
        ReplyError::Refused(refusal) => match refusal.code() {
            Code::SystemError => UNWELL,
            Code::InvalidCertifyId if effect == Effect::Read => Verdict::OtherRegion,
            _ => Verdict::Final,
        },
        ReplyError::Malformed(_) if error.status().is_server_error() => UNWELL,
        // An answer cut short, or a proxy's page beside 200: it may have been executed.
        ReplyError::Malformed(_) if error.status().is_success() => {
            Verdict::NextEndpoint { maybe_executed: true }
        }
        _ => Verdict::Final,
    }
}

/// A server that says itself that it failed.
const UNWELL: Verdict = Verdict::NextEndpoint { maybe_executed: false };

impl Verdict {
    /// Whether the endpoint did its part, which is what its breaker wants to know.
    pub(crate) const fn endpoint_is_well(self) -> bool {
        !matches!(self, Self::NextEndpoint { .. })
    }
}
