//! Genuine and impostor attempts on one grid: the error counts at thresholds.

use super::counts::{Grid, shared};
use super::slots::{ABOVE, BELOW, EDGES, SLOTS, bump, place, table};
use crate::curve::{Curve, OperatingPoint};
use crate::ks::{KolmogorovSmirnov, compare};
use crate::rate::Rate;

/// Genuine and impostor attempts, each counted on a grid. If both have scores on grids with other edges, they cannot be compared:
/// there are no points and no curve.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LabelledGrid {
    /// Attempts by the claimed person.
    pub genuine: Grid,
    /// Attempts by impostors.
    pub impostor: Grid,
}

impl LabelledGrid {
    /// Counts scores as [`Grid::add`] does, each with whether it is genuine. If one slice is longer, its extra values are ignored.
    pub fn add(&mut self, scores: &[f64], genuine: &[bool]) {
        if !(self.genuine.is_plain() && self.impostor.is_plain()) {
            let of = |kind: bool| {
                let of_kind = scores.iter().zip(genuine).filter(|(_, genuine)| **genuine == kind);
                of_kind.map(|(score, _)| *score).collect::<Vec<_>>()
            };
            self.genuine.add(&of(true));
            self.impostor.add(&of(false));
            return;
        }
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

    /// Adds the counts of another, as [`Grid::merge`] does.
    ///
    /// Returns false, and changes nothing, if the edges of one of the grids differ.
    #[must_use]
    pub fn merge(&mut self, other: &Self) -> bool {
        self.genuine.has_edges_of(&other.genuine)
            && self.impostor.has_edges_of(&other.impostor)
            && self.genuine.merge(&other.genuine)
            && self.impostor.merge(&other.impostor)
    }

    /// Returns the error counts at a threshold; `None` if it is neither on the grid nor one of its cuts.
    #[must_use]
    pub fn at(&self, threshold: f64) -> Option<OperatingPoint> {
        let (genuine, impostor) = (self.genuine.valid(), self.impostor.valid());
        Some(OperatingPoint {
            threshold,
            fmr: Rate::counted(self.impostor.reaching(threshold)?, impostor),
            fnmr: Rate::counted(genuine - self.genuine.reaching(threshold)?, genuine),
        })
    }

    /// Returns the error counts at every edge of the grid and at every cut, ascending, and at plus
    /// infinity.
    pub fn operating_points(&self) -> impl Iterator<Item = OperatingPoint> + '_ {
        let (genuine, impostor) = (self.genuine.valid(), self.impostor.valid());
        let mut below = (0, 0);
        let end = self.genuine.has_edges_of(&self.impostor).then_some((f64::INFINITY, 0, 0));
        self.pairs().into_iter().chain(end).map(move |(threshold, of_genuine, of_impostor)| {
            let point = OperatingPoint {
                threshold,
                fmr: Rate::counted(impostor - below.1, impostor),
                fnmr: Rate::counted(below.0, genuine),
            };
            below = (below.0 + of_genuine, below.1 + of_impostor);
            point
        })
    }

    /// Returns the distance between genuine and impostor scores, rounded down to the grid. For drift, pass the reference
    /// sample as the genuine scores and the current sample as the impostor scores. `None` if either is empty or has scores
    /// outside the grid.
    #[must_use]
    pub fn kolmogorov_smirnov(&self) -> Option<KolmogorovSmirnov> {
        if self.outside() > 0 || !self.genuine.has_edges_of(&self.impostor) {
            return None;
        }
        compare(self.pairs().into_iter(), self.genuine.valid(), self.impostor.valid())
    }

    /// Returns the curve of the scores, each rounded down to the grid or to a cut. It is exact at these thresholds only. With
    /// scores outside the grid it has no AUC and no EER.
    #[must_use]
    pub fn curve(&self) -> Curve {
        Curve::from_counts(self.pairs().into_iter(), self.outside())
    }

    /// Returns the number of valid scores outside the grid.
    pub(crate) const fn outside(&self) -> u64 {
        self.genuine.outside() + self.impostor.outside()
    }

    /// Returns scores, ascending, with the counts from each to the next: the edges of the grid, the common cuts, and the scores
    /// outside the grid, if there are any, each at its lower bound.
    fn pairs(&self) -> Vec<(f64, u64, u64)> {
        let Self { genuine, impostor } = self;
        if !genuine.has_edges_of(impostor) {
            return Vec::new();
        }
        let grid = if genuine.valid() > 0 { genuine } else { impostor };
        let counts = (0_u16..).zip(genuine.counts.iter().zip(&impostor.counts));
        let edges = counts.filter_map(|(at, (genuine, impostor))| {
            Some((at, grid.edge(usize::from(at))?, *genuine, *impostor))
        });
        let below = (BELOW, f64::NEG_INFINITY, genuine.below, impostor.below);
        let above =
            (ABOVE, grid.edge(EDGES - 1).map_or(f64::INFINITY, f64::next_up), genuine.above, impostor.above);
        let outside =
            [below, above].map(|slot| Some(slot).filter(|(_, _, genuine, impostor)| genuine + impostor > 0));
        let is_there = |slot: u16| outside.iter().flatten().any(|(other, ..)| *other == slot);
        let cuts = shared(genuine, impostor);
        let mut cuts =
            cuts.filter(|(cut, _)| !matches!(cut.divides, BELOW | ABOVE) || is_there(cut.divides)).peekable();
        let [below, above] = outside.map(Option::into_iter);
        let mut pairs = Vec::with_capacity(EDGES);
        for (slot, mut from, mut genuine, mut impostor) in below.chain(edges).chain(above) {
            while let Some((of_genuine, of_impostor)) = cuts.next_if(|(cut, _)| cut.divides == slot) {
                // The first cut above the grid may be the start of that part.
                if of_genuine.at > from {
                    let left = |all: u64, from_cut: u64| all.saturating_sub(from_cut);
                    let here = left(impostor, of_impostor.from_here);
                    pairs.push((from, left(genuine, of_genuine.from_here), here));
                }
                (from, genuine, impostor) = (of_genuine.at, of_genuine.from_here, of_impostor.from_here);
            }
            pairs.push((from, genuine, impostor));
        }
        pairs
    }
}
