//! `DeleteFaceVerifyResult`: deletes the result of a session.

use serde_json::json;

use super::answer::ActionReply;
use crate::gateway::ApiRequest;
use crate::state::AppState;

pub(crate) fn delete_face_verify_result(state: &AppState, request: &ApiRequest) -> ActionReply {
    let Some(certify_id) = request.filled("CertifyId") else {
        return ActionReply::without("CertifyId");
    };
    let mut sessions = state.sessions();
    let Some(session) = sessions.get_mut(certify_id) else { return ActionReply::with_code("406") };
    if session.deleted {
        let result =
            json!({ "CertifyId": certify_id, "DeleteResult": "N", "FailReason": "NOT_DELETE_REPEATEDLY" });
        return ActionReply::success(result);
    }
    if request.param("DeleteAfterQuery") == Some("Y") && !session.queried {
        let result =
            json!({ "CertifyId": certify_id, "DeleteResult": "N", "FailReason": "NEED_QUERY_VERIFY_RESULT" });
        return ActionReply::success(result);
    }
    session.deleted = true;
    ActionReply::success(json!({ "CertifyId": certify_id, "DeleteResult": "Y" }))
}
