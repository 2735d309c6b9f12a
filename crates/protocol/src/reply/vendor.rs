//! What every answer says of the call: the vendor's name of it, and words.

use std::fmt;

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
