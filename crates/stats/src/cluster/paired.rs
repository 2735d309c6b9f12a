//! Two rates of the same attempts, over subjects with several attempts each.

use std::collections::BTreeMap;

use super::gaffke::{Gaffke, Subjects};
use crate::rate::{Confidence, Interval};
use crate::special::gamma;

/// Subjects by their net change: the attempts that count in the first rate only, minus those that count in the second only.
#[derive(Clone, Debug, Default)]
pub struct PairedClusters {
    /// Subjects by net change and attempts.
    counts: BTreeMap<(i64, u64), u64>,
}

/// Adds subjects: the attempts that count in the first rate only, those that count in the second only, all attempts, and the number
/// of such subjects. Subjects without attempts are ignored. A net change is capped at the attempts.
impl Extend<(u64, u64, u64, u64)> for PairedClusters {
    fn extend<T: IntoIterator<Item = (u64, u64, u64, u64)>>(&mut self, subjects: T) {
        for (only_first, only_second, attempts, times) in subjects {
            let most = attempts.cast_signed();
            let net = only_first.wrapping_sub(only_second).cast_signed().clamp(-most, most);
            if attempts > 0 && times > 0 {
                *self.counts.entry((net, attempts)).or_default() += times;
            }
        }
    }
}

impl PairedClusters {
    /// Returns the number of subjects.
    #[must_use]
    pub fn subjects(&self) -> u64 {
        self.counts.values().sum()
    }

    /// Returns the first rate minus the second, as a fraction; `None` without subjects.
    #[must_use]
    pub fn difference(&self) -> Option<f64> {
        let net = self.sum(|net, _| net as f64);
        (!self.counts.is_empty()).then(|| net / self.sum(|_, attempts| attempts as f64))
    }

    /// Returns the two-sided interval of the difference, a fraction from -1 to 1; `None` without subjects.
    ///
    /// It is Gaffke's bound of a mean ([`Clusters`](crate::Clusters)) on each side: the added subject changes in every attempt, up for
    /// the upper end and down for the lower one.
    #[must_use]
    pub fn interval(&self, confidence: Confidence) -> Option<Interval> {
        let risk = confidence.risk() / 2.0;
        let end = |limit: f64| {
            let subjects = self.counts.iter().map(|((net, attempts), times)| Subjects {
                gain: *net as f64,
                attempts: *attempts as f64,
                times: *times as f64,
            });
            Some(Gaffke::new(subjects, limit, -limit)?.bound(risk))
        };
        Some(Interval { low: end(-1.0)?, high: end(1.0)? })
    }

    /// Tests whether the rates are the same. Returns the two-sided p-value: the probability of a net change at least this large if
    /// the change of each subject is as likely in one direction as in the other.
    ///
    /// This is the exact sign-flip test. With at most one changed attempt for each subject it is McNemar's exact test. If the
    /// exact sum would take more than 10 million steps, because some subjects change thousands of times, it is an upper bound: less than
    /// 3.2 times the two-sided p-value of the normal distribution.
    #[must_use]
    pub fn p(&self) -> f64 {
        let net = self.counts.iter().map(|((net, _), times)| net * times.cast_signed()).sum::<i64>();
        let (net, mut sizes) = (net.unsigned_abs(), BTreeMap::<u64, u64>::new());
        for ((net, _), times) in self.counts.iter().filter(|((net, _), _)| *net != 0) {
            *sizes.entry(net.unsigned_abs()).or_default() += times;
        }
        (2.0 * at_least(net, &sizes)).min(1.0)
    }

    fn sum(&self, of: impl Fn(i64, u64) -> f64) -> f64 {
        self.counts.iter().map(|((net, attempts), times)| of(*net, *attempts) * *times as f64).sum()
    }
}

/// The most cosines of an exact p-value.
const MOST_STEPS: u64 = 10_000_000;
/// A sum with random signs is beyond a point at most this many times as often as a normal variable of the same variance (Bentkus
/// and Dzindzalieta 2015, Bernoulli 21:1231).
const NORMAL_BOUND: f64 = 3.1787;

/// Returns the probability that the sum of integers of these sizes, each with a random sign, is at least `sum`: from the sizes and
/// the number of each. The characteristic function is a product of cosines, and the sum over its lattice is exact up to rounding:
/// about 1 in 10^16 for each subject.
fn at_least(sum: u64, sizes: &BTreeMap<u64, u64>) -> f64 {
    let variance: f64 = sizes.iter().map(|(size, times)| (*size as f64).powi(2) * *times as f64).sum();
    let (most, deviation) = (sizes.iter().map(|(size, times)| size * times).sum::<u64>(), variance.sqrt());
    if sum as f64 > 9.0 * deviation {
        // Hoeffding's bound: less than 1 in 10^17.
        return (-(sum as f64).powi(2) / (2.0 * variance)).exp();
    }
    // A sum beyond this point is as rare.
    let last = most.min(sum + (9.0 * deviation).ceil() as u64);
    if last.saturating_mul(sizes.len() as u64) > MOST_STEPS {
        // Few subjects may have most of the changes, so that the normal distribution is too certain.
        let above = gamma::above(0.5, (sum as f64 / deviation).powi(2) / 2.0) / 2.0;
        return (NORMAL_BOUND * above).min(1.0);
    }
    let points = 2 * last + 1;
    let mut total = (last - sum + 1) as f64;
    for point in 1..=last {
        let angle = std::f64::consts::TAU * point as f64 / points as f64;
        let value: f64 = sizes
            .iter()
            .map(|(size, times)| {
                // The angle of the cosine is reduced exactly, in integers.
                let place = (u128::from(*size) * u128::from(point) % u128::from(points)) as f64;
                (std::f64::consts::TAU * place / points as f64)
                    .cos()
                    .powi(i32::try_from(*times).unwrap_or(i32::MAX))
            })
            .product();
        let range = ((last as f64 + 0.5) * angle).sin() - ((sum as f64 - 0.5) * angle).sin();
        total += value * range / (angle / 2.0).sin();
    }
    (total / points as f64).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mcnemar;

    fn singles(first: u64, second: u64, of: u64) -> PairedClusters {
        let mut people = PairedClusters::default();
        people.extend([(1, 0, 1, first), (0, 1, 1, second), (0, 0, 1, of - first - second)]);
        people
    }

    #[test]
    fn p_is_that_of_mcnemar_with_one_attempt_each() {
        for (first, second) in [(0, 0), (1, 0), (0, 9), (5, 5), (7, 12), (30, 61), (400, 471), (3000, 3300)] {
            let (ours, exact) = (singles(first, second, 10_000).p(), mcnemar(first, second).p);
            assert!((ours - exact).abs() < 1e-12, "{first} {second}: {ours} {exact}");
        }
        assert!(singles(0, 5000, 10_000).p() < 1e-15);
    }

    #[test]
    fn p_counts_a_subject_once_however_often_it_changes() {
        let mut tens = PairedClusters::default();
        tens.extend([(10, 0, 10, 5), (0, 0, 10, 95)]);
        assert!((tens.p() - mcnemar(5, 0).p).abs() < 1e-12, "{}", tens.p());
        // Three subjects change by 3, 1 and -1: of the eight signs, the sum 3 or more has three.
        let mut few = PairedClusters::default();
        few.extend([(3, 0, 4, 1), (1, 0, 1, 1), (0, 1, 2, 1)]);
        assert!((few.p() - 0.75).abs() < 1e-12, "{}", few.p());
    }

    #[test]
    fn p_is_an_upper_bound_where_the_exact_sum_would_be_long() {
        let many = 1_000_000_000;
        for subjects in [5, 12] {
            let mut heavy = PairedClusters::default();
            heavy.extend([(many, 0, many, subjects)]);
            let (p, exact) = (heavy.p(), mcnemar(subjects, 0).p);
            assert!(p >= exact && p < 4.0 * exact, "{p} {exact}");
        }
        let mut even = PairedClusters::default();
        even.extend([(many, 0, many, 5), (0, many, many, 5)]);
        assert_eq!(even.p(), 1.0);
    }

    #[test]
    fn interval_is_symmetric_and_that_of_a_single_rate_where_all_changes_go_one_way() {
        let (up, down) = (singles(12, 0, 2000), singles(0, 12, 2000));
        let (up, down) = (up.interval(Confidence::P95).unwrap(), down.interval(Confidence::P95).unwrap());
        assert!((up.low + down.high).abs() < 1e-12 && (up.high + down.low).abs() < 1e-12);
        let exact = crate::clopper_pearson(crate::Rate::counted(12, 2000), Confidence::P95);
        let wider = up.high / exact.high - 1.0;
        assert!(wider > 0.0 && wider < 3e-7, "{up:?} {exact:?}");
        // The lower end allows for a change that was never seen.
        assert!(up.low > 0.0 && up.low < exact.low, "{up:?} {exact:?}");
    }

    #[test]
    fn interval_of_subjects_whose_attempts_agree_is_that_of_one_attempt_each() {
        let mut tens = PairedClusters::default();
        tens.extend([(10, 0, 10, 4), (0, 10, 10, 1), (0, 0, 10, 295)]);
        let (tens, ones) =
            (tens.interval(Confidence::P95).unwrap(), singles(4, 1, 300).interval(Confidence::P95).unwrap());
        assert!((tens.low / ones.low - 1.0).abs() < 1e-8 && (tens.high / ones.high - 1.0).abs() < 1e-8);
        assert_eq!(PairedClusters::default().interval(Confidence::P95), None);
        let all = singles(50, 0, 50).interval(Confidence::P95).unwrap();
        assert!(all.high == 1.0 && all.low < 1.0, "{all:?}");
    }
}
