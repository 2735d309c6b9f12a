//! Scores counted on a grid, hundredths from 0 to 100: no sort, any number of rows, and exact at every threshold of two
//! decimals. A [`Scale`] adds cuts between them, at which the counts are exact as well.

mod cut;
mod labelled;
mod quick;
mod scale;
mod sparse;

pub use labelled::LabelledGrid;
pub(crate) use quick::Quick;
pub(crate) use scale::Scale;
use scale::{ABOVE, BELOW};

use serde::{Deserialize, Serialize};

use super::rate::Rate;
use cut::Cut;

/// Edges in one unit of a score in points.
pub(crate) const HUNDREDTHS: u32 = 100;
/// Edges in one unit of a score from 0 to 1.
pub(crate) const TEN_THOUSANDTHS: u32 = 10_000;

/// How many thresholds the grid has: 0.00, 0.01, .. 100.00.
pub const EDGES: usize = 10_001;

/// A power of two above the grid's edges, so that a masked index needs no check. The first index past the grid takes the
/// scores that are none.
const SLOTS: usize = 1 << 14;
pub(crate) const NO_SCORE: u16 = EDGES as u16;

/// The threshold at a place of the grid: the double nearest to `index`/100. `None` past 100.00.
#[must_use]
pub fn edge(index: usize) -> Option<f64> {
    edge_at(index, HUNDREDTHS)
}

/// The same on a grid of so many edges in one unit.
fn edge_at(index: usize, per_unit: u32) -> Option<f64> {
    // The quotient is the double nearest to it, as a parser reads it.
    (index < EDGES).then(|| index as f64 / f64::from(per_unit))
}

/// The place of a threshold on the grid, if it has at most two decimals and lies from 0 to 100. Only for such does a [`Grid`]
/// know the counts.
#[must_use]
pub fn edge_index(threshold: f64) -> Option<usize> {
    let place = usize::from(place(threshold));
    edge(place).filter(|edge| *edge == threshold).map(|_| place)
}

/// Where a score is counted: at the last edge that it reaches, so that `place >= k` is `score >= edge(k)` for every score from 0
/// to 100. An invalid score is counted past all edges.
#[inline]
fn place(score: f64) -> u16 {
    place_at(score, HUNDREDTHS)
}

/// The same on a grid of so many edges in one unit. Without a branch, so that the compiler can place several scores in one
/// step.
#[inline]
fn place_at(score: f64, per_unit: u32) -> u16 {
    /// What is added to this is rounded to a whole number, which then stands in the lowest bits.
    const ROUNDS: f64 = (3_u64 << 51) as f64;
    let per_unit = f64::from(per_unit);
    let rounded = score * per_unit + ROUNDS;
    // The product is nearly exact: the score reaches the edge before this one at least, and not the one behind it.
    let nearest = rounded - ROUNDS;
    let is_below = score < nearest / per_unit;
    let place = (rounded.to_bits() as u16).wrapping_sub(u16::from(is_below));
    if (0.0..=(EDGES - 1) as f64 / per_unit).contains(&score) { place } else { NO_SCORE }
}

/// How many scores there are at each hundredth from 0 to 100, and how many are no score: missing, NaN, or out of range.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "sparse::Sparse", into = "sparse::Sparse")]
pub struct Grid {
    /// Edges in one unit of the score.
    per_unit: u32,
    counts: Vec<u64>,
    /// Valid scores outside of the grid, where a policy's range is wider.
    below: u64,
    above: u64,
    invalid: u64,
    /// Ascending.
    cuts: Vec<Cut>,
}

impl Default for Grid {
    fn default() -> Self {
        Self {
            per_unit: HUNDREDTHS,
            counts: vec![0; EDGES],
            below: 0,
            above: 0,
            invalid: 0,
            cuts: Vec::new(),
        }
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

    /// Counts attempts that gave no score at all.
    pub fn add_missing(&mut self, attempts: u64) {
        self.invalid += attempts;
    }

    /// Adds what another grid counted. The order does not matter.
    pub fn merge(&mut self, other: &Self) {
        if self.valid() == 0 {
            self.per_unit = other.per_unit;
        }
        self.cuts = cut::shared(self, other).map(|(mine, theirs)| mine.with(theirs.from_here)).collect();
        self.counts.iter_mut().zip(&other.counts).for_each(|(ours, theirs)| *ours += theirs);
        self.below += other.below;
        self.above += other.above;
        self.invalid += other.invalid;
    }

    /// The counts at 0.00, 0.01, .. 100.00. Scores outside the grid are not among them.
    #[must_use]
    pub fn counts(&self) -> &[u64] {
        &self.counts
    }

    /// How many scores are valid.
    #[must_use]
    pub fn valid(&self) -> u64 {
        self.below + self.count_from_edge(0)
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

    /// How many valid scores are at least `threshold`; `None` if it is neither on the grid nor one of its cuts.
    #[must_use]
    pub fn at_least(&self, threshold: f64) -> Option<u64> {
        if let Some(cut) = self.cuts.iter().find(|cut| cut.at == threshold) {
            let beyond = match cut.divides {
                BELOW => self.count_from_edge(0),
                ABOVE => 0,
                slot => self.count_from_edge(usize::from(slot) + 1),
            };
            return Some(cut.from_here + beyond);
        }
        let place = usize::from(place_at(threshold, self.per_unit));
        edge_at(place, self.per_unit).filter(|edge| *edge == threshold).map(|_| self.count_from_edge(place))
    }

    /// How many edges lie in one unit of the score.
    pub(crate) const fn per_unit(&self) -> u32 {
        self.per_unit
    }

    /// How many valid scores lie below the grid, and above it.
    pub(crate) const fn outside(&self) -> (u64, u64) {
        (self.below, self.above)
    }

    fn count_from_edge(&self, edge: usize) -> u64 {
        self.counts.iter().skip(edge).sum::<u64>() + self.above
    }

    /// The edge at a place of this grid, in the unit of the score.
    pub(crate) fn edge(&self, index: usize) -> Option<f64> {
        edge_at(index, self.per_unit)
    }

    /// The same, and 0 at any threshold where there are no scores.
    pub(crate) fn reaching(&self, threshold: f64) -> Option<u64> {
        if self.valid() == 0 { Some(0) } else { self.at_least(threshold) }
    }

    /// Counts scores by their slot on a scale.
    pub(crate) fn add_slot(&mut self, scale: &Scale, slot: u16, times: u64) {
        let is_of_scale = self.per_unit == scale.per_unit() && self.cuts.len() == scale.cuts().len();
        // What was counted without the cuts is not divided by them later.
        if !is_of_scale && self.valid() == 0 {
            self.take_scale(scale);
        }
        let whole = scale.whole(slot);
        let reached = slot.checked_sub(scale::CUTS).and_then(|cut| self.cuts.get_mut(..=usize::from(cut)));
        for cut in reached.into_iter().flatten().filter(|cut| cut.divides == whole) {
            cut.from_here += times;
        }
        match whole {
            BELOW => self.below += times,
            ABOVE => self.above += times,
            edge => self.count(usize::from(edge), times),
        }
    }

    fn take_scale(&mut self, scale: &Scale) {
        self.per_unit = scale.per_unit();
        self.cuts = scale.cuts().iter().map(|(at, divides)| Cut::new(*at, *divides)).collect();
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

    /// What a table has counted by slots.
    fn of_table(table: &[u32], scale: &Scale) -> Self {
        let mut grid = Self::default();
        grid.take_scale(scale);
        for (slot, count) in (0..).zip(table).filter(|(_, count)| **count > 0) {
            grid.add_slot(scale, slot, u64::from(*count));
        }
        grid
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
