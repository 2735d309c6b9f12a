//! The cost file: what each wrong or slow decision costs.

use std::fmt;

use cloudauth_protocol::{ParseReason, plain_parse_error};
use serde::{Deserialize, Serialize};
use toml::Spanned;

use crate::input::format::other_format;
use crate::input::mapping_error::place;

/// The version of the format.
const FORMAT: u32 = 1;
/// The largest cost of a decision.
const LARGEST: f64 = 1e12;

/// The costs of decisions, in any unit. An impostor rejected and a genuine person approved cost nothing.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Costs {
    /// An impostor approved.
    pub impostor_approved: f64,
    /// A genuine person rejected.
    pub genuine_rejected: f64,
    /// A review.
    pub review: f64,
    /// A retry.
    pub retry: f64,
}

/// The error of an invalid cost file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CostError(Box<CostProblem>);

/// What is wrong with a cost file. Exhaustive on purpose: a program that explains it in another language must handle every
/// problem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CostProblem {
    /// The file is invalid TOML, has an unknown or a missing key, or a value of a wrong type.
    Invalid {
        /// The line, from 1.
        line: usize,
        /// The column, from 1.
        column: usize,
        /// The cost that the value belongs to, if it belongs to one.
        key: Option<&'static str>,
        /// The reason.
        reason: ParseReason,
    },
    /// The format is unknown: the one found, and the supported one.
    UnknownFormat(u32, u32),
    /// A cost is not a number from 0 to 10^12.
    NotAnAmount {
        /// The line, from 1.
        line: usize,
        /// The key of the cost.
        key: &'static str,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(rename = "format")]
    _format: u32,
    cost: Table,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    impostor_approved: Spanned<f64>,
    genuine_rejected: Spanned<f64>,
    review: Spanned<f64>,
    retry: Spanned<f64>,
}

/// The keys of the table `cost`.
const KEYS: [&str; 4] = ["impostor_approved", "genuine_rejected", "review", "retry"];

impl Costs {
    /// Parses a cost file: `format = 1`, and the table `cost` with a number for each member of [`Costs`].
    ///
    /// # Errors
    /// If the file is invalid, or a cost is negative or larger than 10^12. The error does not quote a value.
    pub fn parse(text: &str) -> Result<Self, CostError> {
        if let Some(format) = other_format(text, FORMAT) {
            return Err(CostError::new(CostProblem::UnknownFormat(format, FORMAT)));
        }
        let File { cost, .. } = toml::from_str(text).map_err(|error| CostError::of_parser(text, &error))?;
        let Table { impostor_approved, genuine_rejected, review, retry } = cost;
        let all = [&impostor_approved, &genuine_rejected, &review, &retry];
        for (key, cost) in KEYS.into_iter().zip(all) {
            if !(0.0..=LARGEST).contains(cost.get_ref()) {
                let (line, _) = place(text, cost.span().start);
                return Err(CostError::new(CostProblem::NotAnAmount { line, key }));
            }
        }
        Ok(Self {
            impostor_approved: impostor_approved.into_inner(),
            genuine_rejected: genuine_rejected.into_inner(),
            review: review.into_inner(),
            retry: retry.into_inner(),
        })
    }
}

impl CostError {
    fn new(problem: CostProblem) -> Self {
        Self(Box::new(problem))
    }

    fn of_parser(text: &str, error: &toml::de::Error) -> Self {
        let begin = error.span().map_or(0, |span| span.start);
        let (line, column) = place(text, begin);
        // The text before the value: `key =`.
        let before = text.get(..begin).and_then(|before| before.trim_end().strip_suffix('='));
        let before = before.map(|before| before.trim_end().trim_end_matches(['"', '\'']));
        let key = before.and_then(|before| KEYS.into_iter().find(|key| before.ends_with(key)));
        let reason = plain_parse_error(error.message());
        Self::new(CostProblem::Invalid { line, column, key, reason })
    }

    /// Returns what is wrong.
    #[must_use]
    pub fn problem(&self) -> &CostProblem {
        &self.0
    }
}

impl fmt::Display for CostError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.problem() {
            CostProblem::Invalid { line, column, key, reason } => {
                write!(f, "line {line}, column {column}: ")?;
                if let Some(key) = key {
                    write!(f, "`{key}`: ")?;
                }
                write!(f, "{reason}")
            }
            CostProblem::UnknownFormat(found, supported) => {
                write!(f, "unknown format {found}; the supported format is {supported}")
            }
            CostProblem::NotAnAmount { line, key } => {
                write!(f, "line {line}: `{key}`: must be a number from 0 to 1e12")
            }
        }
    }
}

impl std::error::Error for CostError {}
