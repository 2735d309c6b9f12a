//! Checks of the labels' direction and of the scores' scale. Each analysis with labels has their warnings, and nothing is
//! recommended from data that fail them.

use std::fmt;

use cloudauth_policy::Input;
use serde::Serialize;

use crate::input::row::Label;
use crate::tally::{Tally, add_grid};
use cloudauth_stats::Grid;

/// A reason to doubt the labels or the scale of the scores.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Warning {
    /// The kind of problem.
    pub kind: WarningKind,
    /// The figures in the text.
    #[serde(skip)]
    pub figures: WarningFigures,
    /// The problem in English, with its figures.
    pub text: String,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The figures of a warning. Exhaustive on purpose, as [`WarningKind`] is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum WarningFigures {
    /// The area under the ROC curve.
    Auc(f64),
    /// The share of the scores that identifies a scale, in percent.
    Scale {
        /// The share.
        percent: f64,
        /// Whether the scores are those of genuine people, or else all scores.
        of_genuine: bool,
    },
    /// The share of the genuine attempts without a score, in percent.
    WithoutScore {
        /// The share.
        percent: f64,
        /// The range of scores.
        range: (f64, f64),
    },
}

/// A problem with labels or scores. Exhaustive on purpose: a program that explains it in another language must handle every
/// kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum WarningKind {
    /// The AUC is below 0.5: genuine people score below impostors.
    LabelsSwapped,
    /// The AUC is 0.5: the score does not tell genuine people from impostors.
    NoSeparation,
    /// Nearly all scores are at most 1.
    ScaleTo1,
    /// Nearly all scores are at most 10.
    ScaleTo10,
    /// Most genuine attempts have no score from 0 to 100.
    MostlyWithoutScore,
}

/// The share of scores that identifies a scale.
const NEARLY_ALL: f64 = 0.99;

/// Returns all warnings of a tally, for analyses that have no curve.
pub(in crate::analysis) fn warnings_of(tally: &Tally) -> Vec<Warning> {
    warnings(tally, tally.labelled().curve().auc())
}

/// Returns all warnings of a tally.
pub(super) fn warnings(tally: &Tally, auc: Option<f64>) -> Vec<Warning> {
    let direction = auc.and_then(direction);
    direction.into_iter().chain(scale(tally)).chain(without_score(tally)).collect()
}

fn direction(auc: f64) -> Option<Warning> {
    let (kind, text) = match auc {
        auc if auc < 0.5 => {
            (WarningKind::LabelsSwapped, "genuine people score below impostors; are the labels swapped?")
        }
        0.5 => (WarningKind::NoSeparation, "the score does not tell genuine people from impostors"),
        _ => return None,
    };
    Some(Warning { kind, figures: WarningFigures::Auc(auc), text: format!("AUC is {auc:.3}: {text}") })
}

/// Uses genuine people, who score high; all rows if none is labelled genuine.
fn scale(tally: &Tally) -> Option<Warning> {
    let genuine = tally.scores.get(Label::Genuine.number()).filter(|grid| grid.valid() > 0);
    let (of, scores) = match genuine {
        Some(genuine) => ("the genuine scores", genuine.clone()),
        None => {
            let mut all = Grid::default();
            tally.scores.iter().for_each(|grid| add_grid(&mut all, grid));
            ("all scores", all)
        }
    };
    let share = |most: usize| {
        let within: u64 = scores.counts().iter().take(most * 100 + 1).sum();
        (scores.below() + within) as f64 / scores.valid() as f64
    };
    let scales = [(1, WarningKind::ScaleTo1), (10, WarningKind::ScaleTo10)];
    let (most, kind) = scales.into_iter().find(|(most, _)| share(*most) >= NEARLY_ALL)?;
    let percent = (share(most) * 100.0).floor();
    let text =
        format!("{percent} % of {of} are at most {most}: is the scale 0 to {most} instead of 0 to 100?");
    let figures = WarningFigures::Scale { percent, of_genuine: genuine.is_some() };
    Some(Warning { kind, figures, text })
}

fn without_score(tally: &Tally) -> Option<Warning> {
    let fta = tally.scores.get(Label::Genuine.number())?.fta();
    let share = fta.fraction().filter(|share| *share > 0.5)?;
    let percent = (share * 100.0).floor();
    let (least, most) = tally.decider.range(Input::VerifyScore);
    let text = format!(
        "{percent} % of the genuine attempts have no score from {least} to {most}: is the scale another one?"
    );
    let figures = WarningFigures::WithoutScore { percent, range: (least, most) };
    Some(Warning { kind: WarningKind::MostlyWithoutScore, figures, text })
}
