//! Days, as far as counts by day need them.

use std::ops::Range;

const DAY: f64 = 86_400.0;
/// A number of seconds lies in this century, and so does one of milliseconds: other numbers are other things, such as
/// microseconds, or a date written without its hyphens.
const SECONDS: Range<f64> = 946_684_800.0..4_102_444_800.0;

/// The day since 1970 of a text that begins with a date, `2026-01-31`, and ends there or goes on with a `T` or a blank: the
/// date as it is written, in whatever zone that is, so that what follows is not looked at; or of a number.
pub(crate) fn day(text: &str) -> Option<i32> {
    written_day(text.as_bytes()).or_else(|| {
        let number = text.parse::<f64>().ok().filter(|number| number.is_finite());
        number.and_then(day_of_number)
    })
}

fn written_day(text: &[u8]) -> Option<i32> {
    let (written, rest) = text.split_first_chunk::<10>()?;
    let [a, b, c, d, b'-', e, f, b'-', g, h] = *written else { return None };
    if !matches!(rest.first(), None | Some(b'T' | b't' | b' ')) {
        return None;
    }
    let number = |digits: &[u8]| {
        digits.iter().try_fold(0, |number, digit| {
            digit.is_ascii_digit().then(|| number * 10 + i32::from(*digit - b'0'))
        })
    };
    let (year, month, of_month) = (number(&[a, b, c, d])?, number(&[e, f])?, number(&[g, h])?);
    let day = since_1970(year, month, of_month);
    // There is no such date if the day is one of another month.
    let is =
        (1..=12).contains(&month) && of_month > 0 && (of_month <= 28 || date(day) == (year, month, of_month));
    is.then_some(day)
}

/// The day since 1970 of seconds or milliseconds since then, in UTC.
#[expect(clippy::cast_possible_truncation, reason = "a day of this century")]
pub(crate) fn day_of_number(number: f64) -> Option<i32> {
    let seconds = [number, number / 1000.0].into_iter().find(|seconds| SECONDS.contains(seconds))?;
    Some((seconds / DAY).floor() as i32)
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
    fn days_are_counted_and_told() {
        for (text, expected) in [
            ("1970-01-01", 0),
            ("1969-12-31 23:59:59", -1),
            ("2000-02-29T00:00:00Z", 11_016),
            ("2026-01-01T00:30:00+08:00", 20_454),
            ("2026-12-31", 20_818),
            // As PostgreSQL writes it.
            ("2026-12-31 23:59:59.5+08", 20_818),
        ] {
            assert_eq!(day(text), Some(expected), "{text}");
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
            assert_eq!(day(wrong), None, "{wrong}");
        }
        assert_eq!(
            [day_of_number(20_454.0 * DAY + 1.0), day_of_number(20_454.0 * DAY * 1000.0),],
            [Some(20_454); 2]
        );
        for wrong in [0.0, -1.0, 20_260_131.0, 20_454.0 * DAY * 1e6, f64::NAN, f64::INFINITY] {
            assert_eq!(day_of_number(wrong), None, "{wrong}");
        }
    }
}
