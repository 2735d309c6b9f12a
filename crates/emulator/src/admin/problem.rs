//! Errors and results of the admin API.

use axum::Json;
use axum::body::Body;
use axum::extract::rejection::JsonRejection;
use axum::http::{Response, StatusCode};
use axum::response::IntoResponse;
use serde::Serialize;
use serde_json::json;

/// An error of the admin API: what failed, and what to do.
pub(super) struct AdminError {
    status: StatusCode,
    error: String,
    hint: &'static str,
}

pub(super) type AdminResult<T> = Result<Json<T>, AdminError>;

impl AdminError {
    pub(super) fn new(status: StatusCode, error: impl Into<String>, hint: &'static str) -> Self {
        Self { status, error: error.into(), hint }
    }

    pub(super) fn bad(error: impl Into<String>, hint: &'static str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, error, hint)
    }

    pub(super) fn not_found(error: &str, hint: &'static str) -> Self {
        Self::new(StatusCode::NOT_FOUND, error, hint)
    }
}

impl From<JsonRejection> for AdminError {
    /// The message does not quote the request.
    fn from(rejection: JsonRejection) -> Self {
        let error = match rejection {
            JsonRejection::JsonDataError(_) => "the fields of the JSON document are not valid",
            JsonRejection::JsonSyntaxError(_) => "the body is not valid JSON",
            JsonRejection::MissingJsonContentType(_) => "the body must be application/json",
            _ => "the body cannot be read",
        };
        Self::bad(error, "GET /_emu/v1/openapi.json describes the requests")
    }
}

impl IntoResponse for AdminError {
    fn into_response(self) -> Response<Body> {
        (self.status, Json(json!({ "error": self.error, "hint": self.hint }))).into_response()
    }
}

/// Returns HTTP 201 with the created object.
pub(super) fn created(what: impl Serialize) -> Response<Body> {
    (StatusCode::CREATED, Json(what)).into_response()
}
