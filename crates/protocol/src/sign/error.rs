//! The error of building a request.

use std::fmt;

use http::header::{HeaderName, InvalidHeaderValue};

use crate::operation::LONGEST_ACTION;
use crate::redact::printable;

/// The longest URL that the `http` crate accepts.
pub(super) const LONGEST_URL: usize = 65_534;

/// The error of a request that cannot be built. Nothing was sent.
#[derive(Debug)]
pub struct BuildError(pub(super) BuildProblem);

/// Why a request cannot be built.
#[derive(Debug)]
#[non_exhaustive]
pub enum BuildProblem {
    /// A parameter appears twice.
    Duplicate(Box<str>),
    /// The name of the action is invalid.
    Action,
    /// A header cannot be signed, because its value is not visible ASCII.
    Unsignable(HeaderName),
    /// The URL would have this number of bytes, which is too many.
    UrlTooLong(usize),
    /// The parameters have more bytes than a request may have.
    TooLarge {
        /// Their bytes.
        bytes: usize,
        /// The limit.
        most: usize,
    },
    /// The request is not valid HTTP.
    Http(http::Error),
}

impl BuildError {
    /// Returns the reason.
    #[must_use]
    pub const fn problem(&self) -> &BuildProblem {
        &self.0
    }

    pub(super) fn url_too_long(length: usize) -> Self {
        Self(BuildProblem::UrlTooLong(length))
    }

    pub(super) fn duplicate(name: &str) -> Self {
        Self(BuildProblem::Duplicate(printable(name).into()))
    }
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            BuildProblem::Duplicate(name) => write!(f, "the parameter {name} appears twice"),
            BuildProblem::Action => {
                write!(f, "the action must be 1 to {LONGEST_ACTION} ASCII letters, digits, `.`, `-` or `_`")
            }
            BuildProblem::Unsignable(name) => {
                write!(f, "the header {name} must be visible ASCII to be signed")
            }
            BuildProblem::UrlTooLong(length) => write!(
                f,
                "the URL would have {length} bytes, more than {LONGEST_URL}; \
                 send the parameters in the body (signing V1)"
            ),
            BuildProblem::TooLarge { bytes, most } => {
                write!(f, "the parameters have {bytes} bytes, more than {most}")
            }
            BuildProblem::Http(_) => f.write_str("the request is not valid HTTP"),
        }
    }
}

impl std::error::Error for BuildError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.0 {
            BuildProblem::Http(error) => Some(error),
            _ => None,
        }
    }
}

impl From<http::Error> for BuildError {
    fn from(error: http::Error) -> Self {
        Self(BuildProblem::Http(error))
    }
}

impl From<InvalidHeaderValue> for BuildError {
    fn from(error: InvalidHeaderValue) -> Self {
        Self(BuildProblem::Http(error.into()))
    }
}
