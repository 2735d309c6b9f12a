//! A grid as a checkpoint has it: the places that hold something.

use serde::{Deserialize, Serialize};

use super::Grid;
use super::cut::Cut;

#[derive(Serialize, Deserialize)]
pub(super) struct Sparse {
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

/// What lies beyond the grid is no score.
impl From<Sparse> for Grid {
    fn from(sparse: Sparse) -> Self {
        let Sparse { per_unit, counts, outside: (below, above), invalid, cuts } = sparse;
        let mut grid = Self { per_unit, below, above, invalid, cuts, ..Self::default() };
        for (at, count) in counts {
            grid.count(at, count);
        }
        grid
    }
}
