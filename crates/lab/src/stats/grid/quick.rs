//! A grid to count into row by row: half as large as a [`Grid`], so that more of them stay in the nearest cache.

use super::{Grid, NO_SCORE, SLOTS, bump, table};

/// Counts by place, to be poured into a [`Grid`] before any of them can run over.
#[derive(Debug)]
pub(crate) struct Quick(Box<[u32; SLOTS]>);

impl Default for Quick {
    fn default() -> Self {
        Self(table())
    }
}

impl Quick {
    #[inline]
    pub(crate) fn bump(&mut self, place: u16) {
        bump(&mut self.0, usize::from(place));
    }

    /// Adds what it has counted to a grid, and is empty again.
    pub(crate) fn pour(&mut self, to: &mut Grid) {
        to.take(self.0.as_slice());
        self.0.fill(0);
    }
}

/// The point from 0 to 100 that a score in this place lies in; `None` where it is none.
#[inline]
pub(crate) fn point(place: u16) -> Option<usize> {
    (place != NO_SCORE).then_some(usize::from(place / 100))
}

#[cfg(test)]
mod tests {
    use super::super::place;
    use super::*;

    #[test]
    fn a_place_has_its_point() {
        for (score, expected) in [
            (0.0, Some(0)),
            (0.999, Some(0)),
            (1.0, Some(1)),
            (99.999, Some(99)),
            (100.0, Some(100)),
            (100.01, None),
            (f64::NAN, None),
        ] {
            assert_eq!(point(place(score)), expected, "{score}");
        }
    }

    #[test]
    fn it_counts_as_the_grid_does() {
        let scores = [0.0, 75.0, 75.004, 75.01, 100.0, -1.0, f64::NAN, 75.0];
        let (mut quick, mut poured) = (Quick::default(), Grid::default());
        for score in scores {
            quick.bump(place(score));
        }
        quick.pour(&mut poured);
        quick.pour(&mut poured);
        assert_eq!(poured, Grid::of(&scores));
    }
}
