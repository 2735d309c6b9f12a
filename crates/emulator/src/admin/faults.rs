//! Faults: listing, adding, removing.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::State as Shared;
use axum::extract::rejection::JsonRejection;
use axum::http::{Response, StatusCode};
use serde_json::{Value, json};

use super::problem::{Problem, created};
use crate::faults::Fault;
use crate::state::State;

pub(super) async fn list(Shared(state): Shared<Arc<State>>) -> Json<Value> {
    Json(json!({ "faults": state.faults().list() }))
}

pub(super) async fn inject(
    Shared(state): Shared<Arc<State>>,
    fault: Result<Json<Fault>, JsonRejection>,
) -> Result<Response<Body>, Problem> {
    let Json(fault) = fault?;
    state.faults().add(fault);
    state.changed("faults");
    state.save();
    let list = json!({ "faults": state.faults().list() });
    Ok(created(list))
}

pub(super) async fn clear(Shared(state): Shared<Arc<State>>) -> StatusCode {
    state.faults().clear();
    state.changed("faults");
    state.save();
    StatusCode::NO_CONTENT
}
