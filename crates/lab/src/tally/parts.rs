//! The parts of a tally.

use super::policy_name::PolicyName;
use cloudauth_policy::{Input, Policy, Verdict};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::scales::{ScoreCut, range};
use crate::input::row::Label;
use crate::tally::issues::RowLocation;
use cloudauth_stats::Grid;

/// The policy that decided, and its rules.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Decider {
    pub(crate) id: String,
    pub(crate) version: String,
    pub(crate) content_hash: String,
    /// The rules with their verdicts, `otherwise` last.
    pub(crate) rules: Vec<(String, Verdict)>,
    /// The values that it compares scores with.
    pub(crate) cuts: Vec<ScoreCut>,
    /// The ranges of valid scores, in the order of [`Input::SCORES`].
    pub(crate) ranges: [(f64, f64); 3],
}

impl Decider {
    pub(crate) fn of(policy: &Policy) -> Self {
        let (reference, report) = (policy.reference(), policy.report());
        let rules = report.rules.iter().map(|rule| (rule.rule.to_owned(), rule.verdict));
        Self {
            id: reference.id.clone(),
            version: reference.version.clone(),
            content_hash: reference.content_hash.clone(),
            rules: rules.collect(),
            cuts: ScoreCut::of(policy),
            ranges: Input::SCORES.map(|input| range(policy, input)),
        }
    }

    /// Returns the values that it compares a score with, ascending.
    pub(crate) fn cuts_of(&self, input: Input) -> impl Iterator<Item = &ScoreCut> {
        self.cuts.iter().filter(move |cut| cut.input == input)
    }

    /// Returns the range of a valid score.
    pub(crate) fn range(&self, score: Input) -> (f64, f64) {
        let [verify, quality, attack] = self.ranges;
        match score {
            Input::QualityScore => quality,
            Input::FaceAttackScore => attack,
            _ => verify,
        }
    }

    pub(crate) fn name(&self) -> PolicyName {
        PolicyName {
            id: self.id.clone(),
            version: self.version.clone(),
            content_hash: self.content_hash.clone(),
        }
    }

    /// Returns the verdict of a rule. A rule that does not exist is not an approval.
    pub(crate) fn verdict(&self, rule: usize) -> Verdict {
        self.rules.get(rule).map_or(Verdict::Review, |(_, verdict)| *verdict)
    }
}

/// The number of a verdict: its index in [`Verdict::ALL`].
pub(crate) const fn verdict_number(verdict: Verdict) -> usize {
    match verdict {
        Verdict::Approve => 0,
        Verdict::Review => 1,
        Verdict::Retry => 2,
        Verdict::Reject => 3,
    }
}

/// Rows by the verdicts of both policies, and by label.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct VerdictMatrix(pub(crate) [[[u64; 3]; 4]; 4]);

impl VerdictMatrix {
    pub(crate) fn add(&mut self, a: Verdict, b: Verdict, label: Label, rows: u64) {
        self.add_rows(verdict_number(a), verdict_number(b), label.number(), rows);
    }

    /// Counts a row by the numbers of its verdicts and label.
    pub(crate) fn bump(&mut self, a: usize, b: usize, label: usize) {
        self.add_rows(a, b, label, 1);
    }

    #[inline]
    fn add_rows(&mut self, a: usize, b: usize, label: usize, rows: u64) {
        let of_b = self.0.get_mut(a).and_then(|of_a| of_a.get_mut(b));
        if let Some(count) = of_b.and_then(|of_b| of_b.get_mut(label)) {
            *count += rows;
        }
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        for (mine, other) in
            self.0.as_flattened_mut().as_flattened_mut().iter_mut().zip(other.0.as_flattened().as_flattened())
        {
            *mine += other;
        }
    }

    /// Returns the sum of the rows that `of` selects.
    pub(crate) fn sum(&self, of: impl Fn(Verdict, Verdict, Label) -> bool) -> u64 {
        let mut sum = 0;
        for (a, of_a) in Verdict::ALL.into_iter().zip(&self.0) {
            for (b, of_b) in Verdict::ALL.into_iter().zip(of_a) {
                for (label, count) in Label::ALL.into_iter().zip(of_b) {
                    sum += if of(a, b, label) { *count } else { 0 };
                }
            }
        }
        sum
    }
}

/// The scores of a month.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Scores {
    pub(crate) verify: Grid,
    pub(crate) quality: Grid,
    pub(crate) attack: Grid,
}

impl Scores {
    pub(crate) fn merge(&mut self, other: &Self) {
        add_grid(&mut self.verify, &other.verify);
        add_grid(&mut self.quality, &other.quality);
        add_grid(&mut self.attack, &other.attack);
    }
}

/// Adds the counts of another grid of the same score. A tally counts each score on one scale.
pub(crate) fn add_grid(grid: &mut Grid, other: &Grid) {
    let is_added = grid.merge(other);
    debug_assert!(is_added, "a score has one scale");
}

/// Returns the hash that identifies a subject.
pub(crate) fn hash_of_subject(subject: &str) -> u64 {
    let hash: [u8; 32] = Sha256::digest(subject).into();
    hash.first_chunk().map_or(0, |eight| u64::from_be_bytes(*eight))
}

/// A labelled row of a subject, identified by a hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct SubjectScore {
    pub(crate) subject: u64,
    pub(crate) is_genuine: bool,
    /// The bits of the score; `None` if it is missing.
    score: Option<u64>,
    /// The numbers of the verdicts of both policies.
    verdicts: (u8, u8),
}

impl SubjectScore {
    /// `subject` is the hash of the subject, `says` the numbers of the verdicts.
    pub(crate) fn new(subject: u64, score: Option<f64>, label: Label, says: (usize, usize)) -> Self {
        let score = score.map(|score| (score + 0.0).to_bits());
        let number = |verdict| u8::try_from(verdict).unwrap_or_default();
        Self {
            subject,
            is_genuine: label == Label::Genuine,
            score,
            verdicts: (number(says.0), number(says.1)),
        }
    }

    pub(crate) const fn label(&self) -> Label {
        if self.is_genuine { Label::Genuine } else { Label::Impostor }
    }

    /// Returns the hash of the subject; and whether the row is genuine, with the numbers of the verdicts.
    pub(crate) const fn case(&self) -> (u64, (bool, u8, u8)) {
        (self.subject, (self.is_genuine, self.verdicts.0, self.verdicts.1))
    }

    pub(crate) fn score(&self) -> Option<f64> {
        self.score.map(f64::from_bits)
    }
}

/// A row on which two policies differ.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Example {
    pub(crate) at: RowLocation,
    pub(crate) id: Option<String>,
    pub(crate) rules: (usize, usize),
}

/// Serializes a map with keys that are not strings as a list of pairs.
pub(crate) mod pairs {
    use std::collections::BTreeMap;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(crate) fn serialize<S: Serializer, K: Serialize, V: Serialize>(
        map: &BTreeMap<K, V>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(map)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>, K: Deserialize<'de> + Ord, V: Deserialize<'de>>(
        deserializer: D,
    ) -> Result<BTreeMap<K, V>, D::Error> {
        Ok(Vec::<(K, V)>::deserialize(deserializer)?.into_iter().collect())
    }
}
