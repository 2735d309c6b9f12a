//! The clocks and the chance of a simulation. They belong to the thread, so that seeds run side by side.

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use cloudauth_flow::ClockAndRandom;
use cloudauth_flow::testing::samples::BEGIN;
use cloudauth_protocol::UnixTime;

/// The processes that share the store.
pub(crate) const WORKERS: usize = 3;

const DAY: i64 = 86_400_000;

thread_local! {
    /// The true time.
    static NOW: Cell<UnixTime> = const { Cell::new(BEGIN) };
    static RANDOM: Cell<u64> = const { Cell::new(1) };
    static CALM: Cell<bool> = const { Cell::new(false) };
    /// How far the clock of each worker is ahead, in milliseconds.
    static SKEW: Cell<[i64; WORKERS]> = const { Cell::new([0; WORKERS]) };
}

/// Begins a simulation. The clocks of the workers differ by up to 50 seconds.
pub(crate) fn begin(seed: u64) {
    NOW.set(BEGIN);
    RANDOM.set((seed + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    CALM.set(false);
    SKEW.set([0; WORKERS].map(|_| small_skew()));
}

fn small_skew() -> i64 {
    i64::try_from(below(50_000)).unwrap() - 25_000
}

/// Ends all faults, and sets the clocks right.
pub(crate) fn calm() {
    CALM.set(true);
    SKEW.set([0; WORKERS]);
}

/// The clock of a worker jumps by a day, or is right again.
pub(crate) fn jump(worker: usize) {
    let mut skew = SKEW.get();
    skew[worker] = match below(3) {
        0 => DAY,
        1 => -DAY,
        _ => 0,
    } + small_skew();
    SKEW.set(skew);
}

/// A worker restarts. Its clock may be wrong from the start if the store has one; otherwise no one could see it.
pub(crate) fn restart(worker: usize, store_has_clock: bool) {
    let mut skew = SKEW.get();
    skew[worker] = small_skew() + if store_has_clock && below(4) == 0 { DAY } else { 0 };
    SKEW.set(skew);
}

pub(crate) fn inputs(worker: usize) -> ClockAndRandom {
    let wall: [fn() -> UnixTime; WORKERS] = [|| wall(0), || wall(1), || wall(2)];
    ClockAndRandom { wall: wall[worker], steady: || now().since(UnixTime::from_millis(0)), random: fill }
}

fn wall(worker: usize) -> UnixTime {
    let now = i64::try_from(now().as_millis()).unwrap();
    UnixTime::from_millis(u64::try_from(now + SKEW.get()[worker]).unwrap())
}

/// The true time.
pub(crate) fn now() -> UnixTime {
    NOW.get()
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

pub(crate) fn pick<T: Copy>(from: &[T]) -> T {
    from[usize::try_from(below(from.len() as u64)).unwrap()]
}

fn fill(bytes: &mut [u8]) -> bool {
    bytes.fill_with(|| u8::try_from(below(256)).unwrap());
    true
}

/// Whether a fault happens, in so many percent of cases.
pub(crate) fn chance(percent: u64) -> bool {
    !CALM.get() && below(100) < percent
}

/// A call takes time, sometimes until its deadline.
pub(crate) fn take_time() {
    if !CALM.get() {
        later(Duration::from_secs(pick(&[0, 0, 0, 0, 0, 1, 9, 24])));
    }
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

pub(crate) type Task<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// A task that its caller drops after so many polls.
pub(crate) struct Dropped<'a>(pub(crate) Option<Task<'a>>, pub(crate) u64);

impl Future for Dropped<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.1 == 0 {
            self.0 = None;
        }
        self.1 = self.1.saturating_sub(1);
        self.0.as_mut().map_or(Poll::Ready(()), |task| task.as_mut().poll(context))
    }
}
