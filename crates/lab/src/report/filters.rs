//! The template filters for numbers and strings.

use cloudauth_policy::VENDOR_TABLE;
use minijinja::value::Kwargs;
use minijinja::{Environment, Value};

use super::plot;
use super::words::Words;
use crate::analysis::figures::{amount, chance, percent};

/// Adds the filters for numbers, and for values that come from the data.
pub(super) fn add(pages: &mut Environment<'_>, words: Words) {
    // A number and its sign stay on one line.
    let sign = words.get("percent").replace(' ', "\u{a0}");
    let of_interval = sign.clone();
    pages.add_filter("thousands", thousands);
    pages.add_filter("percent", move |share: Option<f64>| {
        share.map_or_else(|| "–".to_owned(), |share| format!("{}{sign}", percent(share)))
    });
    pages.add_filter("interval", move |low: f64, high: f64| {
        format!("{}–{}{of_interval}", percent(low), percent(high))
    });
    pages.add_filter("fixed", |number: Option<f64>, digits: usize| {
        number.map_or_else(|| "–".to_owned(), |number| format!("{number:.digits$}"))
    });
    pages.add_filter("amount", amount);
    pages.add_filter("per_hour", |number: f64| match number {
        1000.0.. => thousands(number.round() as u64),
        _ => amount(number),
    });
    pages.add_filter("time", move |seconds: f64| time(seconds, words));
    // Thresholds are printed exactly, with all their decimals.
    pages.add_filter("score", |score: f64| score.to_string());
    pages.add_filter("chance", |p: Option<f64>| p.map_or_else(|| "–".to_owned(), chance));
    pages.add_filter("target", |text: String| target(&text));
    pages.add_filter("vendor_says", move |far: Option<f64>, threshold: f64| {
        vendor_says(far, threshold, words)
    });
    // The lab's names for missing values are in parentheses.
    pages.add_filter("value", move |value: String| match value.as_str() {
        "(missing)" | "(no code)" => words.get(&value).to_owned(),
        _ => value,
    });
    pages.add_filter("segment", move |value: String, of: String| segment(&value, &of, words));
    pages.add_filter("fill", |text: String, values: Kwargs| fill(&text, &values));
}

/// The name of a value of the segment `of`, or of a pair of values if it is two segments crossed. A segment can have rows without a
/// value, and a value with the text of their name.
pub(super) fn segment(value: &str, of: &str, words: Words) -> String {
    let name = |value: &str| match value {
        "" => words.get("(none)").to_owned(),
        none if none == words.get("(none)") => format!("\"{none}\""),
        _ => value.to_owned(),
    };
    // In crossed segments, and only there, the sign is single between two values and doubled within them.
    match value.split_once(" × ").filter(|_| of.contains(" × ")) {
        Some((first, second)) => format!("{} × {}", name(first), name(second)),
        None => name(value),
    }
}

/// Fills values into the placeholders of a text.
fn fill(text: &str, values: &Kwargs) -> Result<Value, minijinja::Error> {
    let mut filled = String::new();
    for (number, part) in text.split('{').enumerate() {
        match part.split_once('}').filter(|_| number > 0) {
            Some((name, rest)) => {
                let value = plot::escape(&values.get::<String>(name)?);
                filled.push_str(&format!("<b>{value}</b>{}", plot::escape(rest)));
            }
            None => filled.push_str(&plot::escape(part)),
        }
    }
    Ok(Value::from_safe_string(filled))
}

pub(super) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let groups: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().filter_map(|group| std::str::from_utf8(group).ok()).collect();
    groups.join(",")
}

fn one_in(share: f64) -> String {
    format!("1/{}", thousands((1.0 / share).round() as u64))
}

/// Formats a target as it was written, with its thousands apart.
fn target(text: &str) -> String {
    let digits = text.split_once('/').and_then(|(above, below)| Some((above, below.parse().ok()?)));
    digits.map_or_else(|| text.to_owned(), |(above, below)| format!("{above}/{}", thousands(below)))
}

/// Formats a time in minutes and seconds, from an hour on in hours and minutes.
fn time(seconds: f64, words: Words) -> String {
    let seconds = seconds.round() as u64;
    let part = |number: u64, unit: &str| format!("{number}\u{a0}{}", words.get(unit));
    let (whole, rest) = match seconds {
        0..60 => return part(seconds, "seconds"),
        60..3600 => (part(seconds / 60, "minutes"), (seconds % 60, "seconds")),
        _ => (part(seconds / 3600, "hours"), (seconds % 3600 / 60, "minutes")),
    };
    if rest.0 == 0 { whole } else { format!("{whole} {}", part(rest.0, rest.1)) }
}

/// Formats the vendor's rate: as in its table, or as implied between two rows of it.
fn vendor_says(far: Option<f64>, threshold: f64, words: Words) -> String {
    let told = VENDOR_TABLE.iter().find(|(score, _)| *score == threshold).map(|(_, rate)| target(rate));
    let implied = || far.map(|far| format!("{} {}", words.get("about"), one_in(far)));
    told.or_else(implied).unwrap_or_else(|| "–".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_two_units() {
        let words = Words::of(crate::language::Language::En);
        let times = [0.4, 59.4, 60.0, 110.2, 3599.6, 90_000.0].map(|seconds| time(seconds, words));
        let told = ["0 s", "59 s", "1 min", "1 min 50 s", "1 h", "25 h"];
        assert_eq!(times.map(|time| time.replace('\u{a0}', " ")), told);
    }

    #[test]
    fn numbers_are_formatted_for_people() {
        assert_eq!([0, 999, 1000, 1_234_567].map(thousands), ["0", "999", "1,000", "1,234,567"]);
        let targets = ["1/1000", "5/100000", "0.3%", "1e-3", "1/2.5", " 1/2000"];
        assert_eq!(targets.map(target), ["1/1,000", "5/100,000", "0.3%", "1e-3", "1/2.5", " 1/2,000"]);
    }
}
