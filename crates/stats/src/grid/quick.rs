//! A grid for counting row by row: half the size of a [`Grid`], so that more of them fit in the fastest cache.

use super::counts::Grid;
use super::scale::Scale;
use super::slots::{SLOTS, bump, table};

/// Counts by index, to be added to a [`Grid`] before any of them can overflow.
#[derive(Debug)]
pub struct Quick(Box<[u32; SLOTS]>);

impl Default for Quick {
    fn default() -> Self {
        Self(table())
    }
}

impl Quick {
    /// Counts one score.
    #[inline]
    pub fn bump(&mut self, slot: u16) {
        bump(&mut self.0, usize::from(slot));
    }

    /// Adds its counts, by slot of a scale, to a grid, and clears itself.
    ///
    /// Returns false if the grid has scores with other edges than the scale: the counts then stay here.
    #[must_use]
    pub fn pour(&mut self, scale: &Scale, to: &mut Grid) -> bool {
        let is_added = to.merge(&Grid::of_table(self.0.as_slice(), scale));
        if is_added {
            self.0.fill(0);
        }
        is_added
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grid::{HUNDREDTHS, TEN_THOUSANDTHS};

    #[test]
    fn counts_like_the_grid() {
        let scores = [0.0, 75.0, 75.004, 75.01, 100.0, -1.0, f64::NAN, 75.0];
        let scale = Scale::new(HUNDREDTHS, (0.0, 100.0), &[]);
        let (mut quick, mut poured) = (Quick::default(), Grid::default());
        for score in scores {
            quick.bump(scale.slot(score));
        }
        assert!(quick.pour(&scale, &mut poured));
        assert!(quick.pour(&scale, &mut poured));
        assert_eq!(poured, Grid::of(&scores));
    }
    #[test]
    fn keeps_counts_that_the_grid_does_not_take() {
        let (scale, of_attacks) =
            (Scale::new(HUNDREDTHS, (0.0, 100.0), &[]), Scale::new(TEN_THOUSANDTHS, (0.0, 1.0), &[]));
        let (mut quick, mut full, mut empty) = (Quick::default(), Grid::of(&[50.0]), Grid::default());
        quick.bump(of_attacks.slot(0.5));
        assert!(!quick.pour(&of_attacks, &mut full));
        assert_eq!(full, Grid::of(&[50.0]));
        assert!(quick.pour(&of_attacks, &mut empty));
        assert_eq!(
            (empty.at_least(0.5), empty.is_of(&of_attacks), empty.is_of(&scale)),
            (Some(1), true, false)
        );
    }
}
