//! `MaterialInfo`: a JSON document inside a string of a JSON document.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::Deserializer;

use super::lenient::{LenientString, Object};
use crate::grammar;
use crate::json::{self, TextOrWritten, unescape};
use crate::wipe::{WipedString, WipedText};

/// `MaterialInfo` as received, parsed on demand: an error in it must not affect `Passed` and `SubCode`.
#[derive(Clone, Default)]
pub struct MaterialInfo(State);

#[derive(Clone, Default)]
enum State {
    #[default]
    Absent,
    Document(WipedString),
    /// A list or an object instead of the documented text.
    NotText,
}

impl MaterialInfo {
    /// Reads the JSON value of the reply.
    pub(crate) fn from_wire(value: Option<TextOrWritten<'_>>) -> Self {
        let text = match value {
            None => return Self::default(),
            Some(TextOrWritten::Text(text)) => Some(text.into_owned()),
            Some(TextOrWritten::Written(written)) => written.quoted().and_then(unescape),
        };
        Self(match text {
            Some(text) if text.trim_start().is_empty() || &*text == "null" => State::Absent,
            Some(text) => State::Document(text),
            None => State::NotText,
        })
    }

    /// Whether it is missing, `null` or empty. It may be missing if the verification never reached the comparison.
    #[must_use]
    pub const fn is_absent(&self) -> bool {
        matches!(self.0, State::Absent)
    }

    /// The document, if present. It can contain names, ID numbers and picture URLs.
    #[must_use]
    pub fn expose(&self) -> Option<&str> {
        match &self.0 {
            State::Document(text) => Some(text),
            State::Absent | State::NotText => None,
        }
    }

    /// Parses the document. A missing one gives an empty [`Material`].
    ///
    /// # Errors
    /// If it is not a JSON object, is larger than 256 KiB, or is nested more than 128 deep. A single invalid field is not an
    /// error: it becomes [`FieldState::Malformed`].
    pub fn parse(&self) -> Result<Material<'_>, MaterialError> {
        match &self.0 {
            State::Absent => Ok(Material::default()),
            State::NotText => Err(MaterialError("is not a text")),
            State::Document(text) if text.len() > grammar::LARGEST_MATERIAL => {
                Err(MaterialError("is larger than 256 KiB"))
            }
            State::Document(text) => match json::from_str(text) {
                Ok(Object(Some(material))) => Ok(material),
                Err(json::Unreadable::TooDeep) => {
                    Err(MaterialError("nests lists and objects more than 128 deep"))
                }
                Ok(Object(None)) | Err(json::Unreadable::Invalid(_)) => {
                    Err(MaterialError("is not the JSON object that is documented"))
                }
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

/// The error of an unreadable `MaterialInfo`. It never quotes the document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MaterialError(&'static str);

impl fmt::Display for MaterialError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MaterialInfo {}", self.0)
    }
}

impl std::error::Error for MaterialError {}

/// The state of a field that may be missing or malformed without affecting other fields.
/// Exhaustive on purpose: code that decides on a field must handle each case.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum FieldState<T> {
    /// Missing, `null`, an empty text, or the text `null`.
    #[default]
    Missing,
    /// Present, as documented.
    Is(T),
    /// Present, but not as documented: an invalid number, a flag that is neither `T` nor `F`.
    Malformed,
}

impl<T: Copy> FieldState<T> {
    /// The value, if valid.
    #[must_use]
    pub const fn value(&self) -> Option<T> {
        match self {
            Self::Is(value) => Some(*value),
            Self::Missing | Self::Malformed => None,
        }
    }
}

/// The contents of `MaterialInfo`. Every field is optional, unknown ones are ignored. For the fields of the ID_PLUS and intent
/// schemes use [`MaterialInfo::expose`].
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct Material<'a> {
    /// `faceAttack`: an attack was detected. Independent of `faceAttackScore`.
    pub face_attack: FieldState<bool>,
    /// `faceOcclusion`: part of the face was covered.
    pub face_occlusion: FieldState<bool>,
    /// `guardRiskScore`, 0 to 100, with the face guard.
    pub guard_risk_score: FieldState<f64>,
    /// `facialPictureFront`: the picture and its scores.
    #[serde(borrow, deserialize_with = "picture")]
    pub facial_picture_front: FacialPicture<'a>,
}

/// The picture of the face and its scores. `Debug` does not show where the picture is.
#[derive(Clone, Default, Deserialize)]
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
    /// `qualityBackground`, documented as a text that contains a number.
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
    /// `ossObjectName`: the name of the picture in the bucket.
    #[serde(borrow, deserialize_with = "text")]
    pub oss_object_name: Option<Cow<'a, str>>,
    /// `pictureUrl`: valid for 15 minutes from the query.
    #[serde(borrow, deserialize_with = "picture_url")]
    pub picture_url: Option<PictureUrl<'a>>,
}

impl fmt::Debug for FacialPicture<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let redacted = |text: &Option<Cow<'_, str>>| text.as_ref().map(|_| format_args!("[redacted]"));
        f.debug_struct("FacialPicture")
            .field("verify_score", &self.verify_score)
            .field("face_attack_score", &self.face_attack_score)
            .field("quality_score", &self.quality_score)
            .field("id_card_verify_score", &self.id_card_verify_score)
            .field("quality_background", &self.quality_background)
            .field("quality_blur", &self.quality_blur)
            .field("quality_illu", &self.quality_illu)
            .field("quality_occu", &self.quality_occu)
            .field("quality_wear_hat", &self.quality_wear_hat)
            .field("oss_bucket_name", &redacted(&self.oss_bucket_name))
            .field("oss_object_name", &redacted(&self.oss_object_name))
            .field("picture_url", &self.picture_url)
            .finish()
    }
}

/// The URL of a face picture, `http` or `https`. It contains temporary credentials: never store or log it.
#[derive(Clone, PartialEq, Eq)]
pub struct PictureUrl<'a>(WipedText<'a>);

impl PictureUrl<'_> {
    /// The URL itself.
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
    Ok(filled(deserializer)?.map(WipedText::into_cow))
}

fn filled<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<WipedText<'de>>, D::Error> {
    Ok(match LenientString::deserialize(deserializer)? {
        LenientString::Is(text) if !text.is_empty() => Some(text),
        _ => None,
    })
}

fn picture_url<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<PictureUrl<'de>>, D::Error> {
    Ok(filled(deserializer)?.map(PictureUrl))
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

/// Reads the picture. Anything other than an object gives an empty picture.
fn picture<'de, D: Deserializer<'de>>(deserializer: D) -> Result<FacialPicture<'de>, D::Error> {
    Ok(Object::deserialize(deserializer)?.0.unwrap_or_default())
}
