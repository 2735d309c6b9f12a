//! Drift: whether current scores are distributed like those that the thresholds were chosen on.
//!
//! Fix the bins on the reference: bins made from each sample hide the drift that they should show. With very many scores every
//! difference is significant, so look at its size: [`wasserstein`]'s points, or the share of scores between two thresholds.

use crate::bootstrap::percentile;
use crate::curve::{NotFinite, distinct, sorted};
use crate::grid::Grid;
use crate::rate::Confidence;
use crate::special::gamma;

/// Bins of scores: each from its edge to below the next; the last includes its upper edge.
#[derive(Clone, Debug, PartialEq)]
pub struct Bins {
    edges: Vec<f64>,
}

/// The number of values in each bin, and the number of values without a bin: NaN, or out of range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binned {
    /// The counts of the bins, ascending.
    pub counts: Vec<u64>,
    /// Values without a bin.
    pub invalid: u64,
}

impl Bins {
    /// Creates bins between ascending edges, which may be infinite. `None` if there are fewer than two, or they do not ascend.
    #[must_use]
    pub fn new(edges: Vec<f64>) -> Option<Self> {
        let ascending = edges.windows(2).all(|pair| matches!(pair, [low, high] if low < high));
        (edges.len() >= 2 && ascending).then_some(Self { edges })
    }

    /// Creates `bins` bins that each hold about the same share of the reference, open at both ends; fewer if scores tie. `None`
    /// without a reference, with a NaN in it, or for zero bins.
    #[must_use]
    pub fn quantiles(reference: &[f64], bins: u32) -> Option<Self> {
        let mut sorted = reference.to_vec();
        sorted.sort_unstable_by(f64::total_cmp);
        let inner = (1..bins).map(|at| percentile(&sorted, f64::from(at) / f64::from(bins)));
        let mut edges = inner.collect::<Option<Vec<_>>>()?;
        edges.insert(0, f64::NEG_INFINITY);
        edges.push(f64::INFINITY);
        edges.dedup();
        if bins == 0 || reference.is_empty() { None } else { Self::new(edges) }
    }

    /// Returns the edges, ascending: one more than bins.
    #[must_use]
    pub fn edges(&self) -> &[f64] {
        &self.edges
    }

    /// Counts values.
    #[must_use]
    pub fn count(&self, values: &[f64]) -> Binned {
        let last = self.edges.len() - 2;
        let mut binned = Binned { counts: vec![0; last + 1], invalid: 0 };
        for value in values {
            let reached = self.edges.partition_point(|edge| edge <= value);
            let top = self.edges.last() == Some(value);
            let bin = if top { Some(last) } else { reached.checked_sub(1) };
            match bin.and_then(|bin| binned.counts.get_mut(bin)) {
                Some(count) => *count += 1,
                None => binned.invalid += 1,
            }
        }
        binned
    }
}

/// The substitute for an empty bin, whose logarithm would be infinite.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Smoothing {
    /// Adds half a value to each bin: the usual choice.
    HalfCount,
    /// Raises each share to at least this value, such as 1e-4. The shares then need not add up to 1.
    AtLeast(f64),
}

/// Returns the population stability index of a current sample against its reference, in nats. Values without a bin count as a
/// bin of their own if either sample has any. `None` if a sample is empty or the two have different bins.
///
/// The usual limits, 0.1 and 0.25, have no statistical basis: compare with [`psi_critical`].
#[must_use]
pub fn psi(reference: &Binned, current: &Binned, smoothing: Smoothing) -> Option<f64> {
    let pairs = pairs(reference, current)?;
    let bins = pairs.len() as f64;
    let share = |count: u64, total: u64| match smoothing {
        Smoothing::HalfCount => (count as f64 + 0.5) / (total as f64 + bins / 2.0),
        Smoothing::AtLeast(least) => (count as f64 / total as f64).max(least),
    };
    let (n, m) = totals(&pairs);
    let terms = pairs.iter().map(|(from, to)| {
        let (from, to) = (share(*from, n), share(*to, m));
        (to - from) * (to / from).ln()
    });
    Some(terms.sum())
}

/// Returns the critical value of the PSI: the PSI of two samples from one source is below it with a confidence. It is
/// chi-squared of `bins` - 1 degrees of freedom, times 1/n + 1/m (Yurdakul 2018). `None` for fewer than two bins or an empty
/// sample.
#[must_use]
pub fn psi_critical(bins: u32, reference: u64, current: u64, confidence: Confidence) -> Option<f64> {
    if bins < 2 || reference == 0 || current == 0 {
        return None;
    }
    let chi_squared = 2.0 * gamma::quantile(f64::from(bins - 1) / 2.0, confidence.risk(), true);
    Some(chi_squared * (1.0 / reference as f64 + 1.0 / current as f64))
}

/// Returns the Jensen-Shannon divergence of two samples, in bits: 0 for the same shares, 1 for disjoint ones. It needs no
/// smoothing. `None` as for [`psi`].
#[must_use]
pub fn jensen_shannon(reference: &Binned, current: &Binned) -> Option<f64> {
    let pairs = pairs(reference, current)?;
    let (n, m) = totals(&pairs);
    let half =
        |share: f64, middle: f64| if share > 0.0 { share * (share / middle).log2() / 2.0 } else { 0.0 };
    let terms = pairs.iter().map(|(from, to)| {
        let (from, to) = (*from as f64 / n as f64, *to as f64 / m as f64);
        let middle = f64::midpoint(from, to);
        half(from, middle) + half(to, middle)
    });
    Some(terms.sum())
}

/// Returns the earth mover's distance of scores on the grid, each rounded down to it, in the unit of the scores. `None` if one
/// grid has no scores or has scores outside it, or if their edges differ.
#[must_use]
pub fn wasserstein_of_grids(reference: &Grid, current: &Grid) -> Option<f64> {
    let (n, m) = (reference.valid() as f64, current.valid() as f64);
    let is_outside = reference.outside() + current.outside() > 0;
    if n == 0.0 || m == 0.0 || is_outside || !reference.has_edges_of(current) {
        return None;
    }
    let edges = f64::from(reference.per_unit());
    let (mut below, mut distance) = ((0, 0), 0.0);
    for (from, to) in reference.counts().iter().zip(current.counts()) {
        below = (below.0 + from, below.1 + to);
        distance += (below.0 as f64 / n - below.1 as f64 / m).abs() / edges;
    }
    Some(distance)
}

/// Returns the mean score of a grid minus that of its reference, in the unit of the scores: negative if scores fell. `None` if
/// one grid has no scores, or has scores outside it.
#[must_use]
pub fn mean_shift_of_grids(reference: &Grid, current: &Grid) -> Option<f64> {
    let mean = |grid: &Grid| {
        let steps: u128 = (0..).zip(grid.counts()).map(|(at, count)| at * u128::from(*count)).sum();
        let is_known = grid.valid() > 0 && grid.outside() == 0;
        is_known.then(|| steps as f64 / grid.valid() as f64 / f64::from(grid.per_unit()))
    };
    Some(mean(current)? - mean(reference)?)
}

fn pairs(reference: &Binned, current: &Binned) -> Option<Vec<(u64, u64)>> {
    if reference.counts.len() != current.counts.len() {
        return None;
    }
    let invalid = (reference.invalid, current.invalid);
    let own = Some(invalid).filter(|invalid| *invalid != (0, 0));
    let pairs: Vec<_> =
        reference.counts.iter().copied().zip(current.counts.iter().copied()).chain(own).collect();
    let (n, m) = totals(&pairs);
    (n > 0 && m > 0).then_some(pairs)
}

fn totals(pairs: &[(u64, u64)]) -> (u64, u64) {
    pairs.iter().fold((0, 0), |(n, m), (from, to)| (n + from, m + to))
}

/// Returns the earth mover's distance of two samples: the average shift of a score, in points. `None` if a sample is empty.
///
/// # Errors
///
/// If a score is NaN or infinite.
pub fn wasserstein(reference: &[f64], current: &[f64]) -> Result<Option<f64>, NotFinite> {
    let (reference, current) = (sorted(reference)?, sorted(current)?);
    if reference.is_empty() || current.is_empty() {
        return Ok(None);
    }
    let (n, m) = (reference.len() as f64, current.len() as f64);
    let (mut below, mut last, mut distance) = ((0, 0), None, 0.0);
    for (score, from, to) in distinct(&reference, &current) {
        let apart = (below.0 as f64 / n - below.1 as f64 / m).abs();
        distance += apart * last.map_or(0.0, |last| score - last);
        (last, below) = (Some(score), (below.0 + from, below.1 + to));
    }
    Ok(Some(distance))
}
