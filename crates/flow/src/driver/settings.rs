//! The settings of a flow.

use std::fmt;
use std::time::Duration;

use cloudauth_protocol::{CallbackKeys, CallbackUrl, OuterOrderNo, ReturnUrl, mask_digits, web_url};

use crate::driver::ticket::Capability;
use crate::machine::ids::InvalidId;
use crate::machine::ref_key::RefKey;
use crate::machine::rules::{Retention, Rules};

/// The settings of a [`Flow`](crate::Flow). The defaults fit a first deployment.
#[derive(Debug)]
#[non_exhaustive]
pub struct FlowSettings {
    /// The rules of the machine.
    pub rules: Rules,
    /// The keys of the callback tokens.
    pub keys: CallbackKeys,
    /// The key of the references to the claimed identities.
    pub refs: RefKey,
    /// Your addresses.
    pub urls: Urls,
    /// The calls of `InitFaceVerify`, and of `DescribeFaceVerify`, that all instances together make in a second. Default: 50, the
    /// vendor's quota per operation and account. The two have separate quotas: looks never delay a start.
    pub calls_per_second: u32,
    /// The calls of `DeleteFaceVerifyResult` that all instances together make in a second. Default: 10, the vendor's quota.
    pub deletions_per_second: u32,
    /// The pause between two sweeps of [`Flow::run`](crate::Flow::run), half or one and a half of it by chance. Default: 1 s.
    pub sweep_every: Duration,
    /// By how much the system's clock may jump between two sweeps. After a larger jump this process neither starts,
    /// reviews nor sweeps until the clock of the store agrees, the clock is right again, [`trust_clock`](crate::Flow::trust_clock)
    /// accepts it, or the process restarts. Default: 60 s, the time that the last look leaves after a link expired. The clocks of all instances must
    /// agree as closely. The lease of a start is longer by it.
    pub clock_tolerance: Duration,
}

/// The part of a lease that no call needs: the time of the commits.
pub(crate) const MARGIN: Duration = Duration::from_secs(15);

/// Your addresses for the vendor and the browser. `Debug` shows their hosts.
#[derive(Clone, PartialEq, Eq)]
pub struct Urls {
    callback: Box<str>,
    back: Box<str>,
}

impl FlowSettings {
    /// The default settings. How long a verification is kept after it ended has no default: it is your legal duty to choose it.
    #[must_use]
    pub fn new(urls: Urls, keys: CallbackKeys, refs: RefKey, retention: Retention) -> Self {
        Self {
            rules: Rules::new(retention),
            keys,
            refs,
            urls,
            calls_per_second: 50,
            deletions_per_second: 10,
            sweep_every: Duration::from_secs(1),
            clock_tolerance: Duration::from_secs(60),
        }
    }
}

impl Urls {
    /// Takes the address that the vendor calls and the page to which the browser returns. The flow appends `/` and the order
    /// number to the one, `/` and the browser's capability to the other.
    ///
    /// # Errors
    /// If one of them is not an `https` URL, or has a query or a fragment. Plain `http` is for loopback.
    pub fn new(callback: &str, back: &str) -> Result<Self, InvalidId> {
        let is_plain = |url: &str| !url.contains(['?', '#']);
        let (callback, back) = (callback.trim_end_matches('/'), back.trim_end_matches('/'));
        let urls = Self { callback: callback.into(), back: back.into() };
        if !is_plain(callback) || urls.callback_url(&OuterOrderNo::generate([0; 16])).is_none() {
            return Err(InvalidId::new("the callback's address", "an https URL without query"));
        }
        if !is_plain(back) || urls.return_url(&Capability::generate([0; 16])).is_none() {
            return Err(InvalidId::new("the return address", "a URL without query"));
        }
        Ok(urls)
    }

    pub(crate) fn callback_url(&self, order_no: &OuterOrderNo) -> Option<CallbackUrl> {
        let url = format!("{}/{order_no}", self.callback);
        https_or_loopback(&url)
    }

    pub(crate) fn return_url(&self, capability: &Capability) -> Option<ReturnUrl> {
        ReturnUrl::new(&format!("{}/{}", self.back, capability.expose())).ok()
    }
}

impl fmt::Debug for Urls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = |url: &str| {
            web_url(url).ok().and_then(|url| url.host().map(|host| mask_digits(host).into_owned()))
        };
        f.debug_struct("Urls")
            .field("callback", &host(&self.callback))
            .field("back", &host(&self.back))
            .finish()
    }
}

/// Takes a URL that is `https`, or plain `http` on this machine.
pub(crate) fn https_or_loopback(url: &str) -> Option<CallbackUrl> {
    CallbackUrl::new(url).or_else(|_| CallbackUrl::loopback(url)).ok()
}
