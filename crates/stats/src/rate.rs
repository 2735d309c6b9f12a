//! Rates as counts, confidence levels, and confidence intervals.

use std::cmp::Ordering;
use std::fmt;

/// A rate: a numerator and a denominator, divided only on demand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rate {
    count: u64,
    of: u64,
}

impl Rate {
    /// Creates the rate `count` of `of`; `None` if `count` is larger.
    #[must_use]
    pub fn new(count: u64, of: u64) -> Option<Self> {
        (count <= of).then_some(Self { count, of })
    }

    /// Creates the rate `count` of `of` for callers who know that `count` is not larger.
    pub(crate) const fn counted(count: u64, of: u64) -> Self {
        Self { count, of }
    }

    /// Returns the numerator.
    #[must_use]
    pub const fn count(self) -> u64 {
        self.count
    }

    /// Returns the denominator.
    #[must_use]
    pub const fn of(self) -> u64 {
        self.of
    }

    /// Returns the fraction, from 0 to 1; `None` if the denominator is 0.
    #[must_use]
    pub fn fraction(self) -> Option<f64> {
        (self.of > 0).then(|| self.count as f64 / self.of as f64)
    }

    /// Compares two fractions exactly, without division. They are equal if a denominator is 0.
    #[must_use]
    pub fn compare(self, other: Self) -> Ordering {
        let product = |a: Self, b: Self| u128::from(a.count) * u128::from(b.of);
        product(self, other).cmp(&product(other, self))
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.count, self.of)
    }
}

/// A confidence: a probability strictly between 0 and 1.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Confidence(f64);

impl Confidence {
    /// A confidence of 90 %.
    pub const P90: Self = Self(0.9);
    /// A confidence of 95 %, the usual one.
    pub const P95: Self = Self(0.95);
    /// A confidence of 99 %.
    pub const P99: Self = Self(0.99);

    /// Creates a confidence from a probability strictly between 0 and 1, such as 0.95; `None` for another number.
    #[must_use]
    pub fn new(probability: f64) -> Option<Self> {
        (probability > 0.0 && probability < 1.0).then_some(Self(probability))
    }

    /// Returns the probability, strictly between 0 and 1.
    #[must_use]
    pub const fn get(self) -> f64 {
        self.0
    }

    /// Returns the probability of an error.
    pub(crate) fn risk(self) -> f64 {
        1.0 - self.0
    }
}

/// A confidence interval, in the unit of its figure.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// Its lower end.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
}

impl Interval {
    /// Returns whether the interval contains a value, ends included.
    #[must_use]
    pub fn contains(self, value: f64) -> bool {
        self.low <= value && value <= self.high
    }
}
