//! Days, as far as counts by day need them.

use toml_datetime::Datetime;

const DAY: f64 = 86_400.0;
/// No time lies so many days from 1970.
pub(crate) const MOST_DAYS: i64 = 100_000_000;
/// A number of seconds beyond this is one of milliseconds: the year 5138 is no verification's.
const MILLISECONDS: f64 = 1e11;

/// The day since 1970 of a time or a date by RFC 3339, with a `T` or a blank in it: the date as it is written, in whatever
/// zone that is; or of a number.
pub(crate) fn day(text: &str) -> Option<i32> {
    usual_day(text.as_bytes()).or_else(|| any_day(text))
}

/// The day of `2026-01-31T08:00:00+08:00` and the like, where each number is in range in any month: what most times are, in
/// a tenth of the time. `None` is for the parser to decide.
fn usual_day(text: &[u8]) -> Option<i32> {
    let two = |at: usize, most: u8| match text.get(at..at + 2)? {
        [ten @ b'0'..=b'9', one @ b'0'..=b'9'] => {
            Some((ten - b'0') * 10 + one - b'0').filter(|two| *two <= most)
        }
        _ => None,
    };
    let is = |at: usize, byte: u8| (*text.get(at)? == byte).then_some(());
    let year = i32::from(two(0, 99)?) * 100 + i32::from(two(2, 99)?);
    is(4, b'-')?;
    let month = two(5, 12)?;
    is(7, b'-')?;
    let day = two(8, 28)?;
    if year == 0 || month == 0 || day == 0 {
        return None;
    }
    if text.len() > 10 {
        is(10, b'T').or_else(|| is(10, b' '))?;
        two(11, 23)?;
        is(13, b':')?;
        two(14, 59)?;
        is(16, b':')?;
        two(17, 59)?;
        match text.get(19..)? {
            [] | b"Z" => {}
            [b'+' | b'-', ..] if text.len() == 25 => {
                two(20, 14)?;
                is(22, b':')?;
                two(23, 59)?;
            }
            _ => return None,
        }
    }
    Some(since_1970(year, i32::from(month), i32::from(day)))
}

fn any_day(text: &str) -> Option<i32> {
    if let Ok(number) = text.parse::<f64>() {
        return number.is_finite().then(|| day_of_number(number));
    }
    let date = text.trim().parse::<Datetime>().ok()?.date?;
    Some(since_1970(i32::from(date.year), i32::from(date.month), i32::from(date.day)))
}

/// The day since 1970 of seconds or milliseconds since then, in UTC.
#[expect(clippy::cast_possible_truncation, reason = "saturates, and what is out of range is no time")]
pub(crate) fn day_of_number(number: f64) -> i32 {
    let seconds = if number.abs() > MILLISECONDS { number / 1000.0 } else { number };
    (seconds / DAY).floor().clamp(-MOST_DAYS as f64, MOST_DAYS as f64) as i32
}

/// By the calendar that counts years from March, so that the leap day comes last.
const fn since_1970(year: i32, month: i32, day: i32) -> i32 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    365 * year + year.div_euclid(4) - year.div_euclid(100)
        + year.div_euclid(400)
        + (153 * month + 2) / 5
        + day
        - 1
        - 719_468
}

/// The date of a day since 1970: year, month, day.
pub(crate) const fn date(day: i32) -> (i32, i32, i32) {
    let day = day + 719_468;
    let era = day.div_euclid(146_097);
    let of_era = day.rem_euclid(146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let (month, late) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    (year + era * 400 + late, month, day)
}

/// `2026-01-31`.
pub(crate) fn shown(day: i32) -> String {
    let (year, month, day) = date(day);
    format!("{year:04}-{month:02}-{day:02}")
}

/// `2026-01`.
pub(crate) fn month(day: i32) -> String {
    let (year, month, _) = date(day);
    format!("{year:04}-{month:02}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usual_times_are_those_that_the_parser_takes() {
        let mut usual = 0;
        for date in [
            "2026-01-28",
            "2026-12-01",
            "0001-01-01",
            "0000-01-01",
            "2026-13-01",
            "2026-00-10",
            "2026-02-00",
            "2026-02-30",
            "202a-01-01",
            "2026/01/01",
        ] {
            for rest in [
                "",
                "T23:59:59",
                " 00:00:00Z",
                "T08:00:00+14:59",
                "T08:00:00-00:00",
                "T24:00:00",
                "T08:60:00",
                "T08:00:60",
                "T08:00",
                "t08:00:00",
                "T08:00:00z",
                "T08:00:00.5",
                "T08:00:00+15:00",
                "T08:00:00+0800",
                "T08:00:00 ",
            ] {
                let text = format!("{date}{rest}");
                let Some(day) = usual_day(text.as_bytes()) else { continue };
                assert_eq!(any_day(&text), Some(day), "{text}");
                usual += 1;
            }
        }
        assert_eq!(usual, 15);
    }

    #[test]
    fn days_are_counted_and_told() {
        for (text, expected) in [
            ("1970-01-01", 0),
            ("1969-12-31 23:59:59", -1),
            ("2000-02-29T00:00:00Z", 11_016),
            ("2026-01-01T00:30:00+08:00", 20_454),
            ("2026-12-31", 20_818),
        ] {
            assert_eq!(day(text), Some(expected), "{text}");
            assert_eq!(shown(expected), text.get(..10).unwrap_or_default());
        }
        assert_eq!(month(20_454), "2026-01");
        for wrong in ["", "yesterday", "12:00:00", "2026-13-01", "2026-02-30"] {
            assert_eq!(day(wrong), None, "{wrong}");
        }
        assert_eq!(
            [
                day_of_number(20_454.0 * DAY + 1.0),
                day_of_number(20_454.0 * DAY * 1000.0),
                day_of_number(-1.0)
            ],
            [20_454, 20_454, -1]
        );
    }
}
