//! The loops that sweep and deliver until shutdown, and their pauses.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::Duration;

use crate::driver::error::FlowError;
use crate::driver::flow::Flow;
use crate::driver::sweep::SWEEP;
use crate::join::{Boxed, join_all};
use crate::store::contract::{Queue, Store};

/// The longest pause after failed sweeps.
const LONGEST: Duration = Duration::from_secs(30);

/// The pauses between the sweeps of one loop.
#[derive(Debug, Default)]
pub(crate) struct Pauses {
    failures: u32,
}

impl Pauses {
    /// Returns the pause after a sweep of at most `most`: none if more may be due, longer and longer after failures.
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
    /// that they do not meet. Results and deletions have a loop each: a slow deletion delays no result. A sweep that has begun is
    /// finished first, which takes at most three deadlines of the client; webhooks on their way are sent again by another process or
    /// after the restart. A failed sweep is tried again after a pause that doubles up to 30 seconds; watch
    /// `cloudauth_flow_sweeps_total` (feature `metrics`) or the warnings (feature `tracing`).
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
        let mut pauses = Pauses::default();
        loop {
            let result = self.sweep_queue(queue).await;
            let pause = self.jittered(pauses.after(&result, SWEEP, self.settings.sweep_every));
            let mut sleep = pin!(self.client.sleep(pause));
            let mut yielded = false;
            let stops = poll_fn(|context| {
                if stop.load(Ordering::Relaxed) {
                    return Poll::Ready(true);
                }
                if !yielded {
                    // The other loop has its turn, even if nothing ever waits.
                    yielded = true;
                    context.waker().wake_by_ref();
                    return Poll::Pending;
                }
                sleep.as_mut().poll(context).map(|()| false)
            });
            if stops.await {
                return;
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
