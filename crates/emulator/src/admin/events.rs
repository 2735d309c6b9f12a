//! What has changed, as server-sent events.

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::State as Shared;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_lite::Stream;
use serde_json::json;
use tokio::sync::broadcast::error::RecvError;

use crate::state::State;

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
