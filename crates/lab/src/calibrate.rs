//! Thresholds from labelled history: what the data show, what they prove, and where they stop.

mod coverage;
mod people;

use cloudauth_policy::{VENDOR_TABLE, nominal_far};
use serde::Serialize;

use crate::attacks::{Attacks, attacks};
use crate::proportion::Proportion;
use crate::replay::PolicyName;
use crate::row::Label;
use crate::stats::{
    Confidence, Curve, Estimate, OperatingPoint, Step, estimates, threshold, threshold_interval,
    threshold_with,
};
use crate::tally::Tally;
use crate::told::{Told, told};
pub use coverage::Band;
pub use people::People;

/// Targets that the vendor's table has.
pub const TARGETS: [f64; 5] = [1e-3, 5e-4, 1e-4, 5e-5, 1e-5];

/// What labelled history says of `verify_score`: the answer of `cloudauth lab calibrate`. Accepted is who reaches the threshold.
/// Scores count in hundredths, at which all figures are exact; rates are shares from 0 to 1.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Calibration {
    /// Whose approvals the coverage is of, and whose thresholds are told.
    pub policy: PolicyName,
    /// Genuine attempts with a score, and those without (failure to acquire).
    pub genuine: Proportion,
    /// Impostors likewise.
    pub impostor: Proportion,
    /// The area under the ROC curve: how often a genuine score is above an impostor's, ties half.
    pub auc: Option<f64>,
    /// Where both error rates meet. Not a way to choose a threshold.
    pub eer: Option<Eer>,
    /// At the vendor's thresholds.
    pub vendor: Vec<At>,
    /// At the policy's own.
    pub thresholds: Vec<At>,
    /// For each target.
    pub targets: Vec<Target>,
    /// By points of the score, who got a label.
    pub bands: Vec<Band>,
    /// Below this the labels stop, so that no threshold there can be recommended. `None` if they do not.
    pub labels_stop_below: Option<f64>,
    /// Of the attack score.
    pub attacks: Option<Attacks>,
    /// What was not understood, and which rows were left out.
    pub notes: Vec<Told>,
}

/// The equal error rate.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Eer {
    /// The lower of both rates where they cross.
    pub low: f64,
    /// The higher.
    pub high: f64,
    /// Their middle.
    pub mid: f64,
    /// The threshold there.
    pub threshold: f64,
}

/// The errors at a threshold.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct At {
    /// What the policy calls it.
    pub name: Option<String>,
    /// Who reaches it is accepted.
    pub threshold: f64,
    /// What the vendor's table says or implies of it, from 70 to 80.
    pub vendor_far: Option<f64>,
    /// Impostors accepted.
    pub fmr: Proportion,
    /// Genuine people refused.
    pub fnmr: Proportion,
}

/// What the data say of a target for the false match rate.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Target {
    /// At most this share of impostors is to be accepted.
    pub fmr: f64,
    /// The smallest threshold at which no more were. Half the time it is too low.
    pub shown: Option<At>,
    /// The smallest at which the true rate is no higher, with 95 % confidence. `None` if there are too few impostors.
    pub proved: Option<At>,
    /// Between these the threshold lies that has exactly this rate, with 95 % confidence. Open where the data say nothing.
    pub between: Option<(Option<f64>, Option<f64>)>,
    /// How many impostors without an error it would take.
    pub needed: Option<u64>,
    /// By people instead of attempts, where the mapping names them.
    pub people: Option<People>,
    /// The one to take: what is proved, if labels reach that far down.
    pub recommended: Option<f64>,
    /// Why none, or what to mind.
    pub words: String,
}

impl Calibration {
    /// Of what a run has counted, for these targets. `step` is how fine a threshold may be, in hundredths of a point.
    #[must_use]
    pub fn of(tally: &Tally, targets: &[f64], step: u32) -> Self {
        let decider = &tally.decider;
        let curve = tally.labelled().curve();
        let bands = coverage::bands(tally);
        let stop = coverage::labels_stop_below(&bands);
        let at = |name: Option<&str>, threshold: f64| At::of(name, curve.at(threshold));
        // Targets share thresholds, and to draw people takes long.
        let mut drawn: Vec<(f64, Option<People>)> = Vec::new();
        let mut people = |threshold: f64| match drawn.iter().find(|(other, _)| *other == threshold) {
            Some((_, people)) => *people,
            None => {
                let people = people::of(tally, threshold);
                drawn.push((threshold, people));
                people
            }
        };
        let target = |fmr: &f64| Target::of(*fmr, &curve, step, stop, &mut people);
        let with_score = |label: Label| {
            let scores = tally.scores.get(label.number());
            let (valid, invalid) = scores.map_or((0, 0), |scores| (scores.valid(), scores.invalid()));
            Proportion::new(valid, valid + invalid)
        };
        Self {
            policy: decider.name(),
            genuine: with_score(Label::Genuine),
            impostor: with_score(Label::Impostor),
            auc: curve.auc(),
            eer: curve.eer().map(|eer| Eer {
                low: eer.low,
                high: eer.high,
                mid: eer.mid(),
                threshold: eer.threshold,
            }),
            vendor: VENDOR_TABLE.iter().map(|(score, _)| at(None, *score)).collect(),
            thresholds: decider.thresholds.iter().map(|(name, score)| at(Some(name), *score)).collect(),
            targets: targets.iter().map(target).collect(),
            bands,
            labels_stop_below: stop,
            attacks: attacks(tally),
            notes: told(&tally.notes),
        }
    }
}

/// The errors at every hundredth from 0 to 100, for plots and tables of one's own.
#[must_use]
pub fn curve(tally: &Tally) -> Vec<At> {
    let told = |at: Estimate| {
        let rates =
            (Proportion::estimated(at.point.fmr, at.fmr), Proportion::estimated(at.point.fnmr, at.fnmr));
        At::new(None, at.point.threshold, rates)
    };
    estimated(tally).into_iter().map(told).collect()
}

/// The same, as the statistics have it.
pub(crate) fn estimated(tally: &Tally) -> Vec<Estimate> {
    let grid = tally.labelled();
    estimates(grid.operating_points().filter(|point| point.threshold.is_finite()), Confidence::P95)
}

impl At {
    fn new(name: Option<&str>, threshold: f64, (fmr, fnmr): (Proportion, Proportion)) -> Self {
        Self { name: name.map(str::to_owned), threshold, vendor_far: nominal_far(threshold), fmr, fnmr }
    }

    fn of(name: Option<&str>, point: OperatingPoint) -> Self {
        Self::new(name, point.threshold, (Proportion::of(point.fmr), Proportion::of(point.fnmr)))
    }
}

impl Target {
    fn of(
        fmr: f64,
        curve: &Curve,
        step: u32,
        stop: Option<f64>,
        people: impl FnOnce(f64) -> Option<People>,
    ) -> Self {
        let step = Step::Hundredths(step);
        let on_scale = |point: OperatingPoint| {
            // Where all may be accepted, the scale begins.
            let point = if point.threshold < 0.0 { curve.at(0.0) } else { point };
            Some(At::of(None, point)).filter(|at| at.threshold <= 100.0)
        };
        let shown = threshold(curve, fmr, step).and_then(|chosen| on_scale(chosen.point));
        let proved = threshold_with(curve, fmr, Confidence::P95, step);
        let needed = crate::stats::attempts_needed(fmr, 0, Confidence::P95);
        let bound = |score: f64| score.is_finite().then_some(score);
        let between = threshold_interval(curve, fmr, Confidence::P95);
        let (proved, recommended, words) = match proved {
            Ok(chosen) => {
                let proved = on_scale(chosen.point);
                let found = proved.as_ref().map(|at| at.threshold);
                match (found, stop) {
                    (Some(found), Some(stop)) if found < stop => (
                        proved,
                        None,
                        format!(
                            "labels stop below {stop}: who scored less was rarely looked at, so that {found} rests on the few who were"
                        ),
                    ),
                    (Some(found), _) => {
                        let words = format!(
                            "{found} keeps it: of {} impostors {} reach it, and up to {} may",
                            curve.impostor(),
                            chosen.point.fmr.count(),
                            chosen.allowed
                        );
                        (proved, Some(found), words)
                    }
                    (None, _) => (None, None, "no threshold up to 100 keeps it".to_owned()),
                }
            }
            Err(few) => (None, None, few_in_words(fmr, few.have, few.need)),
        };
        let people = proved.as_ref().or(shown.as_ref()).and_then(|at| people(at.threshold));
        Self {
            fmr,
            shown,
            proved,
            between: between.map(|between| (bound(between.scores.low), bound(between.scores.high))),
            needed,
            people,
            recommended,
            words,
        }
    }
}

/// The rule of 3, in words.
fn few_in_words(fmr: f64, have: u64, need: Option<u64>) -> String {
    let target = format!("1/{:.0}", 1.0 / fmr);
    match need {
        Some(need) => format!(
            "your data cannot support {target}: {need} labelled impostors without an error would be needed (about 3 times {:.0}), you have {have}",
            1.0 / fmr
        ),
        None => format!("no data can support {target}"),
    }
}
