//! The bootstrap, reproducible: the same seed gives the same figures everywhere.
//!
//! The generator is xoshiro256++, seeded through splitmix64 (`seed_from_u64`). An index below n is the upper half of the
//! product of a draw and n. All replicates use one stream; each draws the genuine attempts before the impostors.
//!
//! Resample subjects instead of attempts if subjects have several attempts: these are not independent.

use std::collections::BTreeMap;

use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng, SeedableRng};

use crate::curve::{Curve, NotFinite, distinct, sorted};
use crate::rate::{Confidence, Interval, Rate};
use crate::special::beta::binomial_quantile;
use crate::special::probit;

/// The stream of random numbers of a seed.
#[derive(Clone, Debug)]
pub struct Draws(Xoshiro256PlusPlus);

impl Draws {
    /// Creates the stream of a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(Xoshiro256PlusPlus::seed_from_u64(seed))
    }

    /// Returns the next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// Returns the next index below `n`; 0 if `n` is 0.
    pub fn below(&mut self, n: usize) -> usize {
        ((u128::from(self.bits()) * n as u128) >> 64) as usize
    }

    /// Returns the total of `units` exponential weights: a gamma variable with this shape. These are the weights of the
    /// Bayesian bootstrap (Rubin 1981, Annals of Statistics 9:130), in which each unit has one. 0 without units.
    ///
    /// Source: Marsaglia and Tsang 2000, ACM Transactions on Mathematical Software 26:363.
    pub fn weight(&mut self, units: u64) -> f64 {
        match units {
            0 => return 0.0,
            1 => return -self.unit().ln(),
            _ => {}
        }
        let d = units as f64 - 1.0 / 3.0;
        let c = 1.0 / (9.0 * d).sqrt();
        loop {
            let normal = probit(self.unit());
            let v = (1.0 + c * normal).powi(3);
            if v > 0.0 && self.unit().ln() < normal * normal / 2.0 + d * (1.0 - v + v.ln()) {
                return d * v;
            }
        }
    }

    /// Returns the next number strictly between 0 and 1.
    fn unit(&mut self) -> f64 {
        ((self.bits() >> 12) as f64 + 0.5) / (1_u64 << 52) as f64
    }
}

/// Returns a quantile of `values`, for a share from 0 to 1: linear interpolation between ranks (type 7 of Hyndman and Fan,
/// NumPy's default). `None` if `values` is empty or has a NaN, or the share is out of range.
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
    // Interpolates from the nearer end, as NumPy does.
    Some(if part < 0.5 { low + (high - low) * part } else { high - (high - low) * (1.0 - part) })
}

/// Returns the percentile interval of bootstrap values, in their unit. `None` for an empty list, or with a NaN.
#[must_use]
pub fn percentile_interval(values: &[f64], confidence: Confidence) -> Option<Interval> {
    let risk = confidence.risk() / 2.0;
    Some(Interval { low: percentile(values, risk)?, high: percentile(values, 1.0 - risk)? })
}

/// Scores to resample, either single attempts or subjects with all their attempts.
#[derive(Clone, Debug)]
pub struct Resampler {
    /// The distinct scores, ascending. An attempt is the index of its score, so that no replicate needs a sort.
    scores: Vec<f64>,
    genuine: Units,
    impostor: Units,
}

/// The unit of resampling.
#[derive(Clone, Debug)]
enum Units {
    Attempts(Vec<usize>),
    Subjects(Vec<Vec<usize>>),
}

impl Resampler {
    /// Creates a bootstrap that resamples attempts.
    ///
    /// # Errors
    ///
    /// If a score is NaN or infinite.
    pub fn attempts(genuine: &[f64], impostor: &[f64]) -> Result<Self, NotFinite> {
        let scores = distinct_of(genuine, impostor)?;
        let units = |own: &[f64]| Units::Attempts(own.iter().map(|score| rank(&scores, *score)).collect());
        Ok(Self { genuine: units(genuine), impostor: units(impostor), scores })
    }

    /// Creates a bootstrap that resamples subjects: each replicate draws as many as there are, in the order of their
    /// numbers. A subject may have genuine and impostor attempts; the two are drawn separately.
    ///
    /// # Errors
    ///
    /// If a score is NaN or infinite.
    pub fn subjects(genuine: &[(u64, f64)], impostor: &[(u64, f64)]) -> Result<Self, NotFinite> {
        let only = |attempts: &[(u64, f64)]| attempts.iter().map(|(_, score)| *score).collect::<Vec<_>>();
        let scores = distinct_of(&only(genuine), &only(impostor))?;
        let units = |attempts: &[(u64, f64)]| {
            let mut by_subject = BTreeMap::<u64, Vec<usize>>::new();
            for (subject, score) in attempts {
                by_subject.entry(*subject).or_default().push(rank(&scores, *score));
            }
            Units::Subjects(by_subject.into_values().collect())
        };
        Ok(Self { genuine: units(genuine), impostor: units(impostor), scores })
    }

    /// Returns the next replicate's curve.
    #[must_use]
    pub fn draw(&self, draws: &mut Draws) -> Curve {
        let (genuine, impostor) = (self.counts(&self.genuine, draws), self.counts(&self.impostor, draws));
        let counts = genuine.iter().zip(&impostor).zip(&self.scores);
        Curve::from_counts(counts.map(|((genuine, impostor), score)| (*score, *genuine, *impostor)), 0)
    }

    /// Returns `statistic` of each replicate, in order.
    pub fn replicates<T>(
        &self,
        replicates: usize,
        seed: u64,
        mut statistic: impl FnMut(&Curve) -> T,
    ) -> Vec<T> {
        let mut draws = Draws::new(seed);
        (0..replicates).map(|_| statistic(&self.draw(&mut draws))).collect()
    }

    fn counts(&self, units: &Units, draws: &mut Draws) -> Vec<u64> {
        let mut counts = vec![0; self.scores.len()];
        let mut count = |rank: &usize| {
            if let Some(count) = counts.get_mut(*rank) {
                *count += 1;
            }
        };
        match units {
            Units::Attempts(ranks) => drawn(ranks, draws).for_each(&mut count),
            Units::Subjects(subjects) => drawn(subjects, draws).flatten().for_each(&mut count),
        }
        counts
    }
}

/// Draws as many of `units` as there are, with replacement.
fn drawn<'a, T>(units: &'a [T], draws: &'a mut Draws) -> impl Iterator<Item = &'a T> + 'a {
    (0..units.len()).filter_map(move |_| units.get(draws.below(units.len())))
}

fn distinct_of(genuine: &[f64], impostor: &[f64]) -> Result<Vec<f64>, NotFinite> {
    let (genuine, impostor) = (sorted(genuine)?, sorted(impostor)?);
    Ok(distinct(&genuine, &impostor).map(|(score, ..)| score).collect())
}

fn rank(scores: &[f64], score: f64) -> usize {
    scores.partition_point(|other| *other < score)
}

/// Returns replicates of a rate whose attempts are resampled, as fractions. Each is one binomial draw, so the cost does not
/// grow with the attempts. NaN without attempts.
#[must_use]
pub fn replicate_rate(rate: Rate, replicates: usize, seed: u64) -> Vec<f64> {
    let mut draws = Draws::new(seed);
    let (share, of) = (rate.fraction().unwrap_or(f64::NAN), rate.of());
    (0..replicates).map(|_| binomial_quantile(draws.unit(), of, share) as f64 / of as f64).collect()
}

/// Returns replicates of a rate whose subjects are resampled, each with the errors among its attempts, as fractions. NaN
/// without attempts.
#[must_use]
pub fn replicate_rate_of_subjects(subjects: &[Rate], replicates: usize, seed: u64) -> Vec<f64> {
    let mut draws = Draws::new(seed);
    let mut replicate = || {
        let (errors, attempts) = drawn(subjects, &mut draws)
            .fold((0, 0), |(errors, attempts), subject| (errors + subject.count(), attempts + subject.of()));
        errors as f64 / attempts as f64
    };
    (0..replicates).map(|_| replicate()).collect()
}
