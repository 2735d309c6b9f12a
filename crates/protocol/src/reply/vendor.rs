//! The vendor's identifier of a call, and the vendor's message.

use std::fmt;
use std::str::FromStr;

use zeroize::Zeroizing;

use crate::redact::{is_plain_identifier, printable};
use crate::values::InvalidValue;

/// The vendor's identifier of one call: an upper-case UUID in all samples. Safe to log and to quote: `Display` and `Debug` mask
/// long runs of digits unless it is a UUID.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RequestId {
    /// The text, followed by zeros: nothing is allocated for it, and it compares as the text does.
    bytes: [u8; LONGEST],
    length: usize,
}

/// The longest identifier.
const LONGEST: usize = 64;

impl RequestId {
    /// `None` if the text is not an identifier.
    pub(crate) fn new(text: &str) -> Option<Self> {
        if !is_plain_identifier(text, LONGEST) {
            return None;
        }
        let mut bytes = [0; LONGEST];
        bytes.get_mut(..text.len())?.copy_from_slice(text.as_bytes());
        Some(Self { bytes, length: text.len() })
    }

    /// Finds a RequestId in an unreadable document: JSON or XML, complete or truncated.
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
        self.bytes.get(..self.length).and_then(|text| std::str::from_utf8(text).ok()).unwrap_or_default()
    }
}

impl FromStr for RequestId {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        Self::new(text)
            .ok_or(InvalidValue::new("RequestId", "must be 1 to 64 letters, digits, `.`, `-` or `_`"))
    }
}

/// The identifier, safe to log. Use `as_str` for the exact text.
impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&printable(self.as_str()))
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RequestId({self})")
    }
}

/// The vendor's message for a code. It can quote the request: `SignatureDoesNotMatch` repeats every parameter, including name and
/// ID number. So it has no `Display`.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct VendorMessage(Zeroizing<Box<str>>);

impl VendorMessage {
    pub(crate) fn new(text: Option<&str>) -> Self {
        Self(Zeroizing::new(text.unwrap_or_default().into()))
    }

    /// The message; empty if missing. Do not log it.
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
