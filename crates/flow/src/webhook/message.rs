//! The message of an event. It has no personal data: the order, the verification, the type, and the state.

use serde::Serialize;

use crate::machine::event::EventKind;
use crate::machine::state::State;
use crate::store::contract::LoggedEvent;

#[derive(Serialize)]
struct Message<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    timestamp: String,
    data: Data<'a>,
}

#[derive(Serialize)]
struct Data<'a> {
    order: &'a str,
    verification: String,
    /// The number of the event within the verification.
    n: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<State>,
}

/// Returns the id of the message. It is the same in each attempt and for each endpoint.
pub(super) fn id(logged: &LoggedEvent) -> String {
    format!("evt_{}_{}", logged.verification, logged.event.n)
}

/// Returns the body: the same bytes in each attempt.
pub(super) fn body(logged: &LoggedEvent) -> Vec<u8> {
    let LoggedEvent { verification, order, event, .. } = logged;
    let state = match event.read() {
        Some(EventKind::StateChanged { to, .. }) => Some(to),
        _ => None,
    };
    let data = Data { order: order.as_str(), verification: verification.to_string(), n: event.n, state };
    let message = Message { kind: &event.kind, timestamp: event.at.to_string(), data };
    #[expect(clippy::expect_used, reason = "texts and numbers under text keys are always JSON")]
    serde_json::to_vec(&message).expect("JSON")
}
