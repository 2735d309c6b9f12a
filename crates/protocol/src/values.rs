//! Parameter values, checked before anything is sent.
//!
//! What the vendor states of lengths, characters and forms is enforced; where it states nothing, only what
//! could not travel is refused. Each type says which.

pub(crate) mod choice;
pub(crate) mod identity;
pub(crate) mod order;
pub(crate) mod web;

use std::fmt;

/// A value that a parameter does not take. It names the parameter and the problem, never the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidValue {
    parameter: &'static str,
    problem: &'static str,
}

impl InvalidValue {
    pub(crate) const fn new(parameter: &'static str, problem: &'static str) -> Self {
        Self { parameter, problem }
    }

    /// The parameter's name on the wire.
    #[must_use]
    pub const fn parameter(&self) -> &'static str {
        self.parameter
    }
}

impl fmt::Display for InvalidValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.parameter, self.problem)
    }
}

impl std::error::Error for InvalidValue {}

/// The checks that several parameters share.
fn text<'a>(parameter: &'static str, value: &'a str) -> Result<&'a str, InvalidValue> {
    if value.trim().is_empty() {
        return Err(InvalidValue::new(parameter, "must not be empty"));
    }
    if value.chars().any(char::is_control) {
        return Err(InvalidValue::new(parameter, "must not hold control characters"));
    }
    Ok(value)
}
