//! Differences between the engines, in addition to those that [`Dialect`] knows.

use cloudauth_policy::{Dialect, SqlError};

use crate::error::{LabError, LabProblem};
use crate::input::row::LONGEST_KEY;

/// Returns a layer. PostgreSQL and similar engines would materialize a layer that is read more than once; this prevents it,
/// because a layer can have billions of rows and each part reads a few columns. SQLite 3.54 would copy the layers into each
/// part: preparing the query would take a second, and each part would decide every row again.
pub(super) fn named(dialect: Dialect, name: &str, sql: &str) -> String {
    let how = match dialect {
        Dialect::DuckDb | Dialect::Postgres => "NOT MATERIALIZED ",
        Dialect::Sqlite => "MATERIALIZED ",
        _ => "",
    };
    format!("cloudauth_lab_{name} AS {how}({}\n)", deeper(sql))
}

pub(super) fn deeper(sql: &str) -> String {
    sql.lines().fold(String::new(), |text, line| text + "\n  " + line)
}

/// Returns an expression, or NULL for a string that means missing.
pub(super) fn filled(text: &str, expression: &str) -> String {
    format!("CASE WHEN {text} NOT IN ('', 'null') THEN {expression} END")
}

/// The value of a column that rows are counted by, as [`crate::input::row::Cell::key`] reads it.
pub(super) struct Key {
    /// Its text. An integer has no fraction of zeros. Any other number is an empty text, which is neither NULL nor a word of a
    /// mapping.
    pub(super) text: String,
    /// The condition under which it cannot be a key.
    pub(super) is_bad: String,
}

impl Key {
    pub(super) fn of(dialect: Dialect, column: &str) -> Self {
        let text = dialect.exact_text(column);
        let length = match dialect {
            Dialect::DuckDb => format!("strlen(CAST({column} AS VARCHAR))"),
            Dialect::ClickHouse => format!("length({text})"),
            Dialect::MaxCompute => format!("lengthb({text})"),
            Dialect::Sqlite => format!("length(CAST({text} AS BLOB))"),
            _ => format!("octet_length({text})"),
        };
        let (mut integers, mut is_bad) = (String::new(), format!("{length} > {LONGEST_KEY}"));
        for (is_kind, is_integer, integer) in numbers(dialect, column, &text) {
            integers += &format!(
                "WHEN {is_kind} AND {is_integer} THEN {integer} WHEN {is_kind} AND {text} IS NOT NULL THEN '' "
            );
            is_bad += &format!(" OR {is_kind} AND CASE WHEN {is_integer} THEN 0 ELSE 1 END = 1");
        }
        let is_bad = format!("{text} IS NOT NULL AND ({is_bad})");
        let text = if integers.is_empty() { text } else { format!("CASE {integers}ELSE {text} END") };
        Self { text, is_bad }
    }
}

/// The numeric types with a fraction. Each has three expressions: whether a column has the type, whether a value is an integer,
/// and the text of the integer. A double is exact up to 15 digits, a 32-bit float up to 6. MaxCompute cannot tell the type of a
/// column.
fn numbers(dialect: Dialect, column: &str, text: &str) -> Vec<(String, String, String)> {
    let type_of = |function: &str, pattern: &str| format!("{function}({column}) LIKE '{pattern}'");
    let in_clickhouse =
        |kind: &str| format!("match(toTypeName({column}), '^(LowCardinality[(])?(Nullable[(])?{kind}')");
    let in_postgres = |kind: &str| format!("CAST(pg_typeof({column}) AS text) = '{kind}'");
    let [double, float, decimal] = match dialect {
        Dialect::DuckDb => ["DOUBLE", "FLOAT", "DECIMAL(%"].map(|kind| type_of("typeof", kind)),
        Dialect::Postgres => ["double precision", "real", "numeric"].map(in_postgres),
        Dialect::ClickHouse => ["Float64", "Float32", "Decimal"].map(in_clickhouse),
        Dialect::DataFusion => ["Float64", "Float32", "Decimal%"].map(|kind| type_of("arrow_typeof", kind)),
        Dialect::Spark => ["double", "float", "decimal(%"].map(|kind| type_of("typeof", kind)),
        Dialect::Sqlite => {
            let integer = format!("CAST({column} AS INTEGER)");
            let is_integer = format!("abs({column}) < 1E15 AND {column} = {integer}");
            return vec![(
                format!("typeof({column}) = 'real'"),
                is_integer,
                format!("CAST({integer} AS TEXT)"),
            )];
        }
        _ => return Vec::new(),
    };
    let shown = |is_kind: String, pattern: &str| {
        (is_kind, dialect.matches(text, pattern), dialect.code_with_zeros(text).1)
    };
    let float_of = |is_kind: String, digits: usize| match dialect {
        // Spark writes 12345678.0 as 1.2345678E7.
        Dialect::Spark => {
            let number = format!("try_cast({text} AS DOUBLE)");
            // `-0.0` is not an integer.
            let is_integer =
                format!("abs({number}) < 1E{digits} AND {number} % 1 = 0 AND {text} NOT LIKE '-0%'");
            (is_kind, is_integer, format!("CAST(CAST({number} AS BIGINT) AS STRING)"))
        }
        _ => shown(is_kind, &format!("(0|-?[1-9][0-9]{{0,{}}})([.]0+)?", digits - 1)),
    };
    vec![float_of(double, 15), float_of(float, 6), shown(decimal, "(0|-?[1-9][0-9]*)([.]0+)?")]
}

/// Returns whether a string is one or more ASCII digits.
pub(super) fn digits(dialect: Dialect, text: &str) -> String {
    match dialect {
        Dialect::Sqlite => format!("({text} <> '' AND {text} NOT GLOB '*[^0-9]*')"),
        _ => dialect.matches(text, "[0-9]+"),
    }
}

/// Returns the integer part of a non-negative double, as a double.
pub(super) fn floor(dialect: Dialect, number: &str) -> String {
    match dialect {
        // Not every build has `floor`.
        Dialect::Sqlite => format!("CAST(CAST({number} AS INTEGER) AS REAL)"),
        Dialect::Spark | Dialect::MaxCompute => format!("CAST(floor({number}) AS DOUBLE)"),
        _ => format!("floor({number})"),
    }
}

/// Converts a double with an integer value to an integer.
pub(super) fn whole(dialect: Dialect, number: &str) -> String {
    match dialect {
        Dialect::ClickHouse => format!("CAST({number} AS Nullable(Int32))"),
        Dialect::Spark => format!("CAST({number} AS INT)"),
        Dialect::MaxCompute => format!("CAST({number} AS BIGINT)"),
        _ => format!("CAST({number} AS INTEGER)"),
    }
}

pub(super) fn no_sql(error: SqlError) -> LabError {
    LabProblem::Sql(error).into_error()
}
