//! What the emulator was started with.

use crate::faults::Fault;
use crate::gateway::Keys;
use crate::http::Limits;
use crate::sessions::Rule;

/// What the emulator was started with.
#[derive(Debug)]
pub(crate) struct Setup {
    pub(crate) url: String,
    /// Who may look after it from elsewhere; `None` on loopback, where everybody may.
    pub(crate) admin_token: Option<String>,
    pub(crate) keys: Keys,
    pub(crate) accept_any_id: bool,
    /// Calls of one action that an access key may make in a second.
    pub(crate) calls_a_second: Option<u32>,
    /// Failed scans of one identity in a day.
    pub(crate) failures_a_day: Option<u32>,
    pub(crate) faults: Vec<Fault>,
    pub(crate) rules: Vec<Rule>,
    pub(crate) limits: Limits,
}
