//! The errors of opening a file, and how the errors of SQLite become those of a store.

use std::error::Error;
use std::fmt;

use cloudauth_flow::{BoxError, StoreError, StoreErrorKind};
use rusqlite::ErrorCode;

/// The error of opening a store. The file is as it was.
#[derive(Debug)]
pub struct OpenError {
    kind: OpenErrorKind,
    source: Option<BoxError>,
}

/// Why a store was not opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OpenErrorKind {
    /// The file is not a store of verifications: choose another file.
    NotAStore,
    /// A newer version of this crate wrote the file: update this program.
    NewerSchema,
    /// The file cannot be read or written; see the source.
    Unavailable,
}

impl OpenError {
    pub(crate) const fn new(kind: OpenErrorKind) -> Self {
        Self { kind, source: None }
    }

    pub(crate) fn unavailable(source: impl Into<BoxError>) -> Self {
        Self { kind: OpenErrorKind::Unavailable, source: Some(source.into()) }
    }

    /// Returns the kind.
    #[must_use]
    pub const fn kind(&self) -> OpenErrorKind {
        self.kind
    }
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            OpenErrorKind::NotAStore => {
                "opening the store failed: the file is not a store of verifications: choose another file"
            }
            OpenErrorKind::NewerSchema => {
                "opening the store failed: a newer version wrote the file: update this program"
            }
            OpenErrorKind::Unavailable => "opening the store failed: the file cannot be read or written",
        })
    }
}

impl Error for OpenError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_ref().map(|source| &**source as _)
    }
}

impl From<rusqlite::Error> for OpenError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::NotADatabase) => Self::new(OpenErrorKind::NotAStore),
            _ => Self::unavailable(error),
        }
    }
}

/// The error of a statement before the end of its transaction: nothing happened.
pub(crate) fn failed(error: rusqlite::Error) -> StoreError {
    let kind = match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase | ErrorCode::ConstraintViolation)
        // A value of another type than the schema says.
        | None => StoreErrorKind::Corrupt,
        Some(_) => StoreErrorKind::Unavailable,
    };
    StoreError::with_source(kind, error)
}

/// The error of a COMMIT.
///
/// A full disk cuts the transaction before its last page, so the log never counts it. After other errors, such as a failed flush,
/// the log may have the whole transaction.
pub(crate) fn failed_commit(error: &rusqlite::Error) -> StoreErrorKind {
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::DiskFull) => {
            StoreErrorKind::Unavailable
        }
        _ => StoreErrorKind::OutcomeUnknown,
    }
}

pub(crate) fn is_constraint(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation)
}
