//! HTTP responses in the vendor's format, JSON or XML, before faults are applied.

use std::time::Duration;

use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, DATE};
use axum::http::{HeaderValue, Response, StatusCode};
use cloudauth_protocol::UnixTime;
use quick_xml::escape::escape;
use serde_json::{Map, Value};

use crate::gateway::ApiRequest;
use crate::state::AppState;

/// A response that faults can still change.
pub(super) struct PendingResponse {
    pub(super) status: StatusCode,
    pub(super) content_type: &'static str,
    pub(super) body: Vec<u8>,
    pub(super) date: UnixTime,
    pub(super) retry_after: Option<Duration>,
}

impl PendingResponse {
    /// Creates a JSON response, or an XML response if the request asks for it.
    pub(super) fn write(
        state: &AppState,
        request: &ApiRequest,
        status: StatusCode,
        root: &str,
        fields: Map<String, Value>,
    ) -> Self {
        if !request.wants_xml() {
            return Self::json(state, status, Value::Object(fields).to_string());
        }
        let text = format!("<?xml version='1.0' encoding='UTF-8'?>{}", xml(root, &Value::Object(fields)));
        Self { content_type: "text/xml;charset=utf-8", ..Self::json(state, status, text) }
    }

    pub(super) fn json(state: &AppState, status: StatusCode, text: String) -> Self {
        let (content_type, date) = ("application/json;charset=utf-8", state.clock.now());
        Self { status, content_type, body: text.into_bytes(), date, retry_after: None }
    }

    pub(super) fn into_response(self) -> Response<Body> {
        let mut response = Response::new(Body::from(self.body));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(self.content_type));
        if let Ok(date) = HeaderValue::from_str(&httpdate::fmt_http_date(self.date.to_system_time())) {
            headers.insert(DATE, date);
        }
        if let Some(wait) = self.retry_after {
            headers.insert("x-acs-retry-after", HeaderValue::from(wait.as_millis() as u64));
        }
        response
    }
}

/// Formats an XML element. The content is escaped.
fn xml(name: &str, value: &Value) -> String {
    let inside = match value {
        Value::Object(fields) => fields.iter().map(|(name, value)| xml(name, value)).collect(),
        Value::String(text) => escape(text).into_owned(),
        other => other.to_string(),
    };
    format!("<{name}>{inside}</{name}>")
}
