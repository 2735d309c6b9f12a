//! The error of building a request.

use std::fmt;

use http::header::{HeaderName, InvalidHeaderValue};

use crate::operation::LONGEST_ACTION;
use crate::redact::printable;

/// The longest URL that the `http` crate accepts.
pub(super) const LONGEST_URL: usize = 65_534;

/// The error of a request that cannot be built. Nothing was sent.
#[derive(Debug)]
pub struct BuildError(pub(super) Problem);

#[derive(Debug)]
pub(super) enum Problem {
    Duplicate(Box<str>),
    Action,
    Unsignable(HeaderName),
    UrlTooLong(usize),
    TooLarge { bytes: usize, most: usize },
    Http(http::Error),
}

impl BuildError {
    pub(super) fn url_too_long(length: usize) -> Self {
        Self(Problem::UrlTooLong(length))
    }

    pub(super) fn duplicate(name: &str) -> Self {
        Self(Problem::Duplicate(printable(name).into()))
    }
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Problem::Duplicate(name) => write!(f, "the parameter {name} appears twice"),
            Problem::Action => {
                write!(f, "the action must be 1 to {LONGEST_ACTION} ASCII letters, digits, `.`, `-` or `_`")
            }
            Problem::Unsignable(name) => write!(f, "the header {name} must be visible ASCII to be signed"),
            Problem::UrlTooLong(length) => write!(
                f,
                "the URL would have {length} bytes, more than {LONGEST_URL}; \
                 send the parameters in the body (signing V1)"
            ),
            Problem::TooLarge { bytes, most } => {
                write!(f, "the parameters have {bytes} bytes, more than {most}")
            }
            Problem::Http(_) => f.write_str("the request is not valid HTTP"),
        }
    }
}

impl std::error::Error for BuildError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.0 {
            Problem::Http(error) => Some(error),
            _ => None,
        }
    }
}

impl From<http::Error> for BuildError {
    fn from(error: http::Error) -> Self {
        Self(Problem::Http(error))
    }
}

impl From<InvalidHeaderValue> for BuildError {
    fn from(error: InvalidHeaderValue) -> Self {
        Self(Problem::Http(error.into()))
    }
}
