//! The day of a time in a warehouse, by the rules of [`crate::input::time`].
//!
//! Each step is a layer: an expression that a layer uses twice is written twice, and some are long.

use cloudauth_policy::Dialect;

use super::engine::{deeper, digits, floor, whole};
use crate::input::time::{DIGITS, SECONDS, YEARS};

/// The text of a time column. An instant that the engine would format in the zone of the session or server is formatted in UTC.
pub(super) fn text(dialect: Dialect, column: &str) -> String {
    let text = dialect.exact_text(column);
    // These engines know the type of a column before they run, so the branch for another type never fails.
    match dialect {
        Dialect::ClickHouse => format!(
            "CASE WHEN toTypeName({column}) LIKE '%DateTime%' THEN concat(toString(accurateCastOrNull({column}, 'DateTime64(0, \\'UTC\\')')), 'Z') ELSE {text} END"
        ),
        Dialect::Spark => format!(
            "CASE WHEN typeof({column}) = 'timestamp' THEN concat(CAST(to_utc_timestamp(try_cast({column} AS TIMESTAMP), current_timezone()) AS STRING), 'Z') ELSE {text} END"
        ),
        _ => text,
    }
}

/// Returns the columns of a query, and `raw_day`: the day of `raw_time`, `2026-01-31`, or an empty string if there is no day.
/// Days are counted in the zone that is this many minutes east of UTC.
pub(super) fn with_day(dialect: Dialect, query: &str, zone: i32) -> String {
    let steps = [
        vec![("date", date(dialect)), ("rest", "substr(step.raw_time, 11)".to_owned())],
        vec![("offset", offset(dialect)), ("number", number(dialect))],
        vec![("body", body(dialect))],
        vec![("clock", clock(dialect)), ("millis", millis(dialect))],
        vec![("minutes", minutes(dialect, zone))],
        vec![("day", day(dialect, zone))],
    ];
    steps.into_iter().fold(query.to_owned(), |from, columns| {
        let columns: Vec<String> =
            columns.iter().map(|(name, column)| format!("{} AS raw_{name}", once(dialect, column))).collect();
        let (columns, from) = (deeper(&columns.join(",\n")), deeper(&from));
        format!("SELECT step.*,{columns}\nFROM ({from}\n) AS step{}", fence(dialect))
    })
}

/// Returns an expression that is evaluated once for each row. ClickHouse would evaluate it in each branch that uses it; a join
/// with an array of one value is outside the branches, and adds no rows.
fn once(dialect: Dialect, expression: &str) -> String {
    match dialect {
        Dialect::ClickHouse => format!("arrayJoin([{expression}])"),
        _ => expression.to_owned(),
    }
}

/// Returns what keeps an engine from inlining a layer into the next one, once for each use of a column: the work would double
/// with every layer. The other engines do not inline, or evaluate equal expressions once.
const fn fence(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Postgres => "\nOFFSET 0",
        Dialect::Sqlite => "\nLIMIT -1 OFFSET 0",
        _ => "",
    }
}

/// The year, and the number of days of the month.
const DATE: &str = "[0-9][0-9][0-9][0-9]-((01|03|05|07|08|10|12)-(0[1-9]|[12][0-9]|3[01])|(04|06|09|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|[12][0-9]))";

/// Returns the date at the start of the time; empty if the day does not exist. It is never used in a `WHERE`, because engines
/// would evaluate it again there.
fn date(dialect: Dialect) -> String {
    let part = |from: u32, length: u32| format!("substr(step.raw_time, {from}, {length})");
    let is_date = match dialect {
        Dialect::Sqlite => glob(&part),
        _ => dialect.matches(&part(1, 10), DATE),
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

/// Returns the same without alternation, which `GLOB` does not have.
fn glob(part: &dyn Fn(u32, u32) -> String) -> String {
    let long = |month: &u32| {
        let last = if [4, 6, 9, 11].contains(month) { 30 } else { 31 };
        let last = if *month == 2 { 29 } else { last };
        (29..=last).map(|day| format!("'{month:02}-{day}'")).collect::<Vec<_>>().join(", ")
    };
    let long = (1..=12).map(|month| long(&month)).collect::<Vec<_>>().join(", ");
    format!(
        "{date} GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]' AND ({month} >= '01' AND {month} <= '12' AND {day} >= '01' AND {day} <= '28' OR {of_year} IN ({long}))",
        date = part(1, 10),
        month = part(6, 2),
        day = part(9, 2),
        of_year = part(6, 5),
    )
}

/// Returns the offset from UTC at the end of the text after the date: `Z`, `UTC`, `+08`, `+0800` or `+08:00`; empty if it is
/// missing.
fn offset(dialect: Dialect) -> String {
    let rest = "step.raw_rest";
    let tail = |length: u32| format!("substr({rest}, length({rest}) - {})", length - 1);
    let when = |length: u32, patterns: &[&str]| {
        let is: Vec<String> =
            patterns.iter().map(|pattern| dialect.matches(&tail(length), pattern)).collect();
        format!("WHEN {} THEN {}", is.join(" OR "), tail(length))
    };
    let offsets = [
        when(6, &["[+-][01][0-9]:[0-5][0-9]", "[+-]2[0-3]:[0-5][0-9]"]),
        when(5, &["[+-][01][0-9][0-5][0-9]", "[+-]2[0-3][0-5][0-9]"]),
        when(3, &["[+-][01][0-9]", "[+-]2[0-3]", "UTC"]),
        when(1, &["[Zz]"]),
    ];
    // At least `T08:00` precedes it.
    format!("CASE WHEN length({rest}) > 6 THEN CASE {} ELSE '' END ELSE '' END", offsets.join(" "))
}

/// Returns the text between the date and the offset, without the blank that may precede an offset.
fn body(dialect: Dialect) -> String {
    let length = "length(step.raw_rest) - length(step.raw_offset)";
    let blank = dialect.matches(&format!("substr(step.raw_rest, {length}, 1)"), " ");
    format!(
        "CASE WHEN step.raw_offset <> '' AND {blank} THEN substr(step.raw_rest, 1, {length} - 1) ELSE substr(step.raw_rest, 1, {length}) END"
    )
}

/// Returns the time of day, `08:00`; empty if it is invalid.
fn clock(dialect: Dialect) -> String {
    let part = |from: u32, length: u32| format!("substr(step.raw_body, {from}, {length})");
    let any =
        |text: &str, patterns: [&str; 2]| patterns.map(|pattern| dialect.matches(text, pattern)).join(" OR ");
    format!(
        "CASE WHEN ({time}) AND (substr(step.raw_body, 7) = '' OR ({seconds}) AND (substr(step.raw_body, 10) = '' OR {point} AND {fraction})) THEN {clock} ELSE '' END",
        time = any(&part(1, 6), ["[Tt ][01][0-9]:[0-5][0-9]", "[Tt ]2[0-3]:[0-5][0-9]"]),
        seconds = any(&part(7, 3), [":[0-5][0-9]", ":60"]),
        point = dialect.matches(&part(10, 1), "[.]"),
        fraction = digits(dialect, "substr(step.raw_body, 11)"),
        clock = part(2, 5),
    )
}

/// Returns the digits before the point of a numeric time; empty for any other text.
fn number(dialect: Dialect) -> String {
    let (text, length) = ("step.raw_time", "length(step.raw_time)");
    let is_point = |at: usize| dialect.matches(&format!("substr({text}, {at}, 1)"), "[.]");
    let plain = DIGITS.map(|count| {
        let whole = format!("substr({text}, 1, {count})");
        let is_whole = digits(dialect, &whole);
        let (point, fraction) =
            (is_point(count + 1), digits(dialect, &format!("substr({text}, {})", count + 2)));
        format!("WHEN {is_whole} AND ({length} = {count} OR {point} AND {fraction}) THEN {whole}")
    });
    // The notation of doubles in Java, and so in Spark: `1.7723952005E9`.
    let scientific = DIGITS.map(|count| {
        let exponent = (count - 1).to_string();
        let tail = exponent.len() + 1;
        let fraction = format!("substr({text}, 3, {length} - {})", tail + 2);
        format!(
            "WHEN {is_exponent} AND {is_first} AND {point} AND {is_fraction} THEN substr({first} || {fraction} || '{zeros}', 1, {count})",
            is_exponent = dialect
                .matches(&format!("substr({text}, {length} - {})", tail - 1), &format!("[eE]{exponent}")),
            is_first = digits(dialect, &format!("substr({text}, 1, 1)")),
            point = is_point(2),
            is_fraction = digits(dialect, &fraction),
            first = format_args!("substr({text}, 1, 1)"),
            zeros = "0".repeat(count),
        )
    });
    // `1.0E9` is the shortest: a length below zero is an error in some engines.
    format!(
        "CASE WHEN step.raw_date = '' AND {length} >= 5 THEN CASE {} {} ELSE '' END ELSE '' END",
        plain.join(" "),
        scientific.join(" ")
    )
}

/// Returns a numeric time in milliseconds since 1970; 0 for any other text.
fn millis(dialect: Dialect) -> String {
    let (text, length) = ("step.raw_number", "length(step.raw_number)");
    let number = |least: u32, most: u32, points: u32| {
        let is = format!("{length} >= {least} AND {length} <= {most}");
        // Only a number is cast, even if an engine evaluates both branches.
        let guarded = format!("CASE WHEN {is} THEN {text} ELSE '0' END");
        let kind = if dialect == Dialect::ClickHouse { "Nullable(Int64)" } else { "BIGINT" };
        format!("CAST({guarded} AS {kind}) * {points}")
    };
    format!("{} + {}", number(9, 10, 1000), number(12, 13, 1))
}

/// Returns the minute in the zone, counted from the start of the written day: negative on the day before.
fn minutes(dialect: Dialect, zone: i32) -> String {
    let offset = "step.raw_offset";
    let number =
        |when: &str, text: &str| whole(dialect, &format!("CASE WHEN {when} THEN {text} ELSE '0' END"));
    let (is_clock, is_offset) =
        ("step.raw_clock <> ''", dialect.matches(&format!("substr({offset}, 1, 1)"), "[+-]"));
    let has_minutes = format!("{is_offset} AND length({offset}) > 3");
    format!(
        "{hour} * 60 + {minute} + CASE WHEN {is_west} THEN 1 ELSE -1 END * ({hours} * 60 + {minutes}) + {zone}",
        hour = number(is_clock, "substr(step.raw_clock, 1, 2)"),
        minute = number(is_clock, "substr(step.raw_clock, 4, 2)"),
        is_west = dialect.matches(&format!("substr({offset}, 1, 1)"), "-"),
        hours = number(&is_offset, &format!("substr({offset}, 2, 2)")),
        minutes = number(&has_minutes, &format!("substr({offset}, length({offset}) - 1)")),
    )
}

fn day(dialect: Dialect, zone: i32) -> String {
    let millis = "step.raw_millis";
    let is_number = format!("{millis} >= {}000 AND {millis} < {}000", SECONDS.start, SECONDS.end);
    let years = format!(
        "substr(step.raw_date, 1, 4) >= '{}' AND substr(step.raw_date, 1, 4) <= '{}'",
        YEARS.start(),
        YEARS.end()
    );
    let is_instant = format!("step.raw_clock <> '' AND step.raw_offset <> '' AND {years}");
    let shift = (-1..=2).fold(String::new(), |text, days| {
        text + &format!(" WHEN step.raw_minutes < {} THEN {}", days * 1440, days - 1)
    });
    let since_1970 = format!(
        "({millis} + {}) * {} / {}",
        i64::from(zone) * 60_000,
        dialect.number(1.0),
        dialect.number(86_400_000.0)
    );
    let shifted = moved(
        dialect,
        &format!("CASE WHEN {is_instant} THEN step.raw_date ELSE '1970-01-01' END"),
        &format!(
            "CASE WHEN {is_instant} THEN CASE{shift} ELSE 2 END WHEN {is_number} THEN {} ELSE 0 END",
            whole(dialect, &floor(dialect, &since_1970))
        ),
    );
    format!(
        "CASE WHEN step.raw_date <> '' THEN CASE WHEN step.raw_rest = '' THEN step.raw_date WHEN {is_instant} THEN {shifted} WHEN step.raw_clock <> '' AND step.raw_offset = '' THEN step.raw_date ELSE '' END WHEN {is_number} THEN {shifted} ELSE '' END"
    )
}

/// Returns the date this many days later, as a string.
fn moved(dialect: Dialect, date: &str, days: &str) -> String {
    match dialect {
        Dialect::DuckDb => format!("CAST(CAST({date} AS DATE) + ({days}) AS VARCHAR)"),
        Dialect::Postgres => format!("to_char(CAST({date} AS date) + ({days}), 'YYYY-MM-DD')"),
        Dialect::ClickHouse => format!("toString(addDays(toDate32({date}), {days}))"),
        Dialect::DataFusion => format!("CAST(CAST({date} AS DATE) + CAST({days} AS INTEGER) AS VARCHAR)"),
        Dialect::Sqlite => format!("date({date}, CAST({days} AS TEXT) || ' days')"),
        _ => format!("CAST(date_add(CAST({date} AS DATE), {days}) AS STRING)"),
    }
}
