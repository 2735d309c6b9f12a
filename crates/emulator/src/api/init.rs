//! `InitFaceVerify`: validates the parameters and starts a session.

use serde_json::{Value, json};

use super::answer::ActionReply;
use crate::callbacks;
use crate::gateway::ApiRequest;
use crate::http::{Message, both};
use crate::lifecycle::{self, NewSession};
use crate::sessions::{self, CallbackTarget, Magic};
use crate::state::AppState;

pub(crate) async fn init_face_verify(state: &AppState, request: &ApiRequest) -> ActionReply {
    let filled = |name| request.filled(name);
    let required =
        ["SceneId", "OuterOrderNo", "ProductCode", "CertType", "CertName", "CertNo", "ReturnUrl", "MetaInfo"];
    if let Some(missing) = required.into_iter().find(|name| filled(name).is_none()) {
        return ActionReply::without(missing);
    }
    let param = |name| filled(name).unwrap_or_default();
    let kept = ["SceneId", "ReturnUrl", "CallbackUrl", "CallbackToken"];
    if let Some(long) = kept.into_iter().find(|name| sessions::is_too_long(param(name))) {
        return ActionReply::with_hint(
            "401",
            Message::new(format!("{long} is longer than 8 KiB"), format!("{long} 超过 8 KiB")),
        );
    }
    if param("SceneId").parse::<u64>().is_err() {
        return ActionReply::with_hint("401", both("SceneId must be a number", "SceneId 须为数字"));
    }
    if (param("ProductCode"), param("CertType")) != ("ID_PRO", "IDENTITY_CARD") {
        return ActionReply::with_hint(
            "401",
            both(
                "the web flow requires ProductCode ID_PRO and CertType IDENTITY_CARD",
                "H5 接入要求 ProductCode 为 ID_PRO，CertType 为 IDENTITY_CARD",
            ),
        );
    }
    let order = param("OuterOrderNo");
    if order.len() > 32 || !order.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return ActionReply::with_hint(
            "401",
            both("OuterOrderNo must be at most 32 letters and digits", "OuterOrderNo 最多 32 位字母或数字"),
        );
    }
    let id_number = param("CertNo");
    if !sessions::is_id_number(id_number) {
        return ActionReply::with_hint(
            "401",
            both("CertNo is not a valid ID number by GB 11643", "CertNo 不是有效的身份证号（GB 11643）"),
        );
    }
    if !state.settings.accept_any_id && !sessions::is_synthetic(id_number) {
        return ActionReply::with_hint(
            "401",
            both(
                "the emulator accepts only ID numbers of the area 999999, so that no real person is in a test",
                "模拟器只接受 999999 地区的身份证号，以免测试中出现真实身份",
            ),
        );
    }
    let callback = match filled("CallbackUrl") {
        Some(url) => match callbacks::check(state, url).await {
            Ok(()) => Some(CallbackTarget {
                url: url.to_owned(),
                token: filled("CallbackToken").map(str::to_owned),
            }),
            Err(reason) => return ActionReply::with_hint("401", reason),
        },
        None => None,
    };
    let magic = Magic::of(id_number);
    if let Magic::InitCode(code) = magic
        && code != 200
    {
        return ActionReply::with_code(&code.to_string());
    }
    let now = state.clock.now();
    let identity = state.digest(&[param("CertName"), id_number]);
    if state.sessions().is_blocked(&identity) {
        return ActionReply::with_hint(
            "417",
            both(
                "this identity got SubCode 201, 202 or 203 before",
                "该身份此前的认证结果为 SubCode 201、202 或 203",
            ),
        );
    }
    if let Some(limit) = state.settings.failures_per_day
        && state.sessions().failures_today(&identity, now) >= limit
    {
        let hint = Message::new(
            format!(
                "this identity failed {limit} times today; the day ends at midnight in China, by the emulator's clock"
            ),
            format!("该身份今天已失败 {limit} 次；按模拟器时钟，北京时间零点重新计数"),
        );
        return ActionReply::with_hint("418", hint);
    }
    let session = lifecycle::start(
        state,
        NewSession {
            order,
            scene_id: param("SceneId"),
            user_id: filled("UserId"),
            return_url: param("ReturnUrl"),
            callback,
            magic,
            identity,
            wants_long_link: filled("CertifyUrlStyle") == Some("L"),
            has_valid_meta_info: is_valid_meta_info(param("MetaInfo")),
        },
    );
    let mut result = json!({ "CertifyId": session.certify_id });
    if let (Some(link), Value::Object(fields)) = (session.link, &mut result) {
        fields.insert("CertifyUrl".into(), link.into());
    }
    ActionReply::success(result)
}

/// Returns whether MetaInfo looks like the result of `getMetaInfo()`: a JSON object with the version of the script. The
/// service checks more, which is not documented.
fn is_valid_meta_info(meta_info: &str) -> bool {
    serde_json::from_str::<Value>(meta_info)
        .is_ok_and(|value| value.get("zimVer").is_some_and(Value::is_string))
}
