//! The errors of reading an answer.

use std::fmt;

use http::StatusCode;

use super::vendor::{RequestId, VendorMessage};
use crate::codes::{Code, GatewayCode};

/// Why there is no reply.
///
/// All three mean that the request arrived. Whether it was executed: a gateway error and a refusal say no, but for
/// those with which a server says that it failed (`InternalError`, `ServiceUnavailable`, an unknown code beside HTTP
/// 5xx, `500`); of them, and of a malformed answer, nobody knows.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum ReplyError {
    /// The gateway turned the call away before the product saw it.
    Gateway(Box<GatewayError>),
    /// The product refused the call.
    Refused(Box<Refusal>),
    /// The answer cannot be understood.
    Malformed(Box<MalformedReply>),
}

impl ReplyError {
    /// The vendor's name of the call, if the answer held one.
    #[must_use]
    pub fn request_id(&self) -> Option<&RequestId> {
        match self {
            Self::Gateway(error) => error.request_id.as_ref(),
            Self::Refused(error) => error.request_id.as_ref(),
            Self::Malformed(error) => error.request_id.as_ref(),
        }
    }

    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Gateway(error) => error.status,
            Self::Refused(error) => error.status,
            Self::Malformed(error) => error.status,
        }
    }
}

impl fmt::Display for ReplyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gateway(error) => error.fmt(f),
            Self::Refused(error) => error.fmt(f),
            Self::Malformed(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for ReplyError {}

/// The gateway turned the call away: signature, clock, key, quota, or its own trouble.
#[derive(Clone, Debug)]
pub struct GatewayError {
    pub(super) code: GatewayCode,
    pub(super) message: VendorMessage,
    pub(super) request_id: Option<RequestId>,
    pub(super) status: StatusCode,
}

impl GatewayError {
    /// The code, which also tells who must act and what to do next.
    #[must_use]
    pub const fn code(&self) -> &GatewayCode {
        &self.code
    }

    /// The vendor's words.
    #[must_use]
    pub const fn message(&self) -> &VendorMessage {
        &self.message
    }
}

impl fmt::Display for GatewayError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the gateway refused the call with {}", self.code)?;
        if let Some(manual) = self.code.manual() {
            write!(f, " ({})", manual.meaning.en)?;
        }
        end(f, self.status, self.request_id.as_ref())
    }
}

/// The product refused the call.
#[derive(Clone, Debug)]
pub struct Refusal {
    pub(super) code: Code,
    pub(super) message: VendorMessage,
    pub(super) request_id: Option<RequestId>,
    pub(super) status: StatusCode,
}

impl Refusal {
    /// The code, which also tells who must act and what to do next.
    #[must_use]
    pub const fn code(&self) -> &Code {
        &self.code
    }

    /// The vendor's words.
    #[must_use]
    pub const fn message(&self) -> &VendorMessage {
        &self.message
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the service refused the call with code {}", self.code)?;
        if let Some(manual) = self.code.manual() {
            write!(f, " ({})", manual.meaning.en)?;
        }
        end(f, self.status, self.request_id.as_ref())
    }
}

/// The answer cannot be understood. Whether the call was executed is unknown.
#[derive(Clone, Debug)]
pub struct MalformedReply {
    pub(super) what: Malformation,
    pub(super) request_id: Option<RequestId>,
    pub(super) status: StatusCode,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Malformation {
    Empty,
    TooLarge,
    NotUtf8,
    Markup,
    Truncated,
    NotTheJson { line: usize, column: usize },
    Lacks(&'static str),
    StatusContradictsCode,
}

impl Malformation {
    pub(super) fn of(error: &serde_json::Error) -> Self {
        if error.is_eof() {
            Self::Truncated
        } else {
            Self::NotTheJson { line: error.line(), column: error.column() }
        }
    }
}

impl fmt::Display for MalformedReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.what {
            Malformation::Empty => f.write_str("the answer is empty"),
            Malformation::TooLarge => f.write_str("the answer is larger than 1 MiB"),
            Malformation::NotUtf8 => f.write_str("the answer is not UTF-8"),
            Malformation::Markup => f.write_str("the answer is HTML or XML where JSON was asked for"),
            Malformation::Truncated => f.write_str("the answer ends in the middle of its JSON"),
            Malformation::NotTheJson { line, column } => {
                write!(f, "the answer is not the JSON that was expected (line {line}, column {column})")
            }
            Malformation::Lacks(field) => write!(f, "the answer lacks {field}, or has it in another form"),
            Malformation::StatusContradictsCode => {
                f.write_str("the answer's code is success and its HTTP status is not")
            }
        }?;
        end(f, self.status, self.request_id.as_ref())
    }
}

fn end(f: &mut fmt::Formatter<'_>, status: StatusCode, request_id: Option<&RequestId>) -> fmt::Result {
    write!(f, ", HTTP {}", status.as_u16())?;
    match request_id {
        Some(id) => write!(f, ", RequestId {id}"),
        None => f.write_str(", no RequestId"),
    }
}
