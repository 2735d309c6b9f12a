//! `InitFaceVerify`.

use serde_json::{Value, json};

use super::answer::Answer;
use crate::callbacks;
use crate::gateway::Incoming;
use crate::lifecycle::{self, Beginning};
use crate::sessions::{self, CallbackTarget, Magic};
use crate::state::State;

pub(crate) async fn init_face_verify(state: &State, request: &Incoming) -> Answer {
    let filled = |name| request.param(name).filter(|value| !value.is_empty());
    let required =
        ["SceneId", "OuterOrderNo", "ProductCode", "CertType", "CertName", "CertNo", "ReturnUrl", "MetaInfo"];
    if let Some(missing) = required.into_iter().find(|name| filled(name).is_none()) {
        return Answer::hint("400", missing);
    }
    let param = |name| filled(name).unwrap_or_default();
    let kept = ["SceneId", "ReturnUrl", "CallbackUrl", "CallbackToken"];
    if let Some(long) = kept.into_iter().find(|name| lifecycle::is_too_long(param(name))) {
        return Answer::hint("401", format!("{long} is longer than 8 KiB"));
    }
    if param("SceneId").parse::<u64>().is_err() {
        return Answer::hint("401", "SceneId is a number");
    }
    if (param("ProductCode"), param("CertType")) != ("ID_PRO", "IDENTITY_CARD") {
        return Answer::hint("401", "the web flow takes ProductCode ID_PRO and CertType IDENTITY_CARD");
    }
    let order = param("OuterOrderNo");
    if order.len() > 32 || !order.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return Answer::hint("401", "OuterOrderNo is at most 32 letters and digits");
    }
    let id_number = param("CertNo");
    if !sessions::is_id_number(id_number) {
        return Answer::hint("401", "CertNo is no ID number by GB 11643");
    }
    if !state.setup.accept_any_id && !sessions::is_synthetic(id_number) {
        return Answer::hint(
            "401",
            "the emulator takes ID numbers of the area 999999 alone, so that nobody real is in a test",
        );
    }
    let callback = match filled("CallbackUrl") {
        Some(url) => match callbacks::check(state, url).await {
            Ok(()) => Some(CallbackTarget {
                url: url.to_owned(),
                token: filled("CallbackToken").map(str::to_owned),
            }),
            Err(problem) => return Answer::hint("401", problem),
        },
        None => None,
    };
    let magic = Magic::of(id_number);
    if let Magic::InitCode(code) = magic
        && code != 200
    {
        return Answer::code(&code.to_string());
    }
    let now = state.clock.now();
    let identity = state.digest(&[param("CertName"), id_number]);
    if state.sessions().is_without_source(&identity) {
        return Answer::hint("417", "this identity ended in SubCode 201, 202 or 203 before");
    }
    if let Some(most) = state.setup.failures_a_day
        && state.sessions().failures_today(&identity, now) >= most
    {
        let hint = format!(
            "this identity failed {most} times today; the day ends at midnight in China, by the emulator's clock"
        );
        return Answer::hint("418", hint);
    }
    let session = lifecycle::begin(
        state,
        Beginning {
            order,
            scene_id: param("SceneId"),
            user_id: filled("UserId"),
            return_url: param("ReturnUrl"),
            callback,
            magic,
            identity,
            wants_long_link: filled("CertifyUrlStyle") == Some("L"),
            is_believed: looks_fresh(param("MetaInfo")),
        },
    );
    let mut result = json!({ "CertifyId": session.certify_id });
    if let (Some(link), Value::Object(fields)) = (session.link, &mut result) {
        fields.insert("CertifyUrl".into(), link.into());
    }
    Answer::success(result)
}

/// Whether MetaInfo looks like what `getMetaInfo()` makes: a JSON object with the script's version. The service
/// looks closer; how, is not documented.
fn looks_fresh(meta_info: &str) -> bool {
    serde_json::from_str::<Value>(meta_info)
        .is_ok_and(|value| value.get("zimVer").is_some_and(Value::is_string))
}
