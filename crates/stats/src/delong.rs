//! The variance of the area under the ROC curve, and the difference of two areas on the same attempts.
//!
//! Source: DeLong, DeLong and Clarke-Pearson 1988, Biometrics 44:837. Each genuine attempt is placed among the impostors (the
//! share of them that it exceeds, ties as half), and each impostor among the genuine attempts. The area is the mean placement,
//! and its variance is that of the placements. Attempts count as independent.

use crate::curve::Curve;
use crate::rate::{Confidence, Interval};
use crate::special::{gamma, probit};

/// An area under the ROC curve.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Auc {
    /// The area: the probability that a genuine score is higher than an impostor's, with ties as half.
    pub area: f64,
    /// DeLong's variance of the area.
    pub variance: f64,
}

impl Auc {
    /// Returns the area of a curve. `None` with fewer than two genuine or two impostor scores, or with scores outside the grid.
    #[must_use]
    pub fn of(curve: &Curve) -> Option<Self> {
        curve.auc()?;
        let pairs = curve.counts().map(|(score, genuine, impostor)| PairedScores {
            first: score,
            second: score,
            genuine,
            impostor,
        });
        Some(Placements::of(pairs.collect())?.first())
    }

    /// Returns the confidence interval, cut to 0 and 1. It is too short if an area is close to 1 and the errors are few.
    #[must_use]
    pub fn interval(&self, confidence: Confidence) -> Interval {
        let half = -probit(confidence.risk() / 2.0) * self.variance.sqrt();
        Interval { low: (self.area - half).max(0.0), high: (self.area + half).min(1.0) }
    }
}

/// Attempts with the same two scores, as of two matchers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PairedScores {
    /// The score of the first matcher. Only the order of the scores matters.
    pub first: f64,
    /// The score of the second.
    pub second: f64,
    /// The number of genuine attempts with these scores.
    pub genuine: u64,
    /// The number of impostor attempts with these scores.
    pub impostor: u64,
}

/// Two areas on the same attempts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AucDifference {
    /// The area of the first scores.
    pub first: Auc,
    /// The area of the second scores.
    pub second: Auc,
    /// DeLong's variance of `first` minus `second`.
    pub variance: f64,
}

impl AucDifference {
    /// Compares the areas of two scores of the same attempts. `None` with fewer than two genuine or two impostor attempts, or
    /// with a score that is NaN.
    #[must_use]
    pub fn of(attempts: impl IntoIterator<Item = PairedScores>) -> Option<Self> {
        let placements = Placements::of(attempts.into_iter().collect())?;
        Some(Self {
            first: placements.first(),
            second: placements.second(),
            variance: placements.variance(|[a, b], [p, q]| {
                let gap = (a - p) - (b - q);
                gap * gap
            }),
        })
    }

    /// Returns the difference of the areas, `first` minus `second`.
    #[must_use]
    pub fn difference(&self) -> f64 {
        self.first.area - self.second.area
    }

    /// Returns the confidence interval of the difference, from -1 to 1.
    #[must_use]
    pub fn interval(&self, confidence: Confidence) -> Interval {
        let half = -probit(confidence.risk() / 2.0) * self.variance.sqrt();
        let difference = self.difference();
        Interval { low: (difference - half).max(-1.0), high: (difference + half).min(1.0) }
    }

    /// Returns the two-sided p-value of the hypothesis that the areas are the same. 1 if the scores order the attempts alike.
    #[must_use]
    pub fn p(&self) -> f64 {
        let difference = self.difference();
        // The square of a standard normal number is twice a gamma number with the shape 1/2.
        if difference == 0.0 { 1.0 } else { gamma::above(0.5, difference * difference / self.variance / 2.0) }
    }
}

/// The placements of all attempts under both scores.
struct Placements {
    attempts: Vec<PairedScores>,
    /// For each attempt: among the impostors if it is genuine, and among the genuine if it is an impostor.
    above: Vec<[[f64; 2]; 2]>,
    genuine: u64,
    impostor: u64,
    areas: [f64; 2],
}

impl Placements {
    fn of(attempts: Vec<PairedScores>) -> Option<Self> {
        let sum = |of: fn(&PairedScores) -> u64| attempts.iter().map(of).sum::<u64>();
        let (genuine, impostor) = (sum(|attempt| attempt.genuine), sum(|attempt| attempt.impostor));
        let has_nan = attempts.iter().any(|attempt| attempt.first.is_nan() || attempt.second.is_nan());
        if genuine < 2 || impostor < 2 || has_nan {
            return None;
        }
        let mut above = vec![[[0.0; 2]; 2]; attempts.len()];
        let scores: [fn(&PairedScores) -> f64; 2] = [|attempt| attempt.first, |attempt| attempt.second];
        let mut areas = [0.0; 2];
        for (which, (score, area)) in scores.into_iter().zip(&mut areas).enumerate() {
            *area = place(&attempts, score, (genuine, impostor), |index, placements| {
                for (side, placement) in above.get_mut(index).into_iter().flatten().zip(placements) {
                    if let Some(side) = side.get_mut(which) {
                        *side = placement;
                    }
                }
            });
        }
        Some(Self { attempts, above, genuine, impostor, areas })
    }

    fn first(&self) -> Auc {
        let variance = self.variance(|[a, _], [p, _]| (a - p) * (a - p));
        Auc { area: self.areas[0], variance }
    }

    fn second(&self) -> Auc {
        let variance = self.variance(|[_, b], [_, q]| (b - q) * (b - q));
        Auc { area: self.areas[1], variance }
    }

    /// Returns the variance of what `square` gives for an attempt's placements and their means.
    fn variance(&self, square: impl Fn([f64; 2], [f64; 2]) -> f64) -> f64 {
        let (mut of_genuine, mut of_impostor) = (0.0, 0.0);
        for (attempt, [genuine, impostor]) in self.attempts.iter().zip(&self.above) {
            of_genuine += attempt.genuine as f64 * square(*genuine, self.areas);
            of_impostor += attempt.impostor as f64 * square(*impostor, self.areas);
        }
        let share = |sum: f64, count: u64| sum / (count - 1) as f64 / count as f64;
        share(of_genuine, self.genuine) + share(of_impostor, self.impostor)
    }
}

/// Places each attempt by one of its scores, and returns the area.
fn place(
    attempts: &[PairedScores],
    score: fn(&PairedScores) -> f64,
    (genuine, impostor): (u64, u64),
    mut put: impl FnMut(usize, [f64; 2]),
) -> f64 {
    let mut order: Vec<(usize, &PairedScores)> = attempts.iter().enumerate().collect();
    order.sort_by(|(_, a), (_, b)| (score(a) + 0.0).total_cmp(&(score(b) + 0.0)));
    let (mut genuine_below, mut impostor_below, mut wins) = (0, 0, 0_u128);
    for tied in order.chunk_by(|(_, a), (_, b)| score(a) == score(b)) {
        let genuine_here: u64 = tied.iter().map(|(_, attempt)| attempt.genuine).sum();
        let impostor_here: u64 = tied.iter().map(|(_, attempt)| attempt.impostor).sum();
        let half = |below: u64, here: u64| below as f64 + here as f64 / 2.0;
        let among_impostors = half(impostor_below, impostor_here) / impostor as f64;
        let among_genuine = 1.0 - half(genuine_below, genuine_here) / genuine as f64;
        tied.iter().for_each(|(index, _)| put(*index, [among_impostors, among_genuine]));
        wins += u128::from(genuine_here) * (2 * u128::from(impostor_below) + u128::from(impostor_here));
        (genuine_below, impostor_below) = (genuine_below + genuine_here, impostor_below + impostor_here);
    }
    wins as f64 / (2 * u128::from(genuine) * u128::from(impostor)) as f64
}
