//! The emulator's clock, and times in documents.

mod clock;
mod format;
pub(crate) mod millis;

pub use clock::Clock;
pub(crate) use clock::{MAX_RATE, RATE, SavedClock};
pub(crate) use format::{day_in_china, parse};
