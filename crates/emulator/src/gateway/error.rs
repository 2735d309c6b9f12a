//! The gateway's errors, in the vendor's shape.

use std::time::Duration;

use axum::http::StatusCode;
use serde_json::{Map, Value, json};

/// A call that the gateway turns away.
#[derive(Debug)]
pub(crate) struct GatewayError {
    pub(crate) status: StatusCode,
    pub(crate) code: &'static str,
    pub(crate) message: String,
    /// `x-acs-retry-after`.
    pub(crate) retry_after: Option<Duration>,
    /// What the emulator has to add: it stands in parentheses behind the message, and in the journal.
    pub(crate) hint: Option<String>,
    /// Whether the signature did not match, which can be explained.
    pub(crate) is_unmatched_signature: bool,
}

impl GatewayError {
    pub(crate) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
            retry_after: None,
            hint: None,
            is_unmatched_signature: false,
        }
    }

    /// Most of them come beside HTTP 400.
    pub(crate) fn bad_request(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, message)
    }

    /// Too many calls.
    pub(crate) fn throttled(wait: Duration) -> Self {
        let message = "Request was denied due to user flow control.";
        Self { retry_after: Some(wait), ..Self::bad_request("Throttling.User", message) }
    }

    /// A signature that is not the server's.
    pub(crate) fn unmatched_signature(message: String) -> Self {
        Self { is_unmatched_signature: true, ..Self::bad_request("SignatureDoesNotMatch", message) }
    }

    /// A parameter that every call must have.
    pub(crate) fn missing(parameter: &str) -> Self {
        Self::bad_request("MissingParameter", format!("{parameter} is mandatory for this action."))
    }

    /// The fields of the vendor's answer.
    pub(crate) fn body(&self, request_id: &str, host: &str) -> Map<String, Value> {
        let recommend = format!(
            "https://api.aliyun.com/troubleshoot?q={}&product=Cloudauth&requestId={request_id}",
            self.code
        );
        let hint = self.hint.as_ref().map(|hint| format!(" ({hint})")).unwrap_or_default();
        let body = json!({
            "RequestId": request_id,
            "Message": format!("{}{hint}", self.message),
            "Recommend": recommend,
            "HostId": host,
            "Code": self.code,
        });
        match body {
            Value::Object(body) => body,
            _ => Map::new(),
        }
    }
}
