//! The clock and the chance of a simulation. Both belong to the thread, so that seeds run side by side.

use std::cell::Cell;
use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use cloudauth_flow::testing::samples::BEGIN;
use cloudauth_protocol::UnixTime;

thread_local! {
    static NOW: Cell<UnixTime> = const { Cell::new(BEGIN) };
    static RANDOM: Cell<u64> = const { Cell::new(1) };
    static CALM: Cell<bool> = const { Cell::new(false) };
}

/// Begins a simulation.
pub(crate) fn begin(seed: u64) {
    NOW.set(BEGIN);
    RANDOM.set((seed + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    CALM.set(false);
}

/// Ends all faults.
pub(crate) fn calm() {
    CALM.set(true);
}

pub(crate) fn now() -> UnixTime {
    NOW.get()
}

pub(crate) fn set_now(now: UnixTime) {
    NOW.set(now);
}

pub(crate) fn later(by: Duration) {
    NOW.set(NOW.get().plus(by));
}

/// A number below `end`. xorshift64.
pub(crate) fn below(end: u64) -> u64 {
    let mut random = RANDOM.get();
    random ^= random << 13;
    random ^= random >> 7;
    random ^= random << 17;
    RANDOM.set(random);
    (random >> 11) % end
}

pub(crate) fn fill(bytes: &mut [u8]) -> bool {
    bytes.fill_with(|| u8::try_from(below(256)).unwrap());
    true
}

/// Whether a fault happens, in so many percent of cases.
pub(crate) fn chance(percent: u64) -> bool {
    !CALM.get() && below(100) < percent
}

/// Lets the other tasks run, sometimes.
pub(crate) async fn interrupt() {
    let mut pauses = if CALM.get() { 0 } else { below(3) };
    poll_fn(|context| {
        if pauses == 0 {
            return Poll::Ready(());
        }
        pauses -= 1;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
