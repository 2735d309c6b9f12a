//! Callbacks: holding them, letting them go, and making more of them than there should be.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State as Shared};
use axum::http::{Response, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use super::problem::{Answer, Problem, created};
use crate::callbacks;
use crate::http::shown;
use crate::sessions::Outcome;
use crate::state::{Kind, State, Waiting};

/// How many are listed.
const LISTED: usize = 200;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Hold {
    hold: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct More {
    certify_id: String,
    kind: Kind,
    sub_code: Option<String>,
}

/// A callback as a receiver got it. No `Debug`: it holds the token.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Received {
    certify_id: String,
    callback_token: Option<String>,
}

pub(super) async fn list(Shared(state): Shared<Arc<State>>) -> Json<Value> {
    Json(all(&state))
}

fn all(state: &State) -> Value {
    let queue = state.callbacks();
    let listed: Vec<_> = queue.latest().take(LISTED).map(view).collect();
    json!({ "hold": queue.is_held(), "callbacks": listed })
}

/// Holds all that come from now on, or lets all go.
pub(super) async fn hold(
    Shared(state): Shared<Arc<State>>,
    hold: Result<Json<Hold>, JsonRejection>,
) -> Answer<Value> {
    let Json(Hold { hold }) = hold?;
    state.callbacks().hold(hold);
    moved(&state);
    Ok(Json(all(&state)))
}

/// One more: the same again, a minute late, forged.
pub(super) async fn add(
    Shared(state): Shared<Arc<State>>,
    more: Result<Json<More>, JsonRejection>,
) -> Result<Response<Body>, Problem> {
    let Json(more) = more?;
    Outcome::wished(more.sub_code.as_deref(), None)
        .map_err(|problem| Problem::bad(problem, "leave it out"))?;
    let session = state.sessions().get(&more.certify_id).cloned();
    let session =
        session.ok_or_else(|| Problem::not_found("no such CertifyId", "GET /_emu/v1/sessions lists them"))?;
    let added = callbacks::add(&state, &session, more.kind, more.sub_code.as_deref());
    let added = added.ok_or_else(|| {
        Problem::new(
            StatusCode::CONFLICT,
            "this verification has no CallbackUrl, or no result to tell",
            "begin it with a CallbackUrl and finish it; a forged callback needs no result",
        )
    })?;
    state.save();
    Ok(created(view(&added)))
}

/// Whether a received callback carries the token of its verification. One of an unknown verification is forged.
pub(super) async fn check(
    Shared(state): Shared<Arc<State>>,
    received: Result<Json<Received>, JsonRejection>,
) -> Answer<Value> {
    let Json(received) = received?;
    let sessions = state.sessions();
    let target = sessions.get(&received.certify_id).map(|session| session.callback.as_ref());
    let verdict = match target.map(|target| target.and_then(|target| target.token.as_ref())) {
        Some(None) => "unchecked",
        Some(token) if token == received.callback_token.as_ref() => "genuine",
        _ => "forged",
    };
    Ok(Json(json!({ "verdict": verdict })))
}

/// Lets one go now, held or not yet due.
pub(super) async fn release(Shared(state): Shared<Arc<State>>, Path(number): Path<u64>) -> Answer<Value> {
    let released = state.callbacks().release(number, state.clock.now());
    let released = released.ok_or_else(|| {
        Problem::not_found("no such callback is waiting", "GET /_emu/v1/callbacks lists them")
    })?;
    moved(&state);
    Ok(Json(view(&released)))
}

fn moved(state: &State) {
    state.callbacks_moved.notify_waiters();
    state.changed("callbacks");
    state.save();
}

fn view(one: &Waiting) -> Value {
    let attempts =
        one.attempts.iter().map(|made| json!({ "at": made.at.to_string(), "status": made.status }));
    json!({
        "number": one.number,
        "certify_id": one.certify_id,
        "kind": one.kind,
        "state": one.stage,
        "due": one.due.to_string(),
        "to": shown(&one.url),
        "attempts": attempts.collect::<Vec<_>>(),
    })
}
