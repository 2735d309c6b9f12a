//! The schedule on which a client polls a verification for its result.

use std::time::Duration;

use cloudauth_protocol::{FaceVerifyStatus, Reply};

use crate::error::Error;

/// The pauses between the polls of [`Client::wait`](crate::Client::wait).
///
/// The default fits the vendor's quota. Most people finish within minutes, so the first pauses are short. The
/// last poll comes after the link has expired, when the result can no longer change.
///
/// ```
/// use cloudauth_client::WaitPlan;
///
/// let pauses: Vec<u64> = WaitPlan::default().pauses().map(|pause| pause.as_secs()).collect();
/// assert_eq!(pauses, [5, 10, 20, 40, 60, 120, 120, 120, 120, 120, 1125]);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaitPlan(Vec<Duration>);

/// The time of the last poll, in seconds. A link expires after 30 minutes.
const AFTER_EXPIRY: u64 = 31 * 60;

impl WaitPlan {
    /// Creates a plan with these pauses. It polls before the first pause and after each one.
    pub fn new(pauses: impl IntoIterator<Item = Duration>) -> Self {
        Self(pauses.into_iter().collect())
    }

    /// Returns the pauses between the polls.
    pub fn pauses(&self) -> impl Iterator<Item = Duration> + '_ {
        self.0.iter().copied()
    }
}

/// Returns whether another poll may bring a result.
pub(super) fn is_open(result: &Result<Reply<FaceVerifyStatus>, Error>) -> bool {
    match result {
        Ok(reply) => matches!(reply.output, FaceVerifyStatus::Pending(_)),
        Err(error) => error.is_transient(),
    }
}

impl Default for WaitPlan {
    fn default() -> Self {
        let mut pauses = vec![5, 10, 20, 40, 60, 120, 120, 120, 120, 120];
        pauses.push(AFTER_EXPIRY - pauses.iter().sum::<u64>());
        Self::new(pauses.into_iter().map(Duration::from_secs))
    }
}
