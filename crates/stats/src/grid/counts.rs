//! Scores counted on a grid, with exact counts at the cuts of its scale.

use serde::{Deserialize, Serialize};

use super::scale::Scale;
use super::slots::{ABOVE, BELOW, CUTS, EDGES, HUNDREDTHS, SLOTS, bump, edge_at, key_of, place_at, table};
use crate::rate::Rate;

/// The number of scores at each edge of a grid, and the number of invalid scores: missing, NaN, or out of range.
///
/// A grid has [`EDGES`] edges from 0 on, one each 1/[`per_unit`](Self::per_unit): by default each hundredth from 0 to 100. While it
/// has no scores, it takes the edges and cuts of what is added to it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "Sparse", into = "Sparse")]
pub struct Grid {
    /// The number of edges in one unit of the score.
    per_unit: u32,
    pub(super) counts: Vec<u64>,
    /// Valid scores outside the grid, if a policy's range is wider.
    pub(super) below: u64,
    pub(super) above: u64,
    invalid: u64,
    /// Ascending.
    cuts: Vec<Cut>,
    /// The [`key_of`] its edges and cuts.
    key: u64,
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
            key: key_of(HUNDREDTHS, []),
        }
    }
}

impl Grid {
    /// Creates a grid of some scores, in points from 0 to 100.
    #[must_use]
    pub fn of(scores: &[f64]) -> Self {
        let mut grid = Self::default();
        grid.add(scores);
        grid
    }

    /// Counts more scores, at the edges and cuts that the grid has. A score outside the grid is invalid.
    pub fn add(&mut self, scores: &[f64]) {
        let per_unit = self.per_unit;
        if scores.len() < EDGES || !self.cuts.is_empty() {
            for score in scores {
                let place = place_at(*score, per_unit);
                let reached = self.cuts.iter_mut().filter(|cut| cut.divides == place && cut.at <= *score);
                reached.for_each(|cut| cut.from_here += 1);
                self.count(usize::from(place), 1);
            }
            return;
        }
        for part in scores.chunks(u32::MAX as usize) {
            let mut table = table::<SLOTS>();
            for score in part {
                bump(&mut table, usize::from(place_at(*score, per_unit)));
            }
            self.take(table.as_slice());
        }
    }

    /// Counts attempts without a score.
    pub fn add_missing(&mut self, attempts: u64) {
        self.invalid += attempts;
    }

    /// Adds the counts of another grid. The order of merges does not matter. If both have scores, the cuts that only one of them
    /// has are dropped.
    ///
    /// Returns false, and changes nothing, if both have scores and their edges differ.
    #[must_use]
    pub fn merge(&mut self, other: &Self) -> bool {
        if !self.has_edges_of(other) {
            return false;
        }
        if self.valid() == 0 {
            self.per_unit = other.per_unit;
        }
        self.cuts = shared(self, other).map(|(mine, theirs)| mine.with(theirs.from_here)).collect();
        self.key = key_of(self.per_unit, self.cuts.iter().map(|cut| cut.at));
        self.counts.iter_mut().zip(&other.counts).for_each(|(ours, theirs)| *ours += theirs);
        self.below += other.below;
        self.above += other.above;
        self.invalid += other.invalid;
        true
    }

    /// Returns whether the edges of both grids are the same, or one of them has no scores.
    pub(crate) fn has_edges_of(&self, other: &Self) -> bool {
        self.per_unit == other.per_unit || self.valid() == 0 || other.valid() == 0
    }

    /// Returns whether the edges are hundredths, without cuts.
    pub(super) const fn is_plain(&self) -> bool {
        self.per_unit == HUNDREDTHS && self.cuts.is_empty()
    }

    /// Returns whether the edges and the cuts are those of a scale.
    #[must_use]
    pub const fn is_of(&self, scale: &Scale) -> bool {
        self.key == scale.key()
    }

    /// Returns the counts at the edges, ascending, without scores outside the grid.
    #[must_use]
    pub fn counts(&self) -> &[u64] {
        &self.counts
    }

    /// Returns the number of valid scores.
    #[must_use]
    pub fn valid(&self) -> u64 {
        self.below + self.count_from_edge(0)
    }

    /// Returns the number of attempts without a usable score.
    #[must_use]
    pub const fn invalid(&self) -> u64 {
        self.invalid
    }

    /// Returns the share of attempts without a usable score: the failure-to-acquire rate (FTA).
    #[must_use]
    pub fn fta(&self) -> Rate {
        Rate::counted(self.invalid, self.invalid + self.valid())
    }

    /// Returns the number of valid scores that are at least `threshold`; `None` if it is neither on the grid nor one of its
    /// cuts.
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

    /// Returns the number of edges in one unit of the score.
    #[must_use]
    pub const fn per_unit(&self) -> u32 {
        self.per_unit
    }

    /// Returns the number of valid scores outside the grid. They are counted at the cuts only.
    #[must_use]
    pub const fn outside(&self) -> u64 {
        self.below + self.above
    }

    /// Returns the number of valid scores below the grid.
    #[must_use]
    pub const fn below(&self) -> u64 {
        self.below
    }

    fn count_from_edge(&self, edge: usize) -> u64 {
        self.counts.iter().skip(edge).sum::<u64>() + self.above
    }

    /// Returns the edge at an index of this grid, in the unit of the score.
    #[must_use]
    pub fn edge(&self, index: usize) -> Option<f64> {
        edge_at(index, self.per_unit)
    }

    /// Returns the number of valid scores that are at least `threshold`, and 0 without scores.
    #[must_use]
    pub fn reaching(&self, threshold: f64) -> Option<u64> {
        if self.valid() == 0 { Some(0) } else { self.at_least(threshold) }
    }

    /// Counts scores by their slot on a scale.
    ///
    /// Returns false, and changes nothing, if the grid has scores that were counted at other edges or cuts: they cannot be divided
    /// by other cuts later.
    #[must_use]
    pub fn add_slot(&mut self, scale: &Scale, slot: u16, times: u64) -> bool {
        if !self.is_of(scale) {
            if self.valid() > 0 {
                return false;
            }
            self.take_scale(scale);
        }
        self.count_slot(scale, slot, times);
        true
    }

    /// Counts scores by their slot on the scale of this grid.
    fn count_slot(&mut self, scale: &Scale, slot: u16, times: u64) {
        let whole = scale.whole(slot);
        let reached = slot.checked_sub(CUTS).and_then(|cut| self.cuts.get_mut(..=usize::from(cut)));
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
        self.key = scale.key();
        self.cuts = scale.cuts().iter().map(|(at, divides)| Cut::new(*at, *divides)).collect();
    }

    fn count(&mut self, slot: usize, times: u64) {
        match self.counts.get_mut(slot) {
            Some(count) => *count += times,
            None => self.invalid += times,
        }
    }

    pub(super) fn take(&mut self, table: &[u32]) {
        for (slot, count) in table.iter().enumerate().take(EDGES + 1) {
            self.count(slot, u64::from(*count));
        }
    }

    /// Creates a grid from a table of counts by slot.
    pub(super) fn of_table(table: &[u32], scale: &Scale) -> Self {
        let mut grid = Self::default();
        grid.take_scale(scale);
        for (slot, count) in (0..).zip(table).filter(|(_, count)| **count > 0) {
            grid.count_slot(scale, slot, u64::from(*count));
        }
        grid
    }
}

/// A threshold between two edges, and the number of scores from there to the next edge.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Cut {
    pub(super) at: f64,
    /// The slot that it divides.
    pub(super) divides: u16,
    pub(super) from_here: u64,
}

impl Cut {
    const fn new(at: f64, divides: u16) -> Self {
        Self { at, divides, from_here: 0 }
    }

    const fn with(self, more: u64) -> Self {
        Self { from_here: self.from_here + more, ..self }
    }
}

/// Returns the cuts at which both grids have counts, ascending: the common ones, or those of the other grid if one has no
/// scores.
pub(super) fn shared(first: &Grid, second: &Grid) -> impl Iterator<Item = (Cut, Cut)> + use<> {
    let of = |cuts: &[Cut], cut: &Cut| cuts.iter().find(|other| other.at == cut.at).copied();
    let (is_first, is_second) = (first.valid() > 0, second.valid() > 0);
    let known = if is_first { &first.cuts } else { &second.cuts };
    let pair = |cut: &Cut| {
        let none = Cut::new(cut.at, cut.divides);
        let mine = of(&first.cuts, cut).or((!is_first).then_some(none))?;
        Some((mine, of(&second.cuts, cut).or((!is_second).then_some(none))?))
    };
    known.iter().filter_map(pair).collect::<Vec<_>>().into_iter()
}

/// A grid as a checkpoint stores it: the indexes with a count.
#[derive(Serialize, Deserialize)]
struct Sparse {
    per_unit: u32,
    counts: Vec<(usize, u64)>,
    outside: (u64, u64),
    invalid: u64,
    cuts: Vec<Cut>,
}

impl From<Grid> for Sparse {
    fn from(grid: Grid) -> Self {
        let counts = grid.counts.iter().copied().enumerate().filter(|(_, count)| *count > 0).collect();
        let Grid { per_unit, below, above, invalid, cuts, .. } = grid;
        Self { per_unit, counts, outside: (below, above), invalid, cuts }
    }
}

/// A score beyond the grid is invalid.
impl From<Sparse> for Grid {
    fn from(sparse: Sparse) -> Self {
        let Sparse { per_unit, counts, outside: (below, above), invalid, cuts } = sparse;
        let key = key_of(per_unit, cuts.iter().map(|cut| cut.at));
        let mut grid = Self { per_unit, below, above, invalid, cuts, key, ..Self::default() };
        for (at, count) in counts {
            grid.count(at, count);
        }
        grid
    }
}
