//! Makes the callbacks when the emulator's clock says so.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use super::request::{TIMEOUT, get};
use crate::state::{Attempt, State, Waiting};

/// The most callbacks that are made concurrently.
const AT_ONCE: usize = 64;

/// Runs for as long as the emulator does.
pub(crate) async fn run(state: Arc<State>) {
    let mut calls = JoinSet::new();
    loop {
        let (mut clock, mut moved) = (pin!(state.clock.changed()), pin!(state.callbacks_moved.notified()));
        clock.as_mut().enable();
        moved.as_mut().enable();
        while calls.len() < AT_ONCE {
            // In a statement of its own: the queue must not be locked while a call is made.
            let due = state.callbacks().take_due(state.clock.now());
            let Some(one) = due else { break };
            calls.spawn(call(Arc::clone(&state), one));
        }
        while calls.try_join_next().is_some() {}
        let is_full = calls.len() >= AT_ONCE;
        let next = state.callbacks().next_due();
        // Far enough away that somebody will have changed something by then.
        let next = next.filter(|_| !is_full);
        let wait = next.and_then(|due| state.clock.until(due)).unwrap_or(Duration::from_secs(3600));
        tokio::select! {
            () = clock => {}
            () = moved => {}
            Some(_) = calls.join_next(), if is_full => {}
            () = tokio::time::sleep(wait) => {}
        }
    }
}

async fn call(state: Arc<State>, one: Waiting) {
    let status = get(&state, one.url).await;
    let at = state.clock.now();
    state.callbacks().answered(one.number, Attempt { at, status }, at.plus(TIMEOUT));
    state.callbacks_moved.notify_waiters();
    state.changed("callbacks");
    state.save();
}

/// Waits until nothing runs and nothing is due.
pub(crate) async fn settle(state: &State) {
    loop {
        let mut moved = pin!(state.callbacks_moved.notified());
        moved.as_mut().enable();
        if state.callbacks().is_settled(state.clock.now()) {
            return;
        }
        moved.await;
    }
}

/// Sets the clock ahead step by step: at each time at which something falls due, it runs and comes to its end.
pub(crate) async fn advance(state: &State, time: Duration) {
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
    state.changed("clock");
    state.changed("sessions");
    state.save();
}
