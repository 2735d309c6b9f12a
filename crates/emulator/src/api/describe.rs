//! `DescribeFaceVerify`.

use serde_json::{Value, json};

use super::answer::Answer;
use crate::gateway::Incoming;
use crate::sessions::{Magic, Outcome};
use crate::state::State;
use crate::web::picture;

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
