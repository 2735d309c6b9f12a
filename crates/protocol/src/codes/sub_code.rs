//! `SubCode`: the detailed result of a finished verification.

use super::{Manual, entry, open_code};

open_code! {
    /// `ResultObject.SubCode`. Two of them mean that the person passed: `200` and `210`.
    SubCode {
        Passed = "200" "认证通过", Nobody, Page,
            "认证通过" / "the person passed",
            "按策略判定" / "apply your policy";
        NameAndNumberDiffer = "201" "姓名和身份证不一致", EndUser, Page,
            "姓名和身份证不一致" / "name and ID number do not match",
            "请用户核对信息；同一身份再次初始化将返回 417" /
            "have the person check the data; a new start with the same identity returns 417";
        IdentityNotFound = "202" "查询不到身份信息", Reviewer, Page,
            "查询不到身份信息，可能是户口迁移等特殊状态" /
            "the identity is not found, perhaps because a household registration is being transferred",
            "转人工复核；同一身份再次初始化将返回 417" /
            "review manually; a new start with the same identity returns 417";
        NoReferencePicture = "203" "查询不到照片或照片不可用", Reviewer, Page,
            "权威库没有可用的照片" / "the authoritative source has no usable picture",
            "转人工复核；同一身份再次初始化将返回 417" /
            "review manually; a new start with the same identity returns 417";
        FaceDiffers = "204" "人脸比对不一致", EndUser, Page,
            "人脸比对不一致：可能不是本人，或活体照片质量较低" / "the faces do not match: another person, or a picture of low quality",
            "按业务分层处理；若为本人可重新操作" / "apply your risk tiers; a genuine user may try again";
        LivenessRisk = "205" "活体检测存在风险", Reviewer, Page,
            "活体检测存在风险，可能存在攻击" / "the liveness check found a risk, possibly an attack",
            "人工复核分层处理；若为真人可重新操作" / "review by your risk tiers; a genuine user may try again";
        BusinessPolicy = "206" "业务策略限制", EndUser, Page,
            "设备、身份或人脸环境的安全检测不通过" / "the security checks of device, identity or surroundings failed",
            "请用户卸载多开、分身、虚拟环境等软件后重试；内部测试可在白名单设置中加白" /
            "have the person remove cloning and virtualisation software, then try again; testers can be put on the allow list";
        IdCardFaceDiffers = "207" "人脸与身份证人脸比对不一致", EndUser, Vendor,
            "人脸与身份证人脸比对不一致（仅 ID_PLUS）" / "the face does not match the ID card (ID_PLUS only)",
            "请用户使用本人证件重试" / "have the person try again with their own card";
        SourceFailed = "209" "权威比对源异常", Vendor, Vendor,
            "权威比对源异常" / "the authoritative source failed",
            "稍后请用户重试" / "have the person try again later";
        PassedByStrategy = "210" "认证通过", Nobody, Page,
            "通过产品安全策略综合判断，建议认证通过" / "the product's security strategy recommends a pass",
            "按策略判定" / "apply your policy";
        IntentNotConfirmed = "220" "意愿判定不通过", Reviewer, Vendor,
            "意愿判定不通过（仅 MFVC）" / "the statement of intent was not accepted (MFVC only)",
            "转人工复核或请用户重试" / "review manually, or have the person try again";
        VoiceDiffers = "221" "声纹比对不一致", Reviewer, Vendor,
            "声纹比对不一致（仅 MFVC）" / "the voices do not match (MFVC only)",
            "转人工复核或请用户重试" / "review manually, or have the person try again";
        OrdinaryFailure = "222" "常规认证失败", EndUser, Vendor,
            "常规认证失败（仅 MFVC）" / "the ordinary verification failed (MFVC only)",
            "请用户重试" / "have the person try again";
    }
}

impl SubCode {
    /// The manual's entry; `None` for an unknown code.
    #[must_use]
    pub fn manual(&self) -> Option<&'static Manual> {
        entry(Self::MANUAL, self.as_str())
    }

    /// Whether the code's own text says that the person passed; `None` for an unknown code. It does not
    /// decide: `Passed` does, and this tells whether the two contradict each other.
    #[must_use]
    pub fn means_pass(&self) -> Option<bool> {
        match self {
            Self::Passed | Self::PassedByStrategy => Some(true),
            Self::Other(_) => None,
            _ => Some(false),
        }
    }
}
