//! The error of a state file that cannot be used.

use std::path::{Path, PathBuf};
use std::{fmt, io};

/// The error of a state file that cannot be used, with its path and the reason.
#[derive(Debug)]
pub struct StateFileError {
    path: PathBuf,
    source: io::Error,
}

impl StateFileError {
    pub(crate) fn new(path: &Path, source: io::Error) -> Self {
        Self { path: path.to_owned(), source }
    }

    /// Returns the path of the file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns why the file cannot be used.
    #[must_use]
    pub const fn reason(&self) -> &io::Error {
        &self.source
    }
}

impl fmt::Display for StateFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot use the state file {}", self.path.display())
    }
}

impl std::error::Error for StateFileError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.source)
    }
}
