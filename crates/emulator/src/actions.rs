//! The three actions: what the product answers beside HTTP 200.

use cloudauth_protocol::Code;
use serde_json::{Map, Value, json};

use crate::begin::{self, Beginning};
use crate::magic::{self, Magic};
use crate::outcome::Outcome;
use crate::sessions::CallbackTarget;
use crate::state::State;
use crate::verify::Incoming;
use crate::{callback, picture};

/// A product answer: `Code`, `Message`, and perhaps `ResultObject`.
pub(crate) struct Answer {
    pub(crate) code: String,
    message: &'static str,
    result: Option<Value>,
    /// What the emulator has to add: it stands in parentheses behind the message, and in the journal.
    pub(crate) hint: Option<String>,
}

impl Answer {
    fn success(result: Value) -> Self {
        Self { result: Some(result), ..Self::code("200") }
    }

    /// A code with the vendor's message.
    fn code(code: &str) -> Self {
        let message = Code::from_wire(code).manual().map_or("", |entry| entry.vendor_text);
        Self { code: code.to_owned(), message, result: None, hint: None }
    }

    fn hint(code: &str, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..Self::code(code) }
    }

    pub(crate) fn certify_id(&self) -> Option<&str> {
        self.result.as_ref()?.get("CertifyId")?.as_str()
    }

    /// The fields of the vendor's answer.
    pub(crate) fn fields(&self, request_id: &str) -> Map<String, Value> {
        let hint = self.hint.as_ref().map(|hint| format!(" ({hint})")).unwrap_or_default();
        let mut fields = Map::new();
        fields.insert("RequestId".into(), request_id.into());
        fields.insert("Message".into(), format!("{}{hint}", self.message).into());
        fields.insert("Code".into(), self.code.clone().into());
        if let Some(result) = &self.result {
            fields.insert("ResultObject".into(), result.clone());
        }
        fields
    }
}

pub(crate) async fn init_face_verify(state: &State, request: &Incoming) -> Answer {
    let filled = |name| request.param(name).filter(|value| !value.is_empty());
    let required =
        ["SceneId", "OuterOrderNo", "ProductCode", "CertType", "CertName", "CertNo", "ReturnUrl", "MetaInfo"];
    if let Some(missing) = required.into_iter().find(|name| filled(name).is_none()) {
        return Answer::hint("400", missing);
    }
    let param = |name| filled(name).unwrap_or_default();
    let kept = ["SceneId", "ReturnUrl", "CallbackUrl", "CallbackToken"];
    if let Some(long) = kept.into_iter().find(|name| begin::is_too_long(param(name))) {
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
    if !magic::is_id_number(id_number) {
        return Answer::hint("401", "CertNo is no ID number by GB 11643");
    }
    if !state.setup.accept_any_id && !magic::is_synthetic(id_number) {
        return Answer::hint(
            "401",
            "the emulator takes ID numbers of the area 999999 alone, so that nobody real is in a test",
        );
    }
    let callback = match filled("CallbackUrl") {
        Some(url) => match callback::check(state, url).await {
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
    let session = begin::begin(
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

pub(crate) fn describe_face_verify(state: &State, request: &Incoming) -> Answer {
    let filled = |name| request.param(name).filter(|value| !value.is_empty());
    let (Some(scene_id), Some(certify_id)) = (filled("SceneId"), filled("CertifyId")) else {
        return Answer::hint("400", "SceneId, CertifyId");
    };
    let mut sessions = state.sessions();
    let Some(session) = sessions.get_mut(certify_id).filter(|session| !session.deleted) else {
        return Answer::code("406");
    };
    session.queried |= session.scene_id == scene_id && session.result().is_some();
    if session.scene_id != scene_id {
        return Answer::hint("406", "the emulator's guess for a CertifyId of another scene");
    }
    match (session.magic, session.result().cloned()) {
        (Magic::DescribeCode(code), _) if code != 200 => Answer::code(&code.to_string()),
        (_, None) => Answer::code("424"),
        // The result is there, and is not told yet.
        (_, Some(_)) if session.pending > 0 => {
            session.pending -= 1;
            Answer::code("424")
        }
        (_, Some(outcome)) => Answer::success(result_object(state, certify_id, &outcome)),
    }
}

fn result_object(state: &State, certify_id: &str, outcome: &Outcome) -> Value {
    let object = picture::object_of(certify_id);
    let mut picture = json!({
        "faceAttackScore": 0.000_085_978_397_692_088_04,
        "ossBucketName": picture::BUCKET,
        "ossObjectName": object,
        "pictureUrl": picture::signed_url(state, &object),
        "qualityScore": 99.934_768_676_757_81,
    });
    // The first three end before the faces are compared.
    if !outcome.is_without_source()
        && let Value::Object(fields) = &mut picture
    {
        fields.insert("verifyScore".into(), outcome.verify_score.into());
    }
    let attack = if outcome.sub_code == "205" { "T" } else { "F" };
    let material_info = json!({ "faceAttack": attack, "faceOcclusion": "F", "facialPictureFront": picture });
    json!({
        "Passed": if outcome.passed() { "T" } else { "F" },
        "SubCode": outcome.sub_code,
        "IdentityInfo": "null",
        "MaterialInfo": material_info.to_string(),
    })
}

pub(crate) fn delete_face_verify_result(state: &State, request: &Incoming) -> Answer {
    let Some(certify_id) = request.param("CertifyId").filter(|value| !value.is_empty()) else {
        return Answer::hint("400", "CertifyId");
    };
    let mut sessions = state.sessions();
    let Some(session) = sessions.get_mut(certify_id) else { return Answer::code("406") };
    if session.deleted {
        let result =
            json!({ "CertifyId": certify_id, "DeleteResult": "N", "FailReason": "NOT_DELETE_REPEATEDLY" });
        return Answer::success(result);
    }
    if request.param("DeleteAfterQuery") == Some("Y") && !session.queried {
        let result =
            json!({ "CertifyId": certify_id, "DeleteResult": "N", "FailReason": "NEED_QUERY_VERIFY_RESULT" });
        return Answer::success(result);
    }
    session.deleted = true;
    Answer::success(json!({ "CertifyId": certify_id, "DeleteResult": "Y" }))
}
