//! The threshold for a target rate: observed, proved and recommended.

use serde::Serialize;

use super::goal::TargetRate;
use super::outcome::TargetReason;
use super::people::{People, Persons};
use super::threshold_errors::ThresholdErrors;
use super::warning::Warning;
use crate::analysis::rests_on::RestsOn;
use cloudauth_stats::{
    Confidence, Curve, OperatingPoint, ThresholdStep, attempts_needed, threshold, threshold_interval,
    threshold_with,
};

/// The result for one target of the false match rate.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Target {
    /// The target: the highest acceptable share of accepted impostors.
    pub fmr: f64,
    /// The target as it was written.
    pub target: String,
    /// The smallest threshold at which the observed rate is at most the target. Half the time it is too low.
    pub shown: Option<ThresholdErrors>,
    /// The smallest threshold at which the true rate is at most the target with 95 % confidence, if attempts are independent.
    /// `None` if there are too few impostors.
    pub proved: Option<ThresholdErrors>,
    /// The smallest threshold, not below `proved`, at which the true rate is at most the target with 95 % confidence, if
    /// people are independent. Attempts without a subject count as one person each. `None` where no labelled row has a
    /// subject, or the impostors are too few people.
    pub proved_over_people: Option<ThresholdErrors>,
    /// The 95 % confidence interval of the threshold that has exactly this rate, if attempts are independent. An end is open
    /// where the data give no bound.
    pub between: Option<(Option<f64>, Option<f64>)>,
    /// The number of impostors without an error that would prove the target, if attempts are independent.
    pub needed: Option<u64>,
    /// The rates over people, if the mapping names subjects.
    pub people: Option<People>,
    /// The unit that the recommendation treats as independent.
    pub rests_on: RestsOn,
    /// The recommended threshold: the proved one, if labels reach that far down and there is no warning.
    pub recommended: Option<f64>,
    /// The threshold that would be recommended without the warnings.
    pub withheld: Option<f64>,
    /// The reason why no threshold is recommended, or the basis of the recommendation.
    #[serde(skip)]
    pub reason: Option<TargetReason>,
    /// The reason in English.
    pub words: String,
}

/// The inputs that all targets of a calibration share.
pub(super) struct Basis<'a> {
    pub(super) curve: &'a Curve,
    pub(super) step: u32,
    pub(super) stop: Option<f64>,
    pub(super) persons: Option<Persons<'a>>,
    pub(super) rests_on: RestsOn,
    /// The number of scores outside the grid. With any, targets are not available.
    pub(super) outside: u64,
    /// The first warning.
    pub(super) warning: Option<Warning>,
}

impl Target {
    /// `people` returns the rates over people at a threshold.
    pub(super) fn of(
        target: &TargetRate,
        basis: &Basis<'_>,
        people: impl FnOnce(f64) -> Option<People>,
    ) -> Self {
        let (curve, fmr, step) = (basis.curve, target.rate(), ThresholdStep::Hundredths(basis.step));
        if basis.outside > 0 {
            return Self::not_available(target, basis);
        }
        let on_scale = |point: OperatingPoint| {
            // If every score may be accepted, the threshold is the start of the scale.
            let point = if point.threshold < 0.0 { curve.at(0.0) } else { point };
            Some(ThresholdErrors::of(None, point)).filter(|at| at.threshold <= 100.0)
        };
        let shown = threshold(curve, fmr, step).and_then(|chosen| on_scale(chosen.point));
        let chosen = threshold_with(curve, fmr, Confidence::P95, step);
        let allowed = chosen.as_ref().map_or(0, |chosen| chosen.allowed);
        let few = chosen.as_ref().err().map(|few| TargetReason::TooFewImpostors {
            target: target.to_string(),
            one_in: 1.0 / target.rate(),
            have: few.have,
            need: few.need,
        });
        let proved = chosen.ok().and_then(|chosen| on_scale(chosen.point));
        let proved_over_people = proved
            .as_ref()
            .and_then(|at| basis.over_people(at.threshold, fmr))
            .map(|at| ThresholdErrors::of(None, curve.at(at)));
        let best = if basis.persons.is_some() { &proved_over_people } else { &proved };
        let of_people = proved_over_people.as_ref().or(proved.as_ref()).or(shown.as_ref());
        let people = of_people.and_then(|at| people(at.threshold));
        let found = best.as_ref().map(|at| at.threshold);
        let refused = match (few, &proved, best) {
            (Some(few), ..) => Some(few),
            (None, None, _) => Some(TargetReason::NoThreshold),
            (None, Some(_), None) => Some(match people {
                Some(people) => {
                    TargetReason::TooFewPeople { impostors: curve.impostor(), people: people.impostors }
                }
                None => TargetReason::FrequentImpostors,
            }),
            (None, Some(_), Some(best)) => basis
                .stop
                .filter(|stop| best.threshold < *stop)
                .map(|below| TargetReason::LabelsStop { below, threshold: best.threshold }),
        };
        let (recommended, withheld, reason) = match (refused, &basis.warning, best) {
            (None, None, Some(best)) => (found, None, Some(basis.reason(best, people, allowed))),
            (None, Some(warning), _) => (None, found, Some(TargetReason::Withheld(warning.clone()))),
            (Some(refused), ..) => (None, None, Some(refused)),
            (None, None, None) => (None, None, None),
        };
        let bound = |score: f64| score.is_finite().then_some(score);
        let between = threshold_interval(curve, fmr, Confidence::P95);
        Self {
            fmr,
            target: target.to_string(),
            shown,
            between: between.map(|between| (bound(between.scores.low), bound(between.scores.high))),
            needed: attempts_needed(fmr, 0, Confidence::P95),
            people,
            rests_on: basis.rests_on,
            recommended,
            withheld,
            words: reason.as_ref().map(ToString::to_string).unwrap_or_default(),
            reason,
            proved,
            proved_over_people,
        }
    }

    /// Returns the result without thresholds: above the grid, neighbouring thresholds and the end of the labels cannot be
    /// distinguished.
    fn not_available(target: &TargetRate, basis: &Basis<'_>) -> Self {
        let reason = TargetReason::OutsideGrid { scores: basis.outside };
        Self {
            fmr: target.rate(),
            target: target.to_string(),
            shown: None,
            proved: None,
            proved_over_people: None,
            between: None,
            needed: attempts_needed(target.rate(), 0, Confidence::P95),
            people: None,
            rests_on: basis.rests_on,
            recommended: None,
            withheld: None,
            words: reason.to_string(),
            reason: Some(reason),
        }
    }
}

impl Basis<'_> {
    /// Returns the smallest threshold, not below `least`, that is proved over people. Bisection finds it, because fewer
    /// errors prove more.
    fn over_people(&self, least: f64, fmr: f64) -> Option<f64> {
        let persons = self.persons?;
        let step = f64::from(self.step.max(1));
        let at = |multiple: u32| f64::from(multiple) * step / 100.0;
        let proves = |multiple: u32| persons.proves(at(multiple), fmr, Confidence::P95);
        let (mut low, mut high) = ((least * 100.0 / step).round() as u32, (10_000.0 / step).floor() as u32);
        if low > high || !proves(high) {
            return None;
        }
        while low < high {
            let middle = low + (high - low) / 2;
            if proves(middle) {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        Some(at(high))
    }

    fn reason(&self, best: &ThresholdErrors, people: Option<People>, allowed: u64) -> TargetReason {
        let (threshold, impostors, reach) = (best.threshold, self.curve.impostor(), best.fmr.count);
        match people {
            Some(people) => {
                TargetReason::KeptOverPeople { threshold, impostors, people: people.impostors, reach }
            }
            None if self.rests_on == RestsOn::AttemptsWithoutSubject => {
                TargetReason::KeptWithoutSubject { threshold, impostors, reach }
            }
            None => TargetReason::Kept { threshold, impostors, reach, allowed },
        }
    }
}
