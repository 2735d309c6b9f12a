//! The emulator as a whole: information, reset, snapshots, and the inspection page.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, Response, StatusCode};
use minijinja::context;
use serde_json::{Value, json};

use super::problem::AdminError;
use crate::gateway::ACCESS_KEY_ID;
use crate::http::{MAX_SNAPSHOT_BODY, both, read_body};
use crate::state::{AppState, Snapshot};
use crate::web::{Language, Page, html, render, sub_codes};

pub(super) async fn info(State(state): State<Arc<AppState>>) -> Json<Value> {
    Json(json!({
        "version": env!("CARGO_PKG_VERSION"),
        "endpoint": state.settings.url,
        "access_key_id": ACCESS_KEY_ID,
        "seed": state.seed().to_string(),
        "accepts_any_id": state.settings.accept_any_id,
        "state_file": state.saving_status(),
    }))
}

pub(super) async fn reset(State(state): State<Arc<AppState>>) -> StatusCode {
    state.reset();
    StatusCode::NO_CONTENT
}

pub(super) async fn snapshot(State(state): State<Arc<AppState>>) -> Json<Snapshot> {
    Json(state.snapshot())
}

pub(super) async fn restore(
    State(state): State<Arc<AppState>>,
    body: Body,
) -> Result<StatusCode, AdminError> {
    let body = read_body(body, MAX_SNAPSHOT_BODY, state.settings.limits.snapshot_time).await;
    let unchanged = both("the state is unchanged", "状态未改变");
    let body = body.map_err(|error| AdminError::new(error.status(), error.message(), unchanged))?;
    let snapshot = Snapshot::parse(&body).map_err(|error| AdminError::bad(error.message(), unchanged))?;
    state.restore(snapshot);
    Ok(StatusCode::NO_CONTENT)
}

/// Shows the inspection page.
pub(super) async fn ui(RawQuery(query): RawQuery, headers: HeaderMap) -> Response<Body> {
    let language = Language::of(query.as_deref(), &headers);
    html(
        StatusCode::OK,
        render(Page::Ui, language, context! { sub_codes => sub_codes(language) }),
        "",
        "'none'",
    )
}
