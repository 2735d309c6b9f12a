//! The quotas of the account, and what this process owes to them.

use std::sync::atomic::{AtomicU32, Ordering};

use crate::driver::settings::FlowSettings;

/// The operations, each with its own quota.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Quota {
    Starts,
    Looks,
    Deletions,
}

/// The requests that this process made without a grant: retries of the client, and further calls of a deletion. The next grants of
/// the operation pay for them.
#[derive(Debug, Default)]
pub(crate) struct Owed {
    starts: AtomicU32,
    looks: AtomicU32,
    deletions: AtomicU32,
}

/// The debt that one reservation pays. What is left is owed again, even if the reservation fails or is dropped.
#[derive(Debug)]
pub(crate) struct Debt<'a> {
    owed: &'a Owed,
    quota: Quota,
    left: u32,
}

impl Quota {
    pub(crate) const fn operation(self) -> &'static str {
        match self {
            Self::Starts => "InitFaceVerify",
            Self::Looks => "DescribeFaceVerify",
            Self::Deletions => "DeleteFaceVerifyResult",
        }
    }

    /// The calls in a second.
    pub(crate) const fn limit(self, settings: &FlowSettings) -> u32 {
        let limit = match self {
            Self::Starts | Self::Looks => settings.calls_per_second,
            Self::Deletions => settings.deletions_per_second,
        };
        if limit == 0 { 1 } else { limit }
    }
}

impl Owed {
    /// Takes the whole debt, so that no other reservation pays it too.
    pub(crate) fn take(&self, quota: Quota) -> Debt<'_> {
        Debt { owed: self, quota, left: self.counter(quota).swap(0, Ordering::Relaxed) }
    }

    /// Adds requests, up to `most`.
    pub(crate) fn add(&self, quota: Quota, requests: u32, most: u32) {
        let add = |owed: u32| Some(owed.saturating_add(requests).min(most));
        // The closure always returns a value.
        let _ = self.counter(quota).fetch_update(Ordering::Relaxed, Ordering::Relaxed, add);
    }

    const fn counter(&self, quota: Quota) -> &AtomicU32 {
        match quota {
            Quota::Starts => &self.starts,
            Quota::Looks => &self.looks,
            Quota::Deletions => &self.deletions,
        }
    }
}

impl Debt<'_> {
    pub(crate) const fn left(&self) -> u32 {
        self.left
    }

    /// Pays from the granted calls, and returns how many that takes.
    pub(crate) fn pay(&mut self, granted: u32) -> u32 {
        let paid = granted.min(self.left);
        self.left -= paid;
        paid
    }
}

impl Drop for Debt<'_> {
    fn drop(&mut self) {
        self.owed.add(self.quota, self.left, u32::MAX);
    }
}
