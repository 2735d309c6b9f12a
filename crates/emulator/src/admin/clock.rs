//! The clock: reading, setting and advancing it.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use serde::Deserialize;
use serde_json::{Value, json};

use super::problem::{AdminError, AdminResult};
use crate::http::both;
use crate::state::AppState;
use crate::{callbacks, time};

/// The longest advance, a hundred years: more is probably a mistake.
const MAX_ADVANCE: f64 = 100.0 * 365.25 * 86_400.0;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ClockChange {
    set: Option<String>,
    rate: Option<f64>,
    advance_seconds: Option<f64>,
}

pub(super) async fn get(State(state): State<Arc<AppState>>) -> Json<Value> {
    Json(shown(&state))
}

/// Sets the clock, changes its rate and advances it, in this order. Answers when all due callbacks are done.
pub(super) async fn patch(
    State(state): State<Arc<AppState>>,
    change: Result<Json<ClockChange>, JsonRejection>,
) -> AdminResult<Value> {
    let Json(change) = change?;
    let set = change.set.as_deref().map(|text| {
        time::parse(text).ok_or_else(|| {
            AdminError::bad(
                both("`set` is not a valid time", "`set` 不是有效的时间"),
                both("example: 2026-01-02T03:04:05Z", "例如：2026-01-02T03:04:05Z"),
            )
        })
    });
    let (set, advance) = (set.transpose()?, change.advance_seconds.unwrap_or(0.0));
    if !(0.0..=MAX_ADVANCE).contains(&advance) {
        return Err(AdminError::bad(
            both(
                "`advance_seconds` must be from 0 to a hundred years",
                "`advance_seconds` 须在 0 至一百年之间",
            ),
            both("use `set` to set the clock back", "如需回拨时钟，请使用 `set`"),
        ));
    }
    if change.rate.is_some_and(|rate| !(0.0..=time::MAX_RATE).contains(&rate)) {
        return Err(AdminError::bad(
            time::RATE,
            both("0 stops the clock, 1 is real time", "0 表示停止，1 表示正常速度"),
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

fn shown(state: &AppState) -> Value {
    let now = state.clock.now();
    json!({ "now": now.to_string(), "now_millis": now.as_millis(), "rate": state.clock.rate() })
}
