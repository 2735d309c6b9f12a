//! Confidence bounds of a rate over subjects with several attempts each. Attempts of one subject are not independent.
//!
//! Gaffke's bound (2005; Learned-Miller and Thomas 2019) of a mean, applied to each subject's errors minus the claimed rate
//! times its attempts. It assumes nothing about the distribution of errors over subjects, only that subjects are independent.
//! The method adds one subject that errs in every attempt, with as many attempts as the subject of a random attempt has. Each
//! subject gets an exponential random weight. The claim holds if the weighted sum is rarely positive.
//! With one attempt for each subject this is exactly Clopper and Pearson's bound.
//!
//! The probability is an integral, so no random number is drawn. It is computed to about 8 digits; bounds allow for an error of 1 in
//! 10^7, so that an interval is not narrower than the exact one. Tests confirm the error; it is not proved. If the probability cannot be
//! computed, the bound is 0 or 1.

mod gaffke;
mod paired;

use std::collections::BTreeMap;

use crate::rate::{Confidence, Interval, Rate};
use gaffke::{Gaffke, Subjects};
pub use paired::PairedClusters;

/// Subjects with the same errors and attempts, counted together.
#[derive(Clone, Debug, Default)]
pub struct Clusters {
    counts: BTreeMap<(u64, u64), u64>,
}

/// Adds subjects: the errors, the attempts, and the number of such subjects. Subjects without attempts are ignored. Errors
/// are capped at the attempts.
impl Extend<(u64, u64, u64)> for Clusters {
    fn extend<T: IntoIterator<Item = (u64, u64, u64)>>(&mut self, subjects: T) {
        for (errors, attempts, times) in subjects {
            if attempts > 0 && times > 0 {
                *self.counts.entry((errors.min(attempts), attempts)).or_default() += times;
            }
        }
    }
}

impl FromIterator<Rate> for Clusters {
    fn from_iter<T: IntoIterator<Item = Rate>>(subjects: T) -> Self {
        let mut clusters = Self::default();
        clusters.extend(subjects.into_iter().map(|subject| (subject.count(), subject.of(), 1)));
        clusters
    }
}

impl Clusters {
    /// Returns the number of subjects.
    #[must_use]
    pub fn subjects(&self) -> u64 {
        self.counts.values().sum()
    }

    /// Returns the number of subjects with one attempt each that say as much if all attempts of a subject agree: the square of the
    /// attempts, divided by the sum of the squares of each subject's. 0 without subjects.
    #[must_use]
    pub fn effective_subjects(&self) -> f64 {
        let size = self.size();
        if size > 0.0 { self.rate().of() as f64 / size } else { 0.0 }
    }

    /// Returns the attempts of the subject of a random attempt.
    fn size(&self) -> f64 {
        let squares: f64 =
            self.counts.iter().map(|((_, attempts), times)| (*attempts as f64).powi(2) * *times as f64).sum();
        squares / (self.rate().of() as f64).max(1.0)
    }

    /// Returns the error rate over all attempts.
    #[must_use]
    pub fn rate(&self) -> Rate {
        let sum = |of: fn(&(u64, u64)) -> u64| self.counts.iter().map(|(key, times)| of(key) * times).sum();
        Rate::counted(sum(|(errors, _)| *errors), sum(|(_, attempts)| *attempts))
    }

    /// Returns whether the rate is at most `target` (a fraction) with a confidence. `false` without subjects.
    #[must_use]
    pub fn is_at_most(&self, target: f64, confidence: Confidence) -> bool {
        target > 0.0 && self.side(true).is_some_and(|side| side.p(target) <= confidence.risk())
    }

    /// Returns the two-sided interval of the rate, as fractions. The risk at an end is smaller than the exact one by up to 3 in 10^7. 0 to
    /// 1 without subjects.
    #[must_use]
    pub fn interval(&self, confidence: Confidence) -> Interval {
        let risk = confidence.risk() / 2.0;
        let end = |upper: bool, without: f64| self.side(upper).map_or(without, |side| side.bound(risk));
        Interval { low: end(false, 0.0), high: end(true, 1.0) }
    }

    /// Returns the upper or the lower side of an interval; `None` without subjects.
    fn side(&self, upper: bool) -> Option<Gaffke> {
        let subjects = self.counts.iter().map(|((errors, attempts), times)| Subjects {
            gain: *errors as f64,
            attempts: *attempts as f64,
            times: *times as f64,
        });
        let (limit, other) = if upper { (1.0, 0.0) } else { (0.0, 1.0) };
        Gaffke::new(subjects, limit, other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{clopper_pearson, clopper_pearson_upper};

    /// Whether an interval is that of the exact method, or wider by less than 3 in 10^7 of an end.
    fn is_wider(ours: Interval, exact: Interval) -> bool {
        let is_close = |wider: f64, end: f64| (0.0..=3e-7 * end).contains(&wider);
        is_close(exact.low - ours.low, exact.low) && is_close(ours.high - exact.high, exact.high)
    }

    /// The lower end with one subject who errs in each of `attempts`, and `others` who do not err in their only attempt. The
    /// probability that the weighted sum is positive is elementary: one exponential variable against two sums of others.
    fn exact_low(attempts: f64, others: f64, risk: f64) -> f64 {
        let size = (attempts * attempts + others) / (attempts + others);
        let p = |mean: f64| {
            let unit = attempts * (1.0 - mean);
            -(-others * (mean / unit).ln_1p() - (size * mean / unit).ln_1p()).exp_m1()
        };
        let (mut low, mut high) = (0.0, attempts / (attempts + others));
        for _ in 0..200 {
            let middle = (low + high) / 2.0;
            if p(middle) <= risk {
                low = middle;
            } else {
                high = middle;
            }
        }
        low
    }

    #[test]
    fn the_lower_end_with_one_subject_who_errs_is_exact_and_never_narrower() {
        let mut subjects = vec![(758, 472), (578, 360), (540, 337), (1595, 1063), (1404, 990)];
        let sizes = || (0..48).map(|power| 1.33_f64.powi(power).round() as u64);
        subjects.extend(sizes().flat_map(|attempts| sizes().map(move |others| (attempts, others))));
        for confidence in [Confidence::P90, Confidence::P95, Confidence::P99] {
            for (attempts, others) in &subjects {
                let mut clusters = Clusters::default();
                clusters.extend([(*attempts, *attempts, 1), (0, 1, *others)]);
                let low = clusters.interval(confidence).low;
                let exact = exact_low(*attempts as f64, *others as f64, confidence.risk() / 2.0);
                let wider = exact / low - 1.0;
                assert!((0.0..3e-7).contains(&wider), "{attempts} {others} {confidence:?}: {low} {exact}");
            }
        }
    }

    #[test]
    fn an_end_that_is_close_to_the_observed_rate_is_not_narrower() {
        // Nearly all subjects err, and the risk is small: the means between the end and 1 are few.
        let mut clusters = Clusters::default();
        clusters.extend([(1, 1, 1 << 53), (0, 1, 3)]);
        let risk = 2e-12;
        let low = clusters.interval(Confidence::new(1.0 - risk).unwrap()).low;
        // About Poisson: four or more without an error, where three were seen.
        let p = |low: f64| {
            let missed = (1.0 - low) * (1_u64 << 53) as f64;
            (-missed).exp() * (1.0 + missed + missed.powi(2) / 2.0 + missed.powi(3) / 6.0)
        };
        assert!(p(low) <= risk / 2.0 && p(low + 1.5e-15) > risk / 2.0, "{low}: {}", p(low));
    }

    #[test]
    fn equals_clopper_and_pearson_with_one_attempt_each() {
        for (errors, of) in [
            (0, 30),
            (0, 299),
            (1, 474),
            (3, 1000),
            (10, 100),
            (99, 100),
            (0, 1),
            (1, 1),
            (5, 5),
            (7, 4_000_000),
        ] {
            let mut clusters = Clusters::default();
            clusters.extend([(1, 1, errors), (0, 1, of - errors)]);
            assert_eq!((clusters.rate(), clusters.subjects()), (Rate::counted(errors, of), of));
            let (ours, exact) =
                (clusters.interval(Confidence::P95), clopper_pearson(clusters.rate(), Confidence::P95));
            assert!(is_wider(ours, exact), "{ours:?} {exact:?}");
            let bound = clopper_pearson_upper(clusters.rate(), Confidence::P95);
            assert!(errors == of || clusters.is_at_most(bound * 1.0001, Confidence::P95));
            assert!(!clusters.is_at_most(bound * 0.9999, Confidence::P95));
        }
    }

    #[test]
    fn attempts_of_one_subject_that_agree_count_once() {
        let mut tens = Clusters::default();
        tens.extend([(10, 10, 3), (0, 10, 297)]);
        let exact = clopper_pearson(Rate::counted(3, 300), Confidence::P95);
        let ours = tens.interval(Confidence::P95);
        assert!(is_wider(ours, exact), "{ours:?} {exact:?}");
    }

    #[test]
    fn no_subjects_prove_nothing() {
        let none = Clusters::default();
        assert!(!none.is_at_most(0.9, Confidence::P95) && none.rate() == Rate::counted(0, 0));
        assert_eq!(none.interval(Confidence::P95), Interval { low: 0.0, high: 1.0 });
        let one: Clusters = [Rate::counted(0, 10_000)].into_iter().collect();
        assert!(!one.is_at_most(0.9, Confidence::P95) && one.is_at_most(0.96, Confidence::P95));
    }
}
