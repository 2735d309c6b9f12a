//! `InitFaceVerify`: starts a verification and returns the link that the person opens.
//!
//! Vendor's page: <https://help.aliyun.com/document_detail/173781.html>

mod session;

pub use session::{CertifyUrl, FaceVerifySession};

use serde::Deserialize;

use crate::codes::Code;
use crate::operation::{Effect, Operation};
use crate::reply::lenient::LenientString;
use crate::reply::{Answer, Reply, ReplyError};
use crate::values::choice::{
    CertifyUrlStyle, CertifyUrlType, FaceGuardOutput, Model, ProcedurePriority, ProductCode, SuitableType,
};
use crate::values::identity::{Identity, Ip, Mobile, UserId};
use crate::values::order::{AuthId, CertifyId, OuterOrderNo, SceneId};
use crate::values::web::{CallbackToken, CallbackUrl, MetaInfo, ReturnUrl, UiCustomUrl};
use crate::wire::params::{ExtraParams, ParamLocation, Params, name};

/// Starts a verification. [`new`](Self::new) takes what the web flow requires; setters add the optional parameters.
/// `ProductCode` defaults to `ID_PRO`; `CertType` is `IDENTITY_CARD`, the only value of the web flow.
/// The vendor bills the finished verification, not this call.
#[derive(Clone, Debug)]
pub struct InitFaceVerify {
    scene_id: SceneId,
    outer_order_no: OuterOrderNo,
    identity: Identity,
    return_url: ReturnUrl,
    meta_info: MetaInfo,
    options: Box<Options>,
    extra: ExtraParams,
}

/// The optional parameters.
#[derive(Clone, Debug, Default)]
struct Options {
    auth_id: Option<AuthId>,
    callback_token: Option<CallbackToken>,
    callback_url: Option<CallbackUrl>,
    camera_selection: Option<bool>,
    certify_url_style: Option<CertifyUrlStyle>,
    certify_url_type: Option<CertifyUrlType>,
    face_guard_output: Option<FaceGuardOutput>,
    h5_degrade_confirm_btn: Option<bool>,
    ip: Option<Ip>,
    mobile: Option<Mobile>,
    model: Option<Model>,
    need_multi_face_check: Option<bool>,
    procedure_priority: Option<ProcedurePriority>,
    product_code: Option<ProductCode>,
    rarely_characters: Option<bool>,
    suitable_type: Option<SuitableType>,
    ui_custom_url: Option<UiCustomUrl>,
    user_id: Option<UserId>,
    video_evidence: Option<bool>,
}

impl InitFaceVerify {
    /// Starts a verification of `identity` in the scene `scene_id`, under your number `outer_order_no`.
    #[must_use]
    pub fn new(
        scene_id: SceneId,
        outer_order_no: OuterOrderNo,
        identity: Identity,
        return_url: ReturnUrl,
        meta_info: MetaInfo,
    ) -> Self {
        let options = Box::new(Options { product_code: Some(ProductCode::IdPro), ..Options::default() });
        Self {
            scene_id,
            outer_order_no,
            identity,
            return_url,
            meta_info,
            options,
            extra: ExtraParams::default(),
        }
    }

    /// Sets a parameter without a setter in this crate, such as `EnableBeauty`. It is treated as personal data. A name that is
    /// already set is an error of [`prepare`](crate::prepare).
    #[must_use]
    pub fn extra(mut self, location: ParamLocation, name: &str, value: &str) -> Self {
        self.extra.push(location, name, value);
        self
    }

    /// Your number of this verification.
    #[must_use]
    pub const fn outer_order_no(&self) -> &OuterOrderNo {
        &self.outer_order_no
    }

    /// The claimed identity.
    #[must_use]
    pub const fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Returns whether the service compares the face with the claimed [`identity`](Self::identity): the scheme is `ID_PRO`, and the
    /// person cannot type another name on the page.
    ///
    /// ```
    /// # use cloudauth_protocol::{CertName, CertNo, Identity, InitFaceVerify, MetaInfo, OuterOrderNo, ProductCode, ReturnUrl, SceneId};
    /// # let identity = Identity::plain(CertName::new("张三")?, CertNo::new("999999199001012003")?);
    /// # let back = ReturnUrl::new("https://shop.example/back")?;
    /// # let (scene, order) = (SceneId::new(1_000_000_006)?, OuterOrderNo::new("order1")?);
    /// let init = InitFaceVerify::new(scene, order, identity, back, MetaInfo::new("{}")?);
    /// assert!(init.compares_identity());
    /// assert!(!init.clone().product_code(ProductCode::LrFr).compares_identity());
    /// assert!(!init.rarely_characters(true).compares_identity());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn compares_identity(&self) -> bool {
        let Options { product_code, rarely_characters, .. } = &*self.options;
        *product_code == Some(ProductCode::IdPro)
            && *rarely_characters != Some(true)
            && !self.extra.has(&["ProductCode", "RarelyCharacters"])
    }

    /// Returns whether `FaceGuardOutput` is set.
    #[must_use]
    pub fn has_face_guard_output(&self) -> bool {
        self.options.face_guard_output.is_some() || self.extra.has(&["FaceGuardOutput"])
    }

    /// The page to which the browser returns.
    #[must_use]
    pub const fn return_url(&self) -> &ReturnUrl {
        &self.return_url
    }

    /// The scene.
    #[must_use]
    pub const fn scene_id(&self) -> SceneId {
        self.scene_id
    }
}

/// Optional parameters.
impl InitFaceVerify {
    /// `AuthId`: the user's authorization id.
    #[must_use]
    pub fn auth_id(mut self, value: AuthId) -> Self {
        self.options.auth_id = Some(value);
        self
    }

    /// `CallbackToken`: returned in the callback. Create it with [`CallbackKeys`](crate::CallbackKeys).
    #[must_use]
    pub fn callback_token(mut self, value: CallbackToken) -> Self {
        self.options.callback_token = Some(value);
        self
    }

    /// `CallbackUrl`: where the service reports that the person is done.
    #[must_use]
    pub fn callback_url(mut self, value: CallbackUrl) -> Self {
        self.options.callback_url = Some(value);
        self
    }

    /// `CameraSelection`: lets the person choose a camera (PC only).
    #[must_use]
    pub fn camera_selection(mut self, value: bool) -> Self {
        self.options.camera_selection = Some(value);
        self
    }

    /// `CertifyUrlStyle`: a short or a long link.
    #[must_use]
    pub fn certify_url_style(mut self, value: CertifyUrlStyle) -> Self {
        self.options.certify_url_style = Some(value);
        self
    }

    /// `CertifyUrlType`: for a desktop or a mobile browser.
    #[must_use]
    pub fn certify_url_type(mut self, value: CertifyUrlType) -> Self {
        self.options.certify_url_type = Some(value);
        self
    }

    /// `FaceGuardOutput`: reports device risk (at extra cost).
    #[must_use]
    pub fn face_guard_output(mut self, value: FaceGuardOutput) -> Self {
        self.options.face_guard_output = Some(value);
        self
    }

    /// `H5DegradeConfirmBtn`: shows "I have finished" on the page for unsupported browsers.
    #[must_use]
    pub fn h5_degrade_confirm_btn(mut self, value: bool) -> Self {
        self.options.h5_degrade_confirm_btn = Some(value);
        self
    }

    /// `Ip`: the person's IP address.
    #[must_use]
    pub fn ip(mut self, value: Ip) -> Self {
        self.options.ip = Some(value);
        self
    }

    /// `Mobile`: the person's mobile number.
    #[must_use]
    pub fn mobile(mut self, value: Mobile) -> Self {
        self.options.mobile = Some(value);
        self
    }

    /// `Model`: what the person is asked to do.
    #[must_use]
    pub fn model(mut self, value: Model) -> Self {
        self.options.model = Some(value);
        self
    }

    /// `NeedMultiFaceCheck`: refuses more than one face in the picture.
    #[must_use]
    pub fn need_multi_face_check(mut self, value: bool) -> Self {
        self.options.need_multi_face_check = Some(value);
        self
    }

    /// `ProcedurePriority`: what a mobile page does in a browser without WebRTC or WASM.
    #[must_use]
    pub fn procedure_priority(mut self, value: ProcedurePriority) -> Self {
        self.options.procedure_priority = Some(value);
        self
    }

    /// `ProductCode`: a scheme other than `ID_PRO`.
    #[must_use]
    pub fn product_code(mut self, value: ProductCode) -> Self {
        self.options.product_code = Some(value);
        self
    }

    /// `RarelyCharacters`: lets the person type a name with rare characters on the page.
    #[must_use]
    pub fn rarely_characters(mut self, value: bool) -> Self {
        self.options.rarely_characters = Some(value);
        self
    }

    /// `SuitableType`: a mode for elderly people.
    #[must_use]
    pub fn suitable_type(mut self, value: SuitableType) -> Self {
        self.options.suitable_type = Some(value);
        self
    }

    /// `UiCustomUrl`: a file that styles the vendor's page.
    #[must_use]
    pub fn ui_custom_url(mut self, value: UiCustomUrl) -> Self {
        self.options.ui_custom_url = Some(value);
        self
    }

    /// `UserId`: your own id of the person.
    #[must_use]
    pub fn user_id(mut self, value: UserId) -> Self {
        self.options.user_id = Some(value);
        self
    }

    /// `VideoEvidence`: keeps a video.
    #[must_use]
    pub fn video_evidence(mut self, value: bool) -> Self {
        self.options.video_evidence = Some(value);
        self
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
        use ParamLocation::{Body, Query};
        let options = &*self.options;
        // In the order of their names, which is the order that the signatures need.
        params.push_known_personal_opt(name!("AuthId"), Body, options.auth_id.as_ref().map(AuthId::expose));
        params.push_known_personal_opt(
            name!("CallbackToken"),
            Query,
            options.callback_token.as_ref().map(CallbackToken::expose),
        );
        // A path may have a capability, and a user part a password.
        params.push_known_personal_opt(
            name!("CallbackUrl"),
            Query,
            options.callback_url.as_ref().map(CallbackUrl::as_str),
        );
        params.push_known_opt(name!("CameraSelection"), Query, options.camera_selection.map(yes_no));
        params.push_known_personal(name!("CertName"), Query, self.identity.name.expose());
        params.push_known_personal(name!("CertNo"), Query, self.identity.number.expose());
        params.push_known(name!("CertType"), Query, "IDENTITY_CARD");
        params.push_known_opt(
            name!("CertifyUrlStyle"),
            Query,
            options.certify_url_style.as_ref().map(CertifyUrlStyle::as_str),
        );
        params.push_known_opt(
            name!("CertifyUrlType"),
            Query,
            options.certify_url_type.as_ref().map(CertifyUrlType::as_str),
        );
        params.push_known_opt(name!("EncryptType"), Query, self.identity.encrypted.then_some("SM2"));
        params.push_known_opt(
            name!("FaceGuardOutput"),
            Query,
            options.face_guard_output.as_ref().map(FaceGuardOutput::as_str),
        );
        params.push_known_opt(
            name!("H5DegradeConfirmBtn"),
            Query,
            options.h5_degrade_confirm_btn.map(yes_no),
        );
        params.push_known_personal_opt(name!("Ip"), Query, options.ip.as_ref().map(Ip::expose));
        params.push_known_personal(name!("MetaInfo"), Query, self.meta_info.expose());
        params.push_known_personal_opt(name!("Mobile"), Query, options.mobile.as_ref().map(Mobile::expose));
        params.push_known_opt(name!("Model"), Body, options.model.as_ref().map(Model::as_str));
        params.push_known_opt(name!("NeedMultiFaceCheck"), Query, options.need_multi_face_check.map(yes_no));
        params.push_known(name!("OuterOrderNo"), Query, self.outer_order_no.as_str());
        params.push_known_opt(
            name!("ProcedurePriority"),
            Query,
            options.procedure_priority.as_ref().map(ProcedurePriority::as_str),
        );
        params.push_known_opt(
            name!("ProductCode"),
            Query,
            options.product_code.as_ref().map(ProductCode::as_str),
        );
        params.push_known_opt(name!("RarelyCharacters"), Query, options.rarely_characters.map(yes_no));
        params.push_known_personal(name!("ReturnUrl"), Query, self.return_url.as_str());
        params.push_known(name!("SceneId"), Query, self.scene_id.to_string());
        params.push_known_opt(
            name!("SuitableType"),
            Query,
            options.suitable_type.as_ref().map(SuitableType::as_str),
        );
        params.push_known_personal_opt(
            name!("UiCustomUrl"),
            Query,
            options.ui_custom_url.as_ref().map(UiCustomUrl::as_str),
        );
        params.push_known_personal_opt(name!("UserId"), Query, options.user_id.as_ref().map(UserId::expose));
        params.push_known_opt(
            name!("VideoEvidence"),
            Query,
            options.video_evidence.map(|keep| if keep { "true" } else { "false" }),
        );
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
        let session = FaceVerifySession { certify_id, certify_url: url.map(CertifyUrl::new) };
        Ok(product.reply(session))
    }
}

#[derive(Default, Deserialize)]
struct Wire<'a> {
    #[serde(borrow, default, rename = "CertifyId")]
    certify_id: LenientString<'a>,
    #[serde(borrow, default, rename = "CertifyUrl")]
    certify_url: LenientString<'a>,
}

const fn yes_no(value: bool) -> &'static str {
    if value { "Y" } else { "N" }
}
