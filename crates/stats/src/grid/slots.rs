//! Slots of a table of scores: first the hundredths from 0 to 100, then the scores outside them.

use std::hash::{DefaultHasher, Hash, Hasher};

/// The number of edges in one unit of a score from 0 to 100.
pub const HUNDREDTHS: u32 = 100;
/// The number of edges in one unit of a score from 0 to 1.
pub const TEN_THOUSANDTHS: u32 = 10_000;

/// The number of edges of a grid, each a threshold: 0.00, 0.01, .. 100.00 with [`HUNDREDTHS`], 0, 0.0001, .. 1 with
/// [`TEN_THOUSANDTHS`].
pub const EDGES: usize = 10_001;

/// The number of slots: a power of two above the grid's edges, so that a masked index needs no check.
pub(super) const SLOTS: usize = 1 << 14;
/// The slot of invalid scores.
pub const NO_SCORE: u16 = EDGES as u16;
/// The slot of valid scores below the grid.
pub(super) const BELOW: u16 = NO_SCORE + 1;
/// The slot of valid scores above the grid.
pub(super) const ABOVE: u16 = NO_SCORE + 2;
/// The slot of the first cut.
pub(super) const CUTS: u16 = NO_SCORE + 3;

/// Returns the threshold at an index of a grid of hundredths: the double nearest to `index`/100. `None` past 100.00.
#[must_use]
pub fn edge(index: usize) -> Option<f64> {
    edge_at(index, HUNDREDTHS)
}

/// Returns the edge at an index of a grid with this many edges in one unit of the score.
pub(super) fn edge_at(index: usize, per_unit: u32) -> Option<f64> {
    // The quotient is the nearest double, as a parser reads the decimal.
    (index < EDGES).then(|| index as f64 / f64::from(per_unit))
}

/// Returns the index of a threshold on a grid of hundredths, if it has at most two decimals and is from 0 to 100.
#[must_use]
pub fn edge_index(threshold: f64) -> Option<usize> {
    let place = usize::from(place(threshold));
    edge(place).filter(|edge| *edge == threshold).map(|_| place)
}

/// Returns the index of a score: the last edge that it reaches, so that `place >= k` is `score >= edge(k)` for every score from
/// 0 to 100. The index of an invalid score is past all edges.
#[inline]
pub(super) fn place(score: f64) -> u16 {
    place_at(score, HUNDREDTHS)
}

/// Returns the index of a score on a grid with this many edges in one unit. The code has no branch, so the compiler can
/// vectorize it.
#[inline]
pub(super) fn place_at(score: f64, per_unit: u32) -> u16 {
    /// Adding this constant rounds a number to an integer, which is then in the lowest bits.
    const ROUNDS: f64 = (3_u64 << 51) as f64;
    let per_unit = f64::from(per_unit);
    let rounded = score * per_unit + ROUNDS;
    // The product is nearly exact: the score reaches at least the previous edge, and not the one after next.
    let nearest = rounded - ROUNDS;
    let is_below = score < nearest / per_unit;
    let place = (rounded.to_bits() as u16).wrapping_sub(u16::from(is_below));
    if (0.0..=(EDGES - 1) as f64 / per_unit).contains(&score) { place } else { NO_SCORE }
}

/// Returns a number that stands for edges and cuts, so that a comparison does not depend on the number of cuts.
pub(super) fn key_of(per_unit: u32, cuts: impl IntoIterator<Item = f64>) -> u64 {
    let mut hasher = DefaultHasher::new();
    per_unit.hash(&mut hasher);
    cuts.into_iter().for_each(|cut| cut.to_bits().hash(&mut hasher));
    hasher.finish()
}

/// Creates a table of zeros.
pub(super) fn table<const N: usize>() -> Box<[u32; N]> {
    Box::new([0; N])
}

/// Adds one to a slot of a table whose length is a power of two.
#[inline]
#[expect(clippy::indexing_slicing, reason = "the length is a power of two, and the index is masked by it")]
pub(super) fn bump<const N: usize>(table: &mut [u32; N], slot: usize) {
    table[slot & (N - 1)] += 1;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edges_are_the_doubles_that_a_parser_reads() {
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
