//! Days of times in a month and at an offset that were seen before: a quarter of the instructions of [`day`]. Each month and
//! offset is read by that function first, and so is every time of another form.

use super::{after_fraction, day, day_of_number, in_zone, number, time_of_day, written_date};
use crate::input::word::word;

/// The days of the months seen, in a zone: every reader of a time asks it.
#[derive(Debug)]
pub(crate) struct KnownDays {
    /// Minutes east of UTC.
    zone: i32,
    months: [Month; MONTHS],
    /// What the last time had after its seconds and their fraction, and the offset that it means, if there is one.
    suffix: (u128, Option<i32>),
}

/// A month by its text, `2026-01-`.
#[derive(Clone, Copy, Debug, Default)]
struct Month {
    text: [u8; 8],
    first: i32,
    days: i32,
}

/// The places of months: each month of a year has one.
const MONTHS: usize = 16;

/// Returns the place of a month, which another text may have too.
fn place([.., tens, ones, _]: &[u8; 8]) -> usize {
    usize::from((tens & 1) * 10 + (ones & 15)) % MONTHS
}

/// `2026-01-`, `31T23:59:59`, and the rest.
fn parts(text: &str) -> Option<(&[u8; 8], &[u8; 11], &[u8])> {
    let (month, rest) = text.as_bytes().split_first_chunk::<8>()?;
    let (time, rest) = rest.split_first_chunk::<11>()?;
    Some((month, time, after_fraction(rest)?))
}

impl KnownDays {
    pub(crate) fn new(zone: i32) -> Self {
        Self { zone, months: Default::default(), suffix: (0, None) }
    }

    /// Returns the day since 1970 of a time, as [`day`] does.
    pub(crate) fn day(&mut self, text: &str) -> Option<i32> {
        let known = self.known(text);
        if known.is_none() {
            let day = day(text, self.zone)?;
            self.learn(text);
            return Some(day);
        }
        known
    }

    /// Returns the day since 1970 of seconds or milliseconds, as [`day_of_number`] does.
    pub(crate) fn day_of_number(&self, written: &str, number: f64) -> Option<i32> {
        day_of_number(written, number, self.zone)
    }

    fn known(&self, text: &str) -> Option<i32> {
        let (month, time, rest) = parts(text)?;
        let known = self.months.get(place(month)).filter(|known| known.text == *month)?;
        let [a, b, b'T' | b't' | b' ', c, d, b':', e, f, b':', g, h] = *time else { return None };
        let (of_month, hour, minute, second) =
            (number([a, b])?, number([c, d])?, number([e, f])?, number([g, h])?);
        let (suffix, offset) = self.suffix;
        let is_valid =
            (of_month > 0) & (of_month <= known.days) & (hour < 24) & (minute < 60) & (second <= 60);
        if !is_valid || word(rest)? != suffix {
            return None;
        }
        in_zone(known.first + of_month - 1, hour * 60 + minute, offset, self.zone)
    }

    /// Keeps the month and the offset of a valid time.
    #[cold]
    fn learn(&mut self, text: &str) {
        let Some((month, _, rest)) = parts(text) else { return };
        let date = |of_month: u8| {
            let [a, b, c, d, e, f, g, h] = *month;
            written_date([a, b, c, d, e, f, g, h, b'0' + of_month / 10, b'0' + of_month % 10])
        };
        let offset = text.as_bytes().get(10..).and_then(time_of_day);
        if let (Some(first), Some((_, offset)), Some(suffix)) = (date(1), offset, word(rest)) {
            let days = (1..=31).filter_map(date).max().map_or(0, |last| last - first + 1);
            if let Some(known) = self.months.get_mut(place(month)) {
                *known = Month { text: *month, first, days };
            }
            self.suffix = (suffix, offset);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;

    use super::*;

    const DATES: [&str; 12] = [
        "2026-01-31",
        "2026-02-28",
        "2026-02-29",
        "2024-02-29",
        "2026-03-01",
        "2026-03-00",
        "2026-03-32",
        "2036-03-01",
        "2026-13-01",
        "1900-12-31",
        "2298-12-31",
        "9999-12-31",
    ];
    const TIMES: [&str; 10] = [
        "T00:00:00",
        " 23:59:60",
        "t15:59:59.999",
        "T16:00:00.",
        "T24:00:00",
        "T04:60:00",
        "T04:00:61",
        "T04:00",
        "T04:00:0a",
        "",
    ];
    const SUFFIXES: [&str; 9] =
        ["", "Z", "+08:00", "+0800", " -11:30", "+24:00", "+08", " UTC", "CST and more than a word"];

    /// Any order of times has the days that each has alone. Most times are valid and have the same offset, so that all classes
    /// occur: known, learnt, and invalid.
    #[test]
    fn a_known_day_is_the_day_of_the_text() {
        let mut seen: BTreeMap<&str, u32> = BTreeMap::new();
        let mut count = |class| *seen.entry(class).or_default() += 1;
        let mut runner = TestRunner::deterministic();
        for (number, zone) in (0..400).zip([480, 0, -690].into_iter().cycle()) {
            let usual = SUFFIXES.get(number % SUFFIXES.len()).copied().unwrap_or_default();
            let part = |all: &'static [&str]| prop::sample::select(all);
            let valid = (part(&DATES[..5]), part(&TIMES[..3]), Just(usual));
            let one = prop_oneof![3 => valid, 1 => (part(&DATES), part(&TIMES), part(&SUFFIXES))];
            let texts = prop::collection::vec(one, 1..60).new_tree(&mut runner).unwrap().current();
            let mut days = KnownDays::new(zone);
            for (date, time, suffix) in texts {
                let text = format!("{date}{time}{suffix}");
                let (known, expected) = (days.known(&text), day(&text, zone));
                count(match (known, expected) {
                    (Some(_), _) => "known",
                    (None, Some(_)) => "learnt",
                    (None, None) => "invalid",
                });
                assert!(known.is_none_or(|known| Some(known) == expected), "{text}");
                assert_eq!(days.day(&text), expected, "{text}");
            }
        }
        assert!(seen.len() == 3 && seen.values().all(|count| *count > 1000), "{seen:?}");
    }
}
