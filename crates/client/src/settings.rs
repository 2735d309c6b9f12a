//! What a client goes by.

use std::time::Duration;

use cloudauth_protocol::Signing;
use cloudauth_transport::Limits;

use crate::endpoints::Endpoints;

/// Settings of an exchange. The defaults and their reasons:
///
/// | what | default | why |
/// | --- | --- | --- |
/// | endpoints | Shanghai, then Beijing | the vendor's failover sample |
/// | attempts | 3 | as the large clouds' SDKs |
/// | attempt, call | 10 s, 25 s | the vendor's sample takes 10 s; a start probes the callback before it answers |
/// | backoff | full jitter, base 500 ms (200 ms when throttled), cap 20 s | |
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Settings {
    /// Where calls go: the first, and the others where it fails.
    pub endpoints: Endpoints,
    /// Which signature, and where the parameters stand.
    pub signing: Signing,
    /// What one attempt may take.
    pub limits: Limits,
    /// What the whole call may take, waits included.
    pub deadline: Duration,
    /// How often a call may be sent, the first time included.
    pub attempts: u32,
    /// How many calls of one operation a client and its clones make in a second; `None` for as many as come. The
    /// vendor's quota is 50 for most operations, per operation and main account, for all your processes together.
    pub rate: Option<u32>,
}

impl Settings {
    /// The longest first wait after a failure; each later one may be twice as long.
    pub(crate) const BACKOFF: Duration = Duration::from_millis(500);
    /// The same after throttling, where the endpoint is well.
    pub(crate) const THROTTLE_BACKOFF: Duration = Duration::from_millis(200);
    /// No wait is longer.
    pub(crate) const LONGEST_BACKOFF: Duration = Duration::from_secs(20);
    /// How far beyond the own backoff the server's `x-acs-retry-after` is followed.
    pub(crate) const HINT_BEYOND: Duration = Duration::from_secs(5);
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            endpoints: Endpoints::default(),
            signing: Signing::default(),
            limits: Limits::DEFAULT,
            deadline: Duration::from_secs(25),
            attempts: 3,
            rate: None,
        }
    }
}
