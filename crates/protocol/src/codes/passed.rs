//! `Passed`: the field that decides, says the vendor.

use std::fmt;

/// `ResultObject.Passed`.
#[derive(Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Passed {
    /// `T`.
    Yes,
    /// `F`.
    No,
    /// Anything else, as it came. It is not a pass.
    Other(Box<str>),
}

impl Passed {
    /// From the wire. Only the documented letters count: `Y` belongs to another product.
    #[must_use]
    pub fn from_wire(text: &str) -> Self {
        match text {
            "T" => Self::Yes,
            "F" => Self::No,
            other => Self::Other(other.into()),
        }
    }

    /// As on the wire.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Yes => "T",
            Self::No => "F",
            Self::Other(text) => text,
        }
    }
}

impl fmt::Debug for Passed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.as_str();
        let shown = if crate::redact::is_plain_identifier(text, 8) { text } else { "(unprintable)" };
        write!(f, "Passed({shown})")
    }
}
