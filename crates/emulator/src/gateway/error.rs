//! Gateway errors, in the vendor's format.

use std::time::Duration;

use axum::http::StatusCode;
use cloudauth_protocol::Bilingual;
use serde_json::{Map, Value, json};

/// The reason why the gateway refuses a call.
#[derive(Debug)]
pub(crate) struct GatewayError {
    pub(crate) status: StatusCode,
    pub(crate) code: &'static str,
    pub(crate) message: String,
    /// `x-acs-retry-after`.
    pub(crate) retry_after: Option<Duration>,
    /// The emulator's own hint. It is appended to the message in parentheses, and recorded in the journal.
    pub(crate) hint: Option<Bilingual>,
    /// Whether the signature does not match. The admin API can explain such a call.
    pub(crate) is_signature_mismatch: bool,
}

impl GatewayError {
    pub(crate) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
            retry_after: None,
            hint: None,
            is_signature_mismatch: false,
        }
    }

    /// Creates an error with HTTP 400, the status of most errors.
    pub(crate) fn bad_request(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, message)
    }

    /// Creates the error for too many calls: the client may retry after `wait`.
    pub(crate) fn throttled(wait: Duration) -> Self {
        let message = "Request was denied due to user flow control.";
        Self { retry_after: Some(wait), ..Self::bad_request("Throttling.User", message) }
    }

    /// Creates the error for a signature that does not match.
    pub(crate) fn signature_mismatch(message: String) -> Self {
        Self { is_signature_mismatch: true, ..Self::bad_request("SignatureDoesNotMatch", message) }
    }

    /// Creates the error for a missing required parameter.
    pub(crate) fn missing(parameter: &str) -> Self {
        Self::bad_request("MissingParameter", format!("{parameter} is mandatory for this action."))
    }

    /// Returns the fields of the vendor's error document.
    pub(crate) fn body(&self, request_id: &str, host: &str) -> Map<String, Value> {
        let recommend = format!(
            "https://api.aliyun.com/troubleshoot?q={}&product=Cloudauth&requestId={request_id}",
            self.code
        );
        let hint = self.hint.as_ref().map(|hint| format!(" ({})", hint.en)).unwrap_or_default();
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
