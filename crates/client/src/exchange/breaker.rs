//! A circuit breaker: an endpoint that fails most of the time receives no requests for a while.
//!
//! ```text
//!            5 failures and half of all in 30 s
//!   Closed ────────────────────────────────────▶ Open ──30 s──▶ Probing
//!     ▲                                            ▲               │
//!     └──────────── the probe succeeds ────────────│───────────────┤
//!                                                  └── it fails ───┘
//! ```

use std::time::Duration;

/// The period over which failures count, in seconds.
const WINDOW: u64 = 30;
/// How long the breaker stays open, and how long a probe may take before another one is admitted.
const REST: Duration = Duration::from_secs(30);
/// The smallest number of failures that opens the breaker.
const FAILURES: u32 = 5;

#[derive(Debug)]
pub(super) struct Breaker {
    state: State,
    /// One entry per second of the window: the second, its successes, its failures.
    seconds: [(u64, u32, u32); WINDOW as usize],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Closed,
    Open { until: Duration },
    Probing { since: Duration },
}

impl Default for Breaker {
    fn default() -> Self {
        Self { state: State::Closed, seconds: [(0, 0, 0); WINDOW as usize] }
    }
}

impl Breaker {
    /// Returns whether a request may be sent. After `REST`, one probe is admitted.
    pub(super) fn admits(&mut self, now: Duration) -> bool {
        match self.state {
            State::Closed => true,
            State::Open { until } if now < until => false,
            State::Probing { since } if now < since + REST => false,
            State::Open { .. } | State::Probing { .. } => {
                self.state = State::Probing { since: now };
                true
            }
        }
    }

    /// Records the outcome of a request.
    pub(super) fn record(&mut self, now: Duration, success: bool) {
        match (self.state, success) {
            (State::Closed, _) => {}
            (_, true) => *self = Self::default(),
            (State::Probing { .. }, false) => self.state = State::Open { until: now + REST },
            // The request was already under way when the breaker opened.
            (State::Open { .. }, false) => return,
        }
        let second = now.as_secs();
        let at = usize::try_from(second % WINDOW).unwrap_or_default();
        if let Some(slot) = self.seconds.get_mut(at) {
            if slot.0 != second {
                *slot = (second, 0, 0);
            }
            if success {
                slot.1 = slot.1.saturating_add(1);
            } else {
                slot.2 = slot.2.saturating_add(1);
            }
        }
        if success {
            return;
        }
        let recent = self.seconds.iter().filter(|(at, ..)| second - at.min(&second) < WINDOW);
        let (good, bad) = recent.fold((0, 0), |(good, bad), (_, g, b)| (good + g, bad + b));
        if self.state == State::Closed && bad >= FAILURES && bad >= good {
            self.state = State::Open { until: now + REST };
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn opened(now: u64) -> Breaker {
        let mut breaker = Breaker::default();
        (0..5).for_each(|_| breaker.record(at(now), false));
        breaker
    }

    #[test]
    fn five_failures_open_it_for_30_seconds_then_one_probe_is_admitted() {
        let mut breaker = Breaker::default();
        (0..4).for_each(|_| breaker.record(at(100), false));
        assert!(breaker.admits(at(100)));
        breaker.record(at(100), false);
        assert!(!breaker.admits(at(100)) && !breaker.admits(at(129)));
        assert!(breaker.admits(at(130)));
        assert!(!breaker.admits(at(130)), "one probe at a time");
        breaker.record(at(131), true);
        assert!(breaker.admits(at(131)) && breaker.admits(at(131)));
    }

    #[test]
    fn failed_or_lost_probe_keeps_it_open_for_another_30_seconds() {
        let mut breaker = opened(0);
        assert!(breaker.admits(at(30)));
        breaker.record(at(31), false);
        assert!(!breaker.admits(at(60)));
        assert!(breaker.admits(at(61)));
        // The outcome of this probe is never recorded, because its caller was cancelled.
        assert!(!breaker.admits(at(90)));
        assert!(breaker.admits(at(91)));
    }

    #[test]
    fn a_success_does_not_open_it() {
        let mut breaker = Breaker::default();
        (0..10).for_each(|_| breaker.record(at(0), true));
        (0..9).for_each(|_| breaker.record(at(1), false));
        // The first successes no longer count, so that most of the recent requests failed.
        breaker.record(at(30), true);
        assert!(breaker.admits(at(30)));
        breaker.record(at(30), false);
        assert!(!breaker.admits(at(30)));
    }

    #[test]
    fn stays_closed_while_most_requests_succeed_or_failures_are_old() {
        let mut breaker = Breaker::default();
        (0..10).for_each(|_| breaker.record(at(0), true));
        (0..9).for_each(|_| breaker.record(at(1), false));
        assert!(breaker.admits(at(1)));
        let mut breaker = Breaker::default();
        (0..4).for_each(|_| breaker.record(at(0), false));
        breaker.record(at(31), false);
        assert!(breaker.admits(at(31)));
    }

    proptest! {
        /// After any sequence of events, an endpoint receives a request again within 30 seconds.
        #[test]
        fn never_stays_open_for_more_than_30_seconds(events in prop::collection::vec((0..20_u64, any::<bool>(), any::<bool>()), 0..60)) {
            let (mut breaker, mut now) = (Breaker::default(), 0);
            for (later, asks, success) in events {
                now += later;
                if !asks || breaker.admits(at(now)) {
                    breaker.record(at(now), success);
                }
            }
            let mut later = now;
            while !breaker.admits(at(later)) {
                later += 1;
                prop_assert!(later <= now + 30);
            }
        }
    }
}
