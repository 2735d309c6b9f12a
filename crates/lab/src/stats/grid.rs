//! Scores counted on the grid of hundredths from 0 to 100: no sort, any number of rows, and still exact for every threshold
//! of two decimals.

mod quick;
mod sparse;

pub(crate) use quick::{Quick, point};

use serde::{Deserialize, Serialize};

use super::curve::{Curve, OperatingPoint};
use super::ks::{KolmogorovSmirnov, compare};
use super::rate::Rate;

/// How many thresholds the grid has: 0.00, 0.01, .. 100.00.
pub const EDGES: usize = 10_001;

/// A power of two above the grid's edges, so that a masked index needs no check. The first index past the grid takes the
/// scores that are none.
const SLOTS: usize = 1 << 14;
pub(crate) const NO_SCORE: u16 = EDGES as u16;

/// The threshold at a place of the grid: the double nearest to `index`/100. `None` past 100.00.
#[must_use]
pub fn edge(index: usize) -> Option<f64> {
    // The quotient is the double nearest to it, as a parser reads it.
    (index < EDGES).then(|| index as f64 / 100.0)
}

/// The place of a threshold on the grid, if it has at most two decimals and lies from 0 to 100. Only for such does a [`Grid`]
/// know the counts.
#[must_use]
pub fn edge_index(threshold: f64) -> Option<usize> {
    let place = usize::from(place(threshold));
    edge(place).filter(|edge| *edge == threshold).map(|_| place)
}

/// Where a score is counted: at the last edge that it reaches, so that `place >= k` is `score >= edge(k)` for every score from 0
/// to 100. What is none is counted past all edges. Without a branch, so that the compiler can place several scores in one step.
#[inline]
pub(crate) fn place(score: f64) -> u16 {
    /// What is added to this is rounded to a whole number, which then stands in the lowest bits.
    const ROUNDS: f64 = (3_u64 << 51) as f64;
    let rounded = score * 100.0 + ROUNDS;
    // The product is nearly exact: the score reaches the edge before this one at least, and not the one behind it.
    let nearest = rounded - ROUNDS;
    let is_below = score < nearest / 100.0;
    let place = (rounded.to_bits() as u16).wrapping_sub(u16::from(is_below));
    if (0.0..=100.0).contains(&score) { place } else { NO_SCORE }
}

/// How many scores there are at each hundredth from 0 to 100, and how many are no score: missing, NaN, or out of range.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "sparse::Sparse", into = "sparse::Sparse")]
pub struct Grid {
    counts: Vec<u64>,
    invalid: u64,
}

impl Default for Grid {
    fn default() -> Self {
        Self { counts: vec![0; EDGES], invalid: 0 }
    }
}

impl Grid {
    /// Counts some scores.
    #[must_use]
    pub fn of(scores: &[f64]) -> Self {
        let mut grid = Self::default();
        grid.add(scores);
        grid
    }

    /// Counts more scores, in points from 0 to 100.
    pub fn add(&mut self, scores: &[f64]) {
        if scores.len() < EDGES {
            scores.iter().for_each(|score| self.count(usize::from(place(*score)), 1));
            return;
        }
        for part in scores.chunks(u32::MAX as usize) {
            let mut table = table::<SLOTS>();
            for score in part {
                bump(&mut table, usize::from(place(*score)));
            }
            self.take(table.as_slice());
        }
    }

    /// Counts one score.
    pub fn add_one(&mut self, score: f64) {
        self.count(usize::from(place(score)), 1);
    }

    /// Counts scores that somebody else has put on the grid; past its end, attempts that gave none.
    pub fn add_at(&mut self, index: usize, times: u64) {
        self.count(index, times);
    }

    /// Counts attempts that gave no score at all.
    pub fn add_missing(&mut self, attempts: u64) {
        self.invalid += attempts;
    }

    /// Adds what another grid counted. The order does not matter.
    pub fn merge(&mut self, other: &Self) {
        self.counts.iter_mut().zip(&other.counts).for_each(|(ours, theirs)| *ours += theirs);
        self.invalid += other.invalid;
    }

    /// The counts at 0.00, 0.01, .. 100.00.
    #[must_use]
    pub fn counts(&self) -> &[u64] {
        &self.counts
    }

    /// How many scores are valid.
    #[must_use]
    pub fn valid(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// How many attempts gave no usable score.
    #[must_use]
    pub const fn invalid(&self) -> u64 {
        self.invalid
    }

    /// The attempts without a usable score, of all: the failure-to-acquire rate (FTA).
    #[must_use]
    pub fn fta(&self) -> Rate {
        Rate::counted(self.invalid, self.invalid + self.valid())
    }

    /// How many valid scores are at least `threshold`, in points; `None` if it is not on the grid.
    #[must_use]
    pub fn at_least(&self, threshold: f64) -> Option<u64> {
        let from = edge_index(threshold)?;
        Some(self.counts.iter().skip(from).sum())
    }

    fn count(&mut self, slot: usize, times: u64) {
        match self.counts.get_mut(slot) {
            Some(count) => *count += times,
            None => self.invalid += times,
        }
    }

    fn take(&mut self, table: &[u32]) {
        for (slot, count) in table.iter().enumerate().take(EDGES + 1) {
            self.count(slot, u64::from(*count));
        }
    }
}

fn table<const N: usize>() -> Box<[u32; N]> {
    Box::new([0; N])
}

#[inline]
#[expect(clippy::indexing_slicing, reason = "the length is a power of two, and the index is masked by it")]
fn bump<const N: usize>(table: &mut [u32; N], slot: usize) {
    table[slot & (N - 1)] += 1;
}

/// Genuine and impostor attempts, each counted on the grid.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LabelledGrid {
    /// Attempts by the person who they claim to be.
    pub genuine: Grid,
    /// Attempts by somebody else.
    pub impostor: Grid,
}

impl LabelledGrid {
    /// Counts scores, in points from 0 to 100, each with whether it is genuine. What one slice has more than the other is
    /// left out.
    pub fn add(&mut self, scores: &[f64], genuine: &[bool]) {
        for (scores, genuine) in scores.chunks(u32::MAX as usize).zip(genuine.chunks(u32::MAX as usize)) {
            let mut table = table::<{ 2 * SLOTS }>();
            for (score, genuine) in scores.iter().zip(genuine) {
                bump(&mut table, usize::from(place(*score)) + SLOTS * usize::from(*genuine));
            }
            let (impostor, genuine) = table.split_at(SLOTS);
            self.impostor.take(impostor);
            self.genuine.take(genuine);
        }
    }

    /// Adds what another counted.
    pub fn merge(&mut self, other: &Self) {
        self.genuine.merge(&other.genuine);
        self.impostor.merge(&other.impostor);
    }

    /// The error counts at every threshold of the grid, from 0.00 to 100.00, and at plus infinity.
    pub fn operating_points(&self) -> impl Iterator<Item = OperatingPoint> + '_ {
        let (genuine, impostor) = (self.genuine.valid(), self.impostor.valid());
        let mut below = (0, 0);
        self.pairs().chain([(f64::INFINITY, 0, 0)]).map(move |(threshold, of_genuine, of_impostor)| {
            let point = OperatingPoint {
                threshold,
                fmr: Rate::counted(impostor - below.1, impostor),
                fnmr: Rate::counted(below.0, genuine),
            };
            below = (below.0 + of_genuine, below.1 + of_impostor);
            point
        })
    }

    /// How far genuine and impostor scores are apart, cut down to hundredths. For drift, put the reference in the place of the
    /// genuine and the current sample in that of the impostors. `None` if either is empty.
    #[must_use]
    pub fn kolmogorov_smirnov(&self) -> Option<KolmogorovSmirnov> {
        compare(self.pairs(), self.genuine.valid(), self.impostor.valid())
    }

    /// The edges with the counts at each.
    fn pairs(&self) -> impl Iterator<Item = (f64, u64, u64)> + '_ {
        let counts = self.genuine.counts.iter().zip(&self.impostor.counts);
        (0..).map_while(edge).zip(counts).map(|(edge, (genuine, impostor))| (edge, *genuine, *impostor))
    }

    /// The curve of the scores, each cut down to hundredths. It is exact at the thresholds of the grid, and only there.
    #[must_use]
    pub fn curve(&self) -> Curve {
        Curve::from_counts(self.pairs())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edges_are_what_a_parser_reads() {
        for k in 0..EDGES {
            let parsed: f64 = format!("{}.{:02}", k / 100, k % 100).parse().unwrap();
            assert_eq!(edge(k), Some(parsed));
            assert_eq!(edge_index(parsed), Some(k));
            let here = k as u16;
            assert_eq!(place(parsed), here);
            assert_eq!(place(parsed.next_down()), if k == 0 { NO_SCORE } else { here - 1 });
            assert_eq!(place(parsed.next_up()), if k == EDGES - 1 { NO_SCORE } else { here });
            for within in [0.49, 0.5, 0.51, 0.99] {
                let expected = if k == EDGES - 1 { NO_SCORE } else { here };
                assert_eq!(place((k as f64 + within) / 100.0), expected, "{k} {within}");
            }
        }
        assert_eq!((edge(EDGES), edge_index(100.01), edge_index(70.005)), (None, None, None));
        for none in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -1e-300, 1e300] {
            assert_eq!((place(none), edge_index(none)), (NO_SCORE, None), "{none}");
        }
        assert_eq!(place(-0.0), 0);
    }
}
