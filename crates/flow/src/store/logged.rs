//! An event in the sequence of all verifications.

use serde::{Deserialize, Serialize};

use crate::machine::event::Event;
use crate::machine::ids::{OrderRef, VerificationId};
use crate::store::error::StoreError;

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

/// For stores: returns the events before the first that cannot be read, with which the next call begins; its error if it is the first
/// of all.
///
/// # Errors
/// That of the first event.
pub fn events_before_damage(
    events: impl IntoIterator<Item = Result<LoggedEvent, StoreError>>,
) -> Result<Vec<LoggedEvent>, StoreError> {
    let mut readable = Vec::new();
    for event in events {
        match event {
            Ok(event) => readable.push(event),
            Err(error) if readable.is_empty() => return Err(error),
            Err(_) => break,
        }
    }
    Ok(readable)
}
