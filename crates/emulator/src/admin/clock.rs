//! The clock.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State as Shared;
use axum::extract::rejection::JsonRejection;
use serde::Deserialize;
use serde_json::{Value, json};

use super::problem::{Answer, Problem};
use crate::state::State;
use crate::{callbacks, time};

/// A hundred years: what is more is a slip.
const LONGEST: f64 = 100.0 * 365.25 * 86_400.0;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Change {
    set: Option<String>,
    rate: Option<f64>,
    advance_seconds: Option<f64>,
}

pub(super) async fn get(Shared(state): Shared<Arc<State>>) -> Json<Value> {
    Json(shown(&state))
}

/// Sets it, changes its rate, advances it, in this order; answers when what fell due has run.
pub(super) async fn patch(
    Shared(state): Shared<Arc<State>>,
    change: Result<Json<Change>, JsonRejection>,
) -> Answer<Value> {
    let Json(change) = change?;
    let set = change.set.as_deref().map(|text| {
        time::parse(text).ok_or_else(|| Problem::bad("`set` is no time", "write it as 2026-01-02T03:04:05Z"))
    });
    let (set, advance) = (set.transpose()?, change.advance_seconds.unwrap_or(0.0));
    if !(0.0..=LONGEST).contains(&advance) {
        return Err(Problem::bad(
            "`advance_seconds` lies from 0 to a hundred years",
            "`set` sets the clock back",
        ));
    }
    if change.rate.is_some_and(|rate| !(0.0..=1e6).contains(&rate)) {
        return Err(Problem::bad(
            "`rate` lies from 0, which stops the clock, to 1,000,000",
            "1 is the system's",
        ));
    }
    if let Some(to) = set {
        state.clock.set(to);
    }
    if let Some(rate) = change.rate {
        state.clock.set_rate(rate);
    }
    callbacks::advance(&state, Duration::from_secs_f64(advance)).await;
    Ok(Json(shown(&state)))
}

fn shown(state: &State) -> Value {
    let now = state.clock.now();
    json!({ "now": now.to_string(), "now_millis": now.as_millis(), "rate": state.clock.rate() })
}
