//! The emulator's clock. Sessions, signatures, callbacks and the `Date` header all use it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use cloudauth_protocol::{Bilingual, UnixTime};
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;
use tokio::sync::futures::Notified;

use super::millis;
use crate::http::both;

/// The highest rate.
pub(crate) const MAX_RATE: f64 = 1e6;

/// A clock that can be set, stopped and run at another rate. Clones share the same clock.
#[derive(Clone, Debug)]
pub struct Clock(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    anchor: Mutex<Anchor>,
    changed: Notify,
}

/// The time shown at an instant, and the rate since.
#[derive(Clone, Copy, Debug)]
struct Anchor {
    shown: UnixTime,
    at: Instant,
    rate: f64,
}

impl Anchor {
    fn now(self) -> UnixTime {
        self.time_at(Instant::now())
    }

    fn time_at(self, instant: Instant) -> UnixTime {
        let passed = instant.saturating_duration_since(self.at).as_secs_f64() * self.rate;
        self.shown.plus(Duration::try_from_secs_f64(passed).unwrap_or(Duration::MAX))
    }

    /// Returns the real time from an instant until the clock shows `due`. `None` if the clock is stopped before it.
    fn until(self, due: UnixTime, instant: Instant) -> Option<Duration> {
        let left = due.since(self.time_at(instant));
        match self.rate {
            _ if left.is_zero() => Some(Duration::ZERO),
            rate if rate > 0.0 => Duration::try_from_secs_f64(left.as_secs_f64() / rate).ok(),
            _ => None,
        }
    }
}

/// A saved clock. A running clock keeps running between save and restore.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct SavedClock {
    #[serde(with = "millis::time")]
    shown: UnixTime,
    #[serde(with = "millis::time")]
    system: UnixTime,
    rate: f64,
}

impl SavedClock {
    /// Checks a saved clock that may have been edited.
    pub(crate) fn check(&self) -> Result<(), Bilingual> {
        let is_rate = (0.0..=MAX_RATE).contains(&self.rate);
        if is_rate { Ok(()) } else { Err(RATE) }
    }
}

/// The problem of a rate that is out of range.
pub(crate) const RATE: Bilingual =
    both("`rate` must be from 0 to 1,000,000", "`rate` 须在 0 至 1,000,000 之间");

impl Clock {
    /// Creates a clock that shows the system's time until it is set.
    #[must_use]
    pub fn system() -> Self {
        Self::with(SystemTime::now().into(), 1.0)
    }

    /// Creates a clock that stands still until it is set or advanced.
    #[must_use]
    pub fn frozen(at: UnixTime) -> Self {
        Self::with(at, 0.0)
    }

    fn with(shown: UnixTime, rate: f64) -> Self {
        let anchor = Mutex::new(Anchor { shown, at: Instant::now(), rate });
        Self(Arc::new(Inner { anchor, changed: Notify::new() }))
    }

    /// Returns the clock's time.
    #[must_use]
    pub fn now(&self) -> UnixTime {
        self.anchor().now()
    }

    /// Returns the rate: 1 is real time, 0 is stopped.
    #[must_use]
    pub fn rate(&self) -> f64 {
        self.anchor().rate
    }

    /// Advances the clock. Due callbacks run soon after; [`Emulator::advance`](crate::Emulator::advance) waits for them.
    pub fn advance(&self, time: Duration) {
        self.change(|anchor| anchor.shown = anchor.shown.plus(time));
    }

    /// Sets the clock, forward or back.
    pub fn set(&self, to: UnixTime) {
        self.change(|anchor| anchor.shown = to);
    }

    /// Sets the rate: 1 is real time, 0 stops the clock. A negative or infinite rate stops it too. The highest rate is a
    /// million.
    pub fn set_rate(&self, rate: f64) {
        self.change(|anchor| anchor.rate = if rate.is_finite() { rate.clamp(0.0, MAX_RATE) } else { 0.0 });
    }

    /// Returns the real time until the clock shows `due`. `None` if the clock is stopped before it.
    pub(crate) fn until(&self, due: UnixTime) -> Option<Duration> {
        self.anchor().until(due, Instant::now())
    }

    /// Advances the clock to this time, if it is later than now.
    pub(crate) fn reach(&self, to: UnixTime) {
        self.change(|anchor| anchor.shown = anchor.shown.max(to));
    }

    /// Completes when the clock is set or its rate changes.
    pub(crate) fn changed(&self) -> Notified<'_> {
        self.0.changed.notified()
    }

    pub(crate) fn save(&self) -> SavedClock {
        let anchor = self.anchor();
        SavedClock { shown: anchor.now(), system: SystemTime::now().into(), rate: anchor.rate }
    }

    pub(crate) fn restore(&self, saved: &SavedClock) {
        let away = UnixTime::from(SystemTime::now()).since(saved.system).as_secs_f64() * saved.rate;
        self.change(|anchor| {
            anchor.shown = saved.shown.plus(Duration::try_from_secs_f64(away).unwrap_or_default());
            anchor.rate = saved.rate;
        });
    }

    fn anchor(&self) -> Anchor {
        *self.0.anchor.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut Anchor)) {
        {
            let mut anchor = self.0.anchor.lock().unwrap_or_else(PoisonError::into_inner);
            *anchor = Anchor { shown: anchor.now(), at: Instant::now(), rate: anchor.rate };
            change(&mut anchor);
        }
        self.0.changed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: UnixTime = UnixTime::from_secs(1_767_323_045);
    const HOUR: Duration = Duration::from_secs(3600);

    #[test]
    fn a_frozen_clock_moves_only_when_set() {
        let clock = Clock::frozen(START);
        let other = clock.clone();
        clock.advance(HOUR);
        assert_eq!((other.now(), other.until(START)), (START.plus(HOUR), Some(Duration::ZERO)));
        assert_eq!(other.until(START.plus(2 * HOUR)), None, "a stopped clock never reaches it");
        clock.set(START);
        assert_eq!(other.now(), START);
        clock.reach(START.plus(HOUR));
        clock.reach(START);
        assert_eq!(other.now(), START.plus(HOUR));
    }

    #[test]
    fn a_faster_clock_reaches_a_time_sooner() {
        let clock = Clock::frozen(START);
        clock.set_rate(3600.0);
        let anchor = clock.anchor();
        let half = Duration::from_millis(500);
        assert_eq!(anchor.until(START.plus(HOUR), anchor.at), Some(2 * half));
        assert_eq!(anchor.until(START.plus(HOUR), anchor.at + half), Some(half));
        assert_eq!(anchor.until(START.plus(HOUR), anchor.at + 3 * half), Some(Duration::ZERO));
        for strange in [-1.0, f64::NAN, f64::INFINITY] {
            clock.set_rate(strange);
            assert_eq!(clock.rate(), 0.0);
        }
    }

    #[test]
    fn a_restored_clock_has_kept_running() {
        let clock = Clock::frozen(START);
        let saved = SavedClock { system: UnixTime::from(SystemTime::now() - HOUR), ..clock.save() };
        clock.advance(HOUR);
        clock.restore(&saved);
        assert_eq!(clock.now(), START, "a stopped clock does not move");
        clock.restore(&SavedClock { rate: 1.0, ..saved });
        assert!(clock.now().since(START) >= HOUR);
    }
}
