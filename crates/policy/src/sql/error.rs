//! The error of writing SQL.

use std::fmt;

/// Why there is no SQL. What cannot be said exactly is not said.
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
