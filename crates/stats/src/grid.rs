//! Scores counted on a grid: no sort, any number of rows, and exact at every edge: each hundredth from 0 to 100, or each
//! ten-thousandth from 0 to 1. A [`Scale`] adds cuts between them, at which the counts are exact as well.

mod counts;
mod labelled;
mod quick;
mod scale;
mod slots;
#[cfg(test)]
mod tests;

pub use counts::Grid;
pub use labelled::LabelledGrid;
pub use quick::Quick;
pub use scale::Scale;
pub use slots::{EDGES, HUNDREDTHS, NO_SCORE, TEN_THOUSANDTHS, edge, edge_index};
