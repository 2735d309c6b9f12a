//! Changes of the state, as server-sent events.

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_lite::Stream;
use serde_json::json;
use tokio::sync::broadcast::error::RecvError;

use crate::state::{AppState, Change};

/// Sends an event for each change until the client disconnects.
pub(super) async fn events(
    State(state): State<Arc<AppState>>,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let changes = state.changes.subscribe();
    let stream = futures_lite::stream::unfold(changes, |mut changes| async {
        let what = match changes.recv().await {
            Ok(what) => what,
            // A slow client missed changes: it must reload everything.
            Err(RecvError::Lagged(_)) => Change::Everything,
            Err(RecvError::Closed) => return None,
        };
        let event = Event::default().event("changed").data(json!({ "what": what }).to_string());
        Some((Ok(event), changes))
    });
    Sse::new(stream).keep_alive(KeepAlive::default())
}
