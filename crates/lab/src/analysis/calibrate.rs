//! Thresholds from labelled history: the observed ones, the proved ones, and the end of the labels.

mod coverage;
mod goal;
mod holdout;
mod outcome;
mod people;
mod target;
mod threshold_errors;
mod warning;

use cloudauth_policy::{Input, VENDOR_TABLE, nominal_far};
use serde::Serialize;

use crate::analysis::attacks::{Attacks, attacks};
use crate::analysis::data_issue::{DataIssue, data_issues};
use crate::analysis::proportion::Proportion;
use crate::analysis::rests_on::RestsOn;
use crate::input::row::Label;
use crate::tally::policy_name::PolicyName;
use crate::tally::{ScoreCut, SubjectScore, Tally};
use cloudauth_stats::grid::HUNDREDTHS;
use cloudauth_stats::{Auc, Confidence, Curve, Estimate, estimates};
pub use coverage::Band;
pub use goal::{TARGETS, TargetRate};
pub use holdout::{Days, Holdout, HoldoutDays, HoldoutPart, HoldoutRate, HoldoutTarget, HoldoutWarning};
pub use outcome::TargetReason;
use people::Persons;
pub use people::{People, WithoutSubject};
use target::Basis;
pub use target::Target;
pub use threshold_errors::ThresholdErrors;
pub(super) use warning::warnings_of;
pub use warning::{Warning, WarningFigures, WarningKind};

/// The calibration of `verify_score` on labelled history: the result of `cloudauth lab calibrate`. A score that reaches the
/// threshold is accepted; rates are fractions from 0 to 1. The figures at the policy's and the vendor's thresholds are exact.
/// All others count scores on a grid, see [`Calibration::score_grid`].
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Calibration {
    /// The policy whose approvals the coverage counts, and whose thresholds are listed.
    pub policy: PolicyName,
    /// Genuine attempts with a score, and those without (failure to acquire).
    pub genuine: Proportion,
    /// Impostor attempts with a score, and those without.
    pub impostor: Proportion,
    /// The area under the ROC curve: the probability that a genuine score is higher than an impostor's, with ties counted as
    /// half. `None` with a score outside the grid.
    pub auc: Option<f64>,
    /// The 95 % interval of the area. `None` where there is no area, with fewer than two genuine attempts or two impostors (over
    /// people, two people), and if all genuine scores are above all others: the method then has no variance.
    pub auc_interval: Option<AucInterval>,
    /// The equal error rate, where both error rates meet. It compares matchers; do not choose a threshold by it. `None` with a
    /// score outside the grid.
    pub eer: Option<Eer>,
    /// The errors at the vendor's thresholds.
    pub vendor: Vec<ThresholdErrors>,
    /// The errors at every value that the policy compares with the score, named or not, ascending.
    pub thresholds: Vec<ThresholdErrors>,
    /// Reasons to doubt the labels or the scale of the scores. Nothing is recommended while there is one.
    pub warnings: Vec<Warning>,
    /// The step of the grid. Scores are rounded down to it for all other figures: AUC, EER, targets, curve.
    pub score_grid: f64,
    /// Valid scores outside the grid of 0 to 100, which a policy's range can take in. With one of them, no figure that counts
    /// scores on the grid is available: AUC, EER, targets, bands.
    pub outside_grid: u64,
    /// The labelled attempts without a subject. `None` where no labelled row has a subject, or there were too many labelled rows.
    pub without_subject: Option<WithoutSubject>,
    /// The result for each target rate.
    pub targets: Vec<Target>,
    /// The label coverage by points of the score. Empty with a score outside the grid.
    pub bands: Vec<Band>,
    /// The score below which there are too few labels to recommend a threshold. `None` if labels cover the scale. If labels are
    /// missing at random, this is wrong in at most 1 of 100 logs.
    pub labels_stop_below: Option<f64>,
    /// Presentation attacks, by the attack score.
    pub attacks: Option<Attacks>,
    /// The data issues of the run.
    pub issues: Vec<DataIssue>,
}

/// The interval of an area under the ROC curve: DeLong's, over people Obuchowski's ([`cloudauth_stats::Auc::of_subjects`]).
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct AucInterval {
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
    /// What it counts as independent.
    pub rests_on: RestsOn,
}

impl AucInterval {
    fn of(tally: &Tally, curve: &Curve) -> Option<Self> {
        let rests_on = people::rests_on(&[tally]);
        let auc = match rests_on.knows_people() {
            true => {
                let row = |kept: &SubjectScore| Some((kept.subject, kept.score()?, kept.is_genuine));
                Auc::of_subjects(curve, tally.kept.iter().filter_map(row))
            }
            false => Auc::of(curve),
        };
        let interval = auc.filter(|auc| auc.variance > 0.0)?.logit_interval(Confidence::P95);
        Some(Self { low: interval.low, high: interval.high, rests_on })
    }
}

/// The equal error rate.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Eer {
    /// The lower of both rates at `threshold`.
    pub low: f64,
    /// The higher of both rates.
    pub high: f64,
    /// The middle of both rates.
    pub mid: f64,
    /// The observed score at which the rates are taken: of the two scores around the crossing, the one where the sum of both
    /// rates is lower (FVC2000).
    pub threshold: f64,
}

impl Calibration {
    /// Calibrates the counts of a run for these targets. `step` is the resolution of a threshold, in hundredths of a point.
    #[must_use]
    pub fn of<T: Clone + Into<TargetRate>>(tally: &Tally, targets: &[T], step: u32) -> Self {
        let decider = &tally.decider;
        let labelled = tally.labelled();
        let curve = labelled.curve();
        let bands = coverage::bands(tally);
        let of_vendor =
            |(score, _): &(f64, _)| labelled.at(*score).map(|point| ThresholdErrors::of(None, point));
        let of_policy = |cut: &ScoreCut| {
            let name = cut.name.as_deref();
            // A threshold without counts has unknown errors and stays in the list.
            let unknown =
                || ThresholdErrors::new(name, cut.value, (Proportion::new(0, 0), Proportion::new(0, 0)));
            let at = labelled.at(cut.boundary).map_or_else(unknown, |point| ThresholdErrors::of(name, point));
            let vendor_far = nominal_far(cut.value);
            ThresholdErrors { threshold: cut.value, exclusive: cut.exclusive, vendor_far, ..at }
        };
        let auc = curve.auc();
        let warnings = warning::warnings(tally, auc);
        let outside_grid = tally.outside_grid(Input::VerifyScore);
        let without_subject = WithoutSubject::of(tally);
        let (rests_on, persons) = Persons::of(tally, without_subject);
        let basis = Basis {
            curve: &curve,
            step,
            stop: coverage::labels_stop_below(&bands),
            persons,
            rests_on,
            outside: outside_grid,
            warning: warnings.first().cloned(),
        };
        // Several targets can have the same threshold.
        let mut done: Vec<People> = Vec::new();
        let mut people = |threshold: f64| {
            if let Some(people) = done.iter().find(|people| people.threshold == threshold) {
                return Some(*people);
            }
            let people = basis.persons.filter(|_| rests_on == RestsOn::People)?.at(threshold);
            done.push(people);
            Some(people)
        };
        let target = |target: &T| Target::of(&target.clone().into(), &basis, &mut people);
        let with_score = |label: Label| {
            let scores = tally.scores.get(label.number());
            let (valid, invalid) = scores.map_or((0, 0), |scores| (scores.valid(), scores.invalid()));
            Proportion::new(valid, valid + invalid)
        };
        Self {
            policy: decider.name(),
            genuine: with_score(Label::Genuine),
            impostor: with_score(Label::Impostor),
            auc,
            auc_interval: AucInterval::of(tally, &curve),
            eer: curve.eer().map(|eer| Eer {
                low: eer.low,
                high: eer.high,
                mid: eer.mid(),
                threshold: eer.threshold,
            }),
            vendor: VENDOR_TABLE.iter().filter_map(of_vendor).collect(),
            thresholds: decider.cuts_of(Input::VerifyScore).map(of_policy).collect(),
            score_grid: 1.0 / f64::from(HUNDREDTHS),
            outside_grid,
            without_subject,
            targets: targets.iter().map(target).collect(),
            bands,
            warnings,
            labels_stop_below: basis.stop,
            attacks: attacks(tally),
            issues: data_issues(tally),
        }
    }
}

/// Returns the errors at every hundredth from 0 to 100 and at the policy's own thresholds between them, for plots and tables.
#[must_use]
pub fn curve(tally: &Tally) -> Vec<ThresholdErrors> {
    let told = |at: Estimate| {
        let rates =
            (Proportion::estimated(at.point.fmr, at.fmr), Proportion::estimated(at.point.fnmr, at.fnmr));
        ThresholdErrors::new(None, at.point.threshold, rates)
    };
    estimated(tally).into_iter().map(told).collect()
}

/// Returns these errors as estimates of the statistics crate.
pub(crate) fn estimated(tally: &Tally) -> Vec<Estimate> {
    let grid = tally.labelled();
    // Scores above the grid are counted at its end, which is not a threshold of the policy.
    let is_cut =
        |at: f64| at <= 100.0 || tally.decider.cuts_of(Input::VerifyScore).any(|cut| cut.boundary == at);
    let points = grid.operating_points();
    estimates(points.filter(|point| point.threshold.is_finite() && is_cut(point.threshold)), Confidence::P95)
}

#[cfg(test)]
mod tests {
    use cloudauth_policy::{Policy, builtin};

    use super::*;

    #[test]
    fn rows_of_too_many_people_fall_back_to_attempts_and_say_so() {
        let policy = Policy::parse(builtin::ONBOARDING).unwrap();
        let mut tally = Tally::new(&policy, None, &[]);
        tally.scores[Label::Impostor.number()].add(&[60.0; 100]);
        let rests_on = |tally: &Tally| {
            let target = Calibration::of(tally, &[0.1], 1).targets.remove(0);
            assert_eq!(
                (target.recommended, target.proved_over_people, target.people),
                (Some(60.01), None, None)
            );
            target.rests_on
        };
        assert_eq!(rests_on(&tally), RestsOn::Attempts);
        tally.kept_all = false;
        assert_eq!(rests_on(&tally), RestsOn::AttemptsOfTooMany);
    }
}
