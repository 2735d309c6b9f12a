//! `MaterialInfo`: a JSON document inside a string of a JSON document.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::Deserializer;
use serde_json::value::RawValue;

use super::lenient::{LenientString, Object, unescape};
use crate::grammar;

/// The largest document that is parsed, in bytes.
const LARGEST: usize = 256 << 10;

/// `MaterialInfo` as it came, parsed on demand: what is wrong with it must not cost `Passed` and `SubCode`.
#[derive(Clone, Default)]
pub struct MaterialInfo(State);

#[derive(Clone, Default)]
enum State {
    #[default]
    Absent,
    Document(String),
    /// A list or an object where a text is documented.
    NotText,
}

impl MaterialInfo {
    /// From the JSON value as it stands in the reply.
    pub(crate) fn from_wire(value: Option<&RawValue>) -> Self {
        let Some(value) = value.map(RawValue::get) else { return Self::default() };
        let quoted = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
        Self(match quoted.map(unescape) {
            Some(Some(text)) if text.trim_start().is_empty() || text == "null" => State::Absent,
            Some(Some(text)) => State::Document(text),
            _ => State::NotText,
        })
    }

    /// Whether there is none: missing, `null` or empty. Runs that never came to a comparison may lack it.
    #[must_use]
    pub const fn is_absent(&self) -> bool {
        matches!(self.0, State::Absent)
    }

    /// The document itself, if there is one. It can hold names, numbers and picture addresses.
    #[must_use]
    pub fn expose(&self) -> Option<&str> {
        match &self.0 {
            State::Document(text) => Some(text),
            State::Absent | State::NotText => None,
        }
    }

    /// Reads it. An absent one reads as a [`Material`] without anything.
    ///
    /// # Errors
    /// If it is not a JSON object, or larger than 256 KiB. A single field of the wrong kind is no error: it
    /// reads as [`FieldState::Malformed`].
    pub fn parse(&self) -> Result<Material<'_>, MaterialError> {
        match &self.0 {
            State::Absent => Ok(Material::default()),
            State::NotText => Err(MaterialError("is not a text")),
            State::Document(text) if text.len() > LARGEST => Err(MaterialError("is larger than 256 KiB")),
            State::Document(text) => match serde_json::from_str(text) {
                Ok(Object(Some(material))) => Ok(material),
                Ok(Object(None)) | Err(_) => Err(MaterialError("is not the JSON object that is documented")),
            },
        }
    }
}

impl fmt::Debug for MaterialInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            State::Absent => f.write_str("MaterialInfo(absent)"),
            State::Document(text) => write!(f, "MaterialInfo({} bytes)", text.len()),
            State::NotText => f.write_str("MaterialInfo(not a text)"),
        }
    }
}

/// A `MaterialInfo` that cannot be read. The document is not quoted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MaterialError(&'static str);

impl fmt::Display for MaterialError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MaterialInfo {}", self.0)
    }
}

impl std::error::Error for MaterialError {}

/// A field that may be missing or wrong without harm to its neighbours.
///
/// Exhaustive on purpose: what decides on a reading must say what it makes of each case.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum FieldState<T> {
    /// Absent, `null`, an empty text, or the text `null`.
    #[default]
    Missing,
    /// As documented.
    Is(T),
    /// There, but not as documented: a number that is none, a flag that is neither `T` nor `F`.
    Malformed,
}

impl<T: Copy> FieldState<T> {
    /// The value, if it is as documented.
    #[must_use]
    pub const fn value(&self) -> Option<T> {
        match self {
            Self::Is(value) => Some(*value),
            Self::Missing | Self::Malformed => None,
        }
    }
}

/// What `MaterialInfo` says. Every field is optional, unknown ones are passed over; those of the ID_PLUS and
/// intent schemes are read from [`MaterialInfo::expose`].
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct Material<'a> {
    /// `faceAttack`: an attack was found. Independent of `faceAttackScore`.
    pub face_attack: FieldState<bool>,
    /// `faceOcclusion`: part of the face was covered.
    pub face_occlusion: FieldState<bool>,
    /// `guardRiskScore`, 0 to 100, with the face guard.
    pub guard_risk_score: FieldState<f64>,
    /// `facialPictureFront`: the picture and its scores.
    #[serde(borrow, deserialize_with = "picture")]
    pub facial_picture_front: FacialPicture<'a>,
}

/// The picture of the face and its scores.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct FacialPicture<'a> {
    /// `verifyScore`, 0 to 100: comparison with the authoritative source. May be missing.
    pub verify_score: FieldState<f64>,
    /// `faceAttackScore`, 0 to 1.
    pub face_attack_score: FieldState<f64>,
    /// `qualityScore`, 0 to 100.
    pub quality_score: FieldState<f64>,
    /// `idCardVerifyScore` (ID_PLUS).
    pub id_card_verify_score: FieldState<f64>,
    /// `qualityBackground`, documented as a text that holds a number.
    pub quality_background: FieldState<f64>,
    /// `qualityBlur`, likewise.
    pub quality_blur: FieldState<f64>,
    /// `qualityIllu`, likewise.
    pub quality_illu: FieldState<f64>,
    /// `qualityOccu`, likewise.
    pub quality_occu: FieldState<f64>,
    /// `qualityWearHat`.
    pub quality_wear_hat: FieldState<bool>,
    /// `ossBucketName`: your bucket.
    #[serde(borrow, deserialize_with = "text")]
    pub oss_bucket_name: Option<Cow<'a, str>>,
    /// `ossObjectName`: the picture's name in it.
    #[serde(borrow, deserialize_with = "text")]
    pub oss_object_name: Option<Cow<'a, str>>,
    /// `pictureUrl`: valid 15 minutes from the query.
    #[serde(borrow, deserialize_with = "picture_url")]
    pub picture_url: Option<PictureUrl<'a>>,
}

/// The address of a face picture, `http` or `https`. It holds temporary credentials: never store or log it.
#[derive(Clone, PartialEq, Eq)]
pub struct PictureUrl<'a>(Cow<'a, str>);

impl PictureUrl<'_> {
    /// The address itself.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PictureUrl<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PictureUrl([redacted])")
    }
}

fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Cow<'de, str>>, D::Error> {
    Ok(match LenientString::deserialize(deserializer)? {
        LenientString::Is(text) if !text.is_empty() => Some(text),
        _ => None,
    })
}

fn picture_url<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<PictureUrl<'de>>, D::Error> {
    Ok(text(deserializer)?.map(PictureUrl))
}

impl<'de> Deserialize<'de> for FieldState<bool> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match LenientString::deserialize(deserializer)? {
            LenientString::Missing => Self::Missing,
            LenientString::Is(text) => match &*text {
                text if grammar::is_missing(text) => Self::Missing,
                "T" | "true" => Self::Is(true),
                "F" | "false" => Self::Is(false),
                _ => Self::Malformed,
            },
            LenientString::Number(_) | LenientString::Other => Self::Malformed,
        })
    }
}

impl<'de> Deserialize<'de> for FieldState<f64> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match LenientString::deserialize(deserializer)? {
            LenientString::Missing => Self::Missing,
            LenientString::Number(number) => Self::Is(number),
            LenientString::Is(text) if grammar::is_missing(&text) => Self::Missing,
            LenientString::Is(text) => grammar::score(&text).map_or(Self::Malformed, Self::Is),
            LenientString::Other => Self::Malformed,
        })
    }
}

/// The picture; nothing at all where something else than an object stands.
fn picture<'de, D: Deserializer<'de>>(deserializer: D) -> Result<FacialPicture<'de>, D::Error> {
    Ok(Object::deserialize(deserializer)?.0.unwrap_or_default())
}
