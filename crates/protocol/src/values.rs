//! Parameter values, validated before a request is sent.
//! Each type enforces the lengths, characters and forms that the vendor documents. Without such a rule it refuses only what
//! cannot be sent. The documentation of each type says which.

pub(crate) mod choice;
pub(crate) mod identity;
pub(crate) mod order;
pub(crate) mod web;

use std::fmt;

/// The error of an invalid parameter value. It names the parameter and the problem, never the value.
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

    /// Returns the problem in English. It quotes no value.
    #[must_use]
    pub const fn problem(&self) -> &'static str {
        self.problem
    }
}

impl fmt::Display for InvalidValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.parameter, self.problem)
    }
}

impl std::error::Error for InvalidValue {}

/// The checks of all text parameters.
fn text<'a>(parameter: &'static str, value: &'a str) -> Result<&'a str, InvalidValue> {
    if value.trim().is_empty() {
        return Err(InvalidValue::new(parameter, "must not be empty"));
    }
    if value.chars().any(char::is_control) {
        return Err(InvalidValue::new(parameter, "must not hold control characters"));
    }
    Ok(value)
}
