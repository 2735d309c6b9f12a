//! The loop that sweeps until shutdown.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use crate::driver::error::FlowError;
use crate::driver::flow::Flow;
use crate::driver::sweep::SWEEP;
use crate::store::contract::Store;

/// The longest pause after failed sweeps.
const LONGEST: Duration = Duration::from_secs(30);

impl<S: Store> Flow<S> {
    /// Sweeps until `shutdown` is ready. Run it in any number of processes; the pauses are random, so that they do not meet. A sweep
    /// that has begun is finished first, which takes less than a minute. A failed sweep is tried again after a pause that doubles up
    /// to 30 seconds; watch `cloudauth_flow_sweeps_total` (feature `metrics`) or the warnings (feature `tracing`).
    pub async fn run(&self, shutdown: impl Future<Output = ()>) {
        let mut shutdown = pin!(shutdown);
        let mut failures = 0;
        loop {
            let pause = match self.sweep().await {
                Ok(due) => {
                    failures = 0;
                    if due < SWEEP { self.jittered(self.settings.sweep_every) } else { Duration::ZERO }
                }
                Err(FlowError::Refused(_)) => self.jittered(self.settings.sweep_every),
                Err(_) => {
                    failures = (failures + 1).min(5);
                    let pause = self.settings.sweep_every.saturating_mul(1 << failures);
                    self.jittered(pause.min(LONGEST))
                }
            };
            let mut sleep = pin!(self.client.sleep(pause));
            let stops = poll_fn(|context| {
                if shutdown.as_mut().poll(context).is_ready() {
                    return Poll::Ready(true);
                }
                sleep.as_mut().poll(context).map(|()| false)
            });
            if stops.await {
                return;
            }
        }
    }

    /// The pause, between half and one and a half of it.
    fn jittered(&self, pause: Duration) -> Duration {
        let mut byte = [128];
        let _ = self.clock.fill(&mut byte);
        let [byte] = byte;
        pause.mul_f64(0.5 + f64::from(byte) / 256.0)
    }
}
