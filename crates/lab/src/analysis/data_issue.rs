//! Data issues, for people and programs.

use cloudauth_policy::Input;
use serde::Serialize;

use crate::tally::issues::{IssueKind, RowLocation};
use crate::tally::{MOST_VALUES, Tally};

/// A data issue: its kind, its number of rows and the first locations.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct DataIssue {
    /// The kind.
    #[serde(skip)]
    pub kind: DataIssueKind,
    /// A phrase about a row, such as `has no `verify_score``.
    pub message: String,
    /// The number of rows.
    pub rows: u64,
    /// Whether the rows were left out and not decided.
    pub left_out: bool,
    /// The first few locations.
    pub locations: Vec<RowLocation>,
    /// The key of `message` among the report's texts.
    #[serde(skip)]
    pub(crate) text: String,
    /// The input or segment concerned, if any.
    #[serde(skip)]
    pub(crate) about: String,
}

/// The kind of a data issue. Exhaustive on purpose: a program that explains it in another language must handle every kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DataIssueKind {
    /// A problem of rows.
    Row(IssueKind),
    /// A segment's value is malformed.
    Segment {
        /// The segment.
        name: String,
    },
    /// No row has a path that the mapping names.
    Absent {
        /// The path.
        path: String,
    },
    /// A segment has too many values to count.
    ManyValues {
        /// The segment.
        segment: String,
        /// The most values.
        limit: usize,
    },
    /// There are too many kinds of attack to count.
    ManyAttacks {
        /// The most kinds.
        limit: usize,
    },
    /// A score is outside the grid.
    OutsideGrid {
        /// The score.
        score: Input,
        /// The top of the grid.
        top: u32,
        /// Whether only rows with a time are counted.
        of_dated: bool,
    },
}

/// Returns all data issues: first those whose rows were left out, then by number of rows.
pub(crate) fn data_issues(tally: &Tally) -> Vec<DataIssue> {
    let about = |kind: IssueKind| match kind {
        IssueKind::Segment(number) => tally.segment_names.get(number).cloned().unwrap_or_default(),
        kind => kind.input().map_or_else(String::new, |input| input.name().to_owned()),
    };
    let of_rows = tally.issues.all().into_iter().map(|(kind, count)| {
        let about = about(kind);
        DataIssue {
            kind: match kind {
                IssueKind::Segment(_) => DataIssueKind::Segment { name: about.clone() },
                kind => DataIssueKind::Row(kind),
            },
            message: kind.words(&about),
            rows: count.rows,
            left_out: kind.leaves_out(),
            locations: count.first,
            text: kind.name(),
            about,
        }
    });
    let absent = tally.absent.iter().map(|path| {
        let message = format!("has no `{path}`, which the mapping names: is it misspelt?");
        let kind = DataIssueKind::Absent { path: path.clone() };
        of_run(kind, tally.rows, &IssueKind::Absent.name(), path, message)
    });
    let mut all: Vec<DataIssue> =
        of_rows.chain(absent).chain(dropped(tally)).chain(outside_grid(tally)).collect();
    all.sort_by_key(|issue| (!issue.left_out, std::cmp::Reverse(issue.rows)));
    all
}

/// An issue of a whole run: no row is left out, and none is located.
fn of_run(kind: DataIssueKind, rows: u64, text: &str, about: &str, message: String) -> DataIssue {
    let (text, about) = (text.to_owned(), about.to_owned());
    DataIssue { kind, message, rows, left_out: false, locations: Vec::new(), text, about }
}

/// Returns the segments and kinds of attack that are not counted because they have too many values.
fn dropped(tally: &Tally) -> impl Iterator<Item = DataIssue> {
    let issue = |kind: DataIssueKind, text: &str, about: &str, message: String| {
        of_run(kind, tally.rows, text, about, message)
    };
    let segments = tally.segment_names.iter().zip(&tally.segments);
    let mut all: Vec<DataIssue> = segments
        .filter(|(_, values)| values.get().is_none())
        .map(|(name, _)| {
            let message =
                format!("is not counted by segment `{name}`, which has more than {MOST_VALUES} values");
            let kind = DataIssueKind::ManyValues { segment: name.clone(), limit: MOST_VALUES };
            issue(kind, "note_ManyValues", name, message)
        })
        .collect();
    if tally.attacks.get().is_none() {
        let message = format!("is not counted by kind of attack: there are more than {MOST_VALUES} kinds");
        let kind = DataIssueKind::ManyAttacks { limit: MOST_VALUES };
        all.push(issue(kind, "note_ManyKinds", "", message));
    }
    all.into_iter()
}

/// Returns the scores outside the grid. A policy's range can be wider than the grid.
fn outside_grid(tally: &Tally) -> impl Iterator<Item = DataIssue> {
    let issue = |score: Input| {
        let (rows, name) = (tally.outside_grid(score), score.name());
        let top = if score == Input::FaceAttackScore { 1 } else { 100 };
        let of = if score == Input::VerifyScore { "" } else { " (of rows with a time)" };
        let message =
            format!("has a `{name}` outside 0 to {top}, where only the policy's thresholds are counted{of}");
        let kind = DataIssueKind::OutsideGrid { score, top, of_dated: score != Input::VerifyScore };
        (rows > 0).then(|| of_run(kind, rows, "note_OutsideGrid", name, message))
    };
    Input::SCORES.into_iter().filter_map(issue)
}
