//! The loops that sweep and deliver until shutdown, and their pauses.
//!
//! A loop claims more while calls are under way, so that a slow call holds neither the other ones nor the purge.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use crate::driver::error::FlowError;
use crate::driver::flow::Flow;
use crate::driver::signals;
use crate::driver::sweep::{Due, SWEEP};
use crate::join::{Boxed, join_all};
use crate::store::contract::{Queue, Store};

/// The longest pause after failed sweeps.
const LONGEST: Duration = Duration::from_secs(30);

/// The verifications of each queue that a loop works on at the same time. With looks that take a second, this is more than the
/// account's rate allows.
const UNDER_WAY: usize = 60;

/// The work of a loop that has begun.
#[derive(Default)]
struct UnderWay<'a> {
    work: Vec<Boxed<'a, Result<(), FlowError>>>,
}

impl UnderWay<'_> {
    /// How many more can begin.
    const fn room(&self) -> usize {
        UNDER_WAY.saturating_sub(self.work.len())
    }

    /// Continues the work, and drops what has ended.
    fn poll(&mut self, context: &mut Context<'_>) {
        self.work.retain_mut(|work| match work.as_mut().poll(context) {
            Poll::Pending => true,
            Poll::Ready(result) => {
                signals::worked(&result);
                false
            }
        });
    }

    /// Continues the work until a future is ready.
    async fn beside<T>(&mut self, future: impl Future<Output = T>) -> T {
        let mut future = pin!(future);
        poll_fn(|context| {
            self.poll(context);
            future.as_mut().poll(context)
        })
        .await
    }

    async fn end(&mut self) {
        poll_fn(|context| {
            self.poll(context);
            if self.work.is_empty() { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }
}

/// The pauses between the sweeps of one loop.
#[derive(Debug, Default)]
pub(crate) struct Pauses {
    failures: u32,
}

impl Pauses {
    /// Returns the pause after a sweep of at most `most`: none if more may be due, longer and longer after failed claims.
    pub(crate) fn after(
        &mut self,
        result: &Result<usize, FlowError>,
        most: usize,
        every: Duration,
    ) -> Duration {
        match result {
            Ok(due) => {
                self.failures = 0;
                if *due < most { every } else { Duration::ZERO }
            }
            Err(FlowError::Refused(_)) => every,
            Err(_) => {
                self.failures = (self.failures + 1).min(5);
                every.saturating_mul(1 << self.failures).min(LONGEST.max(every))
            }
        }
    }
}

impl<S: Store> Flow<S> {
    /// Sweeps until `shutdown` is ready, and sends webhooks beside it. Run it in any number of processes; the pauses are random, so
    /// that they do not meet. Results and deletions have a loop each, which works on at most 60 verifications at the same time and
    /// begins the next ones when others end: a slow call delays no other. Work that has begun is finished first, which takes at most
    /// three deadlines of the client; webhooks on their way are sent again by another process or after the restart.
    ///
    /// A failed claim or purge is tried again after a pause that doubles up to 30 seconds. Work on one verification that fails delays
    /// no other: it is claimed again when its lease ends. Watch `cloudauth_flow_sweeps_total` and `cloudauth_flow_work_total` (feature
    /// `metrics`) or the warnings (feature `tracing`).
    pub async fn run(&self, shutdown: impl Future<Output = ()>) {
        let mut deliveries = pin!(self.deliver_always());
        let mut sweeps = pin!(self.sweep_until(shutdown));
        poll_fn(|context| {
            // It never ends.
            let _ = deliveries.as_mut().poll(context);
            sweeps.as_mut().poll(context)
        })
        .await;
    }

    async fn sweep_until(&self, shutdown: impl Future<Output = ()>) {
        let stop = AtomicBool::new(false);
        let mut shutdown = pin!(shutdown);
        let loops = [Queue::Results, Queue::Deletions]
            .map(|queue| Box::pin(self.run_queue(queue, &stop)) as Boxed<'_, ()>);
        let mut loops = pin!(join_all(loops.into()));
        poll_fn(|context| {
            // First, so that the loops see the shutdown that woke the task.
            if !stop.load(Ordering::Relaxed) && shutdown.as_mut().poll(context).is_ready() {
                stop.store(true, Ordering::Relaxed);
            }
            loops.as_mut().poll(context).map(drop)
        })
        .await;
    }

    async fn run_queue(&self, queue: Queue, stop: &AtomicBool) {
        let (mut pauses, every) = (Pauses::default(), self.settings.sweep_every);
        let mut under_way = UnderWay::default();
        loop {
            let most = under_way.room().min(SWEEP);
            let result = under_way.beside(self.claim_due(queue, most)).await;
            let mut result = result.map(|Due { work, count }| {
                under_way.work.extend(work);
                count
            });
            if result.is_ok() {
                let kept = under_way.beside(self.keep_house(queue)).await;
                result = result.and_then(|count| kept.map(|()| count));
            }
            signals::swept(&result);
            let pause = pauses.after(&result, most, every);
            // More may be due: a claim follows when there is room for a whole one, or after a pause.
            let is_full = pause.is_zero();
            let mut sleep = pin!(self.client.sleep(self.jittered(if is_full { every } else { pause })));
            let mut yielded = false;
            let stops = poll_fn(|context| {
                under_way.poll(context);
                if stop.load(Ordering::Relaxed) {
                    return Poll::Ready(true);
                }
                if !yielded {
                    // The other loop has its turn, even if nothing ever waits.
                    yielded = true;
                    context.waker().wake_by_ref();
                    return Poll::Pending;
                }
                if is_full && under_way.room() >= SWEEP {
                    return Poll::Ready(false);
                }
                sleep.as_mut().poll(context).map(|()| false)
            });
            if stops.await {
                return under_way.end().await;
            }
        }
    }

    /// The pause, between half and one and a half of it.
    pub(crate) fn jittered(&self, pause: Duration) -> Duration {
        let mut byte = [128];
        let _ = self.clock.fill(&mut byte);
        let [byte] = byte;
        pause.mul_f64(0.5 + f64::from(byte) / 256.0)
    }
}
