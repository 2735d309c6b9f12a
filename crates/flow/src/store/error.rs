//! The error of a store: above all, whether the commit happened.

use std::error::Error;
use std::fmt;

/// The source of a store's error.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// The error of a store.
#[derive(Debug)]
pub struct StoreError {
    kind: StoreErrorKind,
    source: Option<BoxError>,
}

/// What a caller can do about an error of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreErrorKind {
    /// The version is another: load and step again. The commit did not happen.
    Conflict,
    /// The person has used the day's starts, or the identity is blocked: load the usage and step again, for the reason. The
    /// commit did not happen.
    Limit,
    /// The order number, the CertifyId, the capability or the id belongs to another verification. The commit did not happen.
    Duplicate,
    /// The start page of [`Commit::needs_page`](crate::Commit::needs_page) has no identity any more: it was used, ended, replaced
    /// or expired. The commit did not happen.
    PageEnded,
    /// The store cannot be reached, or is busy. The commit did not happen: the same commit may succeed later.
    Unavailable,
    /// The commit was sent, and no answer came. It may have happened: load, and compare the
    /// [`head`](crate::Verification::head).
    OutcomeUnknown,
    /// What is stored cannot be understood, such as a schema of a newer version. An operator must act.
    Corrupt,
}

impl StoreError {
    /// An error without a source.
    #[must_use]
    pub const fn new(kind: StoreErrorKind) -> Self {
        Self { kind, source: None }
    }

    /// An error with a source. The source's text must hold no parameter of a statement.
    #[must_use]
    pub fn with_source(kind: StoreErrorKind, source: impl Into<BoxError>) -> Self {
        Self { kind, source: Some(source.into()) }
    }

    /// Returns the kind.
    #[must_use]
    pub const fn kind(&self) -> StoreErrorKind {
        self.kind
    }

    /// Whether the commit may have happened.
    #[must_use]
    pub const fn may_have_happened(&self) -> bool {
        matches!(self.kind, StoreErrorKind::OutcomeUnknown)
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            StoreErrorKind::Conflict => "the verification was changed by another commit",
            StoreErrorKind::Limit => "the limit of starts is reached, or the identity is blocked",
            StoreErrorKind::Duplicate => "an identifier belongs to another verification",
            StoreErrorKind::PageEnded => "the start page has ended: nothing was committed",
            StoreErrorKind::Unavailable => "the store is unavailable: nothing was committed",
            StoreErrorKind::OutcomeUnknown => "the store did not answer: the commit may have happened",
            StoreErrorKind::Corrupt => "the stored data cannot be read",
        })
    }
}

impl Error for StoreError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_ref().map(|source| &**source as _)
    }
}

impl From<StoreErrorKind> for StoreError {
    fn from(kind: StoreErrorKind) -> Self {
        Self::new(kind)
    }
}
