//! The one clock that rules everything: sessions, signatures, and the `Date` header.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use cloudauth_protocol::UnixTime;

/// A clock that can be set ahead. Clones share it.
#[derive(Clone, Debug)]
pub struct Clock(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    frozen_at: Option<UnixTime>,
    ahead_millis: AtomicU64,
}

impl Clock {
    /// The system's time, plus what it is advanced by.
    #[must_use]
    pub fn system() -> Self {
        Self(Arc::new(Inner { frozen_at: None, ahead_millis: AtomicU64::new(0) }))
    }

    /// A clock that stands still unless it is advanced.
    #[must_use]
    pub fn frozen(at: UnixTime) -> Self {
        Self(Arc::new(Inner { frozen_at: Some(at), ahead_millis: AtomicU64::new(0) }))
    }

    /// Sets the clock ahead.
    pub fn advance(&self, time: Duration) {
        let millis = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        self.0.ahead_millis.fetch_add(millis, Ordering::Relaxed);
    }

    /// The time it shows.
    #[must_use]
    pub fn now(&self) -> UnixTime {
        let base = self.0.frozen_at.unwrap_or_else(|| SystemTime::now().into());
        base.plus(Duration::from_millis(self.0.ahead_millis.load(Ordering::Relaxed)))
    }
}
