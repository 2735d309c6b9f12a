//! Flat evidence: a JSON object with a member for each input, named as in [`Input`].

use std::borrow::Cow;
use std::fmt;

use cloudauth_protocol::grammar;
use serde::de::{Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::evidence::input::Input;
use crate::evidence::value::Value;

/// The values of a flat JSON object, for [`Evidence::read`](crate::Evidence::read).
///
/// ```
/// use cloudauth_policy::{FlatEvidence, Input, Value};
///
/// let flat = FlatEvidence::parse(r#"{"sub_code": 200, "verify_score": "88.25"}"#)?;
/// assert_eq!(flat.value(Input::SubCode), Value::Number("200", 200.0));
/// assert_eq!(flat.value(Input::VerifyScore).score().0, Some(88.25));
/// assert!(FlatEvidence::parse(r#"{"passed": "T", "passed": "F"}"#).is_err());
/// # Ok::<(), cloudauth_policy::FlatError>(())
/// ```
#[derive(Default)]
pub struct FlatEvidence<'j>([Member<'j>; Input::ALL.len()]);

#[derive(Default)]
enum Member<'j> {
    #[default]
    Missing,
    Text(String),
    Number(&'j str, f64),
    Truth(bool),
    List(&'j str),
    Other,
}

impl<'j> FlatEvidence<'j> {
    /// The members of a recorded row that no policy reads. They are ignored, so that a row of the lab can be decided as it is.
    pub const IGNORED: [&'static str; 5] = ["id", "subject", "time", "label", "attack"];

    /// Parses an object. Malformed values are kept, so that the policy can handle them. [`Self::IGNORED`] members are skipped.
    ///
    /// # Errors
    /// If the text is not one JSON object, is nested more than 128 deep, an input is repeated, or a member has an unknown name.
    pub fn parse(json: &'j str) -> Result<Self, FlatError> {
        // With this, serde_json's message quotes nothing of the document.
        if !json.trim_ascii_start().starts_with('{') {
            return Err(FlatError(FlatProblem::NotAnObject));
        }
        if grammar::is_too_deep(json) {
            return Err(FlatError(FlatProblem::TooDeep));
        }
        let mut reader = serde_json::Deserializer::from_str(json);
        let read = reader.deserialize_map(Members).and_then(|read| reader.end().map(|()| read));
        match read.map_err(|error| FlatError(FlatProblem::Invalid(error.to_string())))? {
            (_, Some(name)) => Err(FlatError(FlatProblem::Duplicate(name))),
            (flat, None) => Ok(flat),
        }
    }

    /// Returns the value of an input.
    #[must_use]
    pub fn value(&self, input: Input) -> Value<'_> {
        match self.0.get(input as usize) {
            Some(Member::Text(text)) => Value::Text(text),
            Some(Member::Number(written, number)) => Value::Number(written, *number),
            Some(Member::Truth(truth)) => Value::Truth(*truth),
            Some(Member::List(list)) => Value::List(list),
            Some(Member::Other) => Value::Other,
            Some(Member::Missing) | None => Value::Missing,
        }
    }
}

impl fmt::Debug for FlatEvidence<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(Input::ALL.map(|input| (input, self.value(input)))).finish()
    }
}

struct Members;

impl<'de> Visitor<'de> for Members {
    /// The evidence, and the first member that is repeated.
    type Value = (FlatEvidence<'de>, Option<&'static str>);

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with the inputs of a policy")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Self::Value, A::Error> {
        let mut flat = FlatEvidence::default();
        let (mut seen, mut duplicate) = ([false; Input::ALL.len()], None);
        let mut ignored = FlatEvidence::IGNORED.map(|name| (name, false));
        while let Some(name) = object.next_key::<Cow<'de, str>>()? {
            if let Some((known, seen)) = ignored.iter_mut().find(|(known, _)| *known == name) {
                if std::mem::replace(seen, true) {
                    duplicate.get_or_insert(*known);
                }
                object.next_value::<IgnoredAny>()?;
                continue;
            }
            let input: Input = name.parse().map_err(A::Error::custom)?;
            let raw = object.next_value::<&'de RawValue>()?;
            if let (Some(member), Some(seen)) = (flat.0.get_mut(input as usize), seen.get_mut(input as usize))
            {
                if std::mem::replace(seen, true) {
                    duplicate.get_or_insert(input.name());
                }
                *member = Member::of(raw.get());
            }
        }
        Ok((flat, duplicate))
    }
}

impl<'j> Member<'j> {
    fn of(raw: &'j str) -> Self {
        match raw.as_bytes() {
            [b'"', ..] => serde_json::from_str(raw).map_or(Self::Other, Self::Text),
            [b'-' | b'0'..=b'9', ..] => Self::Number(raw, raw.parse().unwrap_or(f64::NAN)),
            [b'[', ..] => Self::List(raw),
            b"true" => Self::Truth(true),
            b"false" => Self::Truth(false),
            b"null" => Self::Missing,
            _ => Self::Other,
        }
    }
}

/// The error for a document that is not flat evidence. It does not quote the document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlatError(FlatProblem);

/// What is wrong with flat evidence. Exhaustive on purpose: a program that explains it in another language must handle every
/// problem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FlatProblem {
    /// The document is not a JSON object.
    NotAnObject,
    /// Lists and objects are nested more than 128 deep.
    TooDeep,
    /// The member of this name is repeated.
    Duplicate(&'static str),
    /// The document is not JSON, or has an unknown member: the reason of the parser.
    Invalid(String),
}

impl FlatError {
    /// Returns what is wrong.
    #[must_use]
    pub const fn problem(&self) -> &FlatProblem {
        &self.0
    }
}

impl fmt::Display for FlatError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("invalid evidence: ")?;
        match &self.0 {
            FlatProblem::NotAnObject => f.write_str("not a JSON object"),
            FlatProblem::TooDeep => f.write_str("lists and objects are nested more than 128 deep"),
            FlatProblem::Duplicate(name) => write!(f, "duplicate member `{name}`"),
            FlatProblem::Invalid(reason) => f.write_str(reason),
        }
    }
}

impl std::error::Error for FlatError {}
