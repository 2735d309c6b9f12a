//! The journal, and why a signature was refused.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State as Shared};
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::problem::{Answer, Problem};
use crate::gateway::{self, Explanation, Incoming};
use crate::state::State;

/// How many entries are listed.
const LISTED: usize = 200;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Given {
    string_to_sign: String,
}

pub(super) async fn list(Shared(state): Shared<Arc<State>>) -> Json<Value> {
    let journal = state.journal();
    Json(json!({ "entries": journal.latest().take(LISTED).collect::<Vec<_>>() }))
}

/// Explains a refused signature: what the server signed, and which mistake gives the client's signature.
pub(super) async fn explain(
    Shared(state): Shared<Arc<State>>,
    Path(number): Path<u64>,
) -> Answer<Explanation> {
    let request = refused_request(&state, number)?;
    computed(move || gateway::explain(&request, &state.setup.keys)).await
}

/// Compares the string that the client signed with the server's.
pub(super) async fn compare(
    Shared(state): Shared<Arc<State>>,
    Path(number): Path<u64>,
    given: Result<Json<Given>, JsonRejection>,
) -> Answer<Explanation> {
    let Json(given) = given?;
    let request = refused_request(&state, number)?;
    computed(move || gateway::compare(&request, &given.string_to_sign)).await
}

/// Computes an explanation where no other request waits for it.
async fn computed(explain: impl FnOnce() -> Explanation + Send + 'static) -> Answer<Explanation> {
    let computed = tokio::task::spawn_blocking(explain).await;
    let broken =
        |_| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "the explanation failed", "report a bug");
    computed.map(Json).map_err(broken)
}

fn refused_request(state: &State, number: u64) -> Result<Arc<Incoming>, Problem> {
    let journal = state.journal();
    let entry = journal.get(number).filter(|entry| entry.refused).ok_or_else(|| {
        Problem::not_found(
            "no signature was refused under this number",
            "entries with `refused: true` can be explained",
        )
    })?;
    entry.refused_request.clone().ok_or_else(|| {
        Problem::new(
            StatusCode::GONE,
            "this refused request is no longer kept",
            "the latest 32 refused requests of at most 64 KiB can be explained: repeat the call",
        )
    })
}
