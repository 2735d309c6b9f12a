//! `/_emu`: looking after the emulator, by hand (the inspection page) and by program (`web/openapi.json` describes it).

mod callbacks;
mod guard;
mod journal;
mod sessions;
mod time;
mod whole;

use std::sync::Arc;

use axum::body::Body;
use axum::extract::rejection::JsonRejection;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, Response, StatusCode};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use axum::{Json, Router, middleware};
use serde::Serialize;
use serde_json::json;

use crate::bounds;
use crate::state::State;

pub(crate) use guard::is_cross_origin;

/// The paths and their methods; `openapi.json` has the same, which a test sees to.
pub(crate) fn router(state: &Arc<State>) -> Router<Arc<State>> {
    let guarded = Router::new()
        .route("/_emu/v1/info", get(whole::info))
        .route("/_emu/v1/reset", post(whole::reset))
        .route("/_emu/v1/events", get(whole::events))
        .route("/_emu/v1/openapi.json", get(openapi))
        .route("/_emu/v1/clock", get(time::get).patch(time::patch))
        .route("/_emu/v1/sessions", get(sessions::list).post(sessions::begin))
        .route("/_emu/v1/sessions/{certify_id}", get(sessions::get).patch(sessions::patch))
        .route("/_emu/v1/sessions/{certify_id}/submit", post(sessions::submit))
        .route("/_emu/v1/sessions/{certify_id}/cancel", post(sessions::cancel))
        .route("/_emu/v1/sessions/{certify_id}/expire", post(sessions::expire))
        .route("/_emu/v1/callbacks", get(callbacks::list).patch(callbacks::hold).post(callbacks::add))
        .route("/_emu/v1/callbacks/check", post(callbacks::check))
        .route("/_emu/v1/callbacks/{number}/release", post(callbacks::release))
        .route("/_emu/v1/faults", get(whole::faults).post(whole::inject).delete(whole::clear_faults))
        .route("/_emu/v1/journal", get(journal::list))
        .route("/_emu/v1/journal/{number}/explain", get(journal::explain).post(journal::compare))
        .route("/_emu/ui", get(whole::ui))
        .layer(middleware::from_fn_with_state(Arc::clone(state), bounds::small_body))
        // Its body has bounds of its own.
        .route("/_emu/v1/snapshot", get(whole::snapshot).put(whole::restore));
    guarded.layer(middleware::from_fn_with_state(Arc::clone(state), guard::check))
}

const OPENAPI: &str = include_str!("../web/openapi.json");

async fn openapi() -> Response<Body> {
    let mut response = Response::new(Body::from(OPENAPI));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// A request that is not carried out: what is wrong, and what to do.
struct Problem {
    status: StatusCode,
    error: String,
    hint: &'static str,
}

type Answer<T> = Result<Json<T>, Problem>;

impl Problem {
    fn new(status: StatusCode, error: impl Into<String>, hint: &'static str) -> Self {
        Self { status, error: error.into(), hint }
    }

    fn bad(error: impl Into<String>, hint: &'static str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, error, hint)
    }

    fn not_found(error: &str, hint: &'static str) -> Self {
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
fn created(what: impl Serialize) -> Response<Body> {
    (StatusCode::CREATED, Json(what)).into_response()
}
