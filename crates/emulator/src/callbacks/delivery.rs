//! Delivery of callbacks when they are due by the emulator's clock.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use super::request::{TIMEOUT, get};
use crate::state::{AppState, Callback, CallbackAttempt, Change};

/// The pause if no callback is scheduled. Every change ends it early.
const IDLE: Duration = Duration::from_secs(3600);

/// The maximum number of concurrent callbacks.
const MAX_CONCURRENT: usize = 64;

/// Delivers callbacks until the emulator stops.
pub(crate) async fn run(state: Arc<AppState>) {
    let mut calls = JoinSet::new();
    loop {
        let (mut clock, mut moved) = (pin!(state.clock.changed()), pin!(state.callbacks_changed.notified()));
        clock.as_mut().enable();
        moved.as_mut().enable();
        while calls.len() < MAX_CONCURRENT {
            // A separate statement, so that the queue is unlocked before the request.
            let due = state.callbacks().take_due(state.clock.now());
            let Some(callback) = due else { break };
            calls.spawn(call(Arc::clone(&state), callback));
        }
        while calls.try_join_next().is_some() {}
        let is_full = calls.len() >= MAX_CONCURRENT;
        let next = state.callbacks().next_due();
        let next = next.filter(|_| !is_full);
        let wait = next.and_then(|due| state.clock.until(due)).unwrap_or(IDLE);
        tokio::select! {
            () = clock => {}
            () = moved => {}
            Some(_) = calls.join_next(), if is_full => {}
            () = tokio::time::sleep(wait) => {}
        }
    }
}

async fn call(state: Arc<AppState>, callback: Callback) {
    let status = get(&state, callback.url).await;
    let at = state.clock.now();
    state.callbacks().answered(callback.number, CallbackAttempt { at, status }, at.plus(TIMEOUT));
    state.callbacks_changed.notify_waiters();
    state.changed(Change::Callbacks);
    state.save();
}

/// Waits until no callback is running or due.
pub(crate) async fn settle(state: &AppState) {
    loop {
        let mut moved = pin!(state.callbacks_changed.notified());
        moved.as_mut().enable();
        if state.callbacks().is_settled(state.clock.now()) {
            return;
        }
        moved.await;
    }
}

/// Advances the clock in steps. At each time at which a callback is due, waits until it is done.
pub(crate) async fn advance(state: &AppState, time: Duration) {
    let target = state.clock.now().plus(time);
    loop {
        settle(state).await;
        let next = state.callbacks().next_due();
        match next {
            Some(due) if due <= target => state.clock.reach(due),
            _ => break,
        }
    }
    state.clock.reach(target);
    settle(state).await;
    state.changed(Change::Clock);
    state.changed(Change::Sessions);
    state.save();
}
