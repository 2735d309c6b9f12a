//! A grid as it is written down: the places that hold something.

use serde::{Deserialize, Serialize};

use super::Grid;

#[derive(Serialize, Deserialize)]
pub(super) struct Sparse {
    counts: Vec<(usize, u64)>,
    invalid: u64,
}

impl From<Grid> for Sparse {
    fn from(grid: Grid) -> Self {
        let counts = grid.counts.iter().copied().enumerate().filter(|(_, count)| *count > 0).collect();
        Self { counts, invalid: grid.invalid }
    }
}

/// What lies beyond the grid is no score.
impl From<Sparse> for Grid {
    fn from(sparse: Sparse) -> Self {
        let mut grid = Self { invalid: sparse.invalid, ..Self::default() };
        for (at, count) in sparse.counts {
            match grid.counts.get_mut(at) {
                Some(place) => *place += count,
                None => grid.invalid += count,
            }
        }
        grid
    }
}
