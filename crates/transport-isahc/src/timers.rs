//! Timers that are reused from sleep to sleep.
//!
//! Nearly every sleep is dropped long before its end, because it only limits the time of an attempt. A new
//! `async_io::Timer` wakes the reactor's thread, which costs a call about a tenth of its CPU time. So a
//! dropped sleep leaves its timer running, and the next sleep takes it over. A timer that fires too early for
//! its sleep is set again.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker, ready};
use std::time::{Duration, Instant};

use async_io::Timer;

/// The maximum number of idle timers.
const MOST_IDLE: usize = 256;

#[derive(Default)]
pub(crate) struct Timers(Mutex<Vec<Running>>);

/// A timer that always wakes the same [`Sleeper`]. With another waker, it would have to be registered again.
struct Running {
    timer: Timer,
    /// When the timer fires. Never later than the end of the sleep that uses it.
    fires: Instant,
    sleeper: Arc<Sleeper>,
    waker: Waker,
}

/// The task that sleeps, if any.
#[derive(Default)]
struct Sleeper(Mutex<Option<Waker>>);

struct Sleep<'a> {
    timers: &'a Timers,
    /// `None` once the sleep has ended.
    running: Option<Running>,
    end: Instant,
}

impl Timers {
    pub(crate) async fn sleep(&self, time: Duration) {
        let Some(end) = Instant::now().checked_add(time) else {
            return std::future::pending().await;
        };
        let mut sleep = Sleep { timers: self, running: Some(self.take(end)), end };
        poll_fn(|context| sleep.poll(context)).await;
    }

    fn take(&self, end: Instant) -> Running {
        let mut running = lock(&self.0).pop().unwrap_or_else(|| Running::new(end));
        if running.fires > end {
            running.set(end);
        }
        running
    }
}

impl Running {
    fn new(fires: Instant) -> Self {
        let sleeper = Arc::new(Sleeper::default());
        let waker = Waker::from(Arc::clone(&sleeper));
        Self { timer: Timer::at(fires), fires, sleeper, waker }
    }

    fn set(&mut self, fires: Instant) {
        self.timer.set_at(fires);
        self.fires = fires;
    }
}

impl Sleep<'_> {
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let Some(running) = &mut self.running else {
            return Poll::Ready(());
        };
        // Set before the timer is polled, because it may fire in between.
        *lock(&running.sleeper.0) = Some(context.waker().clone());
        loop {
            let fired = Pin::new(&mut running.timer).poll(&mut Context::from_waker(&running.waker));
            ready!(fired);
            if running.fires >= self.end {
                // A timer that has fired does not fire again.
                self.running = None;
                return Poll::Ready(());
            }
            running.set(self.end);
        }
    }
}

impl Drop for Sleep<'_> {
    fn drop(&mut self) {
        let Some(running) = self.running.take() else {
            return;
        };
        lock(&running.sleeper.0).take();
        let mut idle = lock(&self.timers.0);
        if idle.len() < MOST_IDLE {
            idle.push(running);
        }
    }
}

impl Wake for Sleeper {
    fn wake(self: Arc<Self>) {
        let waker = lock(&self.0).take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures_lite::future::{block_on, or, zip};

    use super::*;

    fn idle(timers: &Timers) -> usize {
        lock(&timers.0).len()
    }

    /// Sleeps for `time`, but drops the sleep after its first poll.
    fn dropped(timers: &Timers, time: Duration) {
        block_on(or(timers.sleep(time), async {}));
    }

    #[test]
    fn a_dropped_sleep_leaves_its_timer_to_the_next() {
        let timers = Timers::default();
        for _ in 0..10 {
            dropped(&timers, Duration::from_secs(60));
            assert_eq!(idle(&timers), 1);
        }
    }

    #[test]
    fn a_timer_that_fires_early_does_not_end_a_longer_sleep() {
        let timers = Timers::default();
        dropped(&timers, Duration::from_millis(20));
        let begun = Instant::now();
        block_on(timers.sleep(Duration::from_millis(60)));
        assert!(begun.elapsed() >= Duration::from_millis(60));
    }

    #[test]
    fn a_sleep_after_one_that_ended_ends_too() {
        let timers = Timers::default();
        for _ in 0..3 {
            block_on(timers.sleep(Duration::from_millis(2)));
            assert_eq!(idle(&timers), 0);
        }
    }

    #[test]
    fn a_timer_that_fired_while_idle_is_set_again() {
        let timers = Timers::default();
        dropped(&timers, Duration::from_millis(5));
        std::thread::sleep(Duration::from_millis(15));
        let begun = Instant::now();
        block_on(timers.sleep(Duration::from_millis(30)));
        assert!(begun.elapsed() >= Duration::from_millis(30));
    }

    #[test]
    fn a_short_sleep_does_not_wait_for_a_long_timer() {
        let timers = Timers::default();
        dropped(&timers, Duration::from_secs(3600));
        block_on(timers.sleep(Duration::from_millis(5)));
    }

    #[test]
    fn an_endless_sleep_does_not_overflow() {
        dropped(&Timers::default(), Duration::MAX);
    }

    #[test]
    fn concurrent_sleeps_have_timers_of_their_own_and_all_end() {
        let timers = Timers::default();
        let ended = AtomicUsize::new(0);
        let sleep = |time| {
            let (timers, ended) = (&timers, &ended);
            async move {
                timers.sleep(Duration::from_millis(time)).await;
                ended.fetch_add(1, Ordering::Relaxed);
            }
        };
        block_on(zip(zip(sleep(30), sleep(10)), zip(sleep(20), sleep(1))));
        assert_eq!((ended.into_inner(), idle(&timers)), (4, 0));
    }

    #[test]
    fn idle_timers_are_bounded() {
        let timers = Timers::default();
        block_on(async {
            let mut sleeps = Vec::new();
            for _ in 0..MOST_IDLE + 10 {
                let mut sleep = Box::pin(timers.sleep(Duration::from_secs(60)));
                assert!(futures_lite::future::poll_once(&mut sleep).await.is_none());
                sleeps.push(sleep);
            }
        });
        assert_eq!(idle(&timers), MOST_IDLE);
    }
}
