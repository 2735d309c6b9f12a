//! What was not understood, for people and programs.

use serde::Serialize;

use crate::notes::{Point, What};
use crate::tally::Tally;

/// One thing that was not understood.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Told {
    /// In words, of a row: `has no `verify_score``.
    pub what: String,
    /// Of how many rows.
    pub rows: u64,
    /// Whether those rows were not decided.
    pub left_out: bool,
    /// The first few.
    pub first: Vec<Point>,
    /// The same, for those who say it in another language.
    #[serde(skip)]
    pub(crate) is: What,
}

/// Rows that were left out first, and then by how many.
pub(crate) fn told(tally: &Tally) -> Vec<Told> {
    let mut all: Vec<Told> = tally
        .notes
        .all()
        .into_iter()
        .map(|(what, note)| Told {
            what: what.words(),
            rows: note.rows,
            left_out: what.leaves_out(),
            first: note.first,
            is: what,
        })
        .collect();
    all.extend(tally.absent.iter().map(|path| Told {
        what: format!("has no `{path}`, which the mapping names: is it misspelt?"),
        rows: tally.rows,
        left_out: false,
        first: Vec::new(),
        is: What::Absent,
    }));
    all.sort_by_key(|told| (!told.left_out, std::cmp::Reverse(told.rows)));
    all
}
