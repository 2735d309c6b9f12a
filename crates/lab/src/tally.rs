//! Counts of rows, and the locations of a few. Tallies of parts add up to the tally of the whole in any order, so a run gives
//! the same result on any number of threads, and can be stopped and resumed.

mod alike;
mod counter;
pub(crate) mod failing_example;
pub(crate) mod issues;
mod matchers;
mod parts;
pub(crate) mod policy_name;
mod room;
pub(crate) mod saved;
mod scales;
pub(crate) mod segment;
mod sweep;
mod values;

use std::collections::{BTreeMap, BTreeSet};

use cloudauth_policy::{Input, Policy, Verdict};
use serde::Serialize;

pub(crate) use alike::{Alike, alike};
#[cfg(feature = "parquet")]
pub(crate) use counter::{Counted, code_number};
pub(crate) use counter::{Counter, is_code_shown};
pub(crate) use matchers::{MatcherRow, MatcherRows};
pub(crate) use parts::{
    Decider, Example, Scores, SubjectScore, VerdictMatrix, add_grid, hash_of_subject, verdict_number,
};

pub(crate) use room::Room;
pub(crate) use scales::{Scales, ScoreCut};
use segment::PeopleRows;
pub(crate) use segment::{SegmentCase, SegmentRows};
pub(crate) use sweep::{SweepCase, SweepCounter, SweepRows};
pub(crate) use values::{MOST_VALUES, Values};

use crate::error::{LabError, LabProblem};
use crate::input::row::Label;
use crate::input::skipped::Skipped;
use crate::input::timezone::TimeZone;
use crate::tally::failing_example::FailingExample;
use crate::tally::issues::Issues;
use cloudauth_stats::{Grid, LabelledGrid};

/// The maximum number of months: more than thirty years.
pub(crate) const MOST_MONTHS: usize = 400;
/// The maximum number of examples of each flip.
const EXAMPLES: usize = 5;
/// The maximum number of rows that are kept for intervals over people: labelled rows, 32 bytes each, or 16 in a sweep; and rows of all
/// segments together, 16 bytes each. Also of those that are kept for a comparison of two matchers, 32 bytes each.
pub(crate) const MOST_KEPT: usize = 8_000_000;

/// The counts of a run. Only a checkpoint can be read back, with [`crate::Lab::resume`]. The serialized form may change in any
/// version.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Tally {
    pub(crate) decider: Decider,
    /// The candidate, if there is one.
    pub(crate) candidate: Option<Decider>,
    pub(crate) segment_names: Vec<String>,
    /// Whether the run was stopped before the end of the data.
    #[serde(skip)]
    pub(crate) is_part: bool,
    /// The paths of the mapping that some row has.
    pub(crate) seen: BTreeSet<String>,
    /// The paths of the mapping that no row has.
    #[serde(skip)]
    pub(crate) absent: Vec<String>,
    /// The zone in which days are counted.
    #[serde(skip)]
    pub(crate) timezone: TimeZone,
    /// Files and folders that were found and not read.
    #[serde(skip)]
    pub(crate) skipped: Vec<Skipped>,
    /// The failing examples of the policies, in an exploratory run.
    #[serde(skip)]
    pub(crate) failing_examples: Vec<FailingExample>,
    /// The rows that were decided.
    pub(crate) rows: u64,
    #[serde(rename = "notes")]
    pub(crate) issues: Issues,
    /// Rows by rule of the first policy, rule of the second (or 0), and label.
    pub(crate) rules: Vec<u64>,
    /// Rows by SubCode: rule of the first policy, label.
    pub(crate) sub_codes: BTreeMap<Box<str>, Vec<u64>>,
    pub(crate) days: BTreeMap<i32, VerdictMatrix>,
    /// Rows by segment and value.
    pub(crate) segments: Vec<Values<SegmentRows>>,
    /// The rows with a subject that the segments count, if they keep people.
    pub(crate) people_rows: u64,
    /// `verify_score` by label.
    pub(crate) scores: [Grid; 3],
    /// Rows that the first policy approves, by points of `verify_score`.
    pub(crate) approved: Vec<u64>,
    /// Scores by month.
    pub(crate) periods: BTreeMap<i32, Scores>,
    /// `face_attack_score` by kind of attack, and of genuine people.
    pub(crate) attacks: Values<Grid>,
    pub(crate) bona_fide: Grid,
    /// Labelled rows of people, for intervals over people.
    pub(crate) kept: Vec<SubjectScore>,
    /// Whether there were more rows than can be kept.
    pub(crate) kept_all: bool,
    /// The rows that were left out because another run knows their subject.
    pub(crate) known_people: u64,
    /// The rows of a sweep.
    pub(crate) sweep: SweepRows,
    /// The rows of a comparison of two matchers; `None` if the mapping names no second score, or the run compares nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) matchers: Option<MatcherRows>,
    #[serde(with = "parts::pairs")]
    pub(crate) examples: BTreeMap<(usize, usize), Vec<Example>>,
}

impl Tally {
    pub(crate) fn new(policy: &Policy, candidate: Option<&Policy>, segments: &[String]) -> Self {
        let (decider, candidate) = (Decider::of(policy), candidate.map(Decider::of));
        let rules = decider.rules.len() * candidate.as_ref().map_or(1, |candidate| candidate.rules.len());
        Self {
            rules: vec![0; rules * Label::ALL.len()],
            decider,
            candidate,
            segment_names: segments.to_vec(),
            is_part: false,
            seen: BTreeSet::new(),
            absent: Vec::new(),
            timezone: TimeZone::default(),
            skipped: Vec::new(),
            failing_examples: Vec::new(),
            rows: 0,
            issues: Issues::default(),
            sub_codes: BTreeMap::new(),
            days: BTreeMap::new(),
            segments: vec![Values::default(); segments.len()],
            people_rows: 0,
            scores: Default::default(),
            approved: vec![0; 101],
            periods: BTreeMap::new(),
            attacks: Values::default(),
            bona_fide: Grid::default(),
            kept: Vec::new(),
            kept_all: true,
            known_people: 0,
            sweep: SweepRows::default(),
            matchers: None,
            examples: BTreeMap::new(),
        }
    }

    /// Returns the number of rows that were decided.
    #[must_use]
    pub const fn rows(&self) -> u64 {
        self.rows
    }

    /// Returns whether the data had no row: none was decided, and none was left out with a data issue. Rows of days that
    /// [`Lab::days`](crate::Lab::days) leaves out do not count.
    #[must_use]
    pub fn has_no_rows(&self) -> bool {
        self.rows == 0 && self.issues.all().is_empty()
    }

    /// Returns the time zone in which days are counted, and whether any row has a day.
    #[must_use]
    pub fn timezone(&self) -> (TimeZone, bool) {
        (self.timezone, !self.days.is_empty())
    }

    /// Returns the number of rules of the first and the second policy, including `otherwise`.
    pub(crate) fn sizes(&self) -> (usize, usize) {
        (self.decider.rules.len(), self.candidate.as_ref().map_or(1, |candidate| candidate.rules.len()))
    }

    /// Returns the rows of a label that the first policy decided by rule `a` and the second by rule `b`.
    pub(crate) fn count(&self, a: usize, b: usize, label: Label) -> u64 {
        let (_, of_b) = self.sizes();
        self.rules.get((a * of_b + b) * 3 + label.number()).copied().unwrap_or_default()
    }

    /// Returns `verify_score` of genuine people and of impostors.
    pub(crate) fn labelled(&self) -> LabelledGrid {
        let [genuine, impostor, _] = self.scores.clone();
        LabelledGrid { genuine, impostor }
    }

    /// Returns the number of valid scores outside the grid: of all rows for `verify_score`, of rows with a time for the others.
    pub(crate) fn outside_grid(&self, score: Input) -> u64 {
        let months = |of: fn(&Scores) -> &Grid| self.periods.values().map(of).map(Grid::outside).sum();
        match score {
            Input::QualityScore => months(|scores| &scores.quality),
            Input::FaceAttackScore => months(|scores| &scores.attack),
            _ => self.scores.iter().map(Grid::outside).sum(),
        }
    }

    /// Returns the rows by the verdicts of both policies, and label. With one policy, both verdicts are the same.
    pub(crate) fn share(&self) -> VerdictMatrix {
        let mut share = VerdictMatrix::default();
        let (of_a, of_b) = self.sizes();
        for a in 0..of_a {
            for b in 0..of_b {
                for label in Label::ALL {
                    let (a_says, b_says) = self.verdicts(a, b);
                    share.add(a_says, b_says, label, self.count(a, b, label));
                }
            }
        }
        share
    }

    pub(crate) fn verdicts(&self, a: usize, b: usize) -> (Verdict, Verdict) {
        let of_a = self.decider.verdict(a);
        (of_a, self.candidate.as_ref().map_or(of_a, |candidate| candidate.verdict(b)))
    }

    /// Returns the segments that do not have too many values, by name, with values that can be printed.
    pub(crate) fn segments(&self) -> impl Iterator<Item = (&String, BTreeMap<String, &SegmentRows>)> {
        let segments = self.segment_names.iter().zip(&self.segments);
        segments.filter_map(|(name, values)| Some((name, values.printable()?)))
    }

    /// Returns whether the segments have more rows of people together than are kept.
    pub(crate) const fn has_too_many_people(&self) -> bool {
        self.people_rows.saturating_mul(self.segments.len() as u64) > MOST_KEPT as u64
    }

    /// Returns whether each score is counted on its scale.
    pub(crate) fn is_of(&self, scales: &Scales) -> bool {
        let is_of = |grid: &Grid, input| grid.valid() == 0 || grid.is_of(scales.scale(input));
        let attacks = self.attacks.get().into_iter().flat_map(BTreeMap::values);
        self.scores.iter().all(|grid| is_of(grid, Input::VerifyScore))
            && attacks.chain([&self.bona_fide]).all(|grid| is_of(grid, Input::FaceAttackScore))
            && self.periods.values().all(|month| {
                is_of(&month.verify, Input::VerifyScore)
                    && is_of(&month.quality, Input::QualityScore)
                    && is_of(&month.attack, Input::FaceAttackScore)
            })
    }

    /// Adds the counts of another tally, of the same policies and mapping.
    pub(crate) fn merge(&mut self, other: Self) {
        self.rows += other.rows;
        self.issues.merge(&other.issues);
        self.seen.extend(other.seen);
        add_all(&mut self.rules, &other.rules);
        for (code, counts) in other.sub_codes {
            let mine = self.sub_codes.entry(code).or_default();
            mine.resize(counts.len(), 0);
            add_all(mine, &counts);
        }
        for (day, share) in other.days {
            self.days.entry(day).or_default().merge(&share);
        }
        self.people_rows += other.people_rows;
        for (values, others) in self.segments.iter_mut().zip(&other.segments) {
            values.merge(others, SegmentRows::merge);
        }
        for (scores, others) in self.scores.iter_mut().zip(&other.scores) {
            add_grid(scores, others);
        }
        add_all(&mut self.approved, &other.approved);
        for (month, scores) in other.periods {
            self.periods.entry(month).or_default().merge(&scores);
        }
        self.attacks.merge(&other.attacks, add_grid);
        add_grid(&mut self.bona_fide, &other.bona_fide);
        self.kept_all &= other.kept_all && self.kept.len() + other.kept.len() <= MOST_KEPT;
        self.kept.extend(other.kept.into_iter().take(MOST_KEPT.saturating_sub(self.kept.len())));
        self.known_people += other.known_people;
        self.sweep.merge(&other.sweep);
        if let Some((mine, other)) = self.matchers.as_mut().zip(other.matchers) {
            mine.merge(other);
        }
        for (flip, examples) in other.examples {
            let mine = self.examples.entry(flip).or_default();
            mine.extend(examples);
            mine.sort_unstable_by_key(|example| example.at);
            mine.truncate(EXAMPLES);
        }
    }

    /// Checks that the tally stays within its limits.
    pub(crate) fn check(&self) -> Result<(), LabError> {
        if self.periods.len() > MOST_MONTHS || self.days.len() > MOST_MONTHS * 31 {
            return Err(too_many_months());
        }
        Ok(())
    }

    /// Checks the limits, and sorts kept rows so that their order does not depend on threads.
    pub(crate) fn settle(&mut self) -> Result<(), LabError> {
        if !self.kept_all {
            self.kept = Vec::new();
        }
        self.kept.sort_unstable();
        self.sweep.settle();
        self.matchers.iter_mut().for_each(MatcherRows::settle);
        if self.has_too_many_people() {
            for rows in self.segments.iter_mut().flat_map(Values::counts_mut) {
                rows.people = PeopleRows::default();
            }
        }
        self.check()
    }
}

fn too_many_months() -> LabError {
    LabProblem::TooManyMonths(MOST_MONTHS).into_error()
}

fn add_all(counts: &mut [u64], others: &[u64]) {
    for (count, other) in counts.iter_mut().zip(others) {
        *count += other;
    }
}
