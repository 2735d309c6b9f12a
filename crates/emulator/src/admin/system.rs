//! The emulator as a whole: what it is, reset, snapshots, and the inspection page.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{RawQuery, State as Shared};
use axum::http::{HeaderMap, Response, StatusCode};
use minijinja::context;
use serde_json::{Value, json};

use super::problem::Problem;
use crate::gateway::ACCESS_KEY_ID;
use crate::http::{SNAPSHOT_BODY, read_body};
use crate::state::{Snapshot, State};
use crate::web::{Language, Page, html, render, sub_codes};

pub(super) async fn info(Shared(state): Shared<Arc<State>>) -> Json<Value> {
    Json(json!({
        "version": env!("CARGO_PKG_VERSION"),
        "endpoint": state.setup.url,
        "access_key_id": ACCESS_KEY_ID,
        "seed": state.seed().to_string(),
        "accepts_any_id": state.setup.accept_any_id,
        "state_file": state.saving_status(),
    }))
}

pub(super) async fn reset(Shared(state): Shared<Arc<State>>) -> StatusCode {
    state.reset();
    StatusCode::NO_CONTENT
}

pub(super) async fn snapshot(Shared(state): Shared<Arc<State>>) -> Json<Snapshot> {
    Json(state.snapshot())
}

pub(super) async fn restore(Shared(state): Shared<Arc<State>>, body: Body) -> Result<StatusCode, Problem> {
    let body = read_body(body, SNAPSHOT_BODY, state.setup.limits.snapshot_time).await;
    let body =
        body.map_err(|error| Problem::new(error.status(), error.to_string(), "nothing has changed"))?;
    let snapshot = Snapshot::parse(&body).map_err(|problem| Problem::bad(problem, "nothing has changed"))?;
    state.restore(snapshot);
    Ok(StatusCode::NO_CONTENT)
}

/// The inspection page.
pub(super) async fn ui(RawQuery(query): RawQuery, headers: HeaderMap) -> Response<Body> {
    let language = Language::of(query.as_deref(), &headers);
    html(
        StatusCode::OK,
        render(Page::Ui, language, context! { sub_codes => sub_codes(language) }),
        "",
        "'none'",
    )
}
