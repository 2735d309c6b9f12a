//! An answer before it is written: JSON or XML, in the vendor's shape.

use std::time::Duration;

use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, DATE};
use axum::http::{HeaderValue, Response, StatusCode};
use cloudauth_protocol::UnixTime;
use quick_xml::escape::escape;
use serde_json::{Map, Value};

use crate::gateway::Incoming;
use crate::state::State;

/// An answer before it is written.
pub(super) struct Draft {
    pub(super) status: StatusCode,
    pub(super) kind: &'static str,
    pub(super) body: Vec<u8>,
    pub(super) date: UnixTime,
    pub(super) retry_after: Option<Duration>,
}

impl Draft {
    /// The fields as JSON, or as XML if the request wants it.
    pub(super) fn write(
        state: &State,
        request: &Incoming,
        status: StatusCode,
        root: &str,
        fields: Map<String, Value>,
    ) -> Self {
        if !request.wants_xml() {
            return Self::json(state, status, Value::Object(fields).to_string());
        }
        let text = format!("<?xml version='1.0' encoding='UTF-8'?>{}", xml(root, &Value::Object(fields)));
        Self { kind: "text/xml;charset=utf-8", ..Self::json(state, status, text) }
    }

    pub(super) fn json(state: &State, status: StatusCode, text: String) -> Self {
        let (kind, date) = ("application/json;charset=utf-8", state.clock.now());
        Self { status, kind, body: text.into_bytes(), date, retry_after: None }
    }

    pub(super) fn into_response(self) -> Response<Body> {
        let mut response = Response::new(Body::from(self.body));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(self.kind));
        if let Ok(date) = HeaderValue::from_str(&httpdate::fmt_http_date(self.date.to_system_time())) {
            headers.insert(DATE, date);
        }
        if let Some(wait) = self.retry_after {
            headers.insert("x-acs-retry-after", HeaderValue::from(wait.as_millis() as u64));
        }
        response
    }
}

fn xml(name: &str, value: &Value) -> String {
    let inside = match value {
        Value::Object(fields) => fields.iter().map(|(name, value)| xml(name, value)).collect(),
        Value::String(text) => escape(text).into_owned(),
        other => other.to_string(),
    };
    format!("<{name}>{inside}</{name}>")
}
