//! The error of SQL generation.

use std::fmt;

use crate::suggest::Suggestion;

/// The reason why a policy has no exact form in SQL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SqlError(Box<SqlProblem>);

/// What has no exact form in SQL. Exhaustive on purpose: a program that explains it in another language must handle every
/// problem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SqlProblem {
    /// A name cannot be used in a dialect.
    Name(String, &'static str, Unquotable),
    /// A text cannot be used in a dialect.
    Text(String, &'static str, Unquotable),
    /// An input has two columns.
    TwoColumns(String),
    /// The policy has no such input.
    NoInput(String, Suggestion),
    /// The input is not a score, so its column cannot be declared as text.
    NotAScore(String),
    /// A kept column has a name that the query reserves.
    ReservedColumn(String),
    /// A column is kept twice.
    KeptTwice(String),
    /// SQLite cannot read the text of a score exactly.
    TextInSqlite(String),
    /// The policy reads a list of labels.
    Labels(String),
    /// There is no such dialect.
    UnknownDialect(String, Suggestion),
    /// A condition names an input that the policy does not declare, which is a bug.
    LostInput,
}

/// Why a dialect cannot quote a name or a text safely. Exhaustive on purpose, as [`SqlProblem`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unquotable {
    /// It is empty or contains control characters.
    EmptyOrControl,
    /// It contains control characters.
    Control,
    /// It has more than 63 bytes.
    TooLong,
    /// It contains a backslash or a backtick.
    BackslashOrBacktick,
    /// It contains `${`.
    Substitution,
    /// It contains something else than letters, digits and `_`.
    NotPlain,
    /// The meaning of its quote, backslash or `${` depends on settings.
    Settings,
}

impl SqlError {
    /// Returns what has no exact form.
    #[must_use]
    pub fn problem(&self) -> &SqlProblem {
        &self.0
    }
}

impl SqlProblem {
    pub(crate) fn into_error(self) -> SqlError {
        SqlError(Box::new(self))
    }
}

impl fmt::Display for SqlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.problem() {
            SqlProblem::Name(name, dialect, why) => {
                write!(f, "the name {name:?} cannot be used in {dialect}: {why}")
            }
            SqlProblem::Text(text, dialect, why) => {
                write!(f, "the text {text:?} cannot be used in {dialect}: {why}")
            }
            SqlProblem::TwoColumns(input) => write!(f, "the input `{input}` has two columns"),
            SqlProblem::NoInput(name, help) => write!(f, "the policy has no input `{name}`; {help}"),
            SqlProblem::NotAScore(input) => {
                write!(f, "`{input}` is not a score; text applies to scores only")
            }
            SqlProblem::ReservedColumn(name) => {
                write!(f, "cannot keep the column `{name}`: the prefix `policy_` is reserved for the query")
            }
            SqlProblem::KeptTwice(name) => write!(f, "the column `{name}` is kept twice"),
            SqlProblem::TextInSqlite(input) => write!(
                f,
                "`{input}` cannot be a text in sqlite, which reads some numbers an ulp off; store it as REAL"
            ),
            SqlProblem::Labels(input) => write!(
                f,
                "the policy looks at `{input}`, a list of labels, which has no exact form in SQL; decide these rows with `lab replay` or in Rust"
            ),
            SqlProblem::UnknownDialect(text, help) => write!(f, "unknown dialect `{text}`; {help}"),
            SqlProblem::LostInput => {
                f.write_str("a condition names an input that the policy does not declare")
            }
        }
    }
}

impl fmt::Display for Unquotable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::EmptyOrControl => "it is empty or contains control characters",
            Self::Control => "it contains control characters",
            Self::TooLong => "it has more than 63 bytes",
            Self::BackslashOrBacktick => "it contains a backslash or a backtick",
            Self::Substitution => "it contains `${`",
            Self::NotPlain => "only letters, digits and `_` are safe",
            Self::Settings => "the meaning of a quote, a backslash or `${` depends on settings",
        })
    }
}

impl std::error::Error for SqlError {}
