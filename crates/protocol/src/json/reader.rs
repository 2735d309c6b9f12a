//! The quick reader: a serde `Deserializer` for objects and for the values of [`written`](super::written).
//!
//! Every error ends the document, also one that the type being read ignores: what follows would be read at the wrong place.

use std::fmt::Display;

use serde::Deserialize;
use serde::de::value::BorrowedStrDeserializer;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, Visitor};

use super::scan::{DEEPEST, Scanner, Unusual};
use super::unescape::read_escaped;
use super::written::{TEXT_OR_WRITTEN, WRITTEN};

/// Reads a document, or gives up.
pub(super) fn read<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, Unusual> {
    let mut reader = Reader { at: Scanner::new(text), depth: DEEPEST };
    let value = T::deserialize(&mut reader)?;
    reader.at.end()?;
    Ok(value)
}

impl Error for Unusual {
    fn custom<T: Display>(_: T) -> Self {
        Self
    }
}

/// Methods for types that are left to serde_json.
macro_rules! gives_up {
    ($($method:ident($($argument:ty),*))*) => {
        $(fn $method<V: Visitor<'de>>(self, $(_: $argument,)* _: V) -> Result<V::Value, Unusual> {
            self.ended(Err(Unusual))
        })*
    };
}

struct Reader<'a> {
    at: Scanner<'a>,
    depth: u8,
}

impl<'de> Reader<'de> {
    /// Returns a result, and ends the document if it is an error.
    fn ended<T>(&mut self, result: Result<T, Unusual>) -> Result<T, Unusual> {
        if result.is_err() {
            self.at.give_up();
        }
        result
    }

    fn object<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, Unusual> {
        self.at.demand(b'{')?;
        self.depth = self.depth.checked_sub(1).ok_or(Unusual)?;
        let mut place = Place::First;
        let value = visitor.visit_map(Members { reader: self, place: &mut place })?;
        self.depth += 1;
        if let Place::After = place { Ok(value) } else { Err(Unusual) }
    }

    fn option<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, Unusual> {
        if self.at.blank() == Some(b'n') {
            self.at.word("null")?;
            visitor.visit_none()
        } else {
            visitor.visit_some(self)
        }
    }

    fn written<V: Visitor<'de>>(&mut self, name: &'static str, visitor: V) -> Result<V::Value, Unusual> {
        match name {
            TEXT_OR_WRITTEN if self.at.blank() == Some(b'"') => match self.at.plain_string()? {
                Some(text) => visitor.visit_borrowed_str(text),
                None => {
                    self.at.advance(1);
                    let (text, length) = read_escaped(self.at.rest_text())?;
                    self.at.advance(length);
                    visitor.visit_string(text.into_string())
                }
            },
            TEXT_OR_WRITTEN => visitor.visit_newtype_struct(self),
            WRITTEN => visitor.visit_borrowed_str(self.at.value()?),
            _ => Err(Unusual),
        }
    }
}

impl<'de> Deserializer<'de> for &mut Reader<'de> {
    type Error = Unusual;

    /// Reads an object.
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unusual> {
        let value = self.object(visitor);
        self.ended(value)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unusual> {
        let value = self.option(visitor);
        self.ended(value)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Unusual> {
        let value = self.written(name, visitor);
        self.ended(value)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unusual> {
        let value = self.at.value().and_then(|_| visitor.visit_unit());
        self.ended(value)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unusual> {
        self.deserialize_any(visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Unusual> {
        self.deserialize_any(visitor)
    }

    gives_up! {
        deserialize_bool() deserialize_char() deserialize_f32() deserialize_f64()
        deserialize_i8() deserialize_i16() deserialize_i32() deserialize_i64()
        deserialize_u8() deserialize_u16() deserialize_u32() deserialize_u64()
        deserialize_str() deserialize_string() deserialize_bytes() deserialize_byte_buf() deserialize_identifier()
        deserialize_unit() deserialize_unit_struct(&'static str)
        deserialize_seq() deserialize_tuple(usize) deserialize_tuple_struct(&'static str, usize)
        deserialize_enum(&'static str, &'static [&'static str])
    }
}

/// The position in an object.
#[derive(Clone, Copy)]
enum Place {
    /// Before the first member.
    First,
    /// After a member.
    Next,
    /// After the closing brace.
    After,
}

struct Members<'r, 'de> {
    reader: &'r mut Reader<'de>,
    place: &'r mut Place,
}

impl<'de> Members<'_, 'de> {
    /// Reads the next name; `None` at the end of the object.
    fn name(&mut self) -> Result<Option<&'de str>, Unusual> {
        let at = &mut self.reader.at;
        match (at.blank(), *self.place) {
            (Some(b'}'), Place::First | Place::Next) => {
                at.advance(1);
                *self.place = Place::After;
                return Ok(None);
            }
            (_, Place::First) => {}
            (Some(b','), Place::Next) => at.advance(1),
            _ => return Err(Unusual),
        }
        *self.place = Place::Next;
        at.blank();
        at.plain_string()?.ok_or(Unusual).map(Some)
    }
}

impl<'de> MapAccess<'de> for Members<'_, 'de> {
    type Error = Unusual;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Unusual> {
        let name = self.name();
        let key = name.and_then(|name| {
            name.map(|name| seed.deserialize(BorrowedStrDeserializer::new(name))).transpose()
        });
        self.reader.ended(key)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Unusual> {
        let colon = self.reader.at.demand(b':');
        let value = colon.and_then(|()| seed.deserialize(&mut *self.reader));
        self.reader.ended(value)
    }
}
