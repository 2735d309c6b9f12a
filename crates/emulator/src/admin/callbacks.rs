//! Callbacks: holding, releasing, adding and checking them.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::{Response, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::problem::{AdminError, AdminResult, created, unknown_session};
use crate::callbacks;
use crate::http::{both, without_secrets};
use crate::sessions::SessionOutcome;
use crate::state::{AppState, Callback, CallbackKind, Change};

/// The maximum number of listed callbacks.
const MAX_LISTED: usize = 200;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct HoldRequest {
    hold: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewCallback {
    certify_id: String,
    kind: CallbackKind,
    sub_code: Option<String>,
}

/// A callback as its receiver got it. No `Debug`: it contains the token.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ReceivedCallback {
    certify_id: String,
    callback_token: Option<String>,
}

/// The result of a check.
#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
enum CallbackVerdict {
    /// The session has no token.
    Unchecked,
    Genuine,
    Forged,
}

pub(super) async fn list(State(state): State<Arc<AppState>>) -> Json<Value> {
    Json(all(&state))
}

fn all(state: &AppState) -> Value {
    let queue = state.callbacks();
    let listed: Vec<_> = queue.latest().take(MAX_LISTED).map(view).collect();
    json!({ "hold": queue.is_held(), "callbacks": listed })
}

/// Holds new callbacks, or releases all held ones.
pub(super) async fn hold(
    State(state): State<Arc<AppState>>,
    hold: Result<Json<HoldRequest>, JsonRejection>,
) -> AdminResult<Value> {
    let Json(HoldRequest { hold }) = hold?;
    state.callbacks().hold(hold);
    changed(&state);
    Ok(Json(all(&state)))
}

/// Adds a callback, such as a duplicate, late or forged one.
pub(super) async fn add(
    State(state): State<Arc<AppState>>,
    new: Result<Json<NewCallback>, JsonRejection>,
) -> Result<Response<Body>, AdminError> {
    let Json(new) = new?;
    SessionOutcome::requested(new.sub_code.as_deref(), None)
        .map_err(|reason| AdminError::bad(reason, both("omit it", "请省略该字段")))?;
    let session = state.sessions().get(&new.certify_id).cloned().ok_or_else(unknown_session)?;
    let added = callbacks::add(&state, &session, new.kind, new.sub_code.as_deref());
    let added = added.ok_or_else(|| {
        AdminError::new(
            StatusCode::CONFLICT,
            both("the session has no CallbackUrl, or no result", "该认证没有 CallbackUrl，或尚无结果"),
            both(
                "start it with a CallbackUrl and finish it; a forged callback needs no result",
                "发起认证时请带上 CallbackUrl 并完成认证；伪造的回调不需要结果",
            ),
        )
    })?;
    state.save();
    Ok(created(view(&added)))
}

/// Checks the token of a received callback. A callback of an unknown session is forged.
pub(super) async fn check(
    State(state): State<Arc<AppState>>,
    received: Result<Json<ReceivedCallback>, JsonRejection>,
) -> AdminResult<Value> {
    let Json(received) = received?;
    let sessions = state.sessions();
    let target = sessions.get(&received.certify_id).map(|session| session.callback.as_ref());
    let verdict = match target.map(|target| target.and_then(|target| target.token.as_ref())) {
        Some(None) => CallbackVerdict::Unchecked,
        Some(token) if token == received.callback_token.as_ref() => CallbackVerdict::Genuine,
        _ => CallbackVerdict::Forged,
    };
    Ok(Json(json!({ "verdict": verdict })))
}

/// Makes a held or scheduled callback due now.
pub(super) async fn release(
    State(state): State<Arc<AppState>>,
    Path(number): Path<u64>,
) -> AdminResult<Value> {
    let released = state.callbacks().release(number, state.clock.now());
    let released = released.ok_or_else(|| {
        AdminError::not_found(
            both("no callback with this number is waiting", "没有该编号的待发送回调"),
            both("GET /_emu/v1/callbacks lists callbacks", "回调列表见 GET /_emu/v1/callbacks"),
        )
    })?;
    changed(&state);
    Ok(Json(view(&released)))
}

fn changed(state: &AppState) {
    state.callbacks_changed.notify_waiters();
    state.changed(Change::Callbacks);
    state.save();
}

fn view(callback: &Callback) -> Value {
    let attempts = callback
        .attempts
        .iter()
        .map(|attempt| json!({ "at": attempt.at.to_string(), "status": attempt.status }));
    json!({
        "number": callback.number,
        "certify_id": callback.certify_id,
        "kind": callback.kind,
        "state": callback.stage,
        "due": callback.due.to_string(),
        "to": without_secrets(&callback.url),
        "attempts": attempts.collect::<Vec<_>>(),
    })
}
