//! What was not understood, for people and programs.

use cloudauth_policy::Input;
use serde::Serialize;

use crate::tally::issues::{IssueKind, RowLocation};
use crate::tally::{MOST_VALUES, Tally};

/// One thing that was not understood.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct DataIssue {
    /// In words, of a row: `has no `verify_score``.
    pub message: String,
    /// Of how many rows.
    pub rows: u64,
    /// Whether those rows were not decided.
    pub left_out: bool,
    /// The first few.
    pub locations: Vec<RowLocation>,
    /// The key of `message` among the report's texts.
    #[serde(skip)]
    pub(crate) text: String,
    /// The input or segment that it is about, if any.
    #[serde(skip)]
    pub(crate) about: String,
}

/// All data issues: rows that were left out first, and then by how many.
pub(crate) fn data_issues(tally: &Tally) -> Vec<DataIssue> {
    let about = |kind: IssueKind| match kind {
        IssueKind::Segment(number) => tally.segment_names.get(number).cloned().unwrap_or_default(),
        kind => kind.input().map_or_else(String::new, |input| input.name().to_owned()),
    };
    let of_rows = tally.issues.all().into_iter().map(|(kind, count)| {
        let about = about(kind);
        DataIssue {
            message: kind.words(&about),
            rows: count.rows,
            left_out: kind.leaves_out(),
            locations: count.first,
            text: kind.name(),
            about,
        }
    });
    let absent = tally.absent.iter().map(|path| DataIssue {
        message: format!("has no `{path}`, which the mapping names: is it misspelt?"),
        rows: tally.rows,
        left_out: false,
        locations: Vec::new(),
        text: IssueKind::Absent.name(),
        about: path.clone(),
    });
    let mut all: Vec<DataIssue> =
        of_rows.chain(absent).chain(dropped(tally)).chain(outside_grid(tally)).collect();
    all.sort_by_key(|issue| (!issue.left_out, std::cmp::Reverse(issue.rows)));
    all
}

/// Segments, and kinds of attack, that are not counted because there are too many values.
fn dropped(tally: &Tally) -> impl Iterator<Item = DataIssue> {
    let issue = |text: &str, about: &str, message: String| DataIssue {
        message,
        rows: tally.rows,
        left_out: false,
        locations: Vec::new(),
        text: text.to_owned(),
        about: about.to_owned(),
    };
    let segments = tally.segment_names.iter().zip(&tally.segments);
    let mut all: Vec<DataIssue> = segments
        .filter(|(_, values)| values.get().is_none())
        .map(|(name, _)| {
            let message =
                format!("is not counted by segment `{name}`, which has more than {MOST_VALUES} values");
            issue("note_ManyValues", name, message)
        })
        .collect();
    if tally.attacks.get().is_none() {
        let message = format!("is not counted by kind of attack: there are more than {MOST_VALUES} kinds");
        all.push(issue("note_ManyKinds", "", message));
    }
    all.into_iter()
}

/// Scores outside the lab's grid, which a policy's range can take in.
fn outside_grid(tally: &Tally) -> impl Iterator<Item = DataIssue> {
    let issue = |score: Input| {
        let (rows, name) = (tally.outside_grid(score), score.name());
        let top = if score == Input::FaceAttackScore { 1 } else { 100 };
        (rows > 0).then(|| DataIssue {
            message: format!(
                "has a `{name}` outside 0 to {top}, where only the policy's thresholds are counted"
            ),
            rows,
            left_out: false,
            locations: Vec::new(),
            text: "note_OutsideGrid".to_owned(),
            about: name.to_owned(),
        })
    };
    Input::SCORES.into_iter().filter_map(issue)
}
