//! The emulator's clock. Sessions, signatures, callbacks and the `Date` header all use it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use cloudauth_protocol::UnixTime;
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;
use tokio::sync::futures::Notified;

use super::millis;

/// A clock that can be set, stopped and run at another rate. Clones share the same clock.
#[derive(Clone, Debug)]
pub struct Clock(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    face: Mutex<Face>,
    changed: Notify,
}

/// What it showed at a moment, and how fast it has run since.
#[derive(Clone, Copy, Debug)]
struct Face {
    shown: UnixTime,
    at: Instant,
    rate: f64,
}

impl Face {
    fn now(self) -> UnixTime {
        let passed = self.at.elapsed().as_secs_f64() * self.rate;
        self.shown.plus(Duration::try_from_secs_f64(passed).unwrap_or(Duration::MAX))
    }
}

/// What is kept of a clock when it is saved: a clock that runs goes on while nobody looks.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Saved {
    #[serde(with = "millis::time")]
    shown: UnixTime,
    #[serde(with = "millis::time")]
    system: UnixTime,
    rate: f64,
}

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
        let face = Mutex::new(Face { shown, at: Instant::now(), rate });
        Self(Arc::new(Inner { face, changed: Notify::new() }))
    }

    /// Returns the clock's time.
    #[must_use]
    pub fn now(&self) -> UnixTime {
        self.face().now()
    }

    /// Returns the rate: 1 is real time, 0 is stopped.
    #[must_use]
    pub fn rate(&self) -> f64 {
        self.face().rate
    }

    /// Advances the clock. What falls due runs soon after; [`Emulator::advance`](crate::Emulator::advance) waits for it.
    pub fn advance(&self, time: Duration) {
        self.change(|face| face.shown = face.shown.plus(time));
    }

    /// Sets the clock, forward or back.
    pub fn set(&self, to: UnixTime) {
        self.change(|face| face.shown = to);
    }

    /// Sets the rate: 1 is real time, 0 stops the clock. A negative or infinite rate stops it too.
    pub fn set_rate(&self, rate: f64) {
        self.change(|face| face.rate = if rate.is_finite() { rate.max(0.0) } else { 0.0 });
    }

    /// How long until it shows a time, as the system counts; `None` while it stands still before it.
    pub(crate) fn until(&self, due: UnixTime) -> Option<Duration> {
        let face = self.face();
        let left = due.since(face.now());
        match face.rate {
            _ if left.is_zero() => Some(Duration::ZERO),
            rate if rate > 0.0 => Duration::try_from_secs_f64(left.as_secs_f64() / rate).ok(),
            _ => None,
        }
    }

    /// Sets it no further back than it is.
    pub(crate) fn reach(&self, to: UnixTime) {
        self.change(|face| face.shown = face.shown.max(to));
    }

    /// Completes when somebody sets it.
    pub(crate) fn changed(&self) -> Notified<'_> {
        self.0.changed.notified()
    }

    pub(crate) fn save(&self) -> Saved {
        let face = self.face();
        Saved { shown: face.now(), system: SystemTime::now().into(), rate: face.rate }
    }

    pub(crate) fn restore(&self, saved: &Saved) {
        let away = UnixTime::from(SystemTime::now()).since(saved.system).as_secs_f64() * saved.rate;
        self.change(|face| {
            face.shown = saved.shown.plus(Duration::try_from_secs_f64(away).unwrap_or_default());
            face.rate = saved.rate;
        });
    }

    fn face(&self) -> Face {
        *self.0.face.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut Face)) {
        {
            let mut face = self.0.face.lock().unwrap_or_else(PoisonError::into_inner);
            *face = Face { shown: face.now(), at: Instant::now(), rate: face.rate };
            change(&mut face);
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
    fn a_frozen_clock_moves_when_it_is_told_to() {
        let clock = Clock::frozen(START);
        let other = clock.clone();
        clock.advance(HOUR);
        assert_eq!((other.now(), other.until(START)), (START.plus(HOUR), Some(Duration::ZERO)));
        assert_eq!(other.until(START.plus(2 * HOUR)), None, "it never gets there by itself");
        clock.set(START);
        assert_eq!(other.now(), START);
        clock.reach(START.plus(HOUR));
        clock.reach(START);
        assert_eq!(other.now(), START.plus(HOUR));
    }

    #[test]
    fn a_clock_that_runs_faster_gets_there_sooner() {
        let clock = Clock::frozen(START);
        clock.set_rate(3600.0);
        let left = clock.until(clock.now().plus(HOUR)).unwrap();
        assert!(left > Duration::from_millis(900) && left <= Duration::from_secs(1), "{left:?}");
        for strange in [-1.0, f64::NAN, f64::INFINITY] {
            clock.set_rate(strange);
            assert_eq!(clock.rate(), 0.0);
        }
    }

    #[test]
    fn a_saved_clock_goes_on_where_a_clock_would_be() {
        let clock = Clock::frozen(START);
        let saved = Saved { system: UnixTime::from(SystemTime::now() - HOUR), ..clock.save() };
        clock.advance(HOUR);
        clock.restore(&saved);
        assert_eq!(clock.now(), START, "a stopped clock stays");
        clock.restore(&Saved { rate: 1.0, ..saved });
        assert!(clock.now().since(START) >= HOUR);
    }
}
