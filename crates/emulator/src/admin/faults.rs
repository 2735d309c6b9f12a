//! Faults: listing, adding and removing them.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::http::{Response, StatusCode};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::problem::{AdminError, created};
use crate::faults::Fault;
use crate::http::both;
use crate::state::{AppState, Change};

pub(super) async fn list(State(state): State<Arc<AppState>>) -> Json<Value> {
    Json(json!({ "faults": state.faults().list() }))
}

pub(super) async fn inject(
    State(state): State<Arc<AppState>>,
    document: Result<Json<Box<RawValue>>, JsonRejection>,
) -> Result<Response<Body>, AdminError> {
    let Json(document) = document?;
    let fault = Fault::parse(document.get()).map_err(|error| {
        AdminError::bad(
            error.problem(),
            both("docs/emulator.md lists the faults", "故障的列表见 docs/zh/emulator.md"),
        )
    })?;
    state.faults().add(fault);
    state.changed(Change::Faults);
    state.save();
    let list = json!({ "faults": state.faults().list() });
    Ok(created(list))
}

pub(super) async fn clear(State(state): State<Arc<AppState>>) -> StatusCode {
    state.faults().clear();
    state.changed(Change::Faults);
    state.save();
    StatusCode::NO_CONTENT
}
