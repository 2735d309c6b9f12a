//! What an audit finds.

use std::fmt;

/// Why a verification fails an audit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AuditProblem {
    /// It has events, and was deleted.
    Deleted,
    /// The event with this number is missing, was changed, or cannot follow the events before it.
    Event(u64),
    /// Its document cannot be read, or differs from the columns beside it or from the rows of its attempts.
    Unreadable,
    /// Its document does not say what its events say.
    Document(DocumentPart),
}

/// A part of a verification's document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DocumentPart {
    /// Order, purpose, scene, and the time of the first start.
    Request,
    /// The state.
    State,
    /// The attempts: their numbers, consents, states, codes of refusal and results.
    Attempts,
    /// The decision: its attempt, verdict, policy, rule and reason, and the reviewer.
    Decision,
    /// How far a redaction is, and that what it erases is gone.
    Redaction,
}

impl DocumentPart {
    /// Returns the name, for programs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::State => "state",
            Self::Attempts => "attempts",
            Self::Decision => "decision",
            Self::Redaction => "redaction",
        }
    }
}

impl fmt::Display for AuditProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Deleted => f.write_str("it has events, and was deleted"),
            Self::Event(n) => {
                write!(f, "event {n} is missing, was changed, or cannot follow the events before it")
            }
            Self::Unreadable => f.write_str(
                "its document cannot be read, or differs from its columns or from the rows of its attempts",
            ),
            Self::Document(part) => {
                write!(f, "the {} in its document does not follow from its events", part.as_str())
            }
        }
    }
}

impl std::error::Error for AuditProblem {}
