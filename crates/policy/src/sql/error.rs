//! The error of SQL generation.

use std::fmt;

/// The reason why a policy has no exact form in SQL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SqlError(String);

impl SqlError {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }
}

impl fmt::Display for SqlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for SqlError {}
