//! Rates with their counts and confidence intervals, for output.

use serde::Serialize;

use cloudauth_stats::{Confidence, Interval, Rate, clopper_pearson};

/// A proportion, as a fraction from 0 to 1, with its 95 % confidence interval. The interval is that of Clopper and Pearson, which
/// treats attempts as independent, unless the analysis rests on people ([`RestsOn`](crate::RestsOn)).
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Proportion {
    /// The numerator.
    pub count: u64,
    /// The denominator.
    pub of: u64,
    /// The fraction. `None` if the denominator is 0.
    pub rate: Option<f64>,
    /// The lower end of the interval.
    pub low: f64,
    /// The upper end of the interval.
    pub high: f64,
}

impl Proportion {
    pub(crate) fn new(count: u64, of: u64) -> Self {
        Rate::new(count, of).map_or(Self { count, of, rate: None, low: 0.0, high: 1.0 }, Self::of)
    }

    pub(crate) fn of(rate: Rate) -> Self {
        Self::estimated(rate, clopper_pearson(rate, Confidence::P95))
    }

    /// Replaces the interval, such as by the interval over people.
    pub(crate) const fn with_interval(self, interval: Interval) -> Self {
        Self { low: interval.low, high: interval.high, ..self }
    }

    pub(crate) fn estimated(rate: Rate, interval: Interval) -> Self {
        Self {
            count: rate.count(),
            of: rate.of(),
            rate: rate.fraction(),
            low: interval.low,
            high: interval.high,
        }
    }
}
