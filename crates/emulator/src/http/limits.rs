//! Limits on bodies, request heads, connections and times. `docs/emulator.md` lists all limits of the emulator.

use std::time::Duration;

/// The maximum size of the body of a call, in bytes.
pub(crate) const MAX_CALL_BODY: usize = 4 << 20;
/// The maximum size of the body of a form or admin request, in bytes.
pub(crate) const MAX_SMALL_BODY: usize = 1 << 20;
/// The maximum size of an uploaded snapshot, in bytes.
pub(crate) const MAX_SNAPSHOT_BODY: usize = 512 << 20;
/// The maximum size of a request head, in bytes. The URI alone is limited to 65,534.
pub(crate) const MAX_HEAD: usize = 128 << 10;

/// Limits on connections and times. Only tests change the defaults.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// The maximum number of open connections. Further ones wait.
    pub(crate) connections: usize,
    /// The timeout of a request head, and of an idle connection.
    pub(crate) head_time: Duration,
    /// The timeout of a body.
    pub(crate) body_time: Duration,
    /// The timeout of an uploaded snapshot.
    pub(crate) snapshot_time: Duration,
    /// The timeout of a client that does not read its answer.
    pub(crate) write_time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 512,
            head_time: Duration::from_secs(30),
            body_time: Duration::from_secs(30),
            snapshot_time: Duration::from_secs(300),
            write_time: Duration::from_secs(60),
        }
    }
}
