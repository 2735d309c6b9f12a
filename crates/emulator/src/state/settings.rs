//! The settings of a running emulator.

use crate::faults::Fault;
use crate::gateway::AccessKeys;
use crate::http::Limits;
use crate::sessions::Rule;

/// The settings of a running emulator.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) url: String,
    /// The token of the admin API. `None` on loopback, where no token is needed.
    pub(crate) admin_token: Option<String>,
    pub(crate) keys: AccessKeys,
    pub(crate) accept_any_id: bool,
    /// The limit of calls per action and access key in one second.
    pub(crate) calls_per_second: Option<u32>,
    /// The limit of failures per identity and day.
    pub(crate) failures_per_day: Option<u32>,
    pub(crate) faults: Vec<Fault>,
    pub(crate) rules: Vec<Rule>,
    pub(crate) limits: Limits,
}
