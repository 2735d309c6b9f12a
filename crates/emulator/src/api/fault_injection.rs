//! What a fault does to an answer.

use axum::http::StatusCode;

use super::response::Draft;
use crate::faults::FaultKind;
use crate::gateway::GatewayError;
use crate::http::Line;

/// The error that a fault brings instead of the action.
pub(crate) fn instead(fault: FaultKind) -> Option<GatewayError> {
    match fault {
        FaultKind::Status(status) => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            Some(match status {
                StatusCode::SERVICE_UNAVAILABLE => GatewayError::new(
                    status,
                    "ServiceUnavailable",
                    "The request has failed due to a temporary failure of the server.",
                ),
                _ => GatewayError::new(
                    status,
                    "InternalError",
                    "The request processing has failed due to some unknown error, exception or failure.",
                ),
            })
        }
        FaultKind::Throttle(wait) => Some(GatewayError::throttled(wait)),
        // What is sent instead is written over the answer, or is not sent at all.
        FaultKind::HtmlBadGateway | FaultKind::CloseBeforeActing => {
            Some(GatewayError::new(StatusCode::BAD_GATEWAY, "InternalError", ""))
        }
        _ => None,
    }
}

/// Does to an answer, or to its connection, what the fault says.
pub(crate) fn spoil(fault: FaultKind, draft: &mut Draft, line: &Line) {
    match fault {
        FaultKind::CloseBeforeActing | FaultKind::CloseAfterActing => line.close_after(0),
        FaultKind::Reset => line.reset(),
        FaultKind::TruncatedAt(bytes) => line.close_after(bytes),
        FaultKind::Dribble(pause) => line.dribble(pause),
        FaultKind::HtmlBadGateway => {
            draft.kind = "text/html";
            draft.body = b"<html><head><title>502 Bad Gateway</title></head></html>".to_vec();
        }
        FaultKind::Empty => (draft.status, draft.body) = (StatusCode::OK, Vec::new()),
        FaultKind::MalformedJson => draft.body.truncate(draft.body.len() * 2 / 3),
        FaultKind::WrongContentType => draft.kind = "image/png",
        FaultKind::InvalidUtf8 => draft.body = b"{\"Code\":\"\xff\xfe\"}".to_vec(),
        FaultKind::DuplicateKeys => {
            draft.body.pop();
            draft.body.extend_from_slice(b",\"Code\":\"200\"}");
        }
        FaultKind::Padded(bytes) => draft.body.resize(draft.body.len() + bytes, b' '),
        FaultKind::WrongDate(seconds) => {
            let date = draft.date.as_secs().saturating_add_signed(seconds);
            draft.date = cloudauth_protocol::UnixTime::from_secs(date);
        }
        FaultKind::Latency(_) | FaultKind::CloseUnread | FaultKind::Status(_) | FaultKind::Throttle(_) => {}
    }
}
