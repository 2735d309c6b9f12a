//! Comparison of the rates of different groups, such as segments: the difference, the ratio, an exact test, and the correction
//! of many tests.

use std::cmp::Ordering;

use crate::interval::wilson;
use crate::rate::{Confidence, Interval, Rate};
use crate::special::{gamma, hypergeometric_at_most, probit};

/// Returns Newcombe's interval for the difference of two rates of different attempts, `first` minus `second`, from their Wilson
/// intervals. A fraction, from -1 to 1.
#[must_use]
pub fn newcombe(first: Rate, second: Rate, confidence: Confidence) -> Option<Interval> {
    let (here, there) = (first.fraction()?, second.fraction()?);
    Some(difference_of((here, wilson(first, confidence)), (there, wilson(second, confidence))))
}

/// Returns the interval of the difference of two independent rates, `first` minus `second`, from each rate and its interval, all as
/// fractions: their distances are added as the sides of a right angle (Zou and Donner 2008, Statistics in Medicine 27:1693).
#[must_use]
pub fn difference_of((here, a): (f64, Interval), (there, b): (f64, Interval)) -> Interval {
    let difference = here - there;
    Interval {
        low: difference - (here - a.low).hypot(b.high - there),
        high: difference + (a.high - here).hypot(there - b.low),
    }
}

/// Returns the interval of the ratio of two independent rates, `first` divided by `second`, from each rate and its interval, all as
/// fractions (Donner and Zou 2012, Statistical Methods in Medical Research 21:347). From 0 if the first may be 0; to infinity if the
/// second may be.
#[must_use]
pub fn ratio_of((here, a): (f64, Interval), (there, b): (f64, Interval)) -> Interval {
    let product = here * there;
    let root = |first: f64, second: f64| (product * product - first * second).max(0.0).sqrt();
    let squares = |rate: f64, end: f64| end * (2.0 * rate - end);
    let (low, high) = (squares(here, a.low), squares(here, a.high));
    Interval {
        low: if a.low > 0.0 { low / (product + root(low, squares(there, b.high))) } else { 0.0 },
        high: match squares(there, b.low) {
            below if b.low > 0.0 => (product + root(high, below)) / below,
            _ => f64::INFINITY,
        },
    }
}

/// Tests whether two independent rates are the same, from each rate and its interval with this confidence, all as fractions. Returns
/// the two-sided p-value: at most the risk exactly if the interval of [`difference_of`] leaves out 0. Smaller ones follow the normal
/// distribution.
#[must_use]
pub fn p_of_difference(
    (here, a): (f64, Interval),
    (there, b): (f64, Interval),
    confidence: Confidence,
) -> f64 {
    let side = if here > there {
        (here - a.low).hypot(b.high - there)
    } else {
        (a.high - here).hypot(there - b.low)
    };
    if here == there {
        return 1.0;
    }
    let z = probit(confidence.risk() / 2.0) * (here - there) / side;
    gamma::above(0.5, z * z / 2.0)
}

/// Returns Koopman's interval for the ratio of two rates of different attempts, `first` divided by `second`. From 0 if the first
/// has no count; to infinity if the second has none.
///
/// It inverts the score test of the ratio (Koopman 1984, Biometrics 40:513), so it needs no correction for small counts.
/// `None` if a rate has no attempts.
#[must_use]
pub fn koopman(first: Rate, second: Rate, confidence: Confidence) -> Option<Interval> {
    let (here, there) = (first.fraction()?, second.fraction()?);
    let z = -probit(confidence.risk() / 2.0);
    let estimate = here / there;
    let high = if there == 0.0 { f64::INFINITY } else { ratio_at(first, second, -z, estimate) };
    let low = if here == 0.0 { 0.0 } else { 1.0 / ratio_at(second, first, -z, there / here) };
    Some(Interval { low, high })
}

/// Returns the ratio above the estimate at which the score statistic is `z`. It decreases as the ratio grows.
fn ratio_at(first: Rate, second: Rate, z: f64, estimate: f64) -> f64 {
    // One more count keeps the search above 0.
    let start =
        (first.count() as f64 + 1.0) / first.of() as f64 / (second.count() as f64 / second.of() as f64);
    let (mut low, mut high) = (estimate, start);
    while score(first, second, high) > z && high < f64::MAX / 2.0 {
        (low, high) = (high, high * 2.0);
    }
    for _ in 0..200 {
        let middle = low + (high - low) / 2.0;
        if middle <= low || middle >= high {
            break;
        }
        if score(first, second, middle) > z {
            low = middle;
        } else {
            high = middle;
        }
    }
    high
}

/// Returns the score statistic of a ratio, with both rates at their most likely values under it.
fn score(first: Rate, second: Rate, ratio: f64) -> f64 {
    let (x, n) = (first.count() as f64, first.of() as f64);
    let (y, m) = (second.count() as f64, second.of() as f64);
    let (all, sum) = (n + m, ratio * (n + y) + x + m);
    let p =
        (2.0 * ratio * (x + y) / (sum + (sum * sum - 4.0 * ratio * all * (x + y)).max(0.0).sqrt())).min(1.0);
    let q = p / ratio;
    let variance = p * (1.0 - p) / n + ratio * ratio * q * (1.0 - q) / m;
    (x / n - ratio * y / m) / variance.max(f64::MIN_POSITIVE).sqrt()
}

/// Tests whether two rates of different attempts are the same: Fisher's exact test. Returns the two-sided p-value: twice that of
/// the smaller tail, at most 1. It is never too small, also for rare errors.
#[must_use]
pub fn fisher(first: Rate, second: Rate) -> f64 {
    let (marked, all) = (first.count() + second.count(), first.of() + second.of());
    // The tail of the group with the lower rate, whose count is below its mean.
    let lower = match first.compare(second) {
        Ordering::Less => first,
        Ordering::Greater => second,
        Ordering::Equal => return 1.0,
    };
    (2.0 * hypergeometric_at_most(lower.count(), lower.of(), marked, all)).min(1.0)
}

/// Corrects the p-values of several tests (Holm 1979, Scandinavian Journal of Statistics 6:65). Returns, in the same order, the
/// smallest risk at which each test is significant: of all tests whose null hypothesis is true, none has a corrected p-value of
/// at most 0.05 in 95 of 100 studies. NaN counts as 1.
#[must_use]
pub fn holm(p: &[f64]) -> Vec<f64> {
    let tests = p.len();
    let valid = |p: f64| if p.is_nan() { 1.0 } else { p };
    let mut order: Vec<(usize, f64)> = p.iter().copied().map(valid).enumerate().collect();
    order.sort_by(|a, b| a.1.total_cmp(&b.1));
    let mut most: f64 = 0.0;
    for (rank, (_, p)) in order.iter_mut().enumerate() {
        most = most.max((tests - rank) as f64 * *p).min(1.0);
        *p = most;
    }
    order.sort_unstable_by_key(|(index, _)| *index);
    order.into_iter().map(|(_, p)| p).collect()
}
