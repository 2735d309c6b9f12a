//! The errors of reading a response.

use std::fmt;

use http::StatusCode;

use super::vendor::{RequestId, VendorMessage};
use crate::codes::{Code, GatewayCode};

/// The error of a response that is not a success.
///
/// The service received the request in all three cases. After a gateway error or a refusal, the call was not executed. For
/// codes of a server failure (`InternalError`, `ServiceUnavailable`, an unknown code with HTTP 5xx, `500`) and for a
/// malformed response, it is unknown whether the call was executed.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum ReplyError {
    /// The gateway refused the call before it reached the product.
    Gateway(Box<GatewayError>),
    /// The product refused the call.
    Refused(Box<ProductError>),
    /// The response cannot be read.
    Malformed(Box<MalformedReply>),
}

impl ReplyError {
    /// The vendor's identifier of the call, if the response has one.
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

/// A refusal by the gateway: signature, clock, access key, quota, or an internal failure.
#[derive(Clone, Debug)]
pub struct GatewayError {
    pub(super) code: GatewayCode,
    pub(super) message: VendorMessage,
    pub(super) request_id: Option<RequestId>,
    pub(super) status: StatusCode,
}

impl GatewayError {
    /// The code. Its manual entry says who must act and what to do next.
    #[must_use]
    pub const fn code(&self) -> &GatewayCode {
        &self.code
    }

    /// The vendor's message.
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
pub struct ProductError {
    pub(super) code: Code,
    pub(super) message: VendorMessage,
    pub(super) request_id: Option<RequestId>,
    pub(super) status: StatusCode,
}

impl ProductError {
    /// The code. Its manual entry says who must act and what to do next.
    #[must_use]
    pub const fn code(&self) -> &Code {
        &self.code
    }

    /// The vendor's message.
    #[must_use]
    pub const fn message(&self) -> &VendorMessage {
        &self.message
    }
}

impl fmt::Display for ProductError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the service refused the call with code {}", self.code)?;
        if let Some(manual) = self.code.manual() {
            write!(f, " ({})", manual.meaning.en)?;
        }
        end(f, self.status, self.request_id.as_ref())
    }
}

/// The response cannot be read. Whether the call was executed is unknown.
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
    TooDeep,
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
            Malformation::Empty => f.write_str("the response is empty"),
            Malformation::TooLarge => f.write_str("the response is larger than 1 MiB"),
            Malformation::NotUtf8 => f.write_str("the response is not UTF-8"),
            Malformation::TooDeep => f.write_str("the response nests lists and objects more than 128 deep"),
            Malformation::Markup => f.write_str("the response is HTML or XML instead of JSON"),
            Malformation::Truncated => f.write_str("the response ends in the middle of its JSON"),
            Malformation::NotTheJson { line, column } => {
                write!(f, "the response is not the expected JSON (line {line}, column {column})")
            }
            Malformation::Lacks(field) => write!(f, "the response has no valid {field}"),
            Malformation::StatusContradictsCode => {
                f.write_str("the response has a success code but an HTTP error status")
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
