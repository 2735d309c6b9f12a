//! What the engines say differently, beside what [`Dialect`] knows.

use cloudauth_policy::Dialect;

/// A layer. An engine that would write down a layer which is read more than once is told not to: it may have billions of rows,
/// of which each part reads a few columns.
pub(super) fn named(dialect: Dialect, name: &str, sql: &str) -> String {
    let how = if matches!(dialect, Dialect::DuckDb | Dialect::Postgres) { "NOT MATERIALIZED " } else { "" };
    format!("cloudauth_lab_{name} AS {how}({}\n)", deeper(sql))
}

pub(super) fn deeper(sql: &str) -> String {
    sql.lines().fold(String::new(), |text, line| text + "\n  " + line)
}

/// What says something, of a text.
pub(super) fn filled(text: &str) -> String {
    format!("CASE WHEN {text} NOT IN ('', 'null') THEN {text} END")
}

/// Whether a text is digits of ASCII, one or more.
pub(super) fn digits(dialect: Dialect, text: &str) -> String {
    match dialect {
        Dialect::Sqlite => format!("({text} <> '' AND {text} NOT GLOB '*[^0-9]*')"),
        _ => dialect.matches(text, "[0-9]+"),
    }
}

/// The whole part of a double that is not negative, as a double.
pub(super) fn floor(dialect: Dialect, number: &str) -> String {
    match dialect {
        // Not every build has `floor`.
        Dialect::Sqlite => format!("CAST(CAST({number} AS INTEGER) AS REAL)"),
        Dialect::Spark | Dialect::MaxCompute => format!("CAST(floor({number}) AS DOUBLE)"),
        _ => format!("floor({number})"),
    }
}

/// A double that is a whole number, as one.
pub(super) fn whole(dialect: Dialect, number: &str) -> String {
    match dialect {
        Dialect::ClickHouse => format!("CAST({number} AS Nullable(Int32))"),
        Dialect::Spark => format!("CAST({number} AS INT)"),
        Dialect::MaxCompute => format!("CAST({number} AS BIGINT)"),
        _ => format!("CAST({number} AS INTEGER)"),
    }
}
