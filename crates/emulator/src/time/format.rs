//! Parsing of timestamps, and the day in China.

use cloudauth_protocol::UnixTime;

/// Parses `yyyy-MM-ddTHH:mm:ssZ`. A fraction of a second (one to nine digits) is allowed and dropped.
pub(crate) fn parse(text: &str) -> Option<UnixTime> {
    let without_fraction =
        text.strip_suffix('Z').and_then(|text| text.split_once('.')).map(|(seconds, fraction)| {
            let is_fraction =
                (1..=9).contains(&fraction.len()) && fraction.bytes().all(|byte| byte.is_ascii_digit());
            if is_fraction { format!("{seconds}Z") } else { String::new() }
        });
    let text = without_fraction.as_deref().unwrap_or(text);
    let well_formed = text.len() == 20
        && text.char_indices().all(|(at, c)| match at {
            4 | 7 => c == '-',
            10 => c == 'T',
            13 | 16 => c == ':',
            19 => c == 'Z',
            _ => c.is_ascii_digit(),
        });
    if !well_formed {
        return None;
    }
    let number = |from: usize, to: usize| text.get(from..to)?.parse::<u64>().ok();
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    if year < 1970
        || !(1..=12).contains(&month)
        || !(1..=31).contains(&day)
        || hour > 23
        || minute > 59
        || second > 60
    {
        return None;
    }
    // Days since the epoch, with years that begin in March.
    let (y, m) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 719_468;
    Some(UnixTime::from_secs(days * 86_400 + hour * 3_600 + minute * 60 + second))
}

/// Returns the number of the day in China (UTC+8). The service's day ends at midnight there.
pub(crate) const fn day_in_china(time: UnixTime) -> u64 {
    (time.as_secs() + 8 * 3_600) / 86_400
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_what_the_protocol_crate_writes() {
        for secs in [0, 951_782_400, 951_868_800, 1_767_323_045, 4_107_542_400, 253_402_300_799] {
            let time = UnixTime::from_secs(secs);
            assert_eq!(parse(&time.to_string()), Some(time));
        }
        for bad in [
            "",
            "2026-01-02 03:04:05Z",
            "2026-01-02T03:04:05",
            "2026-13-02T03:04:05Z",
            "2026-01-02T03:04:05+",
            "2026-01-02T03:04:05.Z",
            "2026-01-02T03:04:05.1234567890Z",
            "2026-01-02T03:04:05.1.2Z",
            "2026-01-02T03:04.05Z",
        ] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn accepts_fractions_of_a_second() {
        for text in ["2026-01-02T03:04:05.1Z", "2026-01-02T03:04:05.123456789Z"] {
            assert_eq!(parse(text), Some(UnixTime::from_secs(1_767_323_045)), "{text}");
        }
    }

    #[test]
    fn a_day_ends_at_midnight_in_china() {
        let day = |text| day_in_china(parse(text).unwrap());
        assert_eq!(day("2026-01-02T15:59:59Z"), day("2026-01-01T16:00:00Z"));
        assert_eq!(day("2026-01-02T16:00:00Z"), day("2026-01-02T15:59:59Z") + 1);
    }
}
