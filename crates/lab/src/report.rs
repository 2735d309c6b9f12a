//! One HTML file that tells all: nothing in it is fetched from anywhere, and it can be sent around.

mod charts;
mod parts;
mod plot;
mod scale;
mod words;

use cloudauth_policy::{Input, Verdict};
use minijinja::value::{Kwargs, Serde};
use minijinja::{Environment, Value, context};

use crate::calibrate::{Calibration, TARGETS, estimated};
use crate::compare::Compare;
use crate::drift::Drift;
use crate::error::LabError;
use crate::percent;
use crate::replay::Replay;
use crate::tally::{Tally, VERDICTS};
pub use words::Language;
use words::Words;

/// The report on what a run has counted: decisions; with a second policy who is decided otherwise; with labels the errors;
/// with times the drift.
///
/// # Errors
/// If the page cannot be made, which is a bug.
pub fn report(tally: &Tally, language: Language) -> Result<String, LabError> {
    let words = Words::of(language);
    let replay = Replay::of(tally);
    let compare = Compare::of(tally);
    let calibration = Calibration::of(tally, &TARGETS, 1);
    let is_labelled = calibration.genuine.count > 0 && calibration.impostor.count > 0;
    let drift = Drift::of(tally, None, None).ok();
    // Charts by score show the grid alone, and would be wrong with a score outside it.
    let outside = tally.outside_grid(Input::VerifyScore);
    let is_on_grid = outside == 0;
    let operating = if is_labelled && is_on_grid { estimated(tally) } else { Vec::new() };
    let svg = Value::from_safe_string;
    let wrong = |error: minijinja::Error| LabError::with("the report cannot be made", error);
    let mut pages = Environment::new();
    filters(&mut pages, words);
    pages.add_template("report.html", include_str!("../web/report.html")).map_err(wrong)?;
    let page = pages.get_template("report.html").map_err(wrong)?;
    page.render(context! {
        lang => language.tag(),
        t => words.all(),
        css => svg(include_str!("../web/report.css").to_owned()),
        verdicts => VERDICTS.map(Verdict::as_str),
        days => tally.days.keys().next().zip(tally.days.keys().next_back()).map(|(first, last)| [*first, *last].map(crate::time::shown)),
        timezone => tally.timezone.to_string(),
        is_part => tally.is_part,
        people => parts::people(tally),
        left_out => replay.notes.iter().filter(|note| note.left_out).map(|note| note.rows).sum::<u64>(),
        notes => parts::notes(&replay, words),
        failing => parts::first(&tally.failing_examples),
        failing_count => tally.failing_examples.len(),
        skipped => parts::first(&tally.skipped),
        skipped_count => tally.skipped.len(),
        flips => compare.as_ref().map(parts::matrix),
        causes => parts::causes(tally),
        outside,
        histogram => is_on_grid.then(|| svg(charts::histogram(tally, words))),
        errors => (is_labelled && is_on_grid).then(|| svg(charts::errors(tally, &operating, words))),
        is_separate => calibration.auc == Some(1.0),
        det => charts::det(&operating, words).map(svg),
        coverage => (is_labelled && is_on_grid).then(|| svg(charts::coverage(tally, &calibration, words))),
        drift_plots => drift.as_ref().filter(|_| is_on_grid).map(|drift| charts::drift(drift, words).map(svg)),
        drift_bands => drift.as_ref().map(parts::bands),
        day_plot => charts::days(tally, words).map(svg),
        calibration => is_labelled.then(|| Value::from(Serde(&calibration))),
        people_at => parts::people_at(&calibration),
        replay => Value::from(Serde(&replay)),
        compare => compare.as_ref().map(|compare| Value::from(Serde(compare))),
        drift => drift.as_ref().map(|drift| Value::from(Serde(drift))),
    })
    .map_err(wrong)
}

/// How the page tells numbers, and values that the data named.
fn filters(pages: &mut Environment<'_>, words: Words) {
    // A number and its sign stay together.
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
    // Thresholds are printed exactly, with all their decimals.
    pages.add_filter("score", |score: f64| score.to_string());
    // A probability is never 0.
    pages.add_filter("chance", |p: Option<f64>| match p {
        None => "–".to_owned(),
        Some(p) if p < 0.0001 => "< 0.0001".to_owned(),
        Some(p) => format!("{p:.4}"),
    });
    pages.add_filter("one_in", one_in);
    pages.add_filter("vendor_says", move |far: Option<f64>, threshold: f64| {
        parts::vendor_says(far, threshold, words)
    });
    // What the lab calls values that are none stands in brackets.
    pages.add_filter("value", move |value: String| match value.as_str() {
        "(missing)" | "(no code)" => words.get(&value).to_owned(),
        _ => value,
    });
    // A segment has rows without a value, and may have a value that looks like that.
    pages.add_filter("segment", move |value: String| match value.as_str() {
        "" => words.get("(none)").to_owned(),
        none if none == words.get("(none)") => format!("\"{none}\""),
        _ => value,
    });
    pages.add_filter("fill", |text: String, values: Kwargs| fill(&text, &values));
}

/// A text with values in its places.
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

fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let groups: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().filter_map(|group| std::str::from_utf8(group).ok()).collect();
    groups.join(",")
}

fn one_in(share: f64) -> String {
    format!("1/{}", thousands((1.0 / share).round() as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_told_as_people_write_them() {
        assert_eq!([0, 999, 1000, 1_234_567].map(thousands), ["0", "999", "1,000", "1,234,567"]);
    }
}
