//! The settings of the machine.

use std::time::Duration;

use cloudauth_protocol::UnixTime;

use crate::machine::ids::InvalidId;

/// The limits and times by which the machine acts. Only the retention has no default: it is your legal duty to choose it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rules {
    /// How long a verification is kept after it ended.
    pub retention: Retention,
    /// The links that one verification may use; zero refuses every start. Default: 3.
    pub attempts: u32,
    /// The starts of one person per scene and day (UTC+8). A start that the service may have executed counts, also if no answer came:
    /// five timeouts of one person use up the day. Default: 5.
    pub starts_per_day: u32,
    /// The time for `InitFaceVerify`, retries included. An attempt without an answer is orphaned afterwards. Default: 60 s. A flow
    /// makes it at least the client's deadline, 15 seconds for the commits, and the tolerance of the clocks: 100 s by default.
    pub start_lease: Duration,
    /// The time from the first start in which a person may start again. Default: 24 hours.
    pub lifetime: Duration,
    /// How long an identity is not started again after SubCode 201, 202 or 203, or Code 417. Default: 180 days.
    pub identity_block: Duration,
    /// The times of the looks, counted from the opening of the link, in any order. This list cannot change the last look,
    /// a minute after the link expired. The default is the client's plan: 5, 15, 35, 75, 135 s, then every two minutes until
    /// 735 s.
    pub looks: Vec<Duration>,
    /// How long the machine looks again when the last looks failed: the person may have passed. Such looks follow each other
    /// after 15 minutes if the error is transient, otherwise after an hour. Afterwards the attempt expires. Default: 7 days,
    /// so that a disabled key or an account in arrears can be mended.
    pub look_until: Duration,
    /// The time for a review. A verification that no reviewer decides expires afterwards; it is never decided. Default: 30 days.
    pub review_time: Duration,
}

/// How long a verification is kept after it ended: a day to a hundred years. Webhooks that are not delivered by then are deleted with
/// it: the last attempt can be 84 hours after the event, or ten days if the receiver asks for longer pauses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Retention(Duration);

impl Retention {
    /// Takes a number of days.
    ///
    /// # Errors
    /// If it is not 1 to 36,500.
    pub const fn days(days: u32) -> Result<Self, InvalidId> {
        if days == 0 || days > 36_500 {
            return Err(InvalidId::new("Retention", "1 to 36,500 days"));
        }
        Ok(Self(Duration::from_secs(days as u64 * 86_400)))
    }

    /// Returns the time.
    #[must_use]
    pub const fn get(self) -> Duration {
        self.0
    }
}

/// The validity of a link, as documented by the vendor.
pub(crate) const LINK: Duration = Duration::from_secs(30 * 60);

/// The time of the last planned look, after the link expired.
pub(crate) const LAST_LOOK: Duration = Duration::from_secs(60);

/// The shortest time between a look and the next one that a callback or a browser asks for: at most 3 looks in 10 seconds.
pub(crate) const HINT_GAP: Duration = Duration::from_secs(4);

/// The callbacks that one attempt keeps, and the returns of the browser.
pub(crate) const HINTS: usize = 8;

/// The attempts that a verification keeps, refused and orphaned ones included. Never make it smaller: an audit measures the chains
/// of all earlier versions with it.
pub(crate) const MOST_ATTEMPTS: usize = 32;

/// The refused attempts of one verification whose starts are given back. The rest of its attempts stay within the day's limit, so
/// that a client that starts in a loop during an outage does not use them all.
pub(crate) const MOST_REFUNDS: usize = 16;

/// The requests to delete the data of one attempt. With pauses that double from an hour to a day, the last is after eight days.
pub(crate) const MOST_DELETIONS: u32 = 12;

/// How far ahead of the machine's clock a consent may be.
pub(crate) const CLOCK_SKEW: Duration = Duration::from_secs(300);

impl Rules {
    /// The default rules.
    #[must_use]
    pub fn new(retention: Retention) -> Self {
        Self {
            retention,
            attempts: 3,
            starts_per_day: 5,
            start_lease: Duration::from_secs(60),
            lifetime: Duration::from_secs(86_400),
            identity_block: Duration::from_secs(180 * 86_400),
            looks: [5, 15, 35, 75, 135, 255, 375, 495, 615, 735].map(Duration::from_secs).to_vec(),
            look_until: Duration::from_secs(7 * 86_400),
            review_time: Duration::from_secs(30 * 86_400),
        }
    }

    /// The first planned look after `now`, or the last one; `None` after the last.
    pub(crate) fn next_look(&self, opened_at: UnixTime, now: UnixTime) -> Option<UnixTime> {
        let last = opened_at.plus(LINK).plus(LAST_LOOK);
        let planned = self.looks.iter().map(|after| opened_at.plus(*after)).filter(|at| *at < last);
        planned.chain([last]).filter(|at| *at > now).min()
    }
}
