//! A request that is not carried out, and the answers of the admin API.

use axum::Json;
use axum::body::Body;
use axum::extract::rejection::JsonRejection;
use axum::http::{Response, StatusCode};
use axum::response::IntoResponse;
use serde::Serialize;
use serde_json::json;

/// A request that is not carried out: what is wrong, and what to do.
pub(super) struct Problem {
    status: StatusCode,
    error: String,
    hint: &'static str,
}

pub(super) type Answer<T> = Result<Json<T>, Problem>;

impl Problem {
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

impl From<JsonRejection> for Problem {
    /// What was sent is not quoted.
    fn from(rejection: JsonRejection) -> Self {
        let error = match rejection {
            JsonRejection::JsonDataError(_) => "the document has not the fields that are expected",
            JsonRejection::JsonSyntaxError(_) => "the body is no JSON",
            JsonRejection::MissingJsonContentType(_) => "the body must be application/json",
            _ => "the body cannot be read",
        };
        Self::bad(error, "GET /_emu/v1/openapi.json says what is taken")
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response<Body> {
        (self.status, Json(json!({ "error": self.error, "hint": self.hint }))).into_response()
    }
}

/// HTTP 201 and what was made.
pub(super) fn created(what: impl Serialize) -> Response<Body> {
    (StatusCode::CREATED, Json(what)).into_response()
}
