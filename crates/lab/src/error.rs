//! Errors before or while data is read.

use std::fmt;
use std::io;
use std::path::Path;

/// The error of a lab run. It names files, never their content.
#[derive(Debug)]
pub struct LabError {
    what: String,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl LabError {
    pub(crate) const fn new(what: String) -> Self {
        Self { what, source: None }
    }

    pub(crate) fn file(path: &Path, error: &io::Error) -> Self {
        Self { what: format!("cannot read {}: {}", path.display(), error), source: None }
    }

    pub(crate) fn unwritten(path: &Path, error: &io::Error) -> Self {
        Self::new(format!("cannot write {}: {error}", path.display()))
    }

    pub(crate) fn with(
        what: impl Into<String>,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self { what: what.into(), source: Some(source.into()) }
    }

    pub(crate) fn nothing_in(folder: &Path, skipped: &[impl fmt::Display]) -> Self {
        let skipped = match skipped {
            [] => String::new(),
            [first, rest @ ..] => format!("; {} skipped, such as {first}", rest.len() + 1),
        };
        Self::new(format!("{} has no file that can be read: {FORMATS}{skipped}", folder.display()))
    }

    pub(crate) fn read_twice(path: &Path, first: &Path) -> Self {
        let (path, first) = (path.display(), first.display());
        Self::new(format!("{path} would be read twice: it is the same as {first}"))
    }

    pub(crate) fn unknown_format(path: &Path) -> Self {
        Self::new(format!("{} has an unknown format: {FORMATS}", path.display()))
    }

    pub(crate) fn without_parquet(path: &Path) -> Self {
        Self::new(format!("{} is Parquet, which needs a build with the feature `parquet`", path.display()))
    }
}

const FORMATS: &str = "use .jsonl, .ndjson, .csv, .tsv (also followed by .gz or .zst) or .parquet";

impl fmt::Display for LabError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl std::error::Error for LabError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}
