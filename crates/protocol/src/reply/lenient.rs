//! Fields whose actual JSON type can differ from the documented one.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::grammar;
use crate::json::{TextOrWritten, Written, unescape};
use crate::wipe::WipedText;

/// A string, or the text of a number or a boolean; borrowed from the document if possible.
#[derive(Default)]
pub(crate) enum LenientString<'a> {
    /// Absent, or `null`.
    #[default]
    Missing,
    /// A text, or the text of an integer or a boolean.
    Is(WipedText<'a>),
    /// A number that is not an integer, as the nearest double.
    Number(f64),
    /// A list, an object, a number outside the range of a double, or a text with an unpaired surrogate.
    Other,
}

impl<'a> LenientString<'a> {
    pub(crate) fn as_str(&self) -> Option<&str> {
        match self {
            Self::Is(text) => Some(text),
            Self::Missing | Self::Number(_) | Self::Other => None,
        }
    }

    pub(crate) const fn is_missing(&self) -> bool {
        matches!(self, Self::Missing)
    }

    /// The text, unless it is empty or the word `null`, which the service sends for "no value".
    pub(crate) fn filled(&self) -> Option<&str> {
        self.as_str().filter(|text| !grammar::is_missing(text))
    }

    /// The text as a code: `200.0` is `200`.
    pub(crate) fn code(&self) -> Option<&str> {
        self.filled().map(|text| grammar::code(text).unwrap_or(text))
    }
}

/// Reads the value as written: a number keeps its text, and one outside the range of a double does not affect other fields.
impl<'de: 'a, 'a> Deserialize<'de> for LenientString<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        TextOrWritten::deserialize(deserializer).map(|value| match value {
            TextOrWritten::Text(text) => Self::Is(text),
            TextOrWritten::Written(written) => Self::from_written(written),
        })
    }
}

impl<'a> LenientString<'a> {
    /// Reads a JSON value as written.
    pub(crate) fn from_written(value: Written<'a>) -> Self {
        let raw = value.0;
        match raw.as_bytes() {
            [b'"', ..] => match value.quoted() {
                Some(text) if memchr::memchr(b'\\', text.as_bytes()).is_some() => {
                    unescape(text).map_or(Self::Other, |text| Self::Is(WipedText::Owned(text)))
                }
                Some(text) => Self::Is(WipedText::Borrowed(text)),
                None => Self::Other,
            },
            [b'-' | b'0'..=b'9', ..] => match grammar::code(raw) {
                Some(code) => Self::Is(WipedText::Borrowed(code)),
                None if grammar::is_whole(raw) => Self::Is(WipedText::Borrowed(raw)),
                None => raw.parse().ok().filter(|n: &f64| n.is_finite()).map_or(Self::Other, Self::Number),
            },
            b"true" | b"false" => Self::Is(WipedText::Borrowed(raw)),
            b"null" => Self::Missing,
            _ => Self::Other,
        }
    }
}

/// An object, or `None` for any other JSON value. Derived structs also accept a list of values in order, which would read
/// `["T", "200"]` as a pass.
pub(crate) struct Object<T>(pub(crate) Option<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyObject(PhantomData)).map(Self)
    }
}

struct AnyObject<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for AnyObject<T> {
    type Value = Option<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, object: A) -> Result<Self::Value, A::Error> {
        T::deserialize(MapAccessDeserializer::new(object)).map(Some)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(None)
    }

    fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }
}
