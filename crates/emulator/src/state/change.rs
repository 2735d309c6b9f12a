//! Notifications of changes.

use serde::Serialize;

/// The part of the state that has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Change {
    Sessions,
    Callbacks,
    Faults,
    Clock,
    Journal,
    /// Any part: the subscriber missed notifications.
    Everything,
}
