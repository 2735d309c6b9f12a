//! What is kept of the rows: counts, and of a few rows where they stand. Tallies of parts add up to that of the whole, in
//! whatever order, so that a run gives the same on any number of threads, and can be stopped and gone on with.

mod parts;

use std::collections::BTreeMap;

use cloudauth_policy::{Policy, Verdict};
use serde::{Deserialize, Serialize};

pub(crate) use parts::{Decider, Example, Kept, Scores, Share, VERDICTS, verdict_number};

use crate::error::LabError;
use crate::notes::{Notes, Point};
use crate::row::{Label, Row};
use crate::stats::Grid;

/// A column with more values is no segment, and no kind of attack; and so many months are more than thirty years.
const MOST_VALUES: usize = 1000;
const MOST_MONTHS: usize = 400;
/// So many examples of each flip.
const EXAMPLES: usize = 5;
/// So many labelled rows with a person are kept for the bootstrap over people: 24 bytes each.
const MOST_KEPT: usize = 8_000_000;

/// What a run has counted. It can be saved, and [`crate::Lab::resume`]d.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tally {
    pub(crate) decider: Decider,
    /// What it is compared with.
    pub(crate) candidate: Option<Decider>,
    pub(crate) segment_names: Vec<String>,
    /// Rows that were decided.
    pub(crate) rows: u64,
    pub(crate) notes: Notes,
    /// Rule of the first, rule of the second (or 0), label.
    pub(crate) rules: Vec<u64>,
    /// By SubCode: rule of the first, label.
    pub(crate) sub_codes: BTreeMap<Box<str>, Vec<u64>>,
    pub(crate) days: BTreeMap<i32, Share>,
    /// By segment, by value.
    pub(crate) segments: Vec<BTreeMap<Box<str>, Share>>,
    /// `verify_score` by label.
    pub(crate) scores: [Grid; 3],
    /// By points of `verify_score`: rows that the first policy approves.
    pub(crate) approved: Vec<u64>,
    /// By month.
    pub(crate) periods: BTreeMap<i32, Scores>,
    /// `face_attack_score` by kind of attack, and of genuine people.
    pub(crate) attacks: BTreeMap<Box<str>, Grid>,
    pub(crate) bona_fide: Grid,
    /// Labelled rows of people, for the bootstrap.
    pub(crate) kept: Vec<Kept>,
    /// Whether there were more.
    pub(crate) kept_all: bool,
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
            rows: 0,
            notes: Notes::default(),
            sub_codes: BTreeMap::new(),
            days: BTreeMap::new(),
            segments: vec![BTreeMap::new(); segments.len()],
            scores: Default::default(),
            approved: vec![0; 101],
            periods: BTreeMap::new(),
            attacks: BTreeMap::new(),
            bona_fide: Grid::default(),
            kept: Vec::new(),
            kept_all: true,
            examples: BTreeMap::new(),
        }
    }

    /// How many rules the first and the second policy have, `otherwise` among them.
    pub(crate) fn sizes(&self) -> (usize, usize) {
        (self.decider.rules.len(), self.candidate.as_ref().map_or(1, |candidate| candidate.rules.len()))
    }

    /// How often the first policy decided by rule `a`, and the second by rule `b`, on rows of a label.
    pub(crate) fn count(&self, a: usize, b: usize, label: Label) -> u64 {
        let (_, of_b) = self.sizes();
        self.rules.get((a * of_b + b) * 3 + label.number()).copied().unwrap_or_default()
    }

    /// Rows by the verdicts of both policies, and label. With one policy, the second is the first.
    pub(crate) fn share(&self) -> Share {
        let mut share = Share::default();
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

    /// Adds a row that the policies decide by their rules of these numbers. `segment` gives the values of its segments.
    pub(crate) fn add<'a>(
        &mut self,
        row: &Row<'a>,
        at: Point,
        (a, b): (usize, usize),
        keep_people: bool,
        segment: impl Fn(usize) -> Option<&'a str>,
    ) {
        self.rows += 1;
        let (_, of_b) = self.sizes();
        let label = row.label;
        if let Some(count) = self.rules.get_mut((a * of_b + b) * 3 + label.number()) {
            *count += 1;
        }
        let (a_says, b_says) = self.verdicts(a, b);
        self.add_sub_code(row, a);
        let score = row.evidence.verify_score.unwrap_or(f64::NAN);
        if let Some(scores) = self.scores.get_mut(label.number()) {
            scores.add_one(score);
        }
        if a_says == Verdict::Approve
            && let Some(band) = band(score).and_then(|band| self.approved.get_mut(band))
        {
            *band += 1;
        }
        if let Some(day) = row.day {
            self.days.entry(day).or_default().add(a_says, b_says, label, 1);
            let (_, _, of_month) = crate::time::date(day);
            self.periods.entry(day + 1 - of_month).or_default().add(&row.evidence);
        }
        for number in 0..self.segments.len() {
            let value = segment(number).unwrap_or("(none)");
            if let Some(values) = self.segments.get_mut(number) {
                entry(values, value, |share| share.add(a_says, b_says, label, 1));
            }
        }
        let attack_score = row.evidence.face_attack_score.map_or(f64::NAN, |score| score * 100.0);
        match (row.attack, label) {
            (Some(kind), _) => entry(&mut self.attacks, kind, |scores| scores.add_one(attack_score)),
            (None, Label::Genuine) => self.bona_fide.add_one(attack_score),
            _ => {}
        }
        if let (true, Some(subject), Label::Genuine | Label::Impostor) = (keep_people, row.subject, label) {
            self.kept_all &= self.kept.len() < MOST_KEPT;
            if self.kept.len() < MOST_KEPT {
                self.kept.push(Kept::new(subject, score, label));
            }
        }
        if a_says != b_says {
            let examples = self.examples.entry((verdict_number(a_says), verdict_number(b_says))).or_default();
            if examples.len() < EXAMPLES {
                examples.push(Example { at, id: row.id.map(Into::into), rules: (a, b) });
            }
        }
    }

    fn add_sub_code(&mut self, row: &Row<'_>, a: usize) {
        // What does not look like a code could be anybody's data in the wrong place.
        let code = match row.evidence.sub_code {
            Some(code) if code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_digit()) => code,
            Some(_) => "(no code)",
            None => "(missing)",
        };
        let size = self.sizes().0 * 3;
        entry(&mut self.sub_codes, code, |counts| {
            counts.resize(size, 0);
            if let Some(count) = counts.get_mut(a * 3 + row.label.number()) {
                *count += 1;
            }
        });
    }

    /// Adds what another one has counted, by the same policies and mapping.
    pub(crate) fn merge(&mut self, other: Self) {
        self.rows += other.rows;
        self.notes.merge(&other.notes);
        add_all(&mut self.rules, &other.rules);
        for (code, counts) in other.sub_codes {
            let mine = self.sub_codes.entry(code).or_default();
            mine.resize(counts.len(), 0);
            add_all(mine, &counts);
        }
        for (day, share) in other.days {
            self.days.entry(day).or_default().merge(&share);
        }
        for (values, others) in self.segments.iter_mut().zip(other.segments) {
            for (value, share) in others {
                entry(values, &value, |mine| mine.merge(&share));
            }
        }
        for (scores, others) in self.scores.iter_mut().zip(&other.scores) {
            scores.merge(others);
        }
        add_all(&mut self.approved, &other.approved);
        for (month, scores) in other.periods {
            self.periods.entry(month).or_default().merge(&scores);
        }
        for (kind, scores) in other.attacks {
            entry(&mut self.attacks, &kind, |mine| mine.merge(&scores));
        }
        self.bona_fide.merge(&other.bona_fide);
        self.kept_all &= other.kept_all && self.kept.len() + other.kept.len() <= MOST_KEPT;
        self.kept.extend(other.kept.into_iter().take(MOST_KEPT.saturating_sub(self.kept.len())));
        for (flip, examples) in other.examples {
            let mine = self.examples.entry(flip).or_default();
            mine.extend(examples);
            mine.sort_unstable_by_key(|example| example.at);
            mine.truncate(EXAMPLES);
        }
    }

    /// Whether it stays small enough, whatever the data hold.
    pub(crate) fn check(&self) -> Result<(), LabError> {
        let too_many = |what: &str, of: &str| {
            Err(LabError::new(format!(
                "{what} has more than {MOST_VALUES} values: it does not divide the rows into {of}"
            )))
        };
        for (name, values) in self.segment_names.iter().zip(&self.segments) {
            if values.len() > MOST_VALUES {
                return too_many(&format!("the column `{name}`"), "segments");
            }
        }
        if self.attacks.len() > MOST_VALUES {
            return too_many("the column of attacks", "kinds");
        }
        if self.periods.len() > MOST_MONTHS {
            return Err(LabError::new(format!(
                "the times lie in more than {MOST_MONTHS} months: are they times?"
            )));
        }
        Ok(())
    }

    /// The same; and in an order that no thread decides.
    pub(crate) fn settle(&mut self) -> Result<(), LabError> {
        if !self.kept_all {
            self.kept = Vec::new();
        }
        self.kept.sort_unstable();
        self.check()
    }
}

/// The point of `verify_score` that a score lies in, 0 to 100.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it lies between 0 and 100")]
pub(crate) fn band(score: f64) -> Option<usize> {
    (0.0..=100.0).contains(&score).then_some(score as usize)
}

fn add_all(counts: &mut [u64], others: &[u64]) {
    for (count, other) in counts.iter_mut().zip(others) {
        *count += other;
    }
}

/// Changes the entry of a value, without a copy of one that is there.
fn entry<T: Default>(values: &mut BTreeMap<Box<str>, T>, value: &str, change: impl FnOnce(&mut T)) {
    match values.get_mut(value) {
        Some(found) => change(found),
        None => change(values.entry(value.into()).or_default()),
    }
}
