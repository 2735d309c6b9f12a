//! When to look whether a verification has ended.

use std::time::Duration;

use cloudauth_protocol::{FaceVerifyStatus, Reply};

use crate::error::Error;

/// The pauses between looks. The default is the one that the vendor's quota was reckoned with: most people are done
/// within minutes, and the last look is after the link has died, when nothing can change any more.
///
/// ```
/// use cloudauth_client::WaitPlan;
///
/// let pauses: Vec<u64> = WaitPlan::default().pauses().map(|pause| pause.as_secs()).collect();
/// assert_eq!(pauses, [5, 10, 20, 40, 60, 120, 120, 120, 120, 120, 1125]);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaitPlan(Vec<Duration>);

/// A link lives 30 minutes; the last look is a minute later.
const AFTER_EXPIRY: u64 = 31 * 60;

impl WaitPlan {
    /// With pauses of your own; there is one look more than there are pauses.
    pub fn new(pauses: impl IntoIterator<Item = Duration>) -> Self {
        Self(pauses.into_iter().collect())
    }

    /// The pauses between the looks.
    pub fn pauses(&self) -> impl Iterator<Item = Duration> + '_ {
        self.0.iter().copied()
    }
}

/// Whether it is worth asking again.
pub(crate) fn is_open(answer: &Result<Reply<FaceVerifyStatus>, Error>) -> bool {
    match answer {
        Ok(reply) => matches!(reply.output, FaceVerifyStatus::Pending(_)),
        Err(error) => error.is_passing(),
    }
}

impl Default for WaitPlan {
    fn default() -> Self {
        let mut pauses = vec![5, 10, 20, 40, 60, 120, 120, 120, 120, 120];
        pauses.push(AFTER_EXPIRY - pauses.iter().sum::<u64>());
        Self::new(pauses.into_iter().map(Duration::from_secs))
    }
}
