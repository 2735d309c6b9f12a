//! The bounds of what is read from outside: bodies, heads, connections, and the time that each may take. The table in
//! `docs/emulator.md` lists them all.

use std::time::Duration;

/// The most bytes in the body of a call.
pub(crate) const CALL_BODY: usize = 4 << 20;
/// The most bytes in the body of a form or of an admin request.
pub(crate) const SMALL_BODY: usize = 1 << 20;
/// The most bytes in a snapshot that is put back.
pub(crate) const SNAPSHOT_BODY: usize = 512 << 20;
/// The most bytes in a request's head. A query may hold 65,534 of them.
pub(crate) const HEAD: usize = 128 << 10;

/// The bounds on connections and on time. Tests shorten them; everybody else has the defaults.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// The most open connections; further ones wait.
    pub(crate) connections: usize,
    /// The time for a request's head to arrive, and for a connection to be idle.
    pub(crate) head_time: Duration,
    /// The time for a body to arrive.
    pub(crate) body_time: Duration,
    /// The time for a snapshot to arrive.
    pub(crate) snapshot_time: Duration,
    /// The time that a client may leave an answer unread.
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
