//! Data issues: counted, with the first few locations, and never with the data itself.

use std::collections::BTreeMap;

use cloudauth_policy::Input;
use serde::{Deserialize, Serialize};

/// The location of a row: its file, and its line from 1. In a Parquet file, the number of the row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RowLocation {
    /// The number of the file, in reading order.
    pub source: usize,
    /// The line.
    pub line: u64,
}

/// The kind of a data issue of rows. Exhaustive on purpose: a program that explains it in another language must handle every
/// kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum IssueKind {
    /// The line is not a JSON object.
    NotJson,
    /// The line is not UTF-8 text.
    NotText,
    /// A member is repeated.
    Twice,
    /// A response larger than the client reads.
    TooLarge,
    /// The line has more or fewer fields than the header.
    Fields,
    /// A CSV record with text after a closing quote.
    Quoting,
    /// A reply has no `Code`.
    NoCode,
    /// A reply has `Code` 200 and no `ResultObject`.
    NoResult,
    /// A reply is that of a refused call.
    Refused,
    /// A reply is of a verification that had not ended.
    Pending,
    /// A text that should hold a JSON object does not.
    Document,
    /// `passed` has the SubCode, as in callbacks.
    Callback,
    /// The mapping does not name the label.
    Label,
    /// The row is labelled genuine and an attack.
    GenuineAttack,
    /// The kind of attack is malformed or too long.
    Attack,
    /// The subject is malformed or too long.
    Subject,
    /// The id is malformed or too long.
    Id,
    /// The value of a segment, by its number in the mapping, is malformed or too long.
    Segment(usize),
    /// The time is invalid.
    Time,
    /// The score of a second matcher is malformed.
    SecondScore,
    /// The value of an input is malformed.
    NotUnderstood(Input),
    /// An input is missing.
    Missing(Input),
    /// Of a run: no row has a path that the mapping names.
    Absent,
    /// Of a file: it was truncated, grew or was replaced while it was read. The location is the last row read.
    Changed,
}

impl IssueKind {
    /// Returns whether the row is left out.
    pub(crate) const fn leaves_out(self) -> bool {
        use IssueKind::*;
        let is_unreadable = matches!(self, NotJson | NotText | Twice | TooLarge | Fields | Quoting);
        is_unreadable || matches!(self, NoCode | NoResult | Refused | Pending)
    }
}

/// The number of locations kept for each kind.
const PLACES: usize = 5;

/// All data issues of a tally.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(into = "Vec<(IssueKind, IssueCount)>", from = "Vec<(IssueKind, IssueCount)>")]
pub(crate) struct Issues(BTreeMap<IssueKind, IssueCount>, [u64; Input::ALL.len()]);

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct IssueCount {
    pub(crate) rows: u64,
    pub(crate) first: Vec<RowLocation>,
}

impl Issues {
    pub(crate) fn add(&mut self, kind: IssueKind, at: RowLocation) {
        let count = self.0.entry(kind).or_default();
        count.rows += 1;
        if count.first.len() < PLACES {
            count.first.push(at);
        }
    }

    /// Counts missing inputs, without a location: they are frequent, and say more about the run than about the data.
    pub(crate) fn add_missing(&mut self, input: Input, rows: u64) {
        if let Some(missing) = self.1.get_mut(input as usize) {
            *missing += rows;
        }
    }

    /// Returns the number of rows in which each input is missing.
    #[cfg(feature = "parquet")]
    pub(crate) const fn missing(&self) -> [u64; Input::ALL.len()] {
        self.1
    }

    /// Replaces the number of rows in which each input is missing.
    #[cfg(feature = "parquet")]
    pub(crate) const fn set_missing(&mut self, rows: [u64; Input::ALL.len()]) {
        self.1 = rows;
    }

    /// Adds rows counted by a warehouse, without a location.
    pub(crate) fn add_rows(&mut self, kind: IssueKind, rows: u64) {
        match kind {
            IssueKind::Missing(input) => self.add_missing(input, rows),
            kind if rows > 0 => self.0.entry(kind).or_default().rows += rows,
            _ => {}
        }
    }

    /// Returns whether there is an issue of this kind.
    pub(crate) fn has(&self, kind: IssueKind) -> bool {
        self.0.contains_key(&kind)
    }

    /// Returns whether there is any issue other than a missing input.
    pub(crate) fn tells(&self) -> bool {
        !self.0.is_empty()
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        for (kind, count) in &other.0 {
            let mine = self.0.entry(*kind).or_default();
            mine.rows += count.rows;
            mine.first.extend(&count.first);
            mine.first.sort_unstable();
            mine.first.truncate(PLACES);
        }
        for (mine, missing) in self.1.iter_mut().zip(other.1) {
            *mine += missing;
        }
    }

    /// Returns all kinds with their counts.
    pub(crate) fn all(&self) -> Vec<(IssueKind, IssueCount)> {
        self.clone().into()
    }
}

impl From<Issues> for Vec<(IssueKind, IssueCount)> {
    fn from(issues: Issues) -> Self {
        let missing = Input::ALL.into_iter().zip(issues.1).filter(|(_, rows)| *rows > 0);
        let missing =
            missing.map(|(input, rows)| (IssueKind::Missing(input), IssueCount { rows, first: Vec::new() }));
        issues.0.into_iter().chain(missing).collect()
    }
}

impl From<Vec<(IssueKind, IssueCount)>> for Issues {
    fn from(all: Vec<(IssueKind, IssueCount)>) -> Self {
        let mut issues = Self::default();
        for (kind, count) in all {
            match kind {
                IssueKind::Missing(input) => issues.add_missing(input, count.rows),
                kind => drop(issues.0.insert(kind, count)),
            }
        }
        issues
    }
}
