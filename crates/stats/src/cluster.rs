//! Confidence bounds of a rate over subjects with several attempts each. Attempts of one subject are not independent.
//!
//! Gaffke's bound (2005; Learned-Miller and Thomas 2019) of a mean, applied to each subject's errors minus the claimed rate
//! times its attempts. It assumes nothing about the distribution of errors over subjects, only that subjects are independent.
//! The method adds one subject that errs in every attempt, with as many attempts as the subject of a random attempt has. Each
//! subject gets an exponential random weight. The claim holds if the weighted sum is rarely positive.
//! With one attempt for each subject this is exactly Clopper and Pearson's bound.
//!
//! The probability comes from the characteristic function (Davies 1973), so no random number is drawn.

mod paired;

use std::collections::BTreeMap;
use std::f64::consts::{PI, TAU};

use crate::rate::{Confidence, Interval, Rate};
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
        !self.counts.is_empty() && target > 0.0 && self.above(target, true) <= confidence.risk()
    }

    /// Returns the two-sided interval of the rate, as fractions, at most 1 in 10,000 wider at each end. 0 to 1 without
    /// subjects.
    #[must_use]
    pub fn interval(&self, confidence: Confidence) -> Interval {
        let risk = confidence.risk() / 2.0;
        let Some(seen) = self.rate().fraction() else {
            return Interval { low: 0.0, high: 1.0 };
        };
        let low = if seen == 0.0 { 0.0 } else { bisect(0.0, seen, |p| 1.0 - self.above(p, false) <= risk) };
        let high = if seen == 1.0 { 1.0 } else { bisect(1.0, seen, |p| self.above(p, true) <= risk) };
        Interval { low, high }
    }

    /// Returns the probability that the weighted sum of errors minus `p` times attempts is positive, with one more subject that
    /// always errs, or never errs.
    fn above(&self, p: f64, errs: bool) -> f64 {
        let size = self.size();
        let more = (if errs { size * (1.0 - p) } else { -size * p }, 1.0);
        let subjects = self
            .counts
            .iter()
            .map(|((errors, attempts), times)| (*errors as f64 - p * *attempts as f64, *times as f64));
        positive(&subjects.chain([more]).filter(|(weight, _)| *weight != 0.0).collect::<Vec<_>>())
    }
}

/// Returns the point closest to `near` at which `holds` is true, to 1 in 10,000. `holds` is true at `far`, and may be false
/// at `near`.
fn bisect(far: f64, near: f64, holds: impl Fn(f64) -> bool) -> f64 {
    let (mut far, mut near) = (far, near);
    for _ in 0..60 {
        // Small rates need a geometric middle.
        let (least, most) = (far.min(near), far.max(near));
        let middle =
            if least > 0.0 && most / least > 4.0 { (least * most).sqrt() } else { (least + most) / 2.0 };
        if (far - near).abs() <= 1e-4 * most {
            break;
        }
        if holds(middle) {
            far = middle;
        } else {
            near = middle;
        }
    }
    far
}

/// The most terms of the sum, more than any practical sum needs.
const MOST_TERMS: u32 = 300_000;
/// The precision of the probability. A sum that ends at a term of this size is off by at most a sixth of it.
const ERROR: f64 = 1e-6;

/// Returns the probability that a weighted sum of independent gamma variables is positive, from their weights and shapes.
/// Returns NaN, which proves nothing, after too many terms.
fn positive(terms: &[(f64, f64)]) -> f64 {
    if terms.iter().all(|(weight, _)| *weight > 0.0) {
        return 1.0;
    }
    if terms.iter().all(|(weight, _)| *weight < 0.0) {
        return 0.0;
    }
    let sum = |of: fn(f64) -> f64| terms.iter().map(|(weight, shape)| of(*weight) * shape).sum::<f64>();
    let most = terms.iter().map(|(weight, _)| weight.abs()).fold(0.0, f64::max);
    // The probability that the sum is beyond this point is less than the error.
    let step = TAU / (sum(|weight| weight).abs() + 7.0 * sum(|weight| weight * weight).sqrt() + 15.0 * most);
    let mut total = 0.0;
    for term in 0..MOST_TERMS {
        let at = f64::from(term) + 0.5;
        let (mut size, mut angle) = (0.0, 0.0);
        for (weight, shape) in terms {
            let x = weight * at * step;
            size -= shape / 2.0 * (x * x).ln_1p();
            angle += shape * x.atan();
        }
        let size = size.exp();
        total += size * angle.sin() / at;
        if size < ERROR {
            return (0.5 + total / PI).clamp(0.0, 1.0);
        }
    }
    f64::NAN
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{clopper_pearson, clopper_pearson_upper};

    #[test]
    fn equals_clopper_and_pearson_with_one_attempt_each() {
        for (errors, of) in
            [(0, 30), (0, 299), (1, 474), (3, 1000), (10, 100), (99, 100), (0, 1), (1, 1), (5, 5)]
        {
            let mut clusters = Clusters::default();
            clusters.extend([(1, 1, errors), (0, 1, of - errors)]);
            assert_eq!((clusters.rate(), clusters.subjects()), (Rate::counted(errors, of), of));
            let (ours, exact) =
                (clusters.interval(Confidence::P95), clopper_pearson(clusters.rate(), Confidence::P95));
            assert!((ours.low - exact.low).abs() < 2e-4 * exact.low.max(1e-3), "{ours:?} {exact:?}");
            assert!((ours.high - exact.high).abs() < 2e-4 * exact.high, "{ours:?} {exact:?}");
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
        assert!((ours.low / exact.low - 1.0).abs() < 2e-4 && (ours.high / exact.high - 1.0).abs() < 2e-4);
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
