//! The verdicts of a policy.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The verdict on a verification. Exhaustive on purpose: a caller's `match` must handle every verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[must_use = "a verdict has no effect until the caller acts on it"]
pub enum Verdict {
    /// Reject the person.
    Reject,
    /// Ask the person to try again.
    Retry,
    /// Send the verification to a human reviewer.
    Review,
    /// Approve the person.
    Approve,
}

impl Verdict {
    /// All verdicts, in the order of output.
    pub const ALL: [Self; 4] = [Self::Approve, Self::Review, Self::Retry, Self::Reject];

    /// Returns the name in policy files.
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
