//! The errors of reading an answer.

use std::fmt;

use http::StatusCode;

use crate::codes::{Code, GatewayCode};
use crate::redact::{is_plain_identifier, printable};

/// The vendor's name of one call: an upper-case UUID in all samples. Safe to log and to quote: `Display` and `Debug` mask
/// long runs of digits in one that is not a UUID.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct RequestId(Box<str>);

impl RequestId {
    /// `None` if the text is no identifier.
    pub(crate) fn new(text: &str) -> Option<Self> {
        is_plain_identifier(text, 64).then(|| Self(text.into()))
    }

    /// Finds what looks like one in a document that cannot be read, JSON or XML, whole or truncated.
    pub(crate) fn salvage(document: &[u8]) -> Option<Self> {
        const KEY: &[u8] = b"RequestId";
        let at = document.windows(KEY.len()).position(|window| window.eq_ignore_ascii_case(KEY))?;
        let after = document.get(at + KEY.len()..)?;
        let is_part = |byte: &u8| byte.is_ascii_hexdigit() || *byte == b'-';
        let start = after.iter().take(8).position(is_part)?;
        let id: Vec<u8> = after.iter().skip(start).copied().take_while(is_part).collect();
        let text = String::from_utf8(id).ok().filter(|text| text.len() >= 8)?;
        Self::new(&text)
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&printable(&self.0))
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RequestId({self})")
    }
}

/// The vendor's words beside a code. They can quote the request: `SignatureDoesNotMatch` repeats every
/// parameter, name and ID number included. So they have no `Display`.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct VendorMessage(Box<str>);

impl VendorMessage {
    pub(crate) fn new(text: Option<&str>) -> Self {
        Self(text.unwrap_or_default().into())
    }

    /// The words themselves; empty if there were none. Don't log them.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for VendorMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VendorMessage({} bytes)", self.0.len())
    }
}

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
