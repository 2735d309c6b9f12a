//! The variance of the area under the ROC curve, and the difference of two areas on the same attempts.
//!
//! Source: DeLong, DeLong and Clarke-Pearson 1988, Biometrics 44:837. Each genuine attempt is placed among the impostors (the
//! share of them that it exceeds, ties as half), and each impostor among the genuine attempts. The area is the mean placement,
//! and its variance is that of the placements. Attempts count as independent.
//!
//! Over people, the placements of one person are added up before they are squared: Obuchowski 1997, Biometrics 53:567. With one
//! attempt for each person both variances are the same. The difference of two areas is the area of the differences of the
//! placements, so its variances are the same sums.

use crate::curve::Curve;
use crate::rate::{Confidence, Interval};
use crate::special::{gamma, probit};

/// An area under the ROC curve.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Auc {
    /// The area: the probability that a genuine score is higher than an impostor's, with ties as half.
    pub area: f64,
    /// The variance of the area: DeLong's over attempts, Obuchowski's over people.
    pub variance: f64,
}

impl Auc {
    /// Returns the area of a curve. `None` with fewer than two genuine or two impostor scores, or with scores outside the grid.
    #[must_use]
    pub fn of(curve: &Curve) -> Option<Self> {
        Some(Placements::of(pairs(curve)?)?.first())
    }

    /// Returns the area of a curve, with Obuchowski's variance, in which the attempts of one subject may depend on each other. `rows`
    /// are attempts of the curve: the subject, the score, and whether it is genuine. Those of one subject follow each other. An
    /// attempt of the curve without a row is one more subject. `None` as for [`Auc::of`], and with fewer than two subjects of
    /// either kind.
    #[must_use]
    pub fn of_subjects<S: PartialEq>(
        curve: &Curve,
        rows: impl IntoIterator<Item = (S, f64, bool)>,
    ) -> Option<Self> {
        let placements = Placements::of(pairs(curve)?)?;
        let mut left: Vec<(u64, u64)> =
            placements.attempts.iter().map(|attempts| (attempts.genuine, attempts.impostor)).collect();
        let (mut sums, mut own, mut last) = (placements.sums(), Own::default(), None);
        for (subject, score, is_genuine) in rows {
            if last.as_ref() != Some(&subject) {
                sums.add(std::mem::take(&mut own), 1);
                last = Some(subject);
            }
            let after = placements.attempts.partition_point(|attempts| attempts.first <= score);
            let Some(index) = after.checked_sub(1) else { continue };
            if let Some((genuine, impostor)) = left.get_mut(index) {
                let count = if is_genuine { genuine } else { impostor };
                *count = count.saturating_sub(1);
            }
            let [distance, ..] = placements.distances(index, is_genuine);
            own.add(distance, is_genuine);
        }
        sums.add(own, 1);
        for (index, (genuine, impostor)) in left.into_iter().enumerate() {
            for (is_genuine, times) in [(true, genuine), (false, impostor)] {
                let [distance, ..] = placements.distances(index, is_genuine);
                sums.add(Own::alone(distance, is_genuine), times);
            }
        }
        Some(Self { area: placements.areas[0], variance: sums.variance()? })
    }

    /// Returns the confidence interval, cut to 0 and 1. It is too short if an area is close to 1 and the errors are few.
    #[must_use]
    pub fn interval(&self, confidence: Confidence) -> Interval {
        let half = -probit(confidence.risk() / 2.0) * self.variance.sqrt();
        Interval { low: (self.area - half).max(0.0), high: (self.area + half).min(1.0) }
    }

    /// Returns the confidence interval whose ends are equally far from the area on the scale of log odds (Pepe 2003, "The Statistical
    /// Evaluation of Medical Tests", section 5.2.5). It is not cut, and holds near 1, where [`interval`](Self::interval) is too
    /// short.
    #[must_use]
    pub fn logit_interval(&self, confidence: Confidence) -> Interval {
        let spread = self.area * (1.0 - self.area);
        if spread == 0.0 {
            return self.interval(confidence);
        }
        let half = -probit(confidence.risk() / 2.0) * self.variance.sqrt() / spread;
        let at = |shift: f64| 1.0 / (1.0 + (1.0 - self.area) / self.area * (-shift).exp());
        Interval { low: at(-half), high: at(half) }
    }
}

/// Returns the attempts at each score of a curve, ascending.
fn pairs(curve: &Curve) -> Option<Vec<PairedScores>> {
    curve.auc()?;
    let pair = |(score, genuine, impostor)| PairedScores { first: score, second: score, genuine, impostor };
    Some(curve.counts().map(pair).collect())
}

/// The placements of a subject's attempts minus their means, added up: as genuine attempts, and as impostors. `None` without any.
#[derive(Clone, Copy, Default)]
struct Own {
    genuine: Option<f64>,
    impostor: Option<f64>,
}

impl Own {
    fn alone(distance: f64, is_genuine: bool) -> Self {
        let mut alone = Self::default();
        alone.add(distance, is_genuine);
        alone
    }

    fn add(&mut self, distance: f64, is_genuine: bool) {
        let sum = if is_genuine { &mut self.genuine } else { &mut self.impostor };
        *sum = Some(sum.unwrap_or_default() + distance);
    }
}

/// The sums over subjects, and the number of subjects: with genuine attempts, with impostor attempts, with any.
#[derive(Clone, Copy)]
struct Sums {
    /// The number of genuine and of impostor attempts.
    of: [f64; 2],
    squares: [f64; 2],
    products: f64,
    subjects: [u64; 3],
    /// The part of each subject in the variance, and its square.
    parts: [f64; 2],
}

impl Sums {
    fn add(&mut self, Own { genuine, impostor }: Own, times: u64) {
        let [of_genuine, of_impostor, all] = &mut self.subjects;
        *of_genuine += u64::from(genuine.is_some()) * times;
        *of_impostor += u64::from(impostor.is_some()) * times;
        *all += u64::from(genuine.is_some() || impostor.is_some()) * times;
        let (mut part, times) = (0.0, times as f64);
        for ((sum, own), of) in self.squares.iter_mut().zip([genuine, impostor]).zip(self.of) {
            let own = own.unwrap_or_default();
            *sum += own * own * times;
            part += own / of;
        }
        self.products += genuine.zip(impostor).map_or(0.0, |(a, b)| a * b) * times;
        let [parts, squares] = &mut self.parts;
        *parts += part.powi(2) * times;
        *squares += part.powi(4) * times;
    }

    fn variance(&self) -> Option<f64> {
        let ([of_genuine, of_impostor, all], [genuine, impostor]) = (self.subjects, self.of);
        if of_genuine < 2 || of_impostor < 2 {
            return None;
        }
        let unbiased = |sum: f64, subjects: u64| sum * subjects as f64 / (subjects - 1) as f64;
        let [squares, other_squares] = self.squares;
        let variance = unbiased(squares, of_genuine) / genuine.powi(2)
            + unbiased(other_squares, of_impostor) / impostor.powi(2)
            + 2.0 * unbiased(self.products, all) / (genuine * impostor);
        Some(variance.max(0.0))
    }

    /// Returns the number of subjects that would have the variance among them if their parts were the same.
    fn effective(&self) -> f64 {
        let [parts, squares] = self.parts;
        if squares > 0.0 { parts * parts / squares } else { 0.0 }
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
    /// The variance of `first` minus `second`: DeLong's over attempts, Obuchowski's over people.
    pub variance: f64,
    /// The number of attempts, or of people, that would have the same variance if the scores disagreed equally about each of them. With
    /// a few, [`p`](Self::p) is too small: four that all count for the same side give 0.046, and the sign test 0.125.
    pub effective: f64,
}

impl AucDifference {
    /// Compares the areas of two scores of the same attempts. `None` with fewer than two genuine or two impostor attempts, or
    /// with a score that is NaN.
    #[must_use]
    pub fn of(attempts: impl IntoIterator<Item = PairedScores>) -> Option<Self> {
        Self::of_subjects(attempts.into_iter().map(|attempt| (None::<()>, attempt)))
    }

    /// Compares the areas with Obuchowski's variances, in which the attempts of one subject may depend on each other. Those of one
    /// subject follow each other. An attempt without a subject is one more subject. `None` as for [`AucDifference::of`], and with
    /// fewer than two subjects of either kind.
    #[must_use]
    pub fn of_subjects<S: PartialEq>(
        attempts: impl IntoIterator<Item = (Option<S>, PairedScores)>,
    ) -> Option<Self> {
        let (subjects, attempts): (Vec<Option<S>>, Vec<PairedScores>) = attempts.into_iter().unzip();
        let placements = Placements::of(attempts)?;
        let mut sums = [placements.sums(); 3];
        let (mut own, mut last) = ([Own::default(); 3], None);
        let add = |sums: &mut [Sums; 3], own: [Own; 3], times: u64| {
            sums.iter_mut().zip(own).for_each(|(sums, own)| sums.add(own, times));
        };
        for (index, (subject, attempt)) in subjects.iter().zip(&placements.attempts).enumerate() {
            if subject.is_some() && last != subject.as_ref() {
                add(&mut sums, std::mem::take(&mut own), 1);
                last = subject.as_ref();
            }
            for (is_genuine, times) in [(true, attempt.genuine), (false, attempt.impostor)] {
                let distances = placements.distances(index, is_genuine);
                if subject.is_none() {
                    add(&mut sums, distances.map(|distance| Own::alone(distance, is_genuine)), times);
                } else if times > 0 {
                    let own = own.iter_mut().zip(distances);
                    own.for_each(|(own, distance)| own.add(distance * times as f64, is_genuine));
                }
            }
        }
        add(&mut sums, own, 1);
        let [first, second, both] = &sums;
        let [area, other] = placements.areas;
        Some(Self {
            first: Auc { area, variance: first.variance()? },
            second: Auc { area: other, variance: second.variance()? },
            variance: both.variance()?,
            effective: both.effective(),
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

    /// Returns the two-sided p-value of the hypothesis that the areas are the same. 1 if the scores order the attempts alike, 0
    /// if the areas differ and the variance is 0.
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
        let mut sums = self.sums();
        for (index, attempt) in self.attempts.iter().enumerate() {
            for (is_genuine, times) in [(true, attempt.genuine), (false, attempt.impostor)] {
                let [distance, ..] = self.distances(index, is_genuine);
                sums.add(Own::alone(distance, is_genuine), times);
            }
        }
        Auc { area: self.areas[0], variance: sums.variance().unwrap_or_default() }
    }

    /// Returns the sums of no subject.
    fn sums(&self) -> Sums {
        let of = [self.genuine as f64, self.impostor as f64];
        Sums { of, squares: [0.0; 2], products: 0.0, subjects: [0; 3], parts: [0.0; 2] }
    }

    /// Returns the placements of an attempt by its first and second score, each minus the area, and the difference of both.
    fn distances(&self, index: usize, is_genuine: bool) -> [f64; 3] {
        let [[first, second], impostor] = self.above.get(index).copied().unwrap_or_default();
        let [first, second] = if is_genuine { [first, second] } else { impostor };
        let [area, other] = self.areas;
        let (first, second) = (first - area, second - other);
        [first, second, first - second]
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
    order.sort_unstable_by(|(_, a), (_, b)| (score(a) + 0.0).total_cmp(&(score(b) + 0.0)));
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
