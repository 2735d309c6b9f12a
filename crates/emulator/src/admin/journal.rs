//! The journal, and explanations of refused signatures.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::problem::{AdminError, AdminResult};
use crate::gateway::{self, ApiRequest, Explanation};
use crate::http::both;
use crate::state::AppState;

/// The maximum number of listed entries.
const MAX_LISTED: usize = 200;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ClientString {
    string_to_sign: String,
}

pub(super) async fn list(State(state): State<Arc<AppState>>) -> Json<Value> {
    let journal = state.journal();
    Json(json!({ "entries": journal.latest().take(MAX_LISTED).collect::<Vec<_>>() }))
}

/// Explains a refused signature: the server's string to sign, and the mistake that results in the client's signature.
pub(super) async fn explain(
    State(state): State<Arc<AppState>>,
    Path(number): Path<u64>,
) -> AdminResult<Explanation> {
    let request = refused_request(&state, number)?;
    computed(move || gateway::explain(&request, &state.settings.keys)).await
}

/// Compares the client's string to sign with the server's.
pub(super) async fn compare(
    State(state): State<Arc<AppState>>,
    Path(number): Path<u64>,
    given: Result<Json<ClientString>, JsonRejection>,
) -> AdminResult<Explanation> {
    let Json(given) = given?;
    let request = refused_request(&state, number)?;
    computed(move || gateway::compare(&request, &given.string_to_sign)).await
}

/// Computes an explanation on a separate thread, so that no other request waits.
async fn computed(explain: impl FnOnce() -> Explanation + Send + 'static) -> AdminResult<Explanation> {
    let computed = tokio::task::spawn_blocking(explain).await;
    let broken = |_| {
        AdminError::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            both("the explanation failed", "无法生成解释"),
            both("report a bug", "请反馈此问题"),
        )
    };
    computed.map(Json).map_err(broken)
}

fn refused_request(state: &AppState, number: u64) -> Result<Arc<ApiRequest>, AdminError> {
    let journal = state.journal();
    let entry = journal.get(number).filter(|entry| entry.refused).ok_or_else(|| {
        AdminError::not_found(
            both("this entry is not a refused signature", "该记录不是签名被拒绝的调用"),
            both("entries with `refused: true` can be explained", "只能解释 `refused: true` 的记录"),
        )
    })?;
    entry.refused_request.clone().ok_or_else(|| {
        AdminError::new(
            StatusCode::GONE,
            both("this refused request is no longer kept", "该请求已不再保留"),
            both(
                "the latest 32 refused requests of at most 64 KiB can be explained: repeat the call",
                "只能解释最近 32 个不超过 64 KiB 的被拒绝请求：请重新调用",
            ),
        )
    })
}
