//! `DescribeFaceVerify`: the result of a session.

use serde_json::{Value, json};

use super::answer::ActionReply;
use crate::gateway::ApiRequest;
use crate::http::both;
use crate::sessions::{Magic, SessionOutcome};
use crate::state::AppState;
use crate::web::picture;

pub(crate) fn describe_face_verify(state: &AppState, request: &ApiRequest) -> ActionReply {
    let filled = |name| request.filled(name);
    let (Some(scene_id), Some(certify_id)) = (filled("SceneId"), filled("CertifyId")) else {
        return ActionReply::without("SceneId, CertifyId");
    };
    let mut sessions = state.sessions();
    let Some(session) = sessions.get_mut(certify_id).filter(|session| !session.deleted) else {
        return ActionReply::with_code("406");
    };
    session.queried |= session.scene_id == scene_id && session.result().is_some();
    if session.scene_id != scene_id {
        return ActionReply::with_hint(
            "406",
            both(
                "the CertifyId belongs to another scene; the emulator assumes this code",
                "该 CertifyId 属于另一个场景；此返回码是模拟器的假定",
            ),
        );
    }
    match (session.magic, session.result().cloned()) {
        (Magic::DescribeCode(code), _) if code != 200 => ActionReply::with_code(&code.to_string()),
        (_, None) => ActionReply::with_code("424"),
        // The result exists, but is not available yet.
        (_, Some(_)) if session.pending > 0 => {
            session.pending -= 1;
            ActionReply::with_code("424")
        }
        (_, Some(outcome)) => ActionReply::success(result_object(state, certify_id, &outcome)),
    }
}

fn result_object(state: &AppState, certify_id: &str, outcome: &SessionOutcome) -> Value {
    let object = picture::object_of(certify_id);
    let mut picture = json!({
        "faceAttackScore": 0.000_085_978_397_692_088_04,
        "ossBucketName": picture::BUCKET,
        "ossObjectName": object,
        "pictureUrl": picture::signed_url(state, &object),
        "qualityScore": 99.934_768_676_757_81,
    });
    if outcome.compares_faces()
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
