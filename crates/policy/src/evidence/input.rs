//! The inputs of a policy: their names, kinds, and paths in the reply. This is the only list of them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::suggest::{Suggestion, did_you_mean};

macro_rules! inputs {
    ($($(#[$about:meta])* $name:ident = $text:literal, $kind:ident, $path:literal;)*) => {
        /// An input of a policy. Its number is its index in [`Input::ALL`].
        ///
        /// Exhaustive on purpose: every reader of evidence must handle a new input.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Input {
            $($(#[$about])* $name,)*
        }

        impl Input {
            /// All inputs: the codes and flags first, then the scores, then the labels.
            pub const ALL: [Self; [$($text),*].len()] = [$(Self::$name),*];

            /// Returns the name in policy files, mappings and columns, such as `verify_score`.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// Returns the kind of its values.
            #[must_use]
            pub const fn kind(self) -> InputKind {
                match self { $(Self::$name => InputKind::$kind,)* }
            }

            /// Returns its path in a reply of `DescribeFaceVerify`, with dots between the names.
            #[must_use]
            pub const fn reply_path(self) -> &'static str {
                match self { $(Self::$name => $path,)* }
            }
        }
    };
}

inputs! {
    /// `Code` of the reply.
    Code = "code", Code, "Code";
    /// `SubCode`.
    SubCode = "sub_code", Code, "ResultObject.SubCode";
    /// `Passed`.
    Passed = "passed", Flag, "ResultObject.Passed";
    /// `faceAttack`.
    FaceAttack = "face_attack", Flag, "ResultObject.MaterialInfo.faceAttack";
    /// `faceOcclusion`.
    FaceOcclusion = "face_occlusion", Flag, "ResultObject.MaterialInfo.faceOcclusion";
    /// `verifyScore`, 0 to 100.
    VerifyScore = "verify_score", Score, "ResultObject.MaterialInfo.facialPictureFront.verifyScore";
    /// `qualityScore`, 0 to 100.
    QualityScore = "quality_score", Score, "ResultObject.MaterialInfo.facialPictureFront.qualityScore";
    /// `faceAttackScore`, 0 to 1.
    FaceAttackScore = "face_attack_score", Score, "ResultObject.MaterialInfo.facialPictureFront.faceAttackScore";
    /// The labels of `DeviceRisk`.
    DeviceRisk = "device_risk", Labels, "ResultObject.DeviceRisk";
}

impl Input {
    /// The inputs that are scores, in the order of [`Input::ALL`].
    pub const SCORES: [Self; 3] = [Self::VerifyScore, Self::QualityScore, Self::FaceAttackScore];
}

impl fmt::Display for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Input {
    type Err = UnknownInput;

    fn from_str(text: &str) -> Result<Self, UnknownInput> {
        let found = Self::ALL.into_iter().find(|input| input.name() == text);
        found.ok_or_else(|| UnknownInput(did_you_mean(text, Self::ALL.map(Self::name))))
    }
}

/// An unknown input name. The error does not quote the name: it may be personal data in the wrong place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownInput(Suggestion);

impl fmt::Display for UnknownInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unknown input: {}", self.0)
    }
}

impl std::error::Error for UnknownInput {}

/// The kind of the values of an input.
///
/// Exhaustive on purpose: every reader of evidence must handle a new kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum InputKind {
    /// A string from a list, such as `200`.
    Code,
    /// `T` or `F`.
    Flag,
    /// A number.
    Score,
    /// A list of strings.
    Labels,
}

impl InputKind {
    /// Returns the name in policy files: `code`, `flag`, `score`, `labels`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Code => "code",
            Self::Flag => "flag",
            Self::Score => "score",
            Self::Labels => "labels",
        }
    }
}

impl fmt::Display for InputKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
