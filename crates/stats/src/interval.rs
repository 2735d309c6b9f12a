//! Confidence intervals of a rate, and the number of attempts that a claim needs.
//!
//! They assume independent attempts; retries by one person are not independent. For those, bootstrap subjects.

use crate::rate::{Confidence, Interval, Rate};
use crate::special::beta::{binomial_at_most, quantile};
use crate::special::gamma;
use crate::special::probit;

/// Returns Clopper and Pearson's two-sided interval of a rate, as fractions. Its coverage is never less than the confidence, so
/// use it for safety claims. 0 to 1 without counts.
#[must_use]
pub fn clopper_pearson(rate: Rate, confidence: Confidence) -> Interval {
    let risk = confidence.risk() / 2.0;
    Interval { low: low(rate, risk), high: high(rate, risk) }
}

/// Returns Clopper and Pearson's one-sided upper bound of a rate, a fraction: the claim "at most this" holds with `confidence`.
#[must_use]
pub fn clopper_pearson_upper(rate: Rate, confidence: Confidence) -> f64 {
    high(rate, confidence.risk())
}

/// Returns Clopper and Pearson's one-sided lower bound of a rate, a fraction: the claim "at least this" holds with
/// `confidence`.
#[must_use]
pub fn clopper_pearson_lower(rate: Rate, confidence: Confidence) -> f64 {
    low(rate, confidence.risk())
}

fn low(rate: Rate, risk: f64) -> f64 {
    let (k, n) = (rate.count(), rate.of());
    if k == 0 { 0.0 } else { quantile(k as f64, (n - k) as f64 + 1.0, risk, false) }
}

fn high(rate: Rate, risk: f64) -> f64 {
    let (k, n) = (rate.count(), rate.of());
    if k == n { 1.0 } else { quantile(k as f64 + 1.0, (n - k) as f64, risk, true) }
}

/// Returns Wilson's interval of a rate, as fractions cut to 0 and 1. It is shorter, and its coverage is right on average: use
/// it for display, not for claims. 0 to 1 without counts.
#[must_use]
pub fn wilson(rate: Rate, confidence: Confidence) -> Interval {
    let Some(share) = rate.fraction() else {
        return Interval { low: 0.0, high: 1.0 };
    };
    let n = rate.of() as f64;
    let z = probit(confidence.risk() / 2.0);
    let square = z * z;
    let centre = (share + square / (2.0 * n)) / (1.0 + square / n);
    let spread = (share * (1.0 - share) / n + square / (4.0 * n * n)).sqrt();
    let half = -z / (1.0 + square / n) * spread;
    Interval {
        low: if rate.count() == 0 { 0.0 } else { (centre - half).max(0.0) },
        high: if rate.count() == rate.of() { 1.0 } else { (centre + half).min(1.0) },
    }
}

/// Returns Jeffreys' interval of a rate, as fractions: Bayesian with the prior Beta(1/2, 1/2). An end is 0 or 1 if the count is
/// zero or complete.
#[must_use]
pub fn jeffreys(rate: Rate, confidence: Confidence) -> Interval {
    let (k, n) = (rate.count(), rate.of());
    let (a, b, risk) = (k as f64 + 0.5, (n - k) as f64 + 0.5, confidence.risk() / 2.0);
    Interval {
        low: if k == 0 { 0.0 } else { quantile(a, b, risk, false) },
        high: if k == n { 1.0 } else { quantile(a, b, risk, true) },
    }
}

/// Returns the exact interval of a Poisson mean, for `count` observed events. Thirty events give -28 % and +36 % at 90 %: the
/// rule of 30.
#[must_use]
pub fn poisson(count: u64, confidence: Confidence) -> Interval {
    let risk = confidence.risk() / 2.0;
    Interval {
        low: if count == 0 { 0.0 } else { gamma::quantile(count as f64, risk, false) },
        high: gamma::quantile(count as f64 + 1.0, risk, true),
    }
}

/// Returns the number of attempts with at most `errors` errors that proves a rate of at most `target` (a fraction): the
/// smallest number whose one-sided Clopper-Pearson bound reaches it. `None` if no number below 2^53 does, as for a target of 0.
#[must_use]
pub fn attempts_needed(target: f64, errors: u64, confidence: Confidence) -> Option<u64> {
    if !(target > 0.0 && target.is_finite()) {
        return None;
    }
    if target >= 1.0 {
        return Some(errors.max(1));
    }
    let enough = |n: u64| n > errors && binomial_at_most(errors, n, target) <= confidence.risk();
    smallest(errors.checked_add(1)?, MOST_ATTEMPTS, |n| Some(enough(n)))
}

/// Larger numbers of attempts are not exact as doubles.
pub(crate) const MOST_ATTEMPTS: u64 = 1 << 53;

/// Returns the smallest number that is enough, if all above it are, too. The search begins at `first`. `None` if `enough` is, or
/// if no number up to `most` is enough.
pub(crate) fn smallest(first: u64, most: u64, enough: impl Fn(u64) -> Option<bool>) -> Option<u64> {
    let (mut low, mut high) = (0, first);
    while !enough(high)? {
        if high >= most {
            return None;
        }
        (low, high) = (high, high.saturating_mul(2).min(most));
    }
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if enough(middle)? {
            high = middle;
        } else {
            low = middle;
        }
    }
    Some(high)
}

/// Returns the rule of 3: about this many attempts without an error show a rate of at most `target` (a fraction) with 95 %
/// confidence. [`attempts_needed`] is exact.
#[must_use]
pub fn rule_of_3(target: f64) -> f64 {
    3.0 / target
}
