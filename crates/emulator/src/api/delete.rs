//! `DeleteFaceVerifyResult`.

use serde_json::json;

use super::answer::Answer;
use crate::gateway::Incoming;
use crate::state::State;

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
