//! Gaffke's bound of the mean gain of an attempt, over subjects.

use crate::special::gamma_sum::{ERROR, Part, Positive, positive};

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

/// The distance of a logarithm of a probability from that of the risk, from which one more step of Newton's method may be the last.
const CLOSE: f64 = 1e-4;
/// The relative error of the distance from the closer end, if a mean is computed from its odds.
const ROUNDING: f64 = 1e-14;

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

    /// Returns the probability of such subjects if `mean` is the true mean, plus its error. NaN if it cannot be computed.
    pub(super) fn p(&self, mean: f64) -> f64 {
        (self.positive(mean, &mut Vec::new()).ln.exp() * (1.0 + ERROR)).min(1.0)
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

    /// Returns the mean closest to the observed one that has at most this probability, less its error. The limit if the probability
    /// cannot be computed.
    ///
    /// Newton's method on the logarithm of the probability, and the logarithm of the mean's distances from both limits.
    pub(super) fn bound(&self, risk: f64) -> f64 {
        if self.seen == self.limit {
            return self.limit;
        }
        // The last step may miss the aim by half of the allowed error more.
        let (aim, mut parts) = (risk.ln() - 1.5 * ERROR, Vec::with_capacity(self.subjects.len()));
        // The mean is not between the observed one and that with this logarithm; 0 is the middle.
        let (mut near, mut far) = (self.odds(self.seen), f64::INFINITY);
        let (mut odds, mut last) = (self.start(risk), None);
        for _ in 0..200 {
            let mean = self.at(odds);
            let found = self.positive(mean, &mut parts);
            if found.ln.is_nan() {
                return self.limit;
            }
            let over = found.ln - aim;
            if over > 0.0 {
                near = odds;
            } else {
                far = odds;
            }
            let slope = found.slope * (mean - self.other) * (self.limit - mean) / (self.limit - self.other);
            let change = (over / slope).clamp(-8.0, 8.0);
            let next = odds - change;
            let curvature = last.map(|(before, steepness)| (slope - steepness) / (odds - before));
            last = Some((odds, slope));
            if next > near && next < far {
                // By how much the step misses, from the change of the slope.
                let miss = curvature.map(|curvature: f64| (curvature * change * change / 2.0).abs());
                if over.abs() < CLOSE && miss.is_some_and(|miss| miss < ERROR / 4.0) {
                    return self.outward(next);
                }
                odds = next;
            } else if far - near < 1e-12 * near.abs().max(1.0) {
                // Where the observed mean itself has at most this probability, or the means in between are equal.
                return self.outward(far);
            } else if far.is_infinite() {
                odds += 2.0;
            } else if near.is_infinite() {
                odds -= 2.0;
            } else {
                odds = (near + far) / 2.0;
            }
        }
        self.outward(far)
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

    /// Returns the mean with these odds, rounded towards the limit.
    fn outward(&self, odds: f64) -> f64 {
        let mean = self.at(odds);
        let end = if odds < 0.0 { self.other } else { self.limit };
        let error = 2.0 * f64::EPSILON * mean.abs().max(end.abs()) + ROUNDING * (mean - end).abs();
        let wider = mean + self.sign * error;
        if self.sign > 0.0 { wider.min(self.limit) } else { wider.max(self.limit) }
    }
}
