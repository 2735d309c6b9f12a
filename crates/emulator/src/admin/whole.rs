//! The emulator as a whole: what it is, reset, snapshots, faults, events, and the inspection page.

use std::convert::Infallible;
use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::rejection::JsonRejection;
use axum::extract::{RawQuery, State as Shared};
use axum::http::{HeaderMap, Response, StatusCode};
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_lite::Stream;
use minijinja::context;
use serde_json::{Value, json};
use tokio::sync::broadcast::error::RecvError;

use super::{Problem, created};
use crate::bounds::{SNAPSHOT_BODY, read_body};
use crate::fault::Fault;
use crate::h5::sub_codes;
use crate::pages::{Language, Page, html, render};
use crate::server::Emulator;
use crate::snapshot::Snapshot;
use crate::state::State;

pub(super) async fn info(Shared(state): Shared<Arc<State>>) -> Json<Value> {
    Json(json!({
        "version": env!("CARGO_PKG_VERSION"),
        "endpoint": state.setup.url,
        "access_key_id": Emulator::ACCESS_KEY_ID,
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

pub(super) async fn faults(Shared(state): Shared<Arc<State>>) -> Json<Value> {
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

pub(super) async fn clear_faults(Shared(state): Shared<Arc<State>>) -> StatusCode {
    state.faults().clear();
    state.changed("faults");
    state.save();
    StatusCode::NO_CONTENT
}

/// Tells which part has changed, for as long as somebody listens.
pub(super) async fn events(
    Shared(state): Shared<Arc<State>>,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let changes = state.changes.subscribe();
    let stream = futures_lite::stream::unfold(changes, |mut changes| async {
        let what = match changes.recv().await {
            Ok(what) => what,
            // Whoever was too slow looks at everything again.
            Err(RecvError::Lagged(_)) => "everything",
            Err(RecvError::Closed) => return None,
        };
        let event = Event::default().event("changed").data(json!({ "what": what }).to_string());
        Some((Ok(event), changes))
    });
    Sse::new(stream).keep_alive(KeepAlive::default())
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
