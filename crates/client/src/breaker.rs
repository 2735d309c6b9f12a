//! A circuit breaker: an endpoint that fails most of the time is left alone for a while.
//!
//! ```text
//!            5 failures and half of all in 30 s
//!   Closed ────────────────────────────────────▶ Open ──30 s──▶ Probing
//!     ▲                                            ▲               │
//!     └──────────── the probe succeeds ────────────│───────────────┤
//!                                                  └── it fails ───┘
//! ```

use std::time::Duration;

/// How long back failures count.
const WINDOW: u64 = 30;
/// How long an endpoint is left alone, and how long a probe may take before another is let through.
const REST: Duration = Duration::from_secs(30);
/// Fewer failures than this never open it.
const FAILURES: u32 = 5;

#[derive(Debug)]
pub(crate) struct Breaker {
    state: State,
    /// Per second of the window: which second, successes, failures.
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
    /// Whether a request may go there; after a rest, for one probe.
    pub(crate) fn lets_through(&mut self, now: Duration) -> bool {
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

    /// What became of a request.
    pub(crate) fn record(&mut self, now: Duration, success: bool) {
        match (self.state, success) {
            (State::Closed, _) => {}
            (_, true) => *self = Self::default(),
            (State::Probing { .. }, false) => self.state = State::Open { until: now + REST },
            // A request that was under way when it opened.
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
    fn five_failures_open_it_for_thirty_seconds_and_then_one_probe_goes_through() {
        let mut breaker = Breaker::default();
        (0..4).for_each(|_| breaker.record(at(100), false));
        assert!(breaker.lets_through(at(100)));
        breaker.record(at(100), false);
        assert!(!breaker.lets_through(at(100)) && !breaker.lets_through(at(129)));
        assert!(breaker.lets_through(at(130)));
        assert!(!breaker.lets_through(at(130)), "one probe at a time");
        breaker.record(at(131), true);
        assert!(breaker.lets_through(at(131)) && breaker.lets_through(at(131)));
    }

    #[test]
    fn a_probe_that_fails_or_is_lost_means_another_rest() {
        let mut breaker = opened(0);
        assert!(breaker.lets_through(at(30)));
        breaker.record(at(31), false);
        assert!(!breaker.lets_through(at(60)));
        assert!(breaker.lets_through(at(61)));
        // Nobody says what became of this one, because its caller went away.
        assert!(!breaker.lets_through(at(90)));
        assert!(breaker.lets_through(at(91)));
    }

    #[test]
    fn it_stays_closed_while_most_succeed_or_failures_are_old() {
        let mut breaker = Breaker::default();
        (0..10).for_each(|_| breaker.record(at(0), true));
        (0..9).for_each(|_| breaker.record(at(1), false));
        assert!(breaker.lets_through(at(1)));
        let mut breaker = Breaker::default();
        (0..4).for_each(|_| breaker.record(at(0), false));
        breaker.record(at(31), false);
        assert!(breaker.lets_through(at(31)));
    }

    proptest! {
        /// Whatever happens, an endpoint that is well again is used again within 30 seconds.
        #[test]
        fn it_never_stays_open(events in prop::collection::vec((0..20_u64, any::<bool>(), any::<bool>()), 0..60)) {
            let (mut breaker, mut now) = (Breaker::default(), 0);
            for (later, asks, success) in events {
                now += later;
                if !asks || breaker.lets_through(at(now)) {
                    breaker.record(at(now), success);
                }
            }
            let mut later = now;
            while !breaker.lets_through(at(later)) {
                later += 1;
                prop_assert!(later <= now + 30);
            }
        }
    }
}
