//! One HTML file that tells all: nothing in it is fetched from anywhere, and it can be sent around.

mod charts;
mod plot;
mod words;

use cloudauth_policy::Verdict;
use minijinja::value::Serde;
use minijinja::{Environment, Value, context};

use crate::calibrate::{Calibration, TARGETS};
use crate::compare::Compare;
use crate::drift::Drift;
use crate::error::LabError;
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
    let is_labelled = calibration.genuine.of > 0 && calibration.impostor.of > 0;
    let drift = Drift::of(tally, None, None).ok();
    let operating = if is_labelled { charts::operating(tally) } else { Vec::new() };
    let svg = Value::from_safe_string;
    let mut pages = Environment::new();
    pages.add_filter("thousands", thousands);
    pages.add_filter("percent", percent);
    pages.add_filter("fixed", fixed);
    let wrong = |error: minijinja::Error| LabError::with("the report cannot be made", error);
    pages.add_template("report.html", include_str!("../web/report.html")).map_err(wrong)?;
    let page = pages.get_template("report.html").map_err(wrong)?;
    page.render(context! {
        lang => language.tag(),
        t => words.all(),
        css => svg(include_str!("../web/report.css").to_owned()),
        verdicts => VERDICTS.map(Verdict::as_str),
        flips => compare.as_ref().map(matrix),
        histogram => svg(charts::histogram(tally, &words)),
        errors => is_labelled.then(|| svg(charts::errors(tally, &operating, &words))),
        det => is_labelled.then(|| svg(charts::det(&operating, &words))),
        coverage => is_labelled.then(|| svg(charts::coverage(&calibration.bands, &words))),
        drift_plots => drift.as_ref().map(|drift| charts::drift(drift, &words).map(svg)),
        calibration => is_labelled.then(|| Value::from(Serde(&calibration))),
        replay => Value::from(Serde(&replay)),
        compare => compare.as_ref().map(|compare| Value::from(Serde(compare))),
        drift => drift.as_ref().map(|drift| Value::from(Serde(drift))),
    })
    .map_err(wrong)
}

/// Rows by both verdicts, and how dark each is to be.
fn matrix(compare: &Compare) -> Value {
    let rows = VERDICTS.map(|from| {
        let cells = VERDICTS.map(|to| {
            let flip = compare.flips.iter().find(|flip| flip.from == from.as_str() && flip.to == to.as_str());
            let count = flip.map_or(0, |flip| flip.rows.all);
            let share = count as f64 / compare.changed.max(1) as f64;
            let shade = if from == to || count == 0 { 0 } else { 1 + (share * 4.0).min(3.0) as u8 };
            context! { count, shade, same => from == to }
        });
        context! { from => from.as_str(), cells }
    });
    Value::from(rows.to_vec())
}

fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let groups: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().filter_map(|group| std::str::from_utf8(group).ok()).collect();
    groups.join(",")
}

/// A share as percent, with as many digits as it needs.
fn percent(share: Option<f64>) -> String {
    match share {
        None => "–".to_owned(),
        Some(share) if share == 0.0 || share >= 0.001 => format!("{:.2} %", share * 100.0),
        Some(share) => format!("{:.2e} %", share * 100.0),
    }
}

fn fixed(number: Option<f64>, digits: usize) -> String {
    number.map_or_else(|| "–".to_owned(), |number| format!("{number:.digits$}"))
}
