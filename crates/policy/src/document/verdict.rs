//! The four verdicts of a policy.

use std::fmt;

/// What to do with the person. Exhaustive on purpose: a caller's `match` must break when it grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[must_use = "nobody is let in or turned away by a verdict that is not looked at"]
pub enum Verdict {
    /// Turn them away.
    Reject,
    /// Have them try again.
    Retry,
    /// Have somebody look.
    Review,
    /// Let them in.
    Approve,
}

impl Verdict {
    pub(crate) const ALL: [Self; 4] = [Self::Approve, Self::Review, Self::Retry, Self::Reject];

    /// As it is written in a policy file.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Approve => "approve",
            Self::Review => "review",
            Self::Retry => "retry",
            Self::Reject => "reject",
        }
    }

    pub(crate) fn find(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|verdict| verdict.as_str() == text)
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
