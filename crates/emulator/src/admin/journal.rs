//! The journal, and why a signature was refused.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State as Shared};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Answer, Problem};
use crate::state::State;
use crate::verify::{Explanation, Refusal};

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

/// What the server signed, and which mistake gives the client's signature.
pub(super) async fn explain(
    Shared(state): Shared<Arc<State>>,
    Path(number): Path<u64>,
) -> Answer<Explanation> {
    refusal(&state, number, Refusal::explain)
}

/// Where the string that the client signed differs.
pub(super) async fn compare(
    Shared(state): Shared<Arc<State>>,
    Path(number): Path<u64>,
    given: Result<Json<Given>, JsonRejection>,
) -> Answer<Explanation> {
    let Json(given) = given?;
    refusal(&state, number, |refusal| refusal.compare(&given.string_to_sign))
}

fn refusal(state: &State, number: u64, what: impl FnOnce(&Refusal) -> Explanation) -> Answer<Explanation> {
    let journal = state.journal();
    let refusal = journal.get(number).and_then(|entry| entry.refusal.as_deref());
    let told = refusal.map(what).map(Json);
    told.ok_or_else(|| {
        Problem::not_found(
            "no signature was refused under this number",
            "entries with `refused: true` can be explained",
        )
    })
}
