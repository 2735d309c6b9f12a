//! The bootstrap, reproducible: the same seed gives the same figures everywhere.
//!
//! The generator is xoshiro256++, seeded through splitmix64 (`seed_from_u64`); an index below n is the upper half of the
//! product of a draw and n. Replicates follow each other in one stream, the genuine draws of each before its impostors'.
//!
//! Resample subjects, not attempts, where people try more than once: their attempts are not independent.

use std::collections::BTreeMap;

use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng, SeedableRng};

use super::beta::binomial_quantile;
use super::curve::{Curve, NotFinite, distinct, sorted};
use super::rate::{Confidence, Interval, Rate};

/// The stream of draws that a seed gives.
#[derive(Clone, Debug)]
pub struct Draws(Xoshiro256PlusPlus);

impl Draws {
    /// The stream of a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(Xoshiro256PlusPlus::seed_from_u64(seed))
    }

    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// The next index below `n`; 0 if `n` is 0.
    pub fn below(&mut self, n: usize) -> usize {
        ((u128::from(self.bits()) * n as u128) >> 64) as usize
    }

    /// The next number strictly between 0 and 1.
    fn unit(&mut self) -> f64 {
        ((self.bits() >> 12) as f64 + 0.5) / (1_u64 << 52) as f64
    }
}

/// The value below which a share of `values` lies, from 0 to 1: linear between the neighbours in rank (type 7 of Hyndman and
/// Fan, NumPy's default). `None` of nothing, with a NaN, or for a share out of range.
#[must_use]
pub fn percentile(values: &[f64], share: f64) -> Option<f64> {
    if !(0.0..=1.0).contains(&share) || values.iter().any(|value| value.is_nan()) {
        return None;
    }
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let rank = share * (sorted.len().checked_sub(1)?) as f64;
    let (low, part) = (*sorted.get(rank.floor() as usize)?, rank.fract());
    let high = *sorted.get(rank.ceil() as usize)?;
    // From the nearer end, as NumPy does.
    Some(if part < 0.5 { low + (high - low) * part } else { high - (high - low) * (1.0 - part) })
}

/// The percentile interval of bootstrap values, in their unit. `None` of nothing, or with a NaN.
#[must_use]
pub fn percentile_interval(values: &[f64], confidence: Confidence) -> Option<Interval> {
    let risk = confidence.risk() / 2.0;
    Some(Interval { low: percentile(values, risk)?, high: percentile(values, 1.0 - risk)? })
}

/// Scores to resample: each attempt by itself, or each subject with all its attempts.
#[derive(Clone, Debug)]
pub struct Resampler {
    scores: Vec<f64>,
    genuine: Vec<Vec<usize>>,
    impostor: Vec<Vec<usize>>,
}

impl Resampler {
    /// Attempts, drawn one by one.
    ///
    /// # Errors
    ///
    /// A score is NaN or infinite.
    pub fn attempts(genuine: &[f64], impostor: &[f64]) -> Result<Self, NotFinite> {
        let alone = |scores: &[f64]| (0_u64..).zip(scores.iter().copied()).collect::<Vec<_>>();
        Self::subjects(&alone(genuine), &alone(impostor))
    }

    /// Attempts of subjects, drawn subject by subject: as many as there are, in the order of their numbers. A subject may
    /// have genuine and impostor attempts; the two are drawn apart.
    ///
    /// # Errors
    ///
    /// A score is NaN or infinite.
    pub fn subjects(genuine: &[(u64, f64)], impostor: &[(u64, f64)]) -> Result<Self, NotFinite> {
        let only =
            |attempts: &[(u64, f64)]| sorted(&attempts.iter().map(|(_, score)| *score).collect::<Vec<_>>());
        let scores: Vec<f64> = distinct(&only(genuine)?, &only(impostor)?).map(|(score, ..)| score).collect();
        // A score is only ever looked up by its rank among the distinct, so that no replicate needs a sort.
        let ranks = |attempts: &[(u64, f64)]| {
            let mut by_subject = BTreeMap::<u64, Vec<usize>>::new();
            for (subject, score) in attempts {
                let rank = scores.partition_point(|other| other < score);
                by_subject.entry(*subject).or_default().push(rank);
            }
            by_subject.into_values().collect()
        };
        Ok(Self { genuine: ranks(genuine), impostor: ranks(impostor), scores })
    }

    /// The next replicate's curve.
    #[must_use]
    pub fn draw(&self, draws: &mut Draws) -> Curve {
        let (genuine, impostor) = (self.counts(&self.genuine, draws), self.counts(&self.impostor, draws));
        let counts = genuine.iter().zip(&impostor).zip(&self.scores);
        Curve::from_counts(counts.map(|((genuine, impostor), score)| (*score, *genuine, *impostor)))
    }

    /// What `statistic` says of each replicate, in order.
    pub fn replicates<T>(
        &self,
        replicates: usize,
        seed: u64,
        mut statistic: impl FnMut(&Curve) -> T,
    ) -> Vec<T> {
        let mut draws = Draws::new(seed);
        (0..replicates).map(|_| statistic(&self.draw(&mut draws))).collect()
    }

    fn counts(&self, subjects: &[Vec<usize>], draws: &mut Draws) -> Vec<u64> {
        let mut counts = vec![0; self.scores.len()];
        for _ in 0..subjects.len() {
            for rank in subjects.get(draws.below(subjects.len())).into_iter().flatten() {
                if let Some(count) = counts.get_mut(*rank) {
                    *count += 1;
                }
            }
        }
        counts
    }
}

/// Replicates of a rate whose attempts are drawn one by one, as fractions: a binomial count each, so the cost does not grow
/// with the attempts. NaN of nothing.
#[must_use]
pub fn replicate_rate(rate: Rate, replicates: usize, seed: u64) -> Vec<f64> {
    let mut draws = Draws::new(seed);
    let (share, of) = (rate.fraction().unwrap_or(f64::NAN), rate.of());
    (0..replicates).map(|_| binomial_quantile(draws.unit(), of, share) as f64 / of as f64).collect()
}

/// Replicates of a rate whose subjects are drawn, each with the errors among its attempts, as fractions. NaN where nothing
/// was attempted.
#[must_use]
pub fn replicate_rate_of_subjects(subjects: &[Rate], replicates: usize, seed: u64) -> Vec<f64> {
    let mut draws = Draws::new(seed);
    let mut replicate = || {
        let (mut errors, mut attempts) = (0, 0);
        for _ in 0..subjects.len() {
            if let Some(subject) = subjects.get(draws.below(subjects.len())) {
                (errors, attempts) = (errors + subject.count(), attempts + subject.of());
            }
        }
        errors as f64 / attempts as f64
    };
    (0..replicates).map(|_| replicate()).collect()
}
