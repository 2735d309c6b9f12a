//! An event in the sequence of all verifications.

use serde::{Deserialize, Serialize};

use crate::machine::event::Event;
use crate::machine::ids::{OrderRef, VerificationId};

/// A place in the sequence of all events. The default is the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Cursor(pub u64);

/// An event in the sequence of all verifications.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoggedEvent {
    /// The place: pass it to [`Store::events_after`](crate::Store::events_after) to continue.
    pub cursor: Cursor,
    /// The verification.
    pub verification: VerificationId,
    /// Your order.
    pub order: OrderRef,
    /// The event.
    pub event: Event,
}
