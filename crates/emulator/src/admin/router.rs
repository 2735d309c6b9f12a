//! The routes of `/_emu`.

use std::sync::Arc;

use axum::body::Body;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, Response};
use axum::routing::{get, post};
use axum::{Router, middleware};

use super::{authorization, callbacks, clock, events, faults, journal, sessions, system};
use crate::http::small_body;
use crate::state::AppState;

/// Returns the routes. A test compares them with `openapi.json`.
pub(crate) fn router(state: &Arc<AppState>) -> Router<Arc<AppState>> {
    let guarded = Router::new()
        .route("/_emu/v1/info", get(system::info))
        .route("/_emu/v1/reset", post(system::reset))
        .route("/_emu/v1/events", get(events::events))
        .route("/_emu/v1/openapi.json", get(openapi))
        .route("/_emu/v1/clock", get(clock::get).patch(clock::patch))
        .route("/_emu/v1/sessions", get(sessions::list).post(sessions::begin))
        .route("/_emu/v1/sessions/{certify_id}", get(sessions::get).patch(sessions::patch))
        .route("/_emu/v1/sessions/{certify_id}/submit", post(sessions::submit))
        .route("/_emu/v1/sessions/{certify_id}/cancel", post(sessions::cancel))
        .route("/_emu/v1/sessions/{certify_id}/expire", post(sessions::expire))
        .route("/_emu/v1/callbacks", get(callbacks::list).patch(callbacks::hold).post(callbacks::add))
        .route("/_emu/v1/callbacks/check", post(callbacks::check))
        .route("/_emu/v1/callbacks/{number}/release", post(callbacks::release))
        .route("/_emu/v1/faults", get(faults::list).post(faults::inject).delete(faults::clear))
        .route("/_emu/v1/journal", get(journal::list))
        .route("/_emu/v1/journal/{number}/explain", get(journal::explain).post(journal::compare))
        .route("/_emu/ui", get(system::ui))
        .layer(middleware::from_fn_with_state(state.settings.limits, small_body))
        // A snapshot has its own limits.
        .route("/_emu/v1/snapshot", get(system::snapshot).put(system::restore));
    guarded.layer(middleware::from_fn_with_state(Arc::clone(state), authorization::check))
}

const OPENAPI: &str = include_str!("../../web/openapi.json");

async fn openapi() -> Response<Body> {
    let mut response = Response::new(Body::from(OPENAPI));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
