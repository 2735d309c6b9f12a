//! The differences between the engines: quotes, numbers, text and scores.

use std::fmt;
use std::str::FromStr;

use crate::sql::error::{SqlError, SqlProblem, Unquotable};
use crate::suggest::did_you_mean;

/// An SQL dialect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Dialect {
    /// DuckDB.
    DuckDb,
    /// PostgreSQL, 12 or newer.
    Postgres,
    /// Apache Spark SQL and Databricks, 3.1 or newer.
    Spark,
    /// ClickHouse.
    ClickHouse,
    /// Apache DataFusion.
    DataFusion,
    /// Alibaba Cloud MaxCompute. Written from the manual; never run by a test.
    MaxCompute,
    /// SQLite.
    Sqlite,
}

/// The pattern of a score, as in `cloudauth_protocol::grammar::score`.
pub(super) const NUMBER: &str = "-?(0|[1-9][0-9]*)([.][0-9]+)?([eE][-+]?[0-9]{1,3})?";
/// The patterns of a code, as in `cloudauth_protocol::grammar::code`: without a fraction, and with a fraction of zeros.
pub(super) const CODE: &str = "(0|[1-9][0-9]{0,14})";
pub(super) const CODE_WITH_ZEROS: &str = "(0|[1-9][0-9]{0,14})[.]0+";

impl Dialect {
    /// All dialects.
    pub const ALL: [Self; 7] = [
        Self::DuckDb,
        Self::Postgres,
        Self::Spark,
        Self::ClickHouse,
        Self::DataFusion,
        Self::MaxCompute,
        Self::Sqlite,
    ];

    /// Returns the name, in lower case.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::DuckDb => "duckdb",
            Self::Postgres => "postgres",
            Self::Spark => "spark",
            Self::ClickHouse => "clickhouse",
            Self::DataFusion => "datafusion",
            Self::MaxCompute => "maxcompute",
            Self::Sqlite => "sqlite",
        }
    }

    /// Returns the quoted name of a column or a table.
    ///
    /// # Errors
    /// If the name is empty, or the dialect cannot quote it safely.
    pub fn name(self, name: &str) -> Result<String, SqlError> {
        let refused = |why| Err(SqlProblem::Name(name.to_owned(), self.as_str(), why).into_error());
        if name.is_empty() || name.chars().any(char::is_control) {
            return refused(Unquotable::EmptyOrControl);
        }
        match self {
            // PostgreSQL truncates it, and it could then mean another column.
            Self::Postgres if name.len() > 63 => refused(Unquotable::TooLong),
            Self::ClickHouse if name.contains(['\\', '`']) => refused(Unquotable::BackslashOrBacktick),
            // Spark replaces `${..}` everywhere.
            Self::Spark if name.contains("${") => refused(Unquotable::Substitution),
            Self::MaxCompute if !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') => {
                refused(Unquotable::NotPlain)
            }
            Self::ClickHouse | Self::Spark | Self::MaxCompute => Ok(format!("`{}`", name.replace('`', "``"))),
            _ => Ok(format!("\"{}\"", name.replace('"', "\"\""))),
        }
    }

    /// Returns a quoted text.
    ///
    /// # Errors
    /// If the dialect cannot quote the text safely under all settings of the engine.
    pub fn text(self, text: &str) -> Result<String, SqlError> {
        let refused = |why| Err(SqlProblem::Text(text.to_owned(), self.as_str(), why).into_error());
        if text.chars().any(char::is_control) {
            return refused(Unquotable::Control);
        }
        let doubled = text.replace('\'', "''");
        match self {
            // The meaning of a backslash depends on a setting, except in an E string.
            Self::Postgres if text.contains('\\') => Ok(format!("E'{}'", doubled.replace('\\', "\\\\"))),
            Self::ClickHouse => Ok(format!("'{}'", doubled.replace('\\', "\\\\"))),
            Self::Spark | Self::MaxCompute if text.contains(['\'', '\\']) || text.contains("${") => {
                refused(Unquotable::Settings)
            }
            _ => Ok(format!("'{doubled}'")),
        }
    }

    /// Returns an expression for exactly this finite double.
    #[must_use]
    pub fn number(self, number: f64) -> String {
        match self {
            Self::Postgres => format!("CAST('{number:?}' AS double precision)"),
            // With `precise_float_parsing` 0, a former default, ClickHouse reads text an ulp off. It reads literals exactly.
            Self::ClickHouse => format!("CAST({number:?} AS Float64)"),
            Self::Sqlite => of_powers_of_two(number),
            _ => format!("CAST('{number:?}' AS DOUBLE)"),
        }
    }

    /// Returns a column as text that is compared byte by byte, for any type and collation.
    #[must_use]
    pub fn exact_text(self, column: &str) -> String {
        match self {
            Self::DuckDb => format!("(CAST({column} AS VARCHAR) COLLATE C)"),
            Self::Postgres => format!("(CAST({column} AS text) COLLATE \"C\")"),
            Self::Spark | Self::MaxCompute => format!("CAST({column} AS STRING)"),
            Self::ClickHouse => format!("CAST({column} AS Nullable(String))"),
            Self::DataFusion => format!("CAST({column} AS VARCHAR)"),
            Self::Sqlite => format!("(CAST({column} AS TEXT) COLLATE BINARY)"),
        }
    }

    /// Returns a condition that the whole text matches a pattern: a regular expression without anchors, in SQLite a `GLOB`.
    /// The text comes from [`Dialect::exact_text`].
    #[must_use]
    pub fn matches(self, text: &str, pattern: &str) -> String {
        match self {
            Self::DuckDb => format!("regexp_full_match(CAST({text} AS VARCHAR), '{pattern}')"),
            Self::Postgres => format!("{text} ~ '^{pattern}$'"),
            Self::ClickHouse => format!("match({text}, '^{pattern}$')"),
            Self::DataFusion => format!("regexp_like({text}, '^{pattern}$')"),
            Self::Sqlite => format!("{text} GLOB '{pattern}'"),
            // In Java, `$` also matches before a line break at the end.
            Self::Spark | Self::MaxCompute => {
                format!("({text} <> '' AND regexp_replace({text}, '^{pattern}', '') = '')")
            }
        }
    }

    /// Returns a condition that an exact text is a code without a fraction: 1 to 15 digits, no leading zero.
    #[must_use]
    pub fn is_code(self, text: &str) -> String {
        match self {
            // A zero byte ends the text for `GLOB` and `length`, but not for a BLOB.
            Self::Sqlite => format!(
                "({text} = '0' OR {text} GLOB '[1-9]*' AND {text} NOT GLOB '*[^0-9]*' AND length(CAST({text} AS BLOB)) <= 15 AND length({text}) = length(CAST({text} AS BLOB)))"
            ),
            _ => self.matches(text, CODE),
        }
    }

    /// Returns a condition that an exact text is a code with a fraction of zeros, and the code without the fraction.
    #[must_use]
    pub fn code_with_zeros(self, text: &str) -> (String, String) {
        match self {
            Self::Sqlite => {
                let whole = format!("substr({text}, 1, instr({text}, '.') - 1)");
                let fraction = format!("substr({text}, instr({text}, '.') + 1)");
                let is_code = self.is_code(&whole);
                let bytes = format!("length({text}) = length(CAST({text} AS BLOB))");
                let when = format!(
                    "({text} GLOB '[0-9]*.0*' AND {bytes} AND {fraction} NOT GLOB '*[^0]*' AND {is_code})"
                );
                (when, whole)
            }
            Self::DuckDb => {
                let text = format!("CAST({text} AS VARCHAR)");
                (
                    self.matches(&text, CODE_WITH_ZEROS),
                    format!("(regexp_replace({text}, '[.]0+', '') COLLATE C)"),
                )
            }
            Self::ClickHouse => {
                (self.matches(text, CODE_WITH_ZEROS), format!("replaceRegexpOne({text}, '[.]0+', '')"))
            }
            _ => (self.matches(text, CODE_WITH_ZEROS), format!("regexp_replace({text}, '[.]0+', '')")),
        }
    }

    /// Returns a condition that an exact text is three digits, as SubCodes are.
    #[must_use]
    pub fn is_three_digits(self, text: &str) -> String {
        self.matches(text, "[0-9][0-9][0-9]")
    }

    /// Returns a condition that an exact text is the SubCode in `passed` of a callback: three digits, also with a fraction of
    /// zeros.
    #[must_use]
    pub fn is_sub_code_in_passed(self, text: &str) -> String {
        let (with_zeros, code) = self.code_with_zeros(text);
        format!("({} OR {with_zeros} AND {})", self.is_three_digits(text), self.is_three_digits(&code))
    }

    /// Returns a column of numbers as doubles. A column of text is an error of the engine; SQLite treats it as invalid, and only
    /// MaxCompute reads it. Spark's error names `input`.
    #[must_use]
    pub fn score(self, input: &str, column: &str) -> String {
        match self {
            // A product with a double is a double, and text has no product.
            Self::DuckDb | Self::Postgres | Self::ClickHouse | Self::DataFusion => {
                format!("{column} * {}", self.number(1.0))
            }
            // A cast in Spark reads text, including `75d`.
            Self::Spark => format!(
                "CASE WHEN typeof({column}) IN ('double', 'float', 'tinyint', 'smallint', 'int', 'bigint') OR typeof({column}) LIKE 'decimal(%' THEN CAST({column} AS DOUBLE) ELSE CAST(raise_error('the column of {input} does not hold numbers') AS DOUBLE) END"
            ),
            Self::MaxCompute => format!("CAST({column} AS DOUBLE)"),
            // Each value has its own type, and a cast reads the start of a text, or 0.
            Self::Sqlite => {
                format!("CASE WHEN typeof({column}) IN ('real', 'integer') THEN CAST({column} AS REAL) END")
            }
        }
    }

    /// Returns a column of text as doubles; NULL if the text is not a number.
    pub(super) fn score_of_text(self, input: &str, column: &str) -> Result<String, SqlError> {
        let text = match self {
            Self::DuckDb => format!("CAST({column} AS VARCHAR)"),
            _ => self.exact_text(column),
        };
        let is_number = self.matches(&text, NUMBER);
        Ok(match self {
            Self::DuckDb | Self::DataFusion => {
                format!("CASE WHEN {is_number} THEN TRY_CAST({text} AS DOUBLE) END")
            }
            // PostgreSQL raises an error for a number out of range: too large is invalid, too small is 0.
            Self::Postgres => {
                let size = format!("abs(CAST({text} AS numeric))");
                let (zero, of_text) = (self.number(0.0), format!("CAST({text} AS double precision)"));
                format!(
                    "CASE WHEN {is_number} THEN CASE WHEN {size} < 2.4703282292062327e-324 THEN {zero} WHEN {size} <= 1.7976931348623157e308 THEN {of_text} END END"
                )
            }
            // JSONExtract reads numbers exactly, for any value of `precise_float_parsing`.
            Self::ClickHouse => {
                format!("CASE WHEN {is_number} THEN JSONExtract({text}, 'Nullable(Float64)') END")
            }
            Self::Spark | Self::MaxCompute => {
                format!("CASE WHEN {is_number} THEN CAST({text} AS DOUBLE) END")
            }
            Self::Sqlite => {
                return Err(SqlProblem::TextInSqlite(input.to_owned()).into_error());
            }
        })
    }
}

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Dialect {
    type Err = SqlError;

    fn from_str(text: &str) -> Result<Self, SqlError> {
        Self::ALL.into_iter().find(|dialect| dialect.as_str() == text).ok_or_else(|| {
            let help = did_you_mean(text, Self::ALL.map(Self::as_str));
            SqlProblem::UnknownDialect(text.to_owned(), help).into_error()
        })
    }
}

/// Writes a finite double as an integer and powers of two, which SQLite reads exactly. SQLite (seen in 3.40) reads 1 in 10,000
/// decimals between 0 and 100 an ulp off, as literals and as text.
fn of_powers_of_two(number: f64) -> String {
    if number == 0.0 {
        return "CAST(0 AS REAL)".to_owned();
    }
    let bits = number.to_bits();
    let (exponent, fraction) = ((bits >> 52) & 0x7ff, bits & ((1 << 52) - 1));
    let (mut whole, mut power) = if exponent == 0 {
        (fraction, -1074)
    } else {
        (fraction | 1 << 52, i32::try_from(exponent).unwrap_or_default() - 1075)
    };
    let even = whole.trailing_zeros();
    (whole, power) = (whole >> even, power + i32::try_from(even).unwrap_or_default());
    // Small integers are written as they are.
    if (1..=10).contains(&power) {
        (whole, power) = (whole << power, 0);
    }
    let sign = if number < 0.0 { "-" } else { "" };
    let mut text = format!("CAST({sign}{whole} AS REAL)");
    let operator = if power < 0 { '/' } else { '*' };
    while power != 0 {
        let step = power.abs().min(62);
        text += &format!(" {operator} CAST({} AS REAL)", 1_u64 << step);
        power -= step * power.signum();
    }
    if text.contains(operator) { format!("({text} /* {number:?} */)") } else { text }
}
