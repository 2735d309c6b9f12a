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
/// | attempts | 3 | the default of the major cloud SDKs |
/// | attempt timeout, deadline | 10 s, 25 s | the vendor's sample allows 10 s; `InitFaceVerify` probes the callback URL before it returns |
/// | backoff | full jitter, base 500 ms (200 ms when throttled), at most 20 s | |
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Settings {
    /// The endpoints: the first is preferred, the others are for failover.
    pub endpoints: Endpoints,
    /// The signature version and the location of the parameters.
    pub signing: Signing,
    /// The limits of one attempt.
    pub limits: Limits,
    /// The time limit of the whole call, including waits.
    pub deadline: Duration,
    /// The maximum number of requests per call, including the first.
    pub attempts: u32,
    /// The maximum number of calls per second and operation, for a client and its clones together. `None` is
    /// unlimited. The vendor's quota for most operations is 50, per operation and main account, for all your
    /// processes together.
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
