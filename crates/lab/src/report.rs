//! The report: one HTML file that loads nothing from elsewhere, so that it can be sent around.

mod charts;
mod dots;
mod filters;
mod parts;
mod plot;
mod scale;
mod sweeps;
mod words;

use cloudauth_policy::{Input, Verdict};
use minijinja::value::Serde;
use minijinja::{Environment, Value, context};

use crate::analysis::calibrate::{Calibration, TARGETS, estimated};
use crate::analysis::compare::{Compare, rests_on};
use crate::analysis::drift::Drift;
use crate::analysis::replay::Replay;
use crate::analysis::segment_rates::SegmentRates;
use crate::analysis::sweep::Sweep;
use crate::error::{LabError, LabProblem};
use crate::language::Language;
use crate::tally::Tally;
use words::Words;

/// Returns the report on a run as HTML: decisions; changed decisions with a second policy; rates by segment; errors with labels;
/// drift with times.
///
/// # Errors
/// If the page cannot be rendered, which is a bug.
pub fn report(tally: &Tally, language: Language) -> Result<String, LabError> {
    report_with_sweep(tally, None, language)
}

/// Returns the report of [`report`], with a sweep of the same policy over the same data.
///
/// # Errors
/// If the page cannot be rendered, which is a bug.
pub fn report_with_sweep(
    tally: &Tally,
    sweep: Option<&Sweep>,
    language: Language,
) -> Result<String, LabError> {
    let words = Words::of(language);
    let replay = Replay::of(tally);
    let compare = Compare::of(tally);
    let calibration = Calibration::of(tally, &TARGETS, 1);
    let is_labelled = calibration.genuine.count > 0 && calibration.impostor.count > 0;
    let drift = Drift::of(tally, None, None).ok();
    let segments = SegmentRates::of(tally);
    let knows_people =
        [rests_on(tally, &tally.share()), segments.rests_on].iter().any(|unit| unit.knows_people());
    // Charts by score show the grid only, and would be wrong with a score outside it.
    let outside = tally.outside_grid(Input::VerifyScore);
    let is_on_grid = outside == 0;
    let operating = if is_labelled && is_on_grid { estimated(tally) } else { Vec::new() };
    let svg = Value::from_safe_string;
    let wrong = |error: minijinja::Error| LabProblem::Rendering(error.into()).into_error();
    let mut pages = Environment::new();
    filters::add(&mut pages, words);
    pages.add_template("report.html", include_str!("../web/report.html")).map_err(wrong)?;
    let page = pages.get_template("report.html").map_err(wrong)?;
    page.render(context! {
        lang => words.tag(),
        t => words.all(),
        css => svg(include_str!("../web/report.css").to_owned()),
        verdicts => Verdict::ALL.map(Verdict::as_str),
        days => tally.days.keys().next().zip(tally.days.keys().next_back()).map(|(first, last)| [*first, *last].map(crate::input::time::shown)),
        timezone => tally.timezone.to_string(),
        is_part => tally.is_part,
        people => parts::people(tally),
        left_out => replay.issues.iter().filter(|note| note.left_out).map(|note| note.rows).sum::<u64>(),
        issues => parts::issues(&replay, words),
        failing => parts::first(tally.failing_examples.iter().map(|example| parts::failing(example, words))),
        failing_count => tally.failing_examples.len(),
        skipped => parts::first(tally.skipped.iter().map(|skipped| skipped.text(language))),
        skipped_count => tally.skipped.len(),
        flips => compare.as_ref().map(parts::matrix),
        causes => parts::causes(tally),
        segments => dots::segments(&segments, words),
        knows_people,
        sweep => sweep.map(|sweep| Value::from(Serde(sweep))),
        sweep_plot => sweep.and_then(|sweep| sweeps::errors(sweep, words)).map(svg),
        cost_plot => sweep.and_then(|sweep| sweeps::costs(sweep, words)).map(svg),
        outside,
        histogram => is_on_grid.then(|| svg(charts::histogram(tally, words))),
        errors => (is_labelled && is_on_grid).then(|| svg(charts::errors(tally, &operating, words))),
        auc => calibration.auc,
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
