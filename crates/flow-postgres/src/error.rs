//! The errors of opening a database, and how the errors of PostgreSQL become those of a store.

use std::error::Error;
use std::fmt;

use cloudauth_flow::{BoxError, StoreError, StoreErrorKind};
use tokio_postgres::error::SqlState;

/// The error of opening a store. The database is as it was.
#[derive(Debug)]
pub struct OpenError {
    kind: OpenErrorKind,
    source: Option<BoxError>,
}

/// Why a store was not opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OpenErrorKind {
    /// The server is on another machine: use `PostgresStore::open_tls`.
    NeedsTls,
    /// The server is older than PostgreSQL 13.
    OldServer,
    /// A newer version of this crate wrote the tables: update this program.
    NewerSchema,
    /// The database cannot be reached, or refuses the user; see the source.
    Unavailable,
}

impl OpenError {
    pub(crate) const fn new(kind: OpenErrorKind) -> Self {
        Self { kind, source: None }
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
            OpenErrorKind::NeedsTls => "opening the store failed: a server on another machine needs TLS",
            OpenErrorKind::OldServer => "opening the store failed: the server is older than PostgreSQL 13",
            OpenErrorKind::NewerSchema => {
                "opening the store failed: a newer version wrote the tables: update this program"
            }
            OpenErrorKind::Unavailable => "opening the store failed: the database cannot be used",
        })
    }
}

impl Error for OpenError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_ref().map(|source| &**source as _)
    }
}

impl From<tokio_postgres::Error> for OpenError {
    fn from(error: tokio_postgres::Error) -> Self {
        Self { kind: OpenErrorKind::Unavailable, source: Some(told(&error).into()) }
    }
}

impl From<StoreError> for OpenError {
    fn from(error: StoreError) -> Self {
        Self { kind: OpenErrorKind::Unavailable, source: Some(error.into()) }
    }
}

/// What may be said of an error of PostgreSQL: its code and its constraint. Its message, its detail and its context quote rows.
fn told(error: &tokio_postgres::Error) -> String {
    match error.as_db_error() {
        Some(refused) => match refused.constraint() {
            Some(constraint) => format!("SQLSTATE {}, constraint {constraint}", refused.code().code()),
            None => format!("SQLSTATE {}", refused.code().code()),
        },
        None => error.to_string(),
    }
}

/// The error of a statement that changes nothing, or that was not sent.
pub(crate) fn failed(error: &tokio_postgres::Error) -> StoreError {
    let kind = error.code().map_or(StoreErrorKind::Unavailable, |code| {
        refused(code, error).unwrap_or(StoreErrorKind::Unavailable)
    });
    StoreError::with_source(kind, told(error))
}

/// The error of a statement that writes. Without a clear refusal of the server, it may have happened.
pub(crate) fn failed_write(error: &tokio_postgres::Error) -> StoreError {
    let kind = error.code().and_then(|code| refused(code, error)).unwrap_or(StoreErrorKind::OutcomeUnknown);
    StoreError::with_source(kind, told(error))
}

/// What a refusal of the server means; `None` if the server says so while it stops, and may have committed before.
fn refused(code: &SqlState, error: &tokio_postgres::Error) -> Option<StoreErrorKind> {
    let constraint = error.as_db_error().and_then(|refused| refused.constraint());
    let code = code.code();
    Some(match code {
        "CA001" => StoreErrorKind::Conflict,
        "CA002" => StoreErrorKind::Limit,
        "CA003" => StoreErrorKind::Duplicate,
        "23505"
            if matches!(
                constraint,
                Some("ca_attempt_certify_id" | "ca_attempt_capability" | "ca_page_capability")
            ) =>
        {
            StoreErrorKind::Duplicate
        }
        // A deadlock, a conflict of snapshots, a timeout, also between two statements, a lock that is held, a server that only reads.
        "40001" | "40P01" | "57014" | "25P03" | "55P03" | "25006" | "CA005" => StoreErrorKind::Unavailable,
        _ => match code.get(..2) {
            // No connection, an intervention of the operator, an error of the system, an internal error.
            Some("08" | "57" | "58" | "XX") | None => return None,
            // No right to do it, too many connections, no space. A missing column or function is another schema.
            Some("28" | "53") => StoreErrorKind::Unavailable,
            Some("42") if code == "42501" => StoreErrorKind::Unavailable,
            _ => StoreErrorKind::Corrupt,
        },
    })
}
