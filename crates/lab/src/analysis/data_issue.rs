//! Data issues, for people and programs.

use cloudauth_policy::Input;
use serde::Serialize;

use crate::analysis::issue_kind::DataIssueKind;
use crate::language::Language;
#[cfg(feature = "parquet")]
use crate::tally::issues::Issues;
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
}

impl DataIssue {
    /// Returns `message` in a language.
    #[must_use]
    pub fn text(&self, language: Language) -> String {
        self.kind.phrase(language)
    }

    fn new(kind: DataIssueKind, rows: u64, left_out: bool, locations: Vec<RowLocation>) -> Self {
        let message = kind.phrase(Language::En);
        Self { kind, message, rows, left_out, locations }
    }

    /// Returns the data issues of the inputs of decided rows, the most frequent first.
    #[cfg(feature = "parquet")]
    pub(crate) fn of_inputs(issues: &Issues) -> Vec<Self> {
        let all = issues.all().into_iter().map(|(kind, count)| {
            Self::new(DataIssueKind::Row(kind), count.rows, kind.leaves_out(), count.first)
        });
        let mut all: Vec<Self> = all.collect();
        sort(&mut all);
        all
    }

    /// An issue of a whole run: no row is left out, and none is located.
    fn of_run(kind: DataIssueKind, rows: u64) -> Self {
        Self::new(kind, rows, false, Vec::new())
    }
}

/// Returns all data issues: first those whose rows were left out, then by number of rows.
pub(crate) fn data_issues(tally: &Tally) -> Vec<DataIssue> {
    let of_rows = tally.issues.all().into_iter().map(|(kind, count)| {
        let known = match kind {
            IssueKind::Segment(number) => {
                let name = tally.segment_names.get(number).cloned().unwrap_or_default();
                DataIssueKind::Segment { name }
            }
            kind => DataIssueKind::Row(kind),
        };
        DataIssue::new(known, count.rows, kind.leaves_out(), count.first)
    });
    let absent = tally
        .absent
        .iter()
        .map(|path| DataIssue::of_run(DataIssueKind::Absent { path: path.clone() }, tally.rows));
    let mut all: Vec<DataIssue> =
        of_rows.chain(absent).chain(dropped(tally)).chain(outside_grid(tally)).collect();
    sort(&mut all);
    all
}

fn sort(all: &mut [DataIssue]) {
    all.sort_by_key(|issue| (!issue.left_out, std::cmp::Reverse(issue.rows)));
}

/// Returns the segments and kinds of attack that are not counted because they have too many values.
fn dropped(tally: &Tally) -> impl Iterator<Item = DataIssue> {
    let segments = tally.segment_names.iter().zip(&tally.segments);
    let segments = segments
        .filter(|(_, values)| values.get().is_none())
        .map(|(name, _)| DataIssueKind::ManyValues { segment: name.clone(), limit: MOST_VALUES });
    let attacks = tally.attacks.get().is_none().then_some(DataIssueKind::ManyAttacks { limit: MOST_VALUES });
    segments.chain(attacks).map(|kind| DataIssue::of_run(kind, tally.rows))
}

/// Returns the scores outside the grid. A policy's range can be wider than the grid.
fn outside_grid(tally: &Tally) -> impl Iterator<Item = DataIssue> {
    let issue = |score: Input| {
        let rows = tally.outside_grid(score);
        let top = if score == Input::FaceAttackScore { 1 } else { 100 };
        let kind = DataIssueKind::OutsideGrid { score, top, of_dated: score != Input::VerifyScore };
        (rows > 0).then(|| DataIssue::of_run(kind, rows))
    };
    Input::SCORES.into_iter().filter_map(issue)
}
