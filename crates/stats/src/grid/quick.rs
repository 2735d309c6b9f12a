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

    /// Adds its counts to a grid, and clears itself.
    pub fn pour(&mut self, scale: &Scale, to: &mut Grid) {
        to.merge(&Grid::of_table(self.0.as_slice(), scale));
        self.0.fill(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grid::HUNDREDTHS;

    #[test]
    fn counts_like_the_grid() {
        let scores = [0.0, 75.0, 75.004, 75.01, 100.0, -1.0, f64::NAN, 75.0];
        let scale = Scale::new(HUNDREDTHS, (0.0, 100.0), &[]);
        let (mut quick, mut poured) = (Quick::default(), Grid::default());
        for score in scores {
            quick.bump(scale.slot(score));
        }
        quick.pour(&scale, &mut poured);
        quick.pour(&scale, &mut poured);
        assert_eq!(poured, Grid::of(&scores));
    }
}
