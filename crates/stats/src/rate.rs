//! Rates that keep their counts, confidences and intervals.

use std::fmt;

/// A rate that keeps its counts, and divides last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rate {
    count: u64,
    of: u64,
}

impl Rate {
    /// `count` of `of`; `None` if that is more than there are.
    #[must_use]
    pub fn new(count: u64, of: u64) -> Option<Self> {
        (count <= of).then_some(Self { count, of })
    }

    /// `count` of `of`, for callers who counted `count` among `of`.
    pub(crate) const fn counted(count: u64, of: u64) -> Self {
        Self { count, of }
    }

    /// How many there were.
    #[must_use]
    pub const fn count(self) -> u64 {
        self.count
    }

    /// Among how many.
    #[must_use]
    pub const fn of(self) -> u64 {
        self.of
    }

    /// The share, from 0 to 1; `None` of nothing.
    #[must_use]
    pub fn fraction(self) -> Option<f64> {
        (self.of > 0).then(|| self.count as f64 / self.of as f64)
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
    /// Nine in ten.
    pub const P90: Self = Self(0.9);
    /// Nineteen in twenty: the usual.
    pub const P95: Self = Self(0.95);
    /// Ninety-nine in a hundred.
    pub const P99: Self = Self(0.99);

    /// A probability strictly between 0 and 1, such as 0.95; `None` for another number.
    #[must_use]
    pub fn new(probability: f64) -> Option<Self> {
        (probability > 0.0 && probability < 1.0).then_some(Self(probability))
    }

    /// The probability, strictly between 0 and 1.
    #[must_use]
    pub const fn get(self) -> f64 {
        self.0
    }

    /// The probability of being wrong.
    pub(crate) fn risk(self) -> f64 {
        1.0 - self.0
    }
}

/// A confidence interval, in the unit of the figure that it is about.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// Its lower end.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
}

impl Interval {
    /// Whether the interval contains a value, ends included.
    #[must_use]
    pub fn contains(self, value: f64) -> bool {
        self.low <= value && value <= self.high
    }
}
