//! Values as the document writes them, for fields whose type in JSON varies.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, Visitor};
use serde_json::value::RawValue;

use crate::wipe::{WipedString, WipedText};

/// The type name that asks the quick reader for a value as written.
pub(super) const WRITTEN: &str = "cloudauth::Written";
/// The type name that asks the quick reader for the text of a string, or for any other value as written.
pub(super) const TEXT_OR_WRITTEN: &str = "cloudauth::TextOrWritten";

/// A valid JSON value as written, without the blanks around it.
#[derive(Clone, Copy)]
pub(crate) struct Written<'a>(pub(crate) &'a str);

impl<'a> Written<'a> {
    /// The text between the quotes of a string, with its escapes.
    pub(crate) fn quoted(self) -> Option<&'a str> {
        self.0.strip_prefix('"')?.strip_suffix('"')
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Written<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(WRITTEN, AsWritten)
    }
}

struct AsWritten;

impl<'de> Visitor<'de> for AsWritten {
    type Value = Written<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    /// From the quick reader.
    fn visit_borrowed_str<E: Error>(self, written: &'de str) -> Result<Written<'de>, E> {
        Ok(Written(written))
    }

    /// From serde_json, which does not know the name.
    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Written<'de>, D::Error> {
        <&RawValue>::deserialize(deserializer).map(|raw| Written(raw.get()))
    }
}

/// The text of a string if the quick reader reads it, or a value as written.
pub(crate) enum TextOrWritten<'a> {
    Text(WipedText<'a>),
    Written(Written<'a>),
}

impl<'de: 'a, 'a> Deserialize<'de> for TextOrWritten<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(TEXT_OR_WRITTEN, AsText)
    }
}

struct AsText;

impl<'de> Visitor<'de> for AsText {
    type Value = TextOrWritten<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        AsWritten.expecting(f)
    }

    /// A string without escapes, from the quick reader.
    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(TextOrWritten::Text(WipedText::Borrowed(text)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        self.visit_string(text.to_owned())
    }

    /// A string with escapes, from the quick reader.
    fn visit_string<E: Error>(self, text: String) -> Result<Self::Value, E> {
        Ok(TextOrWritten::Text(WipedText::Owned(WipedString::holding(text))))
    }

    /// Another value from the quick reader, or any value from serde_json.
    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        Written::deserialize(deserializer).map(TextOrWritten::Written)
    }
}
