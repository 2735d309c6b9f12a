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

/// The year and the day of a month that has it; and where a time goes on, how.
const DATE: &str = "[0-9][0-9][0-9][0-9]-((01|03|05|07|08|10|12)-(0[1-9]|[12][0-9]|3[01])|(04|06|09|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|[12][0-9]))[Tt ]?";

/// The day of a time as it is written, `2026-01-31`; empty where it is none, by [`crate::time::day`]'s rule. It is never asked
/// for in a `WHERE`, since engines would work it out once more there.
pub(super) fn day(dialect: Dialect, time: &str) -> String {
    let part = |from: u32, length: u32| format!("substr({time}, {from}, {length})");
    let is_date = match dialect {
        Dialect::Sqlite => glob(&part),
        _ => dialect.matches(&part(1, 11), DATE),
    };
    let fourths = |from: usize| {
        let all = (from..100).step_by(4).map(|number| format!("'{number:02}'"));
        all.collect::<Vec<_>>().join(", ")
    };
    format!(
        "CASE WHEN {is_date} THEN CASE WHEN {of_year} <> '02-29' OR {year} IN ({by_4}) OR {year} = '00' AND {century} IN ({by_400}) THEN {date} ELSE '' END ELSE '' END",
        of_year = part(6, 5),
        year = part(3, 2),
        by_4 = fourths(4),
        century = part(1, 2),
        by_400 = fourths(0),
        date = part(1, 10),
    )
}

/// The same without alternatives, which `GLOB` has not.
fn glob(part: &dyn Fn(u32, u32) -> String) -> String {
    let long = |month: &u32| {
        let last = if [4, 6, 9, 11].contains(month) { 30 } else { 31 };
        let last = if *month == 2 { 29 } else { last };
        (29..=last).map(|day| format!("'{month:02}-{day}'")).collect::<Vec<_>>().join(", ")
    };
    let long = (1..=12).map(|month| long(&month)).collect::<Vec<_>>().join(", ");
    format!(
        "{date} GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]' AND {after} IN ('', 'T', 't', ' ') AND ({month} >= '01' AND {month} <= '12' AND {day} >= '01' AND {day} <= '28' OR {of_year} IN ({long}))",
        date = part(1, 10),
        after = part(11, 1),
        month = part(6, 2),
        day = part(9, 2),
        of_year = part(6, 5),
    )
}
