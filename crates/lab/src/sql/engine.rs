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

/// Whether a text is of this shape, in which each `d` is a digit of ASCII.
pub(super) fn is(dialect: Dialect, text: &str, shape: &str) -> String {
    let pattern = shape.replace('d', "[0-9]");
    match dialect {
        Dialect::DuckDb => format!("regexp_full_match(CAST({text} AS VARCHAR), '{pattern}')"),
        Dialect::Postgres => format!("{text} ~ '^{pattern}$'"),
        Dialect::ClickHouse => format!("match({text}, '^{pattern}$')"),
        Dialect::DataFusion => format!("regexp_like({text}, '^{pattern}$')"),
        Dialect::Sqlite => format!("{text} GLOB '{pattern}'"),
        // In Java `$` would let a line's end through.
        _ => format!("({text} <> '' AND regexp_replace({text}, '^{pattern}', '') = '')"),
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

/// The day of a time as it is written, `2026-01-31`; NULL where it is none, by [`crate::time::day`]'s rule.
pub(super) fn day(dialect: Dialect, time: &str) -> String {
    let part = |from: u32, length: u32| format!("substr({time}, {from}, {length})");
    let long: String = [1, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]
        .iter()
        .flat_map(|month| {
            let last = if [4, 6, 9, 11].contains(month) { 30 } else { 31 };
            (29..=last).map(move |day| format!("'{month:02}-{day}'"))
        })
        .collect::<Vec<_>>()
        .join(", ");
    let fourths = |from: usize| {
        let all = (from..100).step_by(4).map(|number| format!("'{number:02}'"));
        all.collect::<Vec<_>>().join(", ")
    };
    let (date, of_year, month, day) = (part(1, 10), part(6, 5), part(6, 2), part(9, 2));
    format!(
        "CASE WHEN {is_date} AND {after} IN ('', 'T', 't', ' ') AND ({month} >= '01' AND {month} <= '12' AND {day} >= '01' AND {day} <= '28' OR {of_year} IN ({long}) OR {of_year} = '02-29' AND ({year} IN ({by_4}) OR {year} = '00' AND {century} IN ({by_400}))) THEN {date} END",
        is_date = is(dialect, &date, "dddd-dd-dd"),
        after = part(11, 1),
        year = part(3, 2),
        by_4 = fourths(4),
        century = part(1, 2),
        by_400 = fourths(0),
    )
}
