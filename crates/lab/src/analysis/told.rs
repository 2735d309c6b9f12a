//! What was not understood, for people and programs.

use cloudauth_policy::Input;
use serde::Serialize;

use crate::tally::notes::{Point, What};
use crate::tally::{MOST_VALUES, Tally};

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
    /// The name of `what` among the report's texts.
    #[serde(skip)]
    pub(crate) text: String,
    /// The input or segment that it is about, if any.
    #[serde(skip)]
    pub(crate) about: String,
}

/// All data issues: rows that were left out first, and then by how many.
pub(crate) fn told(tally: &Tally) -> Vec<Told> {
    let about = |what: What| match what {
        What::Segment(number) => tally.segment_names.get(number).cloned().unwrap_or_default(),
        what => what.input().map_or_else(String::new, |input| input.name().to_owned()),
    };
    let of_rows = tally.notes.all().into_iter().map(|(what, note)| {
        let about = about(what);
        Told {
            what: what.words(&about),
            rows: note.rows,
            left_out: what.leaves_out(),
            first: note.first,
            text: what.name(),
            about,
        }
    });
    let absent = tally.absent.iter().map(|path| Told {
        what: format!("has no `{path}`, which the mapping names: is it misspelt?"),
        rows: tally.rows,
        left_out: false,
        first: Vec::new(),
        text: What::Absent.name(),
        about: path.clone(),
    });
    let mut all: Vec<Told> = of_rows.chain(absent).chain(dropped(tally)).chain(outside_grid(tally)).collect();
    all.sort_by_key(|told| (!told.left_out, std::cmp::Reverse(told.rows)));
    all
}

/// Segments, and kinds of attack, that are not counted because there are too many values.
fn dropped(tally: &Tally) -> impl Iterator<Item = Told> {
    let issue = |text: &str, about: &str, what: String| Told {
        what,
        rows: tally.rows,
        left_out: false,
        first: Vec::new(),
        text: text.to_owned(),
        about: about.to_owned(),
    };
    let segments = tally.segment_names.iter().zip(&tally.segments);
    let mut all: Vec<Told> = segments
        .filter(|(_, values)| values.get().is_none())
        .map(|(name, _)| {
            let what =
                format!("is not counted by segment `{name}`, which has more than {MOST_VALUES} values");
            issue("note_ManyValues", name, what)
        })
        .collect();
    if tally.attacks.get().is_none() {
        let what = format!("is not counted by kind of attack: there are more than {MOST_VALUES} kinds");
        all.push(issue("note_ManyKinds", "", what));
    }
    all.into_iter()
}

/// Scores outside the lab's grid, which a policy's range can take in.
fn outside_grid(tally: &Tally) -> impl Iterator<Item = Told> {
    let issue = |score: Input| {
        let (rows, name) = (tally.outside_grid(score), score.name());
        let top = if score == Input::FaceAttackScore { 1 } else { 100 };
        (rows > 0).then(|| Told {
            what: format!(
                "has a `{name}` outside 0 to {top}, where only the policy's thresholds are counted"
            ),
            rows,
            left_out: false,
            first: Vec::new(),
            text: "note_OutsideGrid".to_owned(),
            about: name.to_owned(),
        })
    };
    Input::SCORES.into_iter().filter_map(issue)
}
