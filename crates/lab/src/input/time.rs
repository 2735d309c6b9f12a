//! Days for counts by day. An instant has one day, in every notation: string, number or timestamp.

mod known;

use std::ops::{Range, RangeInclusive};

pub(crate) use known::KnownDays;

const DAY: i64 = 86_400;
const MINUTES_OF_DAY: i32 = 1440;
/// The years in which instants may have an offset: every warehouse can count their days.
pub(crate) const YEARS: RangeInclusive<i32> = 1901..=2298;
/// The days of these years.
const DAYS: RangeInclusive<i32> = since_1970(*YEARS.start(), 1, 1)..=since_1970(*YEARS.end(), 12, 31);
/// A number is accepted as seconds or milliseconds only if it is in this century. Other numbers can be microseconds, or a date
/// without hyphens.
pub(crate) const SECONDS: Range<i64> = 946_684_800..4_102_444_800;

/// The number of digits before the point of a number that is a time.
pub(crate) const DIGITS: [usize; 4] = [9, 10, 12, 13];

/// Returns the day since 1970 of a time, in the zone that is this many minutes east of UTC.
///
/// A time is a date, `2026-01-31`; a date and a time of day, `2026-01-31T23:59:59.5`, with `T` or a blank between them, in the
/// zone, or in UTC or at an offset where `Z`, `UTC` or `+08:00` follows; or a number of seconds or milliseconds since 1970,
/// `1772395200.5`, also as Java writes it, `1.7723952005E9`.
fn day(text: &str, zone: i32) -> Option<i32> {
    written_day(text.as_bytes(), zone).or_else(|| day_of_instant(written_number(text.as_bytes())?, zone))
}

/// Returns the day since 1970 of a date, `2026-01-31`.
pub(crate) fn day_of_date(text: &str) -> Option<i32> {
    let (date, []) = text.as_bytes().split_first_chunk::<10>()? else { return None };
    written_date(*date)
}

fn written_day(text: &[u8], zone: i32) -> Option<i32> {
    let (date, rest) = text.split_first_chunk::<10>()?;
    let day = written_date(*date)?;
    if rest.is_empty() {
        return Some(day);
    }
    let (of_day, offset) = time_of_day(rest)?;
    in_zone(day, of_day, offset, zone)
}

/// Returns the day in the zone of a minute of a day at an offset, or in the zone without one.
fn in_zone(day: i32, of_day: i32, offset: Option<i32>, zone: i32) -> Option<i32> {
    let Some(offset) = offset else { return Some(day) };
    // Offsets are whole minutes, so seconds never change the day.
    DAYS.contains(&day).then(|| day + (of_day - offset + zone).div_euclid(MINUTES_OF_DAY))
}

fn written_date(date: [u8; 10]) -> Option<i32> {
    let [a, b, c, d, b'-', e, f, b'-', g, h] = date else { return None };
    let (year, month, of_month) = (number([a, b, c, d])?, number([e, f])?, number([g, h])?);
    let day = since_1970(year, month, of_month);
    // A day of another month means that the date does not exist.
    let is = (1..=12).contains(&month)
        && of_month > 0
        && (of_month <= 28 || self::date(day) == (year, month, of_month));
    is.then_some(day)
}

/// Returns the minute of the day, and the offset from UTC in minutes if there is one.
fn time_of_day(text: &[u8]) -> Option<(i32, Option<i32>)> {
    let ([b'T' | b't' | b' ', a, b, b':', c, d], rest) = text.split_first_chunk::<6>()? else { return None };
    let (hour, minute) = (number([*a, *b])?, number([*c, *d])?);
    let mut rest = rest;
    if let [b':', a, b, after @ ..] = rest {
        number([*a, *b]).filter(|second| *second <= 60)?;
        rest = after;
        rest = after_fraction(rest)?;
    }
    let offset = match rest {
        [] => None,
        [b' ', rest @ ..] | rest => Some(offset(rest)?),
    };
    (hour < 24 && minute < 60).then_some((hour * 60 + minute, offset))
}

/// Returns what follows the fraction of a second, if there is one; `None` if it has no digit.
fn after_fraction(text: &[u8]) -> Option<&[u8]> {
    let [b'.', fraction @ ..] = text else { return Some(text) };
    let digits = fraction.iter().take_while(|byte| byte.is_ascii_digit()).count();
    fraction.get(digits..).filter(|_| digits > 0)
}

/// Parses an offset from UTC in minutes: `Z`, `UTC`, `+08`, `+0800` or `+08:00`.
pub(crate) fn offset(text: &[u8]) -> Option<i32> {
    let (sign, rest) = match text {
        b"Z" | b"z" | b"UTC" => return Some(0),
        [b'+', rest @ ..] => (1, rest),
        [b'-', rest @ ..] => (-1, rest),
        _ => return None,
    };
    let (hours, minutes) = match *rest {
        [a, b] => (number([a, b])?, 0),
        [a, b, c, d] | [a, b, b':', c, d] => (number([a, b])?, number([c, d])?),
        _ => return None,
    };
    (hours < 24 && minutes < 60).then_some(sign * (hours * 60 + minutes))
}

/// Reads all digits before it checks them, which is faster than a check after each.
#[inline]
fn number<const COUNT: usize>(digits: [u8; COUNT]) -> Option<i32> {
    let (mut number, mut is_number) = (0, true);
    for digit in digits {
        let digit = digit.wrapping_sub(b'0');
        is_number &= digit < 10;
        number = number * 10 + i32::from(digit);
    }
    is_number.then_some(number)
}

/// Returns the integer part of a number of seconds or milliseconds, from its digits: a double could round it to the next day.
fn written_number(text: &[u8]) -> Option<i64> {
    let (written, exponent) = match text {
        [rest @ .., b'e' | b'E', places @ b'8'..=b'9'] => (rest, Some(places - b'0')),
        [rest @ .., b'e' | b'E', b'1', places @ b'1'..=b'2'] => (rest, Some(10 + places - b'0')),
        _ => (text, None),
    };
    let point = written.iter().position(|byte| *byte == b'.');
    let (whole, fraction) = written.split_at_checked(point.unwrap_or(written.len()))?;
    let fraction = fraction.strip_prefix(b".");
    if fraction.is_some_and(<[u8]>::is_empty)
        || exponent.is_some() && (whole.len() != 1 || fraction.is_none())
    {
        return None;
    }
    let fraction = fraction.unwrap_or_default();
    let places = usize::from(exponent.unwrap_or_default());
    if !fraction.iter().all(u8::is_ascii_digit) || !DIGITS.contains(&(whole.len() + places)) {
        return None;
    }
    let moved = fraction.iter().chain(std::iter::repeat(&b'0')).take(places);
    whole
        .iter()
        .chain(moved)
        .try_fold(0, |number, digit| digit.is_ascii_digit().then(|| number * 10 + i64::from(*digit - b'0')))
}

/// Returns the day since 1970 of seconds or milliseconds: of the digits as written if they have the form that a text may have,
/// otherwise of the nearest double.
#[expect(clippy::cast_possible_truncation, reason = "only the day of a number of this century is used")]
fn day_of_number(written: &str, number: f64, zone: i32) -> Option<i32> {
    day_of_instant(written_number(written.as_bytes()).unwrap_or(number.floor() as i64), zone)
}

/// Returns the same for integers: a fraction never changes the day.
#[expect(clippy::cast_possible_truncation, reason = "a day of this century")]
fn day_of_instant(number: i64, zone: i32) -> Option<i32> {
    let seconds = [number, number.div_euclid(1000)].into_iter().find(|seconds| SECONDS.contains(seconds))?;
    Some((seconds + i64::from(zone) * 60).div_euclid(DAY) as i32)
}

/// The calendar counts years from March, so that the leap day comes last.
const fn since_1970(year: i32, month: i32, day: i32) -> i32 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    365 * year + year.div_euclid(4) - year.div_euclid(100)
        + year.div_euclid(400)
        + (153 * month + 2) / 5
        + day
        - 1
        - 719_468
}

/// Returns the date of a day since 1970: year, month, day.
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

/// Formats a day: `2026-01-31`.
pub(crate) fn shown(day: i32) -> String {
    let (year, month, day) = date(day);
    format!("{year:04}-{month:02}-{day:02}")
}

/// Formats a month: `2026-01`.
pub(crate) fn month(day: i32) -> String {
    let (year, month, _) = date(day);
    format!("{year:04}-{month:02}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_round_trip_through_their_text() {
        for (text, expected) in [
            ("1970-01-01", 0),
            ("1969-12-31 23:59:59", -1),
            ("2000-02-29T00:00:00Z", 11_016),
            ("2026-01-01T00:30:00+08:00", 20_454),
            ("2026-12-31", 20_818),
            // The notation of PostgreSQL.
            ("2026-12-31 23:59:59.5+08", 20_818),
        ] {
            assert_eq!(day(text, 480), Some(expected), "{text}");
            assert_eq!(shown(expected), text.get(..10).unwrap_or_default());
        }
        assert_eq!(month(20_454), "2026-01");
        for wrong in [
            "",
            "yesterday",
            "12:00:00",
            "2026-13-01",
            "2026-02-30",
            "2026-00-10",
            "2026-01-00",
            "2026-1-01",
            "2026-01-0１",
            "2026-01-011",
            "1900-02-29",
        ] {
            assert_eq!(day(wrong, 480), None, "{wrong}");
        }
        assert_eq!(
            [
                day_of_number("0.5", 20_454.0 * 86_400.0 + 1.0, 0),
                day_of_number("0.5", 20_454.0 * 86_400_000.0, 0)
            ],
            [Some(20_454); 2]
        );
        for wrong in [0.0, -1.0, 20_260_131.0, 20_454.0 * 86_400.0 * 1e6, f64::NAN, f64::INFINITY] {
            assert_eq!(day_of_number("0.5", wrong, 0), None, "{wrong}");
        }
    }

    #[test]
    fn a_fraction_never_reaches_the_next_day() {
        for text in [
            "1772380799",
            "1772380799.99999999999999",
            "1.77238079999999999999999E9",
            "1772380799999.9999999",
        ] {
            let number: f64 = text.parse().unwrap();
            for day in [day(text, 0), day_of_number(text, number, 0)] {
                assert_eq!(day.map(shown).as_deref(), Some("2026-03-01"), "{text}");
            }
        }
        assert_eq!(day_of_number("0.5", 1_772_380_800.0_f64.next_down(), 0), day("2026-03-01", 0));
        assert_eq!(day("4102444799.99999999999999", 0).map(shown).as_deref(), Some("2099-12-31"));
    }

    #[test]
    fn rejects_numbers_that_are_not_times() {
        for wrong in [
            "+1772395200",
            "-1772395200",
            "1772395200.",
            ".1772395200",
            "1772395200.5.5",
            "1772395200.5e0",
            "1772395200,5",
            "17723952005",
            "1.7723952E10",
            "1.7723952E+9",
            "1.7723952E09",
            "17.723952E8",
            "17723952E2",
            "1E9",
            "1.E9",
            "E9",
            "1.77E",
            "inf",
            "NaN",
            "0x69A4",
            "946684799.9",
            "1.0E11",
            "1772395200.\u{ff15}",
        ] {
            assert_eq!(day(wrong, 480), None, "{wrong}");
        }
    }

    #[test]
    fn every_notation_of_an_instant_has_the_same_day() {
        let (shanghai, utc, west) = (480, 0, -210);
        for text in [
            "2026-03-02T04:00:00+08:00",
            "2026-03-01T20:00:00Z",
            "2026-03-01t20:00z",
            "2026-03-01 20:00:00.000 UTC",
            "2026-03-01 20:00:00+00",
            "2026-03-02T05:00:00.123456789+0900",
            "2026-03-01 14:30:00 -05:30",
            "2026-02-28T20:01-23:59",
            "1772395200",
            "1772395200.5",
            "1772395200000",
            "1772395200000.125",
            "1.7723952E9",
            "1.7723952005e9",
            "1.772395200123E12",
        ] {
            let days = [shanghai, utc, west].map(|zone| day(text, zone).map(shown).unwrap_or_default());
            assert_eq!(days, ["2026-03-02", "2026-03-01", "2026-03-01"], "{text}");
        }
        // A time without an offset is local time in the zone.
        for text in ["2026-03-02", "2026-03-02T04:00", "2026-03-02 04:00:60.5"] {
            assert_eq!(
                [shanghai, utc, west].map(|zone| day(text, zone).map(shown)),
                [(); 3].map(|()| Some("2026-03-02".to_owned())),
                "{text}"
            );
        }
        for wrong in [
            "2026-03-02T",
            "2026-03-02T04",
            "2026-03-02T24:00:00",
            "2026-03-02T04:60",
            "2026-03-02T04:00:61",
            "2026-03-02T04:00:00.",
            "2026-03-02T04:00:00.Z",
            "2026-03-02T04:00+24:00",
            "2026-03-02T04:00+08:60",
            "2026-03-02T04:00+8",
            "2026-03-02T04:00  Z",
            "2026-03-02T04:00Z ",
            "2026-03-02T04:00 CST",
            "2026-03-02T04:00+08:00[Asia/Shanghai]",
            "1900-03-02T04:00Z",
            "2026-03-02x",
        ] {
            assert_eq!(day(wrong, 480), None, "{wrong}");
        }
    }
}
