//! `DescribeFaceVerify`: queries the result. The only source of a decision.
//!
//! Vendor's page: <https://help.aliyun.com/document_detail/173781.html>

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;

use crate::codes::{Code, Passed, SubCode};
use crate::grammar;
use crate::json::{TextOrWritten, Written};
use crate::operation::{Effect, Operation};
use crate::redact::{personal, printable};
use crate::reply::lenient::LenientString;
use crate::reply::material::MaterialInfo;
use crate::reply::{Answer, Reply, ReplyError};
use crate::values::order::{CertifyId, SceneId};
use crate::wire::params::{ParamLocation, Params, name};

/// Queries the result of a verification. A free read: call it as often as the quota allows.
#[derive(Clone, Debug)]
pub struct DescribeFaceVerify {
    scene_id: SceneId,
    certify_id: CertifyId,
    picture_return_type: Option<Box<str>>,
}

impl DescribeFaceVerify {
    /// Queries the verification `certify_id`, which was started in the scene `scene_id`.
    #[must_use]
    pub const fn new(scene_id: SceneId, certify_id: CertifyId) -> Self {
        Self { scene_id, certify_id, picture_return_type: None }
    }

    /// `PictureReturnType`, such as `JPG`.
    #[must_use]
    pub fn picture_return_type(mut self, format: &str) -> Self {
        self.picture_return_type = Some(format.into());
        self
    }

    /// The verification.
    #[must_use]
    pub const fn certify_id(&self) -> &CertifyId {
        &self.certify_id
    }
}

impl Operation for DescribeFaceVerify {
    type Output = FaceVerifyStatus;

    fn action(&self) -> &str {
        "DescribeFaceVerify"
    }

    fn effect(&self) -> Effect {
        Effect::Read
    }

    fn params<'a>(&'a self, params: &mut Params<'a>) {
        params.push_known(name!("CertifyId"), ParamLocation::Query, self.certify_id.as_str());
        let format = self.picture_return_type.as_deref();
        params.push_known_opt(name!("PictureReturnType"), ParamLocation::Query, format);
        params.push_known(name!("SceneId"), ParamLocation::Query, self.scene_id.to_string());
    }

    fn session(&self) -> Option<&CertifyId> {
        Some(&self.certify_id)
    }

    fn read(answer: &Answer<'_>) -> Result<Reply<FaceVerifyStatus>, ReplyError> {
        let mut product = answer.product::<Wire<'_>>()?;
        match product.code {
            Code::Success => match product.result.take() {
                Some(wire) => {
                    let finished = FaceVerifyStatus::Finished(Box::new(wire.into()));
                    Ok(product.reply(finished))
                }
                None => Err(product.lacks("ResultObject")),
            },
            Code::NotFinished | Code::NoRecord => {
                let code = product.code.clone();
                Ok(product.reply(FaceVerifyStatus::Pending(code)))
            }
            _ => Err(product.refused()),
        }
    }
}

/// The status of a verification.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum FaceVerifyStatus {
    /// No result yet, with the code: `403`, or `424`, which means "not started", "abandoned" or "being processed". Query again
    /// later; a verification that the person abandons stays pending forever.
    Pending(Code),
    /// The person is done, and this is the result.
    Finished(Box<FaceVerifyResult>),
}

impl FaceVerifyStatus {
    /// The outcome.
    pub fn outcome(&self) -> Outcome {
        match self {
            Self::Pending(_) => Outcome::Pending,
            Self::Finished(result) => result.outcome(),
        }
    }
}

/// The outcome of a status by the vendor's own rule: `Passed` decides.
///
/// Exhaustive on purpose: a caller's `match` must break when a case is added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Outcome {
    /// `Passed` is `T`, and no known SubCode contradicts it.
    Passed,
    /// `Passed` is `F`.
    NotPassed,
    /// No result yet.
    Pending,
    /// `Passed` is missing, is neither `T` nor `F`, or contradicts the SubCode or `Success`; or the SubCode is not a code. Never an
    /// approval: send it to a reviewer.
    Unclear,
}

/// The result of a finished verification. `Debug` masks long runs of digits in the labels of `DeviceRisk`, and redacts
/// `DegradeInfo`.
#[derive(Clone)]
#[non_exhaustive]
pub struct FaceVerifyResult {
    /// `Passed`: the deciding field, according to the vendor. `None` if missing.
    pub passed: Option<Passed>,
    /// `SubCode`: the reason. `None` if missing.
    pub sub_code: Option<SubCode>,
    /// `MaterialInfo`: scores and the location of the picture, parsed on demand.
    pub material_info: MaterialInfo,
    /// `IdentityInfo`: usually absent; the text `null` counts as absent.
    pub identity_info: Option<IdentityInfo>,
    /// `DeviceToken`, for the vendor's device-risk service.
    pub device_token: Option<DeviceToken>,
    /// `DeviceRisk`: labels such as `VirtualCamera`. An open list; the vendor documents only part of it.
    pub device_risk: Vec<Box<str>>,
    /// `Success`, in any spelling (`"True"`, `true`); `None` if missing or anything else.
    pub success: Option<bool>,
    /// `UserInfo`: the person's input in the mode for rare characters.
    pub user_info: Option<UserInfo>,
    /// `DegradeInfo`: present in the vendor's newest API models, without a description.
    pub degrade_info: Option<Box<str>>,
}

impl FaceVerifyResult {
    /// Returns the outcome by the vendor's own rule: `Passed` decides, also beside a missing SubCode, or one that this crate does not
    /// know.
    pub fn outcome(&self) -> Outcome {
        let sub_code = self.sub_code.as_ref();
        let contradicts =
            |pass: bool| sub_code.and_then(SubCode::means_pass).is_some_and(|means_pass| means_pass != pass);
        let is_unreadable = sub_code.is_some_and(|code| code.as_str() == grammar::MALFORMED);
        let is_plain = !is_unreadable && self.success != Some(false);
        match self.passed {
            Some(Passed::Yes) if is_plain && !contradicts(true) => Outcome::Passed,
            Some(Passed::No) if !contradicts(false) => Outcome::NotPassed,
            _ => Outcome::Unclear,
        }
    }
}

impl fmt::Debug for FaceVerifyResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let device_risk: Vec<_> = self.device_risk.iter().map(|label| shown(label)).collect();
        f.debug_struct("FaceVerifyResult")
            .field("passed", &self.passed)
            .field("sub_code", &self.sub_code)
            .field("material_info", &self.material_info)
            .field("identity_info", &self.identity_info)
            .field("device_token", &self.device_token)
            .field("device_risk", &device_risk)
            .field("success", &self.success)
            .field("user_info", &self.user_info)
            .field("degrade_info", &self.degrade_info.as_ref().map(|_| "[redacted]"))
            .finish()
    }
}

/// A label as `Debug` shows it. The label of an unreadable value is this crate's own.
fn shown(label: &str) -> Cow<'_, str> {
    if label == FaceVerifyResult::MALFORMED_RISK { Cow::Borrowed(label) } else { printable(label) }
}

personal! {
    /// `IdentityInfo`, as received.
    IdentityInfo
}

personal! {
    /// `DeviceToken`: identifies the person's device.
    DeviceToken
}

personal! {
    /// `UserInfo`, as received: JSON text with a number and two names.
    UserInfo
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Wire<'a> {
    #[serde(borrow, default)]
    passed: LenientString<'a>,
    #[serde(borrow, default)]
    sub_code: LenientString<'a>,
    #[serde(borrow, default)]
    material_info: Option<TextOrWritten<'a>>,
    #[serde(borrow, default)]
    identity_info: LenientString<'a>,
    #[serde(borrow, default)]
    device_token: LenientString<'a>,
    #[serde(borrow, default)]
    device_risk: Option<Written<'a>>,
    #[serde(borrow, default)]
    success: LenientString<'a>,
    #[serde(borrow, default)]
    user_info: LenientString<'a>,
    #[serde(borrow, default)]
    degrade_info: LenientString<'a>,
}

impl FaceVerifyResult {
    /// The label of an unreadable `DeviceRisk`.
    pub const MALFORMED_RISK: &'static str = grammar::MALFORMED;
}

impl From<Wire<'_>> for FaceVerifyResult {
    fn from(wire: Wire<'_>) -> Self {
        Self {
            passed: wire.passed.filled().map(Passed::from_wire),
            sub_code: sub_code(&wire.sub_code),
            identity_info: wire.identity_info.filled().map(IdentityInfo::hold),
            device_token: wire.device_token.filled().map(DeviceToken::hold),
            device_risk: risks(wire.device_risk),
            success: wire.success.filled().and_then(|text| text.to_ascii_lowercase().parse().ok()),
            user_info: wire.user_info.filled().map(UserInfo::hold),
            degrade_info: wire.degrade_info.filled().map(Into::into),
            material_info: MaterialInfo::from_wire(wire.material_info),
        }
    }
}

/// A value that cannot be a code is an unknown SubCode, not a missing one.
fn sub_code(text: &LenientString<'_>) -> Option<SubCode> {
    let malformed =
        matches!(text, LenientString::Number(_) | LenientString::Other).then_some(grammar::MALFORMED);
    text.code().or(malformed).map(SubCode::from_wire)
}

/// The labels of `DeviceRisk`. A value that is not a list of labels becomes an unknown label, so that it is not
/// mistaken for an empty list.
fn risks(written: Option<Written<'_>>) -> Vec<Box<str>> {
    let mut labels = Vec::new();
    match written.map(|written| (written.0, LenientString::from_written(written))) {
        None | Some((_, LenientString::Missing)) => {}
        Some((_, LenientString::Is(text))) => {
            grammar::labels_of_text(&text, &mut labels);
        }
        Some((list, LenientString::Other)) if list.starts_with('[') => {
            grammar::labels_of_list(list, &mut labels);
        }
        Some((_, LenientString::Number(_) | LenientString::Other)) => {
            grammar::malformed(&mut labels);
        }
    }
    labels
}
