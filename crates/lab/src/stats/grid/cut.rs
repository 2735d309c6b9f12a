//! Cuts between the edges of a grid.

use serde::{Deserialize, Serialize};

use super::Grid;

/// A threshold between two edges, and how many scores lie from there to the next edge.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Cut {
    pub(super) at: f64,
    /// The slot that it divides.
    pub(super) divides: u16,
    pub(super) from_here: u64,
}

impl Cut {
    pub(super) const fn new(at: f64, divides: u16) -> Self {
        Self { at, divides, from_here: 0 }
    }

    pub(super) const fn with(self, more: u64) -> Self {
        Self { from_here: self.from_here + more, ..self }
    }
}

/// The cuts at which both grids know their counts, ascending: those that both have, and where a grid has no scores, those of
/// the other.
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
