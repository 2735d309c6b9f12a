//! Two policies on the same attempts, and two rates of different ones.

use super::beta::binomial_at_most;
use super::interval::wilson;
use super::rate::{Confidence, Interval, Rate};
use super::saddle::binomial;

/// McNemar's exact test of two policies on the same labelled attempts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct McNemar {
    /// The two-sided p-value: how likely so uneven a split of the changed attempts is if neither policy is better.
    pub p: f64,
    /// The same with half of the observed split's own probability, which is less cautious.
    pub mid_p: f64,
}

/// Tests the attempts that changed: `only_first` are right by the first policy only, `only_second` by the second only. What
/// both get right or wrong says nothing.
#[must_use]
pub fn mcnemar(only_first: u64, only_second: u64) -> McNemar {
    let (least, changed) = (only_first.min(only_second), only_first.saturating_add(only_second));
    let p = (2.0 * binomial_at_most(least, changed, 0.5)).min(1.0);
    let here = binomial(least as f64, changed as f64, 0.5);
    // Of an even split, twice the half already holds the split itself twice.
    let mid_p = if only_first == only_second { 1.0 } else { p - here };
    McNemar { p, mid_p }
}

/// Newcombe's interval for the difference of two rates of different attempts, `first` minus `second`, from their Wilson
/// intervals. A fraction, from -1 to 1.
#[must_use]
pub fn newcombe(first: Rate, second: Rate, confidence: Confidence) -> Option<Interval> {
    let (here, there) = (first.fraction()?, second.fraction()?);
    let (a, b) = (wilson(first, confidence), wilson(second, confidence));
    let difference = here - there;
    Some(Interval {
        low: difference - (here - a.low).hypot(b.high - there),
        high: difference + (a.high - here).hypot(there - b.low),
    })
}
