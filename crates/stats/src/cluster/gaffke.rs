//! Gaffke's bound of the mean gain of an attempt, over subjects.

use crate::special::gamma_sum::{Part, Positive, positive};

/// Subjects with the same gain and attempts. The gain is a count of attempts, or a net change of them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Subjects {
    pub(super) gain: f64,
    pub(super) attempts: f64,
    pub(super) times: f64,
}

/// A side of an interval.
#[derive(Clone, Debug)]
pub(super) struct Gaffke {
    /// The subjects and the added one.
    subjects: Vec<Subjects>,
    /// The observed gain of an attempt.
    seen: f64,
    /// The least and the largest possible gain of an attempt: of each attempt of the added subject, and its opposite.
    limit: f64,
    other: f64,
    /// 1 for an upper bound, -1 for a lower one.
    sign: f64,
}

/// The distance of a logarithm of a probability from that of the risk, from which one more step of Newton's method is exact.
const CLOSE: f64 = 1e-4;

impl Gaffke {
    /// `limit` is the largest possible gain of an attempt for an upper bound, the least for a lower one; `other` is the opposite.
    /// `None` without subjects.
    pub(super) fn new(subjects: impl Iterator<Item = Subjects>, limit: f64, other: f64) -> Option<Self> {
        let mut subjects: Vec<Subjects> = subjects.collect();
        let sum = |of: fn(&Subjects) -> f64| subjects.iter().map(|same| of(same) * same.times).sum::<f64>();
        let attempts = sum(|same| same.attempts);
        let size = sum(|same| same.attempts * same.attempts) / attempts;
        let seen = sum(|same| same.gain) / attempts;
        subjects.push(Subjects { gain: size * limit, attempts: size, times: 1.0 });
        let sign = if limit > other { 1.0 } else { -1.0 };
        (attempts > 0.0).then_some(Self { subjects, seen, limit, other, sign })
    }

    /// Returns the probability of such subjects if `mean` is the true mean.
    pub(super) fn p(&self, mean: f64) -> f64 {
        self.positive(mean, &mut Vec::new()).ln.exp()
    }

    fn positive(&self, mean: f64, parts: &mut Vec<Part>) -> Positive {
        parts.clear();
        parts.extend(self.subjects.iter().filter_map(|same| {
            let weight = self.sign * (same.gain - mean * same.attempts);
            let part = Part { weight, slope: -self.sign * same.attempts, shape: same.times };
            (weight != 0.0).then_some(part)
        }));
        positive(parts)
    }

    /// Returns the mean closest to the observed one that has at most this probability.
    ///
    /// Newton's method on the logarithm of the probability, and the logarithm of the mean's distances from both limits.
    pub(super) fn bound(&self, risk: f64) -> f64 {
        if self.seen == self.limit {
            return self.limit;
        }
        let (target, mut parts) = (risk.ln(), Vec::with_capacity(self.subjects.len()));
        // The mean is not between the observed one and that with this logarithm; 0 is the middle.
        let (mut near, mut far) = (self.odds(self.seen), f64::INFINITY);
        let mut odds = self.start(risk);
        for _ in 0..200 {
            let mean = self.at(odds);
            let found = self.positive(mean, &mut parts);
            if found.ln.is_nan() {
                return self.limit;
            }
            let over = found.ln - target;
            if over > 0.0 {
                near = odds;
            } else {
                far = odds;
            }
            let slope = found.slope * (mean - self.other) * (self.limit - mean) / (self.limit - self.other);
            let next = odds - (over / slope).clamp(-8.0, 8.0);
            if next > near && next < far {
                if over.abs() < CLOSE {
                    return self.at(next);
                }
                odds = next;
            } else if far - near < 1e-12 * near.abs().max(1.0) {
                // Where the observed mean itself has at most this probability.
                return mean;
            } else if far.is_infinite() {
                odds += 2.0;
            } else if near.is_infinite() {
                odds -= 2.0;
            } else {
                odds = (near + far) / 2.0;
            }
        }
        self.at(far)
    }

    /// Returns a first guess of the odds: the quantile by the first three cumulants of the weighted sum (Cornish and Fisher).
    fn start(&self, risk: f64) -> f64 {
        let z = -crate::special::probit(risk);
        let holds = |mean: f64| {
            let (mut first, mut second, mut third) = (0.0, 0.0, 0.0);
            for same in &self.subjects {
                let weight = self.sign * (same.gain - mean * same.attempts);
                first += same.times * weight;
                second += same.times * weight * weight;
                third += 2.0 * same.times * weight * weight * weight;
            }
            first + z * second.sqrt() + (z * z - 1.0) / 6.0 * third / second <= 0.0
        };
        // Without a gain the observed mean is infinitely far.
        let seen = self.odds(self.seen);
        let (mut near, mut far) = if seen.is_finite() { (seen, seen + 5.0) } else { (-40.0, 40.0) };
        for _ in 0..24 {
            let middle = (near + far) / 2.0;
            if holds(self.at(middle)) {
                far = middle;
            } else {
                near = middle;
            }
        }
        far
    }

    /// Returns the logarithm of a mean's distance from `other` over that from `limit`.
    fn odds(&self, mean: f64) -> f64 {
        ((mean - self.other) / (self.limit - mean)).ln()
    }

    fn at(&self, odds: f64) -> f64 {
        // From the closer end, so that a small distance from it is precise.
        if odds < 0.0 {
            self.other + (self.limit - self.other) / (1.0 + (-odds).exp())
        } else {
            self.limit + (self.other - self.limit) / (1.0 + odds.exp())
        }
    }
}
