//! The report: one HTML file that loads nothing from elsewhere, so that it can be sent around.

mod charts;
mod dots;
mod filters;
mod holdout;
mod parts;
mod plot;
mod scale;
mod sweeps;
mod words;

use cloudauth_policy::{Input, Verdict};
use cloudauth_protocol::acts_on_display;
use minijinja::value::Serde;
use minijinja::{Environment, Value, context};
use serde::Serialize;

use crate::analysis::calibrate::{Calibration, Holdout, TargetRate, estimated};
use crate::analysis::compare::{Compare, rests_on};
use crate::analysis::drift::Drift;
use crate::analysis::plan::{ComparePlans, ReviewPlans};
use crate::analysis::replay::Replay;
use crate::analysis::segment_rates::SegmentRates;
use crate::analysis::sweep::Sweep;
use crate::error::{LabError, LabProblem};
use crate::language::Language;
use crate::tally::Tally;
use words::Words;

/// All analyses of a run: the result of `cloudauth lab report`. The page of [`Report::html`] draws them, and the document that a
/// report serializes to has their figures.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Report<'t> {
    #[serde(skip)]
    tally: &'t Tally,
    /// The decisions.
    pub replay: Replay,
    /// The changed decisions. `None` with one policy.
    pub compare: Option<Compare>,
    /// The labelled attempts that would show the differences between the policies. `None` with one policy.
    pub attempts_needed: Option<ComparePlans>,
    /// The rates by segment, and of two segments that the run crossed ([`Lab::cross`](crate::Lab::cross)).
    pub segments: SegmentRates,
    /// The errors. `None` without a labelled impostor and a labelled genuine attempt that have a score.
    pub calibration: Option<Calibration>,
    /// The drift of the last month against the months before. `None` with fewer than two months.
    pub drift: Option<Drift>,
    /// A sweep of the same policy over the same data: `None` until it is set.
    pub sweep: Option<Sweep>,
    /// Thresholds of the same policy, chosen on some days of the data and tested on others: `None` until it is set.
    pub holdout: Option<Holdout>,
    /// The reviewers that the decisions need: `None` until it is set.
    pub reviewers: Option<ReviewPlans>,
}

impl<'t> Report<'t> {
    /// Analyzes the counts of a run. `targets` are the target rates of the calibration, such as [`TARGETS`](crate::TARGETS).
    #[must_use]
    pub fn of<T: Clone + Into<TargetRate>>(tally: &'t Tally, targets: &[T]) -> Self {
        let calibration = Calibration::of(tally, targets, 1);
        let is_labelled = calibration.genuine.count > 0 && calibration.impostor.count > 0;
        let compare = Compare::of(tally);
        Self {
            tally,
            replay: Replay::of(tally),
            attempts_needed: compare.as_ref().map(ComparePlans::of),
            compare,
            segments: SegmentRates::of(tally),
            calibration: is_labelled.then_some(calibration),
            drift: Drift::of(tally, None, None).ok(),
            sweep: None,
            holdout: None,
            reviewers: None,
        }
    }

    /// Returns the page, one HTML file.
    ///
    /// # Errors
    /// If the page cannot be rendered, which is a bug.
    pub fn html(&self, language: Language) -> Result<String, LabError> {
        let wrong = |error: minijinja::Error| LabProblem::Rendering(error.into()).into_error();
        let words = Words::of(language);
        let mut pages = Environment::new();
        filters::add(&mut pages, words);
        pages.add_template("report.html", include_str!("../web/report.html")).map_err(wrong)?;
        let page = pages.get_template("report.html").and_then(|page| page.render(self.values(words)));
        page.map(readable).map_err(wrong)
    }

    /// Returns what the page shows.
    fn values(&self, words: Words) -> Value {
        let Self { tally, replay, compare, segments, calibration, drift, sweep, holdout, .. } = self;
        // Charts by score show the grid only, and would be wrong with a score outside it.
        let outside = tally.outside_grid(Input::VerifyScore);
        let is_on_grid = outside == 0;
        let labelled = calibration.as_ref().filter(|_| is_on_grid);
        let operating = labelled.map(|_| estimated(tally)).unwrap_or_default();
        let knows_people =
            [rests_on(tally, &tally.share()), segments.rests_on].iter().any(|unit| unit.knows_people());
        let auc = calibration.as_ref().and_then(|calibration| calibration.auc);
        let svg = Value::from_safe_string;
        context! {
            lang => words.tag(),
            t => words.all(),
            css => svg(include_str!("../web/report.css").to_owned()),
            verdicts => Verdict::ALL.map(Verdict::as_str),
            days => tally.days.keys().next().zip(tally.days.keys().next_back()).map(|(first, last)| [*first, *last].map(crate::input::time::shown)),
            timezone => tally.timezone.to_string(),
            is_part => tally.is_part,
            people => parts::people(tally),
            left_out => replay.issues.iter().filter(|note| note.left_out).map(|note| note.rows).sum::<u64>(),
            issues => parts::issues(replay, words),
            failing => parts::first(tally.failing_examples.iter().map(|example| parts::failing(example, words))),
            failing_count => tally.failing_examples.len(),
            skipped => parts::first(tally.skipped.iter().map(|skipped| skipped.text(words.language()))),
            skipped_count => tally.skipped.len(),
            flips => compare.as_ref().map(parts::matrix),
            causes => parts::causes(tally),
            segments => dots::segments(segments, words),
            knows_people,
            sweep => sweep.as_ref().map(|sweep| Value::from(Serde(sweep))),
            sweep_plot => sweep.as_ref().and_then(|sweep| sweeps::errors(sweep, words)).map(svg),
            cost_plot => sweep.as_ref().and_then(|sweep| sweeps::costs(sweep, words)).map(svg),
            outside,
            histogram => is_on_grid.then(|| svg(charts::histogram(tally, words))),
            errors => labelled.map(|_| svg(charts::errors(tally, &operating, words))),
            auc,
            is_separate => auc == Some(1.0),
            det => charts::det(&operating, words).map(svg),
            holdout => holdout.as_ref().map(|found| holdout::shown(found, words)),
            needed => self.attempts_needed.as_ref().map(|needed| Value::from(Serde(needed))),
            reviewers => self.reviewers.as_ref().map(|plans| Value::from(Serde(plans))),
            coverage => labelled.map(|calibration| svg(charts::coverage(tally, calibration, words))),
            drift_plots => drift.as_ref().filter(|_| is_on_grid).map(|drift| charts::drift(drift, words).map(svg)),
            drift_bands => drift.as_ref().map(parts::bands),
            day_plot => charts::days(tally, words).map(svg),
            calibration => calibration.as_ref().map(|calibration| Value::from(Serde(calibration))),
            people_at => calibration.as_ref().map(parts::people_at),
            replay => Value::from(Serde(replay)),
            matcher_finding => compare.as_ref().and_then(|compare| Some(compare.matchers?.finding.text(words.language()))),
            compare => compare.as_ref().map(|compare| Value::from(Serde(compare))),
            drift => drift.as_ref().map(|drift| Value::from(Serde(drift))),
        }
    }
}

/// Replaces characters that no text of the page has, and a name in the data can have: control characters, which HTML does not allow, and
/// those that change the direction of the text that follows.
fn readable(page: String) -> String {
    let acts = |c: char| acts_on_display(c) && c != '\n';
    if page.contains(acts) { page.replace(acts, "\u{fffd}") } else { page }
}
