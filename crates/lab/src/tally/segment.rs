//! The rows of a value of a segment: the verdicts, and the labelled scores at each value that the policy compares them with.

use cloudauth_policy::{Input, Verdict};
use cloudauth_stats::grid::NO_SCORE;
use serde::{Deserialize, Serialize, Serializer};

use super::{Decider, Scales, VerdictMatrix};
use crate::input::row::Label;

/// A policy that compares `verify_score` with more values has no error rates by segment.
const MOST_CUTS: usize = 16;

/// The rows of a value of a segment.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct SegmentRows {
    pub(crate) verdicts: VerdictMatrix,
    /// Genuine attempts and impostors with a score, by the number of cuts that the score reaches. Empty without such rows.
    pub(crate) reached: Vec<[u64; 2]>,
    /// The rows of people, for intervals over people.
    pub(crate) people: PeopleRows,
}

/// Rows of people: the hash of the subject, and the case. Threads add them in any order, so a copy is sorted to compare or write them.
/// A run without a checkpoint does neither.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct PeopleRows(pub(crate) Vec<(u64, SegmentCase)>);

impl PeopleRows {
    fn sorted(&self) -> Vec<(u64, SegmentCase)> {
        let mut rows = self.0.clone();
        rows.sort_unstable();
        rows
    }
}

impl PartialEq for PeopleRows {
    fn eq(&self, other: &Self) -> bool {
        self.0.len() == other.0.len() && self.sorted() == other.sorted()
    }
}

impl Serialize for PeopleRows {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.sorted().serialize(serializer)
    }
}

/// What counts of a row of a person: the first policy's verdict, the label, and the number of cuts that a labelled score reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) struct SegmentCase(u16);

impl SegmentCase {
    /// `verdict` and `label` are the numbers of them. There are at most [`MOST_CUTS`] cuts, so that everything has its place.
    fn new(verdict: usize, label: usize, reached: Option<usize>) -> Self {
        let reached = reached.map_or(0, |reached| reached + 1);
        Self(u16::try_from((reached * 4 + label) * 4 + verdict).unwrap_or_default())
    }

    pub(crate) fn verdict(self) -> Verdict {
        Verdict::ALL.get(usize::from(self.0 % 4)).copied().unwrap_or(Verdict::Review)
    }

    pub(crate) fn is_of(self, label: Label) -> bool {
        usize::from(self.0 / 4 % 4) == label.number()
    }

    /// Returns the number of cuts that the score reaches; `None` for a row without a label or a score.
    pub(crate) fn reached(self) -> Option<usize> {
        usize::from(self.0 / 16).checked_sub(1)
    }
}

impl SegmentRows {
    /// Counts a row by the numbers of its verdicts and label, the number of cuts that its score reaches, and the hash of its subject
    /// if it is kept.
    #[inline]
    pub(crate) fn bump(
        &mut self,
        (a, b): (usize, usize),
        label: usize,
        reached: Option<usize>,
        person: Option<u64>,
    ) {
        self.verdicts.bump(a, b, label);
        if let Some(person) = person {
            self.people.0.push((person, SegmentCase::new(a, label, reached)));
        }
        let Some(reached) = reached else { return };
        if self.reached.len() <= reached {
            self.reached.resize(reached + 1, [0; 2]);
        }
        if let Some(count) = self.reached.get_mut(reached).and_then(|counts| counts.get_mut(label)) {
            *count += 1;
        }
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        self.verdicts.merge(&other.verdicts);
        self.people.0.extend_from_slice(&other.people.0);
        self.reached.resize(self.reached.len().max(other.reached.len()), [0; 2]);
        for (mine, other) in self.reached.iter_mut().zip(&other.reached) {
            mine.iter_mut().zip(other).for_each(|(mine, other)| *mine += other);
        }
    }

    /// Returns the attempts of a label that reach at least this number of cuts, and all with a score.
    pub(crate) fn reaching(&self, cuts: usize, label: Label) -> (u64, u64) {
        let count = |counts: &[u64; 2]| counts.get(label.number()).copied().unwrap_or_default();
        (self.reached.iter().skip(cuts).map(count).sum(), self.reached.iter().map(count).sum())
    }
}

/// The number of cuts of `verify_score` that each slot reaches.
#[derive(Debug)]
pub(crate) struct CutCounter {
    reached: Vec<u16>,
}

impl CutCounter {
    /// Returns `None` if there are no segments or too many cuts.
    pub(crate) fn new(decider: &Decider, has_segments: bool, scales: &Scales) -> Option<Self> {
        let boundaries: Vec<f64> = decider.cuts_of(Input::VerifyScore).map(|cut| cut.boundary).collect();
        (has_segments && boundaries.len() <= MOST_CUTS)
            .then(|| Self { reached: scales.reached(Input::VerifyScore, &boundaries) })
    }

    /// Returns the number of cuts that a score reaches; `None` for a row without a label or a score.
    #[inline]
    pub(crate) fn count(&self, slot: u16, label: usize) -> Option<usize> {
        if slot == NO_SCORE || label == Label::Unlabelled.number() {
            return None;
        }
        self.reached.get(usize::from(slot)).map(|reached| usize::from(*reached))
    }
}

/// Returns the value of two segments crossed. The sign between the parts occurs alone; within a part it is doubled.
pub(crate) fn crossed(first: &str, second: &str) -> String {
    let part = |part: &str| part.replace('×', "××");
    format!("{} × {}", part(first), part(second))
}

#[cfg(test)]
mod tests {
    use super::crossed;

    #[test]
    fn crossed_values_are_different_for_different_parts() {
        let parts = ["", " ", "a", "×", " ×", "× ", " × ", "a × b", "××", "× ×"];
        let mut all: Vec<String> = parts.iter().flat_map(|a| parts.iter().map(|b| crossed(a, b))).collect();
        all.sort_unstable();
        all.dedup();
        assert_eq!((all.len(), crossed("app", "18-25").as_str()), (parts.len() * parts.len(), "app × 18-25"));
    }
}
