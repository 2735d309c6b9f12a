//! `InitFaceVerify`: starts a verification and gives the link that the person opens.
//!
//! Vendor's page: <https://help.aliyun.com/document_detail/173781.html>

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;

use crate::codes::Code;
use crate::operation::{Effect, Operation};
use crate::params::{Given, Param, Params, Place, name};
use crate::reply::{Answer, Reply, ReplyError, Text};
use crate::values::choice::{
    CertifyUrlStyle, CertifyUrlType, FaceGuardOutput, Model, ProcedurePriority, ProductCode, SuitableType,
};
use crate::values::identity::{Identity, Ip, Mobile, UserId};
use crate::values::order::{AuthId, CertifyId, OuterOrderNo, SceneId};
use crate::values::web::{CallbackToken, CallbackUrl, MetaInfo, ReturnUrl, UiCustomUrl};

/// Starts a verification. What the web flow requires is asked for by [`new`](Self::new); the rest is set.
///
/// `ProductCode` is `ID_PRO` unless set, `CertType` is `IDENTITY_CARD`, the only value of the web flow.
///
/// The call is a paid write; the vendor bills the finished verification, not the start.
#[derive(Clone, Debug)]
pub struct InitFaceVerify {
    scene_id: SceneId,
    outer_order_no: OuterOrderNo,
    identity: Identity,
    return_url: ReturnUrl,
    meta_info: MetaInfo,
    options: Box<Options>,
    extra: Given,
}

/// Lists all parameters in the order of their names on the wire, which is the order that the signatures sort
/// them into. `required` ones are fields of the operation, the others have a setter.
macro_rules! parameters {
    ($(
        $(#[$doc:meta])* $field:ident $(: $type:ty)? = $wire:literal in $place:ident, $kind:ident($show:expr);
    )*) => {
        parameters! { @options [] $($(#[$doc])* $field $(: $type)?;)* }

        fn push_parameters<'a>(op: &'a InitFaceVerify, params: &mut Params<'a>) {
            $(parameters! { @push op, params, $field $(: $type)? = $wire in $place, $kind($show) })*
        }
    };
    (@push $op:ident, $params:ident, $field:ident = $wire:literal in $place:ident, $kind:ident($show:expr)) => {
        let show: fn(&'a InitFaceVerify) -> Option<Cow<'a, str>> = $show;
        if let Some(value) = show($op) {
            $params.0.push(Param::$kind(name!($wire), Place::$place, value));
        }
    };
    (@push $op:ident, $params:ident, $field:ident: $type:ty = $wire:literal in $place:ident, $kind:ident($show:expr)) => {
        if let Some(value) = &$op.options.$field {
            let show: fn(&'a $type) -> Cow<'a, str> = $show;
            $params.0.push(Param::$kind(name!($wire), Place::$place, show(value)));
        }
    };
    (@options [$($done:tt)*] $(#[$doc:meta])* $field:ident; $($rest:tt)*) => {
        parameters! { @options [$($done)*] $($rest)* }
    };
    (@options [$($done:tt)*] $(#[$doc:meta])* $field:ident: $type:ty; $($rest:tt)*) => {
        parameters! { @options [$($done)* { $(#[$doc])* $field: $type }] $($rest)* }
    };
    (@options [$({ $(#[$doc:meta])* $field:ident: $type:ty })*]) => {
        #[derive(Clone, Debug, Default)]
        struct Options { $($field: Option<$type>,)* }

        impl InitFaceVerify {
            $($(#[$doc])* #[must_use]
            pub fn $field(mut self, value: $type) -> Self {
                self.options.$field = Some(value);
                self
            })*
        }
    };
}

parameters! {
    /// `AuthId`: the user's authorisation id.
    auth_id: AuthId = "AuthId" in Body, personal(|v| v.expose().into());
    /// `CallbackToken`: comes back in the callback; make it with [`CallbackKeys`](crate::CallbackKeys).
    callback_token: CallbackToken = "CallbackToken" in Query, personal(|v| v.expose().into());
    /// `CallbackUrl`: where the service reports that the person is done.
    callback_url: CallbackUrl = "CallbackUrl" in Query, new(|v| v.as_str().into());
    /// `CameraSelection`: lets the person choose a camera (PC only).
    camera_selection: bool = "CameraSelection" in Query, new(yes_no);
    cert_name = "CertName" in Query, personal(|op| Some(op.identity.name.expose().into()));
    cert_no = "CertNo" in Query, personal(|op| Some(op.identity.number.expose().into()));
    cert_type = "CertType" in Query, new(|_| Some("IDENTITY_CARD".into()));
    /// `CertifyUrlStyle`: short or long link.
    certify_url_style: CertifyUrlStyle = "CertifyUrlStyle" in Query, new(|v| v.as_str().into());
    /// `CertifyUrlType`: for a desktop or a mobile browser.
    certify_url_type: CertifyUrlType = "CertifyUrlType" in Query, new(|v| v.as_str().into());
    encrypt_type = "EncryptType" in Query, new(|op| op.identity.encrypted.then_some("SM2".into()));
    /// `FaceGuardOutput`: reports device risk (at extra cost).
    face_guard_output: FaceGuardOutput = "FaceGuardOutput" in Query, new(|v| v.as_str().into());
    /// `H5DegradeConfirmBtn`: shows "I have finished" on the page for browsers that cannot.
    h5_degrade_confirm_btn: bool = "H5DegradeConfirmBtn" in Query, new(yes_no);
    /// `Ip`: the person's address.
    ip: Ip = "Ip" in Query, personal(|v| v.expose().into());
    meta_info = "MetaInfo" in Query, personal(|op| Some(op.meta_info.expose().into()));
    /// `Mobile`: the person's mobile number.
    mobile: Mobile = "Mobile" in Query, personal(|v| v.expose().into());
    /// `Model`: what the person is asked to do.
    model: Model = "Model" in Body, new(|v| v.as_str().into());
    /// `NeedMultiFaceCheck`: refuses more than one face in the picture.
    need_multi_face_check: bool = "NeedMultiFaceCheck" in Query, new(yes_no);
    outer_order_no = "OuterOrderNo" in Query, new(|op| Some(op.outer_order_no.as_str().into()));
    /// `ProcedurePriority`: what a mobile page does where the browser lacks WebRTC or WASM.
    procedure_priority: ProcedurePriority = "ProcedurePriority" in Query, new(|v| v.as_str().into());
    /// `ProductCode`: another scheme than `ID_PRO`.
    product_code: ProductCode = "ProductCode" in Query, new(|v| v.as_str().into());
    /// `RarelyCharacters`: the person types a name with rare characters on the page.
    rarely_characters: bool = "RarelyCharacters" in Query, new(yes_no);
    return_url = "ReturnUrl" in Query, new(|op| Some(op.return_url.as_str().into()));
    scene_id = "SceneId" in Query, new(|op| Some(op.scene_id.to_string().into()));
    /// `SuitableType`: a mode for elderly people.
    suitable_type: SuitableType = "SuitableType" in Query, new(|v| v.as_str().into());
    /// `UiCustomUrl`: a file that styles the vendor's page.
    ui_custom_url: UiCustomUrl = "UiCustomUrl" in Query, new(|v| v.as_str().into());
    /// `UserId`: your own id of the person.
    user_id: UserId = "UserId" in Query, personal(|v| v.expose().into());
    /// `VideoEvidence`: keeps a video.
    video_evidence: bool = "VideoEvidence" in Query, new(|v| if *v { "true" } else { "false" }.into());
}

fn yes_no(value: &bool) -> Cow<'_, str> {
    if *value { "Y" } else { "N" }.into()
}

impl InitFaceVerify {
    /// A verification of `identity` in the scene `scene_id`, under your number `outer_order_no`.
    #[must_use]
    pub fn new(
        scene_id: SceneId,
        outer_order_no: OuterOrderNo,
        identity: Identity,
        return_url: ReturnUrl,
        meta_info: MetaInfo,
    ) -> Self {
        let options = Box::new(Options { product_code: Some(ProductCode::IdPro), ..Options::default() });
        Self { scene_id, outer_order_no, identity, return_url, meta_info, options, extra: Given::default() }
    }

    /// Sets a parameter that this crate has no setter for, such as `EnableBeauty`. It is treated as personal
    /// data. One that has a setter, given here as well, fails the build of the request.
    #[must_use]
    pub fn extra(mut self, place: Place, name: &str, value: &str) -> Self {
        self.extra.push(place, name, value);
        self
    }

    /// Your number of this verification.
    #[must_use]
    pub const fn outer_order_no(&self) -> &OuterOrderNo {
        &self.outer_order_no
    }

    /// The scene.
    #[must_use]
    pub const fn scene_id(&self) -> SceneId {
        self.scene_id
    }
}

impl Operation for InitFaceVerify {
    type Output = FaceVerifySession;

    fn action(&self) -> &str {
        "InitFaceVerify"
    }

    fn effect(&self) -> Effect {
        Effect::HarmlessWrite
    }

    fn params<'a>(&'a self, params: &mut Params<'a>) {
        push_parameters(self, params);
        self.extra.params(params);
    }

    fn started(session: &FaceVerifySession) -> Option<&CertifyId> {
        Some(&session.certify_id)
    }

    fn read(answer: &Answer<'_>) -> Result<Reply<FaceVerifySession>, ReplyError> {
        let product = answer.product::<Wire<'_>>()?;
        if product.code != Code::Success {
            return Err(product.refused());
        }
        let result = product.result.as_ref();
        let id = result.and_then(|wire| wire.certify_id.as_str()).filter(|id| !id.is_empty());
        let Some(certify_id) = id.and_then(|id| CertifyId::new(id).ok()) else {
            return Err(product.lacks("ResultObject.CertifyId"));
        };
        let url = result.and_then(|wire| wire.certify_url.as_str()).filter(|url| !url.is_empty());
        let session = FaceVerifySession { certify_id, certify_url: url.map(|url| CertifyUrl(url.into())) };
        Ok(product.reply(session))
    }
}

#[derive(Default, Deserialize)]
struct Wire<'a> {
    #[serde(borrow, default, rename = "CertifyId")]
    certify_id: Text<'a>,
    #[serde(borrow, default, rename = "CertifyUrl")]
    certify_url: Text<'a>,
}

/// A started verification. Id and link live 30 minutes and take one submission.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FaceVerifySession {
    /// The service's name for this verification. Keep it beside your order number; never take it from the
    /// browser.
    pub certify_id: CertifyId,
    /// Where to send the person. `None` when the service did not believe the `MetaInfo`: it must be what
    /// `getMetaInfo()` returned in the person's own browser, just now.
    pub certify_url: Option<CertifyUrl>,
}

/// The link that the person opens. Whoever has it can take the verification, so `Debug` shows its length alone.
/// Send it on unchanged: an edited link answers with a signature error, and its domain may change any day.
#[derive(Clone, PartialEq, Eq)]
pub struct CertifyUrl(Box<str>);

impl CertifyUrl {
    /// The link itself, `http` or `https`.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for CertifyUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CertifyUrl({} bytes)", self.0.len())
    }
}
