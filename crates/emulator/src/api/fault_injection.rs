//! The effect of a fault on a call, its response and its connection.

use axum::http::StatusCode;

use super::response::PendingResponse;
use crate::faults::FaultKind;
use crate::gateway::GatewayError;
use crate::http::ConnectionControl;

/// Returns the error that a fault causes instead of running the action.
pub(crate) fn error_for(fault: FaultKind) -> Option<GatewayError> {
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
        // `apply` replaces this response, or closes the connection before it is sent.
        FaultKind::HtmlBadGateway | FaultKind::CloseBeforeActing => {
            Some(GatewayError::new(StatusCode::BAD_GATEWAY, "InternalError", ""))
        }
        _ => None,
    }
}

/// Applies a fault to a response or its connection.
pub(crate) fn apply(fault: FaultKind, response: &mut PendingResponse, connection: &ConnectionControl) {
    match fault {
        FaultKind::CloseBeforeActing | FaultKind::CloseAfterActing => connection.close_after(0),
        FaultKind::Reset => connection.reset(),
        FaultKind::TruncatedAt(bytes) => connection.close_after(bytes),
        FaultKind::Dribble(pause) => connection.dribble(pause),
        FaultKind::HtmlBadGateway => {
            response.content_type = "text/html";
            response.body = b"<html><head><title>502 Bad Gateway</title></head></html>".to_vec();
        }
        FaultKind::Empty => (response.status, response.body) = (StatusCode::OK, Vec::new()),
        FaultKind::MalformedJson => response.body.truncate(response.body.len() * 2 / 3),
        FaultKind::WrongContentType => response.content_type = "image/png",
        FaultKind::InvalidUtf8 => response.body = b"{\"Code\":\"\xff\xfe\"}".to_vec(),
        FaultKind::DuplicateKeys => {
            response.body.pop();
            response.body.extend_from_slice(b",\"Code\":\"200\"}");
        }
        FaultKind::Padded(bytes) => response.body.resize(response.body.len() + bytes, b' '),
        FaultKind::WrongDate(seconds) => {
            let date = response.date.as_secs().saturating_add_signed(seconds);
            response.date = cloudauth_protocol::UnixTime::from_secs(date);
        }
        FaultKind::Latency(_) | FaultKind::CloseUnread | FaultKind::Status(_) | FaultKind::Throttle(_) => {}
    }
}
