//! The inputs that a state machine cannot produce itself: the time and random bytes.

use std::fmt;
use std::time::Duration;

use cloudauth_protocol::{Nonce, UnixTime};

/// One moment, read from two clocks.
#[derive(Clone, Copy, Debug)]
pub struct Now {
    /// The wall clock. Its time is signed.
    pub wall: UnixTime,
    /// A monotonic clock, measured from an origin that all calls of the client share.
    pub steady: Duration,
}

/// Random bytes for one step: 16 for a nonce and 8 for a wait. `Debug` hides them.
#[derive(Clone, Copy)]
pub struct Entropy(pub [u8; 24]);

impl fmt::Debug for Entropy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Entropy")
    }
}

impl Entropy {
    pub(crate) fn nonce(self) -> Nonce {
        Nonce::from_entropy(*self.0.first_chunk().unwrap_or(&[0; 16]))
    }

    /// Returns a uniformly distributed duration between zero and `longest`.
    pub(crate) fn fraction_of(self, longest: Duration) -> Duration {
        let number = u64::from_be_bytes(*self.0.last_chunk().unwrap_or(&[0; 8]));
        longest.mul_f64(number as f64 / u64::MAX as f64)
    }
}
