//! The error counts at every threshold, and the figures derived from them: ROC, DET, AUC and EER.

use std::fmt;

use crate::interval::clopper_pearson;
use crate::rate::{Confidence, Interval, Rate};

/// An operating point: the error counts at a threshold. A score is accepted if it is at least the threshold.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OperatingPoint {
    /// The threshold, in points.
    pub threshold: f64,
    /// The false match rate (FMR): the share of impostors with a valid score that are accepted.
    pub fmr: Rate,
    /// The false non-match rate (FNMR): the share of genuine attempts with a valid score that are refused.
    pub fnmr: Rate,
}

/// An operating point with the Clopper-Pearson intervals of its rates, as fractions.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// The point.
    pub point: OperatingPoint,
    /// The interval of the FMR.
    pub fmr: Interval,
    /// The interval of the FNMR.
    pub fnmr: Interval,
}

/// Returns the intervals of each point. Neighbours with the same counts share the work.
#[must_use]
pub fn estimates(points: impl IntoIterator<Item = OperatingPoint>, confidence: Confidence) -> Vec<Estimate> {
    let mut done: Vec<Estimate> = Vec::new();
    for point in points {
        let last = done.last().copied();
        let fmr = last.filter(|last| last.point.fmr == point.fmr).map(|last| last.fmr);
        let fnmr = last.filter(|last| last.point.fnmr == point.fnmr).map(|last| last.fnmr);
        done.push(Estimate {
            point,
            fmr: fmr.unwrap_or_else(|| clopper_pearson(point.fmr, confidence)),
            fnmr: fnmr.unwrap_or_else(|| clopper_pearson(point.fnmr, confidence)),
        });
    }
    done
}

/// The error of a score that is not a finite number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotFinite {
    index: usize,
}

impl NotFinite {
    /// Returns the index of the score in its slice.
    #[must_use]
    pub const fn index(self) -> usize {
        self.index
    }
}

impl fmt::Display for NotFinite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "score number {} is not finite; count it as a failure to acquire", self.index)
    }
}

impl std::error::Error for NotFinite {}

/// Returns the scores in ascending order.
pub(crate) fn sorted(scores: &[f64]) -> Result<Vec<f64>, NotFinite> {
    if let Some(index) = scores.iter().position(|score| !score.is_finite()) {
        return Err(NotFinite { index });
    }
    let mut sorted = scores.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    Ok(sorted)
}

/// The distinct scores at which the error counts change, and the counts there.
#[derive(Clone, Debug, PartialEq)]
pub struct Curve {
    /// The distinct scores, ascending, then plus infinity: each with the impostors at or above it and the genuine below.
    points: Vec<(f64, u64, u64)>,
    genuine: u64,
    impostor: u64,
    /// Scores known only to be in a range outside the grid: the AUC and the EER depend on their exact values.
    outside: u64,
}

/// The equal error rate (EER): the crossing of FMR and FNMR. It compares matchers; do not choose a threshold by it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EqualErrorRate {
    /// The smaller of FMR and FNMR at the threshold, a fraction.
    pub low: f64,
    /// The larger of them.
    pub high: f64,
    /// The observed score, in points, at which `low` and `high` are taken. Of the two observed scores around the crossing, it
    /// is the one with the lower sum of FMR and FNMR, or the lower score on a tie (FVC2000). Plus infinity if that point
    /// refuses everyone.
    pub threshold: f64,
    /// The equal rate on the line between the two points around the crossing.
    pub interpolated: f64,
}

impl EqualErrorRate {
    /// Returns the middle of low and high, which is usually reported as the EER.
    #[must_use]
    pub fn mid(self) -> f64 {
        (self.low + self.high) / 2.0
    }
}

impl Curve {
    /// Creates the curve of genuine and impostor scores in any order.
    ///
    /// # Errors
    ///
    /// If a score is NaN or infinite.
    pub fn of(genuine: &[f64], impostor: &[f64]) -> Result<Self, NotFinite> {
        let (genuine, impostor) = (sorted(genuine)?, sorted(impostor)?);
        Ok(Self::from_counts(distinct(&genuine, &impostor), 0))
    }

    /// Creates the curve from ascending scores with the number of genuine and impostor attempts at each. `outside` of them are
    /// outside the grid.
    pub(crate) fn from_counts(counts: impl Iterator<Item = (f64, u64, u64)>, outside: u64) -> Self {
        let mut points: Vec<(f64, u64, u64)> = Vec::new();
        let (mut genuine, mut impostor) = (0, 0);
        for (score, here_genuine, here_impostor) in counts {
            if here_genuine + here_impostor > 0 {
                points.push((score, impostor, genuine));
                (genuine, impostor) = (genuine + here_genuine, impostor + here_impostor);
            }
        }
        points.push((f64::INFINITY, impostor, genuine));
        for point in &mut points {
            point.1 = impostor - point.1;
        }
        Self { points, genuine, impostor, outside }
    }

    /// Returns the number of genuine scores.
    #[must_use]
    pub const fn genuine(&self) -> u64 {
        self.genuine
    }

    /// Returns the number of impostor scores.
    #[must_use]
    pub const fn impostor(&self) -> u64 {
        self.impostor
    }

    /// Returns the ROC: the error counts at every distinct score, ascending, and at plus infinity, where every attempt is
    /// refused.
    pub fn points(&self) -> impl DoubleEndedIterator<Item = OperatingPoint> + ExactSizeIterator + '_ {
        self.points.iter().map(|point| self.operating(*point))
    }

    /// Returns the error counts at any threshold, in points. A NaN threshold refuses every attempt.
    #[must_use]
    pub fn at(&self, threshold: f64) -> OperatingPoint {
        let next = self.points.partition_point(|(score, ..)| *score < threshold || threshold.is_nan());
        let (_, fm, fnm) = self.points.get(next).copied().unwrap_or((threshold, 0, self.genuine));
        self.operating((threshold, fm, fnm))
    }

    /// Returns each distinct score with its number of genuine and impostor attempts.
    pub(crate) fn counts(&self) -> impl Iterator<Item = (f64, u64, u64)> + '_ {
        let pairs = self.points.windows(2).filter_map(|pair| <[_; 2]>::try_from(pair).ok());
        pairs.map(|[(score, fm, fnm), (_, next_fm, next_fnm)]| (score, next_fnm - fnm, fm - next_fm))
    }

    fn operating(&self, (threshold, fm, fnm): (f64, u64, u64)) -> OperatingPoint {
        OperatingPoint {
            threshold,
            fmr: Rate::counted(fm, self.impostor),
            fnmr: Rate::counted(fnm, self.genuine),
        }
    }

    /// Returns the `rank`-th largest impostor score, counted from 1; `None` if there are fewer.
    #[must_use]
    pub(crate) fn impostor_from_top(&self, rank: u64) -> Option<f64> {
        if rank == 0 || rank > self.impostor {
            return None;
        }
        let above = self.points.partition_point(|(_, fm, _)| *fm >= rank);
        self.points.get(above.checked_sub(1)?).map(|(score, ..)| *score)
    }

    /// Returns the area under the ROC: the probability that a genuine score is higher than an impostor score, with a tie
    /// counted as half (Mann and Whitney). `None` if either is missing, or if scores are outside the grid.
    #[must_use]
    pub fn auc(&self) -> Option<f64> {
        if self.outside > 0 {
            return None;
        }
        let pairs = 2 * u128::from(self.genuine) * u128::from(self.impostor);
        let (mut below, mut wins) = (0, 0);
        for (_, genuine, impostor) in self.counts() {
            wins += u128::from(genuine) * (2 * below + u128::from(impostor));
            below += u128::from(impostor);
        }
        (pairs > 0).then(|| wins as f64 / pairs as f64)
    }

    /// Returns the equal error rate. `None` if there are no genuine or no impostor scores, or if scores are outside the grid.
    #[must_use]
    pub fn eer(&self) -> Option<EqualErrorRate> {
        let (before, after) = self.crossing(&self.points)?;
        let sum =
            |point: (f64, u64, u64)| self.scaled(point.1, self.genuine) + self.scaled(point.2, self.impostor);
        let at = self.operating(if sum(before) <= sum(after) { before } else { after });
        let (fmr, fnmr) = (at.fmr.fraction()?, at.fnmr.fraction()?);
        Some(EqualErrorRate {
            low: fmr.min(fnmr),
            high: fmr.max(fnmr),
            threshold: at.threshold,
            interpolated: self.between(before, after),
        })
    }

    /// Returns the equal error rate of the ROC's convex hull (ROCCH), which a mix of two thresholds can reach.
    #[must_use]
    pub fn eer_of_hull(&self) -> Option<f64> {
        let mut hull: Vec<(f64, u64, u64)> = Vec::new();
        for point in &self.points {
            while let [.., first, second] = hull.as_slice()
                && turns_outwards(*first, *second, *point)
            {
                hull.pop();
            }
            hull.push(*point);
        }
        let (before, after) = self.crossing(&hull)?;
        Some(self.between(before, after))
    }

    /// Returns the neighbours between which FMR falls below FNMR; twice the same point if they are equal there.
    #[expect(clippy::type_complexity, reason = "two points")]
    fn crossing(&self, points: &[(f64, u64, u64)]) -> Option<((f64, u64, u64), (f64, u64, u64))> {
        if self.genuine == 0 || self.impostor == 0 || self.outside > 0 {
            return None;
        }
        let fmr = |point: &(f64, u64, u64)| self.scaled(point.1, self.genuine);
        let fnmr = |point: &(f64, u64, u64)| self.scaled(point.2, self.impostor);
        let index = points.partition_point(|point| fmr(point) > fnmr(point));
        let after = points.get(index)?;
        let equal = fmr(after) == fnmr(after);
        let before = index.checked_sub(1).filter(|_| !equal).and_then(|index| points.get(index));
        Some((*before.unwrap_or(after), *after))
    }

    /// Scales counts of different totals to a common denominator.
    fn scaled(&self, count: u64, other_total: u64) -> u128 {
        u128::from(count) * u128::from(other_total)
    }

    /// Returns the equal rate on the line between two points.
    fn between(&self, before: (f64, u64, u64), after: (f64, u64, u64)) -> f64 {
        let rates = |(_, fm, fnm): (f64, u64, u64)| {
            (fm as f64 / self.impostor as f64, fnm as f64 / self.genuine as f64)
        };
        let ((fmr, fnmr), (next_fmr, next_fnmr)) = (rates(before), rates(after));
        let (over, under) = (fmr - fnmr, next_fnmr - next_fmr);
        if over + under > 0.0 { fmr + over / (over + under) * (next_fmr - fmr) } else { next_fmr }
    }
}

/// Returns whether the middle one of three points is not a corner of the hull: on or above the line between the others.
fn turns_outwards(first: (f64, u64, u64), second: (f64, u64, u64), third: (f64, u64, u64)) -> bool {
    let step = |from: u64, to: u64| i128::from(to) - i128::from(from);
    let left = step(first.1, second.1) * step(first.2, third.2);
    left >= step(first.2, second.2) * step(first.1, third.1)
}

/// Merges two ascending slices: each distinct value with its number in each slice.
pub(crate) fn distinct<'a>(
    mut first: &'a [f64],
    mut second: &'a [f64],
) -> impl Iterator<Item = (f64, u64, u64)> + 'a {
    std::iter::from_fn(move || {
        let value = match (first.first(), second.first()) {
            (Some(a), Some(b)) => a.min(*b),
            (Some(only), None) | (None, Some(only)) => *only,
            (None, None) => return None,
        };
        Some((value, take(&mut first, value), take(&mut second, value)))
    })
}

/// Removes the values equal to `value` from the front, and returns how many there were.
fn take(rest: &mut &[f64], value: f64) -> u64 {
    let same = rest.iter().take_while(|score| **score == value).count();
    *rest = rest.get(same..).unwrap_or_default();
    same as u64
}
