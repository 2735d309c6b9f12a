//! One value for each verdict.

use std::ops::Index;

use cloudauth_policy::Verdict;
use serde::Serialize;

/// One value for each verdict. In JSON it is an object with the names of the verdicts as keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ByVerdict<T> {
    /// The value for [`Verdict::Approve`].
    pub approve: T,
    /// The value for [`Verdict::Reject`].
    pub reject: T,
    /// The value for [`Verdict::Retry`].
    pub retry: T,
    /// The value for [`Verdict::Review`].
    pub review: T,
}

impl<T> ByVerdict<T> {
    pub(crate) fn new(of: impl Fn(Verdict) -> T) -> Self {
        Self {
            approve: of(Verdict::Approve),
            reject: of(Verdict::Reject),
            retry: of(Verdict::Retry),
            review: of(Verdict::Review),
        }
    }
}

impl<T> Index<Verdict> for ByVerdict<T> {
    type Output = T;

    fn index(&self, verdict: Verdict) -> &T {
        match verdict {
            Verdict::Approve => &self.approve,
            Verdict::Reject => &self.reject,
            Verdict::Retry => &self.retry,
            Verdict::Review => &self.review,
        }
    }
}
