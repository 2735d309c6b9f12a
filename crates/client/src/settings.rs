//! The settings of a call.

use std::time::Duration;

use cloudauth_protocol::Signing;
use cloudauth_transport::Limits;

use crate::endpoints::Endpoints;

/// The settings of a call. The defaults and their reasons:
///
/// | setting | default | reason |
/// | --- | --- | --- |
/// | endpoints | Shanghai, then Beijing | the vendor's failover sample |
/// | attempts | 3 | the default of the large clouds' SDKs |
/// | attempt timeout, deadline | 10 s, 25 s | the vendor's sample allows 10 s; a start probes the callback address before it answers |
/// | backoff | full jitter, base 500 ms (200 ms when throttled), at most 20 s | |
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Settings {
    /// The endpoints: the first is preferred, the others are for failover.
    pub endpoints: Endpoints,
    /// The signature, and where it puts the parameters.
    pub signing: Signing,
    /// The limits of one attempt.
    pub limits: Limits,
    /// The time limit of the whole call, waits included.
    pub deadline: Duration,
    /// The most requests that a call sends, the first one included.
    pub attempts: u32,
    /// The most calls of one operation per second, by a client and its clones together; `None` is unlimited. The vendor's
    /// quota is 50 for most operations, per operation and main account, for all your processes together.
    pub rate: Option<u32>,
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
