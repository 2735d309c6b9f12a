//! Rates with their counts and intervals, as they are told.

use serde::Serialize;

use cloudauth_stats::{Confidence, Interval, Rate, clopper_pearson};

/// So many of so many, as a share from 0 to 1, and where the true one lies with 95 % confidence (Clopper-Pearson). The interval
/// takes attempts for independent, which those of one person are not.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Proportion {
    /// How many.
    pub count: u64,
    /// Of how many.
    pub of: u64,
    /// The share; none of nothing.
    pub rate: Option<f64>,
    /// From here.
    pub low: f64,
    /// To here.
    pub high: f64,
}

impl Proportion {
    pub(crate) fn new(count: u64, of: u64) -> Self {
        Rate::new(count, of).map_or(Self { count, of, rate: None, low: 0.0, high: 1.0 }, Self::of)
    }

    pub(crate) fn of(rate: Rate) -> Self {
        Self::estimated(rate, clopper_pearson(rate, Confidence::P95))
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
