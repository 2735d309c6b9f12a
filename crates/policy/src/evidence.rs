//! The evidence of a verification: the inputs of a policy, without personal data.

use std::fmt;

use cloudauth_protocol::{FaceVerifyStatus, FieldState, Passed};

pub(crate) mod flat;
pub(crate) mod input;
pub(crate) mod value;

/// The value of a flag. Exhaustive: there is no other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Flag {
    /// `T`
    True,
    /// `F`
    False,
    /// Missing, or another value.
    #[default]
    Invalid,
}

impl Flag {
    /// Parses `T` and `F`, exactly: no other case, no blanks.
    #[must_use]
    pub fn from_wire(text: &str) -> Self {
        match text {
            "T" => Self::True,
            "F" => Self::False,
            _ => Self::Invalid,
        }
    }

    /// Returns the flag as the service writes it; `None` if it is invalid.
    #[must_use]
    pub const fn as_wire(self) -> Option<&'static str> {
        match self {
            Self::True => Some("T"),
            Self::False => Some("F"),
            Self::Invalid => None,
        }
    }
}

impl From<Option<bool>> for Flag {
    fn from(value: Option<bool>) -> Self {
        match value {
            Some(true) => Self::True,
            Some(false) => Self::False,
            None => Self::Invalid,
        }
    }
}

/// The input of a policy. Missing and malformed values are kept, so that rules can name them. No field is personal data.
#[derive(Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct Evidence<'a> {
    /// `Code` of the reply; an empty string counts as missing.
    pub code: Option<&'a str>,
    /// `SubCode`; an empty string counts as missing.
    pub sub_code: Option<&'a str>,
    /// `Passed`.
    pub passed: Flag,
    /// `faceAttack`.
    pub face_attack: Flag,
    /// `faceOcclusion`.
    pub face_occlusion: Flag,
    /// `verifyScore`, 0 to 100. NaN and infinities count as missing.
    pub verify_score: Option<f64>,
    /// `qualityScore`, 0 to 100.
    pub quality_score: Option<f64>,
    /// `faceAttackScore`, 0 to 1.
    pub face_attack_score: Option<f64>,
    /// The labels of `DeviceRisk`; empty if the service sent none. An unreadable value is an unknown label.
    pub device_risk: &'a [Box<str>],
}

/// Prints a code only if it has at most four characters, all digits; and the number of labels.
impl fmt::Debug for Evidence<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Evidence")
            .field("code", &self.code.map(shown))
            .field("sub_code", &self.sub_code.map(shown))
            .field("passed", &self.passed)
            .field("face_attack", &self.face_attack)
            .field("face_occlusion", &self.face_occlusion)
            .field("verify_score", &self.verify_score)
            .field("quality_score", &self.quality_score)
            .field("face_attack_score", &self.face_attack_score)
            .field("device_risk", &self.device_risk.len())
            .finish()
    }
}

/// Returns the code if it looks like one of the vendor's. Any other text may be personal data in the wrong field.
pub(crate) fn shown(code: &str) -> &str {
    if code.len() <= 4 && code.bytes().all(|b| b.is_ascii_digit()) { code } else { "(no code)" }
}

impl<'a> From<&'a FaceVerifyStatus> for Evidence<'a> {
    /// Reads the reply of `DescribeFaceVerify`. A pending verification has its code only.
    fn from(status: &'a FaceVerifyStatus) -> Self {
        let result = match status {
            FaceVerifyStatus::Finished(result) => result,
            FaceVerifyStatus::Pending(code) => return Self { code: Some(code.as_str()), ..Self::default() },
            _ => return Self::default(),
        };
        let material = result.material_info.parse().ok();
        let flag = |reading: FieldState<bool>| Flag::from(reading.value());
        let face = material.as_ref().map(|material| &material.facial_picture_front);
        Self {
            code: Some("200"),
            sub_code: result.sub_code.as_ref().map(|code| code.as_str()),
            passed: match result.passed {
                Some(Passed::Yes) => Flag::True,
                Some(Passed::No) => Flag::False,
                _ => Flag::Invalid,
            },
            face_attack: material.as_ref().map_or(Flag::Invalid, |material| flag(material.face_attack)),
            face_occlusion: material.as_ref().map_or(Flag::Invalid, |material| flag(material.face_occlusion)),
            verify_score: face.and_then(|face| face.verify_score.value()),
            quality_score: face.and_then(|face| face.quality_score.value()),
            face_attack_score: face.and_then(|face| face.face_attack_score.value()),
            device_risk: &result.device_risk,
        }
    }
}
