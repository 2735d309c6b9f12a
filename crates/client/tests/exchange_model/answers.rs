//! The answers of the scripts: what the service sends, and how the design classifies it.

use std::time::Duration;

use cloudauth_client::ErrorKind;
use cloudauth_transport::{Sent, TransportError, TransportErrorKind};

use crate::world::{Answer, response};

/// An operation of each effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Op {
    /// `DescribeFaceVerify`, a read about a verification.
    Read,
    /// `InitFaceVerify`, a harmless write, which starts a verification.
    Start,
    /// Any other write.
    Write,
}

/// The kinds of answers, one for each row of the retry table, and for each way in which a row looks on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Success,
    NotSent,
    Lost,
    TooLarge,
    Unsupported,
    InternalError,
    ServiceUnavailable,
    SystemError,
    UnknownServerError,
    BadGateway,
    EmptyGatewayTimeout,
    Truncated,
    /// With the wait that the service asks for, in milliseconds.
    Throttled(Option<u64>),
    TimestampExpired,
    NonceUsed,
    TokenExpired,
    UnknownVerification,
    WrongSignature,
    Refused,
    NotFoundPage,
}

/// The header `Date` of a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Date {
    Missing,
    Right,
    /// The response came from a cache.
    Cached,
    TwoDaysAhead,
}

/// One answer of a script.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Answered {
    pub(crate) kind: Kind,
    pub(crate) date: Date,
    /// The time until the answer, if the attempt has no shorter limit.
    pub(crate) took: Duration,
}

/// The row of the retry table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Row {
    NotSent,
    MaybeExecuted,
    ServerFailed,
    Throttled(Option<Duration>),
    ClockWrong,
    NonceUsed,
    TokenExpired,
    UnknownVerification,
    Final,
}

impl Kind {
    pub(crate) const ALL: [Self; 21] = [
        Self::Success,
        Self::NotSent,
        Self::Lost,
        Self::TooLarge,
        Self::Unsupported,
        Self::InternalError,
        Self::ServiceUnavailable,
        Self::SystemError,
        Self::UnknownServerError,
        Self::BadGateway,
        Self::EmptyGatewayTimeout,
        Self::Truncated,
        Self::Throttled(None),
        Self::Throttled(Some(3_000)),
        Self::TimestampExpired,
        Self::NonceUsed,
        Self::TokenExpired,
        Self::UnknownVerification,
        Self::WrongSignature,
        Self::Refused,
        Self::NotFoundPage,
    ];

    /// A success, and one answer for each row of the retry table.
    pub(crate) const ROWS: [Self; 10] = [
        Self::Success,
        Self::NotSent,
        Self::Lost,
        Self::InternalError,
        Self::Throttled(None),
        Self::TimestampExpired,
        Self::NonceUsed,
        Self::TokenExpired,
        Self::UnknownVerification,
        Self::WrongSignature,
    ];

    /// The row of the table in the module `retry`. `None` for a success.
    pub(crate) fn row(self) -> Option<Row> {
        Some(match self {
            Self::Success => return None,
            Self::NotSent => Row::NotSent,
            Self::Lost | Self::Truncated => Row::MaybeExecuted,
            Self::InternalError
            | Self::ServiceUnavailable
            | Self::SystemError
            | Self::UnknownServerError
            | Self::BadGateway
            | Self::EmptyGatewayTimeout => Row::ServerFailed,
            Self::Throttled(hint) => Row::Throttled(hint.map(Duration::from_millis)),
            Self::TimestampExpired => Row::ClockWrong,
            Self::NonceUsed => Row::NonceUsed,
            Self::TokenExpired => Row::TokenExpired,
            Self::UnknownVerification => Row::UnknownVerification,
            Self::TooLarge
            | Self::Unsupported
            | Self::WrongSignature
            | Self::Refused
            | Self::NotFoundPage => Row::Final,
        })
    }

    /// Whether the service may have executed the request.
    pub(crate) fn may_be_executed(self) -> bool {
        match self.row() {
            Some(Row::MaybeExecuted | Row::ServerFailed | Row::NonceUsed) => true,
            // The sender of the page may have passed the request on.
            _ => matches!(self, Self::TooLarge | Self::NotFoundPage),
        }
    }

    /// The kind of the error of a call that ends with this answer.
    pub(crate) fn error(self) -> ErrorKind {
        match self {
            Self::NotSent | Self::Lost | Self::TooLarge | Self::Unsupported => ErrorKind::Transport,
            Self::SystemError | Self::UnknownVerification | Self::Refused => ErrorKind::Refused,
            Self::BadGateway | Self::EmptyGatewayTimeout | Self::Truncated | Self::NotFoundPage => {
                ErrorKind::Malformed
            }
            _ => ErrorKind::Gateway,
        }
    }

    pub(crate) fn is_response(self) -> bool {
        self.error() != ErrorKind::Transport
    }

    /// The answer on the wire, with headers.
    pub(crate) fn answer(self, op: Op, headers: &[(&str, &str)]) -> Answer {
        let broken = |kind, sent| Err(TransportError::new(kind, sent));
        let respond = |status, body| response(status, headers, body);
        match self {
            Self::Success => match op {
                Op::Read => respond(200, r#"{"Code":"424"}"#),
                Op::Start => respond(200, r#"{"Code":"200","ResultObject":{"CertifyId":"sha1"}}"#),
                Op::Write => respond(200, r#"{"Code":"200"}"#),
            },
            Self::NotSent => broken(TransportErrorKind::Connect, Sent::No),
            Self::Lost => broken(TransportErrorKind::Broken, Sent::Maybe),
            Self::TooLarge => broken(TransportErrorKind::TooLarge, Sent::Maybe),
            Self::Unsupported => broken(TransportErrorKind::Unsupported, Sent::No),
            Self::InternalError => respond(500, r#"{"Code":"InternalError"}"#),
            Self::ServiceUnavailable => respond(503, r#"{"Code":"ServiceUnavailable"}"#),
            Self::SystemError => respond(200, r#"{"Code":"500"}"#),
            Self::UnknownServerError => respond(500, r#"{"Code":"UnknownError"}"#),
            Self::BadGateway => respond(502, "<html>bad gateway</html>"),
            Self::EmptyGatewayTimeout => respond(504, ""),
            Self::Truncated => respond(200, r#"{"Code":"#),
            Self::Throttled(_) => respond(400, r#"{"Code":"Throttling.User"}"#),
            Self::TimestampExpired => respond(400, r#"{"Code":"InvalidTimeStamp.Expired"}"#),
            Self::NonceUsed => respond(400, r#"{"Code":"SignatureNonceUsed"}"#),
            Self::TokenExpired => respond(400, r#"{"Code":"InvalidSecurityToken.Expired"}"#),
            Self::UnknownVerification => respond(200, r#"{"Code":"406"}"#),
            Self::WrongSignature => respond(400, r#"{"Code":"SignatureDoesNotMatch"}"#),
            Self::Refused => respond(200, r#"{"Code":"401"}"#),
            Self::NotFoundPage => respond(404, "<html>not found</html>"),
        }
    }
}
