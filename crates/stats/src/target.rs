//! The threshold for a target false match rate: the observed one, the proved one, and the number of rows that a proof needs.

use crate::curve::{Curve, OperatingPoint};
use crate::interval::{attempts_needed, clopper_pearson_upper};
use crate::rate::{Confidence, Interval, Rate};
use crate::special::beta::{binomial_at_most, binomial_quantile};

/// The allowed thresholds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ThresholdStep {
    /// Every double: the threshold is the next one above a score.
    Double,
    /// Multiples of this many hundredths of a point: 1 for 70.01, 50 for 70.5. Zero counts as 1.
    Hundredths(u32),
}

impl ThresholdStep {
    /// Returns the smallest threshold that refuses `score`. For a score of more than 1e12, which has no hundredths, and for an
    /// infinite one, it is the next double; for NaN it is NaN.
    #[must_use]
    pub fn above(self, score: f64) -> f64 {
        let step = match self {
            Self::Hundredths(step) if score.abs() <= 1e12 => step,
            _ => return score.next_up(),
        };
        let step = f64::from(step.max(1));
        let at = |multiple: f64| multiple * step / 100.0;
        let mut multiple = (score * 100.0 / step).floor();
        while at(multiple) > score {
            multiple -= 1.0;
        }
        while at(multiple) <= score {
            multiple += 1.0;
        }
        at(multiple)
    }
}

/// A threshold that meets a target.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Chosen {
    /// The number of impostors that may be accepted within the target.
    pub allowed: u64,
    /// The smallest threshold that accepts at most `allowed` impostors, and the error counts there. It accepts fewer if
    /// scores tie. Minus infinity if all may be accepted.
    pub point: OperatingPoint,
}

/// The error for a target that these data cannot prove at any threshold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooFew {
    /// The number of impostor attempts.
    pub have: u64,
    /// The number needed if none is accepted; `None` for a target that no number proves, such as 0.
    pub need: Option<u64>,
}

impl std::fmt::Display for TooFew {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Some(need) = self.need else {
            return write!(f, "no number of impostor attempts proves this target");
        };
        write!(f, "{} impostor attempts cannot show this target; it takes {need} with no error", self.have)
    }
}

impl std::error::Error for TooFew {}

/// Returns the largest count of `n` whose share is at most `target` (a fraction). It divides instead of multiplying: 29/100
/// is 0.29, but 0.29 · 100 is 28.999.. `None` if `n` is 0, or the target is NaN or negative.
#[must_use]
pub fn most_at(target: f64, n: u64) -> Option<u64> {
    if n == 0 || target.is_nan() || target < 0.0 {
        return None;
    }
    largest(n, |k| k as f64 / n as f64 <= target)
}

/// Returns the largest number of errors of `n` that still proves a rate of at most `target` (a fraction), by the one-sided
/// Clopper-Pearson bound; `None` if even zero errors do not.
#[must_use]
pub fn most_at_with(target: f64, n: u64, confidence: Confidence) -> Option<u64> {
    largest(n, |k| clopper_pearson_upper(Rate::counted(k, n), confidence) <= target)
}

/// Returns the largest `k` up to `n` for which `holds` is true. If it holds for a number, it must hold for every smaller one.
fn largest(n: u64, holds: impl Fn(u64) -> bool) -> Option<u64> {
    if !holds(0) {
        return None;
    }
    let (mut low, mut high) = (0, n);
    while low < high {
        let middle = high - (high - low) / 2;
        if holds(middle) {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    Some(low)
}

/// Returns the smallest threshold at which the observed FMR is at most `target` (a fraction). Half the time the true FMR
/// there is higher; [`threshold_with`] returns the threshold that the data prove. `None` without impostors.
#[must_use]
pub fn threshold(curve: &Curve, target: f64, step: ThresholdStep) -> Option<Chosen> {
    most_at(target, curve.impostor()).map(|allowed| choose(curve, allowed, step))
}

/// Returns the smallest threshold at which the FMR is at most `target` (a fraction) with a confidence.
///
/// # Errors
///
/// If the impostors are too few to prove it at any threshold; the error has the number needed.
pub fn threshold_with(
    curve: &Curve,
    target: f64,
    confidence: Confidence,
    step: ThresholdStep,
) -> Result<Chosen, TooFew> {
    most_at_with(target, curve.impostor(), confidence)
        .map(|allowed| choose(curve, allowed, step))
        .ok_or_else(|| TooFew { have: curve.impostor(), need: attempts_needed(target, 0, confidence) })
}

fn choose(curve: &Curve, allowed: u64, step: ThresholdStep) -> Chosen {
    let refused = curve.impostor_from_top(allowed + 1);
    let threshold = refused.map_or(f64::NEG_INFINITY, |score| step.above(score));
    Chosen { allowed, point: curve.at(threshold) }
}

/// The confidence interval of the threshold that has exactly the target rate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ThresholdInterval {
    /// The scores, in points; infinite if the data give no bound.
    pub scores: Interval,
    /// The ranks of `scores.high` and `scores.low` among the impostor scores; the highest score has rank 1.
    pub ranks: (u64, u64),
    /// The probability that an interval of these ranks contains the threshold. It is at least the confidence, and higher if
    /// few errors are expected.
    pub coverage: f64,
}

/// Returns the interval of the threshold itself. It makes no assumption about the scores' distribution: it uses the ranks
/// between which the number of impostors above the true threshold falls. `None` without impostors, or for a target that is not
/// between 0 and 1.
#[must_use]
pub fn threshold_interval(curve: &Curve, target: f64, confidence: Confidence) -> Option<ThresholdInterval> {
    let n = curve.impostor();
    if n == 0 || !(target > 0.0 && target < 1.0) {
        return None;
    }
    let risk = confidence.risk() / 2.0;
    let ranks = (binomial_quantile(risk, n, target), binomial_quantile(1.0 - risk, n, target) + 1);
    let scores = Interval {
        low: curve.impostor_from_top(ranks.1).unwrap_or(f64::NEG_INFINITY),
        high: curve.impostor_from_top(ranks.0).unwrap_or(f64::INFINITY),
    };
    let below = |rank: u64| rank.checked_sub(1).map_or(0.0, |k| binomial_at_most(k, n, target));
    Some(ThresholdInterval { scores, ranks, coverage: below(ranks.1) - below(ranks.0) })
}
