//! Comparison of two rates of the same attempts, as under two policies.

mod power;

use crate::interval::wilson;
use crate::rate::{Confidence, Interval, Rate};
use crate::special::beta::binomial_at_most;
use crate::special::saddle::binomial;
pub use power::McNemarPlan;

/// McNemar's exact test of two policies on the same labelled attempts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct McNemar {
    /// The two-sided p-value: the probability of a split this uneven if neither policy is better.
    pub p: f64,
    /// The mid-p value, with half of the observed split's own probability. It is less conservative.
    pub mid_p: f64,
}

/// Tests the attempts that changed: `only_first` are right under the first policy only, `only_second` under the second only.
/// An attempt with the same outcome under both policies carries no information.
#[must_use]
pub fn mcnemar(only_first: u64, only_second: u64) -> McNemar {
    let (least, changed) = (only_first.min(only_second), only_first.saturating_add(only_second));
    let p = McNemar::p_of(least, changed);
    let here = binomial(least as f64, changed as f64, 0.5);
    // For an even split, doubling the tail counts the split twice.
    let mid_p = if only_first == only_second { 1.0 } else { p - here };
    McNemar { p, mid_p }
}

impl McNemar {
    /// Returns the two-sided p-value of a split with `least` of `changed` attempts on its smaller side.
    fn p_of(least: u64, changed: u64) -> f64 {
        (2.0 * binomial_at_most(least, changed, 0.5)).min(1.0)
    }
}

/// Returns Newcombe's interval for the difference of two rates of the *same* attempts, `first` minus `second`: a fraction from
/// -1 to 1.
///
/// `both` attempts count in both rates, `only_first` and `only_second` in one, `neither` in none. The Wilson intervals of the
/// two rates are combined with the correlation of the pairs (Newcombe 1998, Statistics in Medicine 17:2635, method 10).
/// `None` without attempts.
#[must_use]
pub fn newcombe_paired(
    both: u64,
    only_first: u64,
    only_second: u64,
    neither: u64,
    confidence: Confidence,
) -> Option<Interval> {
    let all = both + only_first + only_second + neither;
    let (first, second) = (Rate::counted(both + only_first, all), Rate::counted(both + only_second, all));
    let (here, there) = (first.fraction()?, second.fraction()?);
    let (a, b) = (wilson(first, confidence), wilson(second, confidence));
    let correlation = correlation(both as f64, only_first as f64, only_second as f64, neither as f64);
    // The law of cosines. Rounding can make it slightly negative.
    let side = |x: f64, y: f64| (x * x - 2.0 * correlation * x * y + y * y).max(0.0).sqrt();
    let difference = (only_first as f64 - only_second as f64) / all as f64;
    Some(Interval {
        low: difference - side(here - a.low, b.high - there),
        high: difference + side(a.high - here, there - b.low),
    })
}

/// Returns the phi coefficient of the pairs, corrected for continuity if it is positive; 0 if a rate is 0 or 1.
fn correlation(both: f64, only_first: f64, only_second: f64, neither: f64) -> f64 {
    let margins =
        (both + only_first) * (only_second + neither) * (both + only_second) * (only_first + neither);
    if margins == 0.0 {
        return 0.0;
    }
    let product = both * neither - only_first * only_second;
    let half = (both + only_first + only_second + neither) / 2.0;
    let corrected = if product > 0.0 { (product - half).max(0.0) } else { product };
    corrected / margins.sqrt()
}
