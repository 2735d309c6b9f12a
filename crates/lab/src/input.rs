//! What a policy looks at, as columns.

use std::fmt;

use serde::{Deserialize, Serialize};

/// An input of a policy. Its number is its slot in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Input {
    Code,
    SubCode,
    Passed,
    FaceAttack,
    FaceOcclusion,
    VerifyScore,
    QualityScore,
    FaceAttackScore,
    DeviceRisk,
}

impl Input {
    pub(crate) const ALL: [Self; 9] = [
        Self::Code,
        Self::SubCode,
        Self::Passed,
        Self::FaceAttack,
        Self::FaceOcclusion,
        Self::VerifyScore,
        Self::QualityScore,
        Self::FaceAttackScore,
        Self::DeviceRisk,
    ];

    /// Those that are numbers, in the order in which they are counted.
    pub(crate) const SCORES: [Self; 3] = [Self::VerifyScore, Self::QualityScore, Self::FaceAttackScore];

    /// As policies write it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Code => "code",
            Self::SubCode => "sub_code",
            Self::Passed => "passed",
            Self::FaceAttack => "face_attack",
            Self::FaceOcclusion => "face_occlusion",
            Self::VerifyScore => "verify_score",
            Self::QualityScore => "quality_score",
            Self::FaceAttackScore => "face_attack_score",
            Self::DeviceRisk => "device_risk",
        }
    }

    /// Where the service puts it.
    pub(crate) const fn path(self) -> &'static str {
        match self {
            Self::Code => "Code",
            Self::SubCode => "ResultObject.SubCode",
            Self::Passed => "ResultObject.Passed",
            Self::FaceAttack => "ResultObject.MaterialInfo.faceAttack",
            Self::FaceOcclusion => "ResultObject.MaterialInfo.faceOcclusion",
            Self::VerifyScore => "ResultObject.MaterialInfo.facialPictureFront.verifyScore",
            Self::QualityScore => "ResultObject.MaterialInfo.facialPictureFront.qualityScore",
            Self::FaceAttackScore => "ResultObject.MaterialInfo.facialPictureFront.faceAttackScore",
            Self::DeviceRisk => "ResultObject.DeviceRisk",
        }
    }

    pub(crate) const fn is_flag(self) -> bool {
        matches!(self, Self::Passed | Self::FaceAttack | Self::FaceOcclusion)
    }

    pub(crate) fn is_score(self) -> bool {
        Self::SCORES.contains(&self)
    }

    pub(crate) const fn is_code(self) -> bool {
        matches!(self, Self::Code | Self::SubCode)
    }
}

impl fmt::Display for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
