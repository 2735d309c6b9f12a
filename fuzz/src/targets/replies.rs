//! Replies of every operation, errors of the gateway, and `MaterialInfo`.

use cloudauth_protocol::{
    Body, DeleteFaceVerifyResult, DescribeFaceVerify, FaceVerifyStatus, FieldState, InitFaceVerify,
    Operation, Outcome, RawOperation, ReplyError, parse,
};
use http::Response;
use serde::de::IgnoredAny;
use serde_json::{Map, Value};

use crate::reach::reached;
use crate::secrets::{assert_hidden, printed, shown_strings, strings};

/// What may be printed of a reply: codes, identifiers and labels.
const SHOWN: &[&str] =
    &["Code", "code", "RequestId", "requestId", "SubCode", "Passed", "DeviceRisk", "CertifyId"];

/// A status line, from the first byte, and a body.
pub(super) fn replies(data: &[u8]) {
    let Some((&first, body)) = data.split_first() else { return };
    let status = [200, 400, 403, 404, 500, 503][usize::from(first) % 6];
    let response = Response::builder().status(status).body(Body::from(body.to_vec())).unwrap();
    if may_have_surrogates(body) {
        // An unpaired surrogate spoils a whole document for serde_json; the crate refuses the field.
        let _ = parse::<DescribeFaceVerify>(&response);
        return;
    }
    if is_out_of_range(body) {
        let _ = parse::<DescribeFaceVerify>(&response);
        return;
    }
    let document: Option<Map<String, Value>> = serde_json::from_slice(body).ok();
    let whole = document.map(Value::Object);
    let read = check::<InitFaceVerify>(&response, whole.as_ref());
    if read.is_some() {
        reached("a session");
    }
    assert!(read.is_none_or(|session| !session.certify_id.as_str().is_empty()));
    check::<DeleteFaceVerifyResult>(&response, whole.as_ref());
    if let Some(answer) = check::<RawOperation>(&response, whole.as_ref()) {
        assert_eq!(Some(answer.expose()), whole.as_ref());
    }
    let Some(FaceVerifyStatus::Finished(result)) = check::<DescribeFaceVerify>(&response, whole.as_ref())
    else {
        return;
    };
    let object = whole.as_ref().map(|whole| member(whole, "ResultObject", "resultObject"));
    let object = object.unwrap_or(&Value::Null);
    reached("a result");
    if FaceVerifyStatus::Finished(result.clone()).outcome() == Outcome::Passed {
        reached("a result that passed");
        assert_eq!(member(object, "Passed", "passed"), "T");
    }
    if let Ok(material) = result.material_info.parse() {
        if !result.material_info.is_absent() {
            reached("a result with material");
        }
        let shown = format!("{:?}", material.facial_picture_front.picture_url);
        assert_hidden(&shown, result.material_info.expose());
    }
}

/// Whether JSON can have an unpaired surrogate.
pub(super) fn may_have_surrogates(body: &[u8]) -> bool {
    body.windows(3).any(|window| window.eq_ignore_ascii_case(b"\\ud"))
}

/// Whether it is JSON with a number that no double holds. `Value` refuses such a number everywhere; a reader that skips its member
/// does not see it.
pub(super) fn is_out_of_range(body: &[u8]) -> bool {
    let is_json = serde_json::from_slice::<IgnoredAny>(body).is_ok();
    is_json
        && serde_json::from_slice::<Value>(body)
            .is_err_and(|error| error.to_string().contains("out of range"))
}

/// Reads the reply of an operation: a success needs a JSON object, and nothing that is printed shows personal data.
fn check<O: Operation>(response: &Response<Body>, whole: Option<&Value>) -> Option<O::Output>
where
    O::Output: std::fmt::Debug,
{
    let read = parse::<O>(response);
    let shown = printed(&read);
    assert!(shown.len() <= 4096 + 8 * response.body().len());
    let (mut hidden, mut public) = (Vec::new(), Vec::new());
    if let Some(whole) = whole {
        strings(whole, SHOWN, &mut hidden);
        shown_strings(whole, SHOWN, &mut public);
    }
    // A member that is shown may have the same text.
    hidden.retain(|text| !shown.contains(text) || !public.iter().any(|other| other.contains(text)));
    assert_hidden(&shown, hidden);
    assert!(read.is_err() || whole.is_some(), "a success that serde_json cannot read");
    read.ok().map(|reply| reply.output)
}

fn member<'a>(object: &'a Value, name: &str, alias: &str) -> &'a Value {
    object.get(name).or_else(|| object.get(alias)).unwrap_or(&Value::Null)
}

/// An error as the gateway writes it, in JSON or XML: never a success, and printed in a few lines.
pub(super) fn gateway_errors(data: &[u8]) {
    for status in [400, 503] {
        let response = Response::builder().status(status).body(Body::from(data.to_vec())).unwrap();
        let read = parse::<DescribeFaceVerify>(&response);
        if let Err(ReplyError::Gateway(error)) = &read {
            let code = error.code().to_string();
            let is_xml = data.trim_ascii_start().starts_with(b"<");
            reached(if is_xml { "an error in XML" } else { "an error in JSON" });
            assert!(!code.is_empty() && code.len() <= 256, "a code of {} bytes", code.len());
        }
        let shown = printed(&read);
        assert!(shown.len() < 8192, "{} bytes are shown", shown.len());
        let is_object = serde_json::from_slice::<Map<String, Value>>(data).is_ok();
        assert!(read.is_err() || is_object, "markup that is a success");
    }
}

/// `MaterialInfo` in its string: serde_json finds the same scores.
pub(super) fn material(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    // A reply has at most 1 MiB, and its copies with escapes are six times as long.
    if text.len() > 1 << 20 || is_out_of_range(data) {
        return;
    }
    let body = serde_json::json!({
        "Code": "200", "ResultObject": { "Passed": "T", "SubCode": "200", "MaterialInfo": text },
    });
    let response = Response::new(Body::from(body.to_string()));
    let Ok(reply) = parse::<DescribeFaceVerify>(&response) else {
        assert!(body.to_string().len() > 1 << 20, "a reply of the documented form is refused");
        return;
    };
    let FaceVerifyStatus::Finished(result) = &reply.output else { panic!("not finished") };
    let document = serde_json::from_str::<Map<String, Value>>(text).map(Value::Object);
    let Ok(material) = result.material_info.parse() else { return };
    if result.material_info.is_absent() {
        return;
    }
    let document = document.expect("serde_json reads what this crate reads");
    let face = document.get("facialPictureFront").unwrap_or(&Value::Null);
    let score = material.facial_picture_front.verify_score;
    match (score, face.get("verifyScore")) {
        (FieldState::Is(score), Some(Value::Number(number))) => {
            reached("a score");
            assert_eq!(Some(score), number.as_f64());
        }
        (FieldState::Is(_), Some(Value::String(_))) | (FieldState::Malformed, Some(_)) => {}
        (FieldState::Missing, found) => {
            assert!(!matches!(found, Some(Value::Number(_))), "a score is lost");
        }
        (found, expected) => panic!("{found:?} for {:?}", expected.is_some()),
    }
    if material.face_attack == FieldState::Is(false) {
        reached("no attack");
        let found = document.get("faceAttack").and_then(|flag| flag.as_str().map(str::to_owned));
        let is_false = document.get("faceAttack") == Some(&Value::Bool(false));
        assert!(is_false || matches!(found.as_deref(), Some("F" | "false")), "an attack is read as none");
    }
}
