//! The rows of a sweep: counts by the interval between two values of the threshold. Two decisions of a row, with the lowest and
//! with the highest value, then give its decision with every value.

use std::collections::BTreeMap;

use cloudauth_policy::{Input, Verdict};
use serde::{Deserialize, Serialize};

use super::{MOST_KEPT, Scales, VerdictMatrix, verdict_number};
use crate::input::row::Label;

/// The rows that the lowest and the highest value decide differently.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct SweepRows {
    /// Rows by the number of values that their score reaches: the verdicts with the lowest and the highest value.
    pub(crate) reached: Vec<VerdictMatrix>,
    /// For each value, the rows at exactly this score that were decided again: the verdicts with the lowest value, and with
    /// this one.
    pub(crate) again: Vec<VerdictMatrix>,
    /// Labelled rows by case, for costs.
    pub(crate) cases: BTreeMap<SweepCase, u64>,
    /// Labelled rows of people, for intervals over people: the hash of the subject, and the case.
    pub(crate) people: Vec<(u64, SweepCase)>,
    /// Whether there were more rows of people than can be kept.
    pub(crate) has_too_many: bool,
}

/// The decisions of a labelled row with all values of a sweep.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "u32", into = "u32")]
pub(crate) struct SweepCase {
    pub(crate) is_genuine: bool,
    /// The numbers of the verdicts with the lowest and with the highest value.
    pub(crate) low: u8,
    pub(crate) high: u8,
    /// The number of values that the score reaches; 0 if the decision does not depend on it.
    pub(crate) reached: u16,
    /// The number of the verdict with the value that equals the score, if the row was decided again with it.
    pub(crate) again: Option<u8>,
}

impl From<SweepCase> for u32 {
    fn from(case: SweepCase) -> Self {
        let again = case.again.map_or(4, Self::from);
        let verdicts = (again * 4 + Self::from(case.low)) * 4 + Self::from(case.high);
        (verdicts * 2 + Self::from(case.is_genuine)) << 16 | Self::from(case.reached)
    }
}

impl From<u32> for SweepCase {
    fn from(number: u32) -> Self {
        let digit = |number: u32| (number % 4) as u8;
        let verdicts = number >> 17;
        Self {
            is_genuine: number >> 16 & 1 == 1,
            low: digit(verdicts / 4),
            high: digit(verdicts),
            reached: (number & 0xffff) as u16,
            again: (verdicts < 64).then(|| digit(verdicts / 16)),
        }
    }
}

impl SweepCase {
    /// Returns the number of the verdict with the value at this index.
    pub(crate) fn verdict(&self, value: usize) -> u8 {
        let reached = usize::from(self.reached);
        match self.again {
            Some(again) if value + 1 == reached => again,
            _ if value < reached => self.low,
            _ => self.high,
        }
    }

    /// Returns the values at whose index the verdict can be another than with the value before.
    pub(crate) fn changes(&self) -> impl Iterator<Item = usize> + use<> {
        let reached = usize::from(self.reached);
        [reached.checked_sub(1).filter(|_| self.again.is_some()), Some(reached)].into_iter().flatten()
    }
}

impl SweepRows {
    /// Returns the rows of people, and all labelled rows, of a label. Only a run that keeps people has them.
    pub(crate) fn with_subject(&self, is_genuine: bool) -> (u64, u64) {
        let people = self.people.iter().filter(|(_, case)| case.is_genuine == is_genuine).count() as u64;
        let cases = self.cases.iter().filter(|(case, _)| case.is_genuine == is_genuine);
        (people, cases.map(|(_, rows)| rows).sum())
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        for (mine, others) in [(&mut self.reached, &other.reached), (&mut self.again, &other.again)] {
            mine.resize(mine.len().max(others.len()), VerdictMatrix::default());
            mine.iter_mut().zip(others).for_each(|(mine, other)| mine.merge(other));
        }
        for (case, rows) in &other.cases {
            *self.cases.entry(*case).or_default() += rows;
        }
        self.has_too_many |= other.has_too_many || self.people.len() + other.people.len() > MOST_KEPT;
        if !self.has_too_many {
            self.people.extend_from_slice(&other.people);
        }
    }

    /// Sorts the rows of people, so that their order does not depend on threads. Too many are dropped.
    pub(crate) fn settle(&mut self) {
        if self.has_too_many {
            self.people = Vec::new();
        }
        self.people.sort_unstable();
    }
}

/// Counts the rows of a sweep by the slot of the score.
#[derive(Debug)]
pub(crate) struct SweepCounter {
    /// The index of the score in [`Input::SCORES`].
    score: usize,
    /// For each slot, the number of values that its scores reach.
    reached: Vec<u16>,
    rows: SweepRows,
}

impl SweepCounter {
    pub(crate) fn new(scales: &Scales) -> Option<Self> {
        let (input, boundaries) = scales.swept()?;
        let reached = scales.reached(*input, boundaries);
        let score = Input::SCORES.iter().position(|score| score == input)?;
        let rows = SweepRows {
            reached: vec![VerdictMatrix::default(); boundaries.len() + 1],
            again: vec![VerdictMatrix::default(); boundaries.len()],
            ..SweepRows::default()
        };
        Some(Self { score, reached, rows })
    }

    /// Counts a row by the slots of its scores. The verdicts differ only if the score is between the values.
    #[inline]
    pub(crate) fn count(&mut self, slots: &[u16; 3], (low, high): (usize, usize), label: usize) {
        if low == high {
            return;
        }
        let reached = self.reached(slots);
        if let Some(rows) = self.rows.reached.get_mut(usize::from(reached)) {
            rows.bump(low, high, label);
        }
    }

    /// Counts a row that was decided again with the value at this index.
    pub(crate) fn count_again(&mut self, value: usize, low: usize, verdict: Verdict, label: Label) {
        if let Some(rows) = self.rows.again.get_mut(value) {
            rows.bump(low, verdict_number(verdict), label.number());
        }
    }

    /// Keeps a labelled row for costs. A row without a subject counts as one more person. Without room, the subject is not kept.
    pub(crate) fn keep(
        &mut self,
        slots: &[u16; 3],
        (low, high): (usize, usize),
        again: Option<Verdict>,
        is_genuine: bool,
        subject: Option<u64>,
        has_room: bool,
    ) {
        let number = |verdict| u8::try_from(verdict).unwrap_or_default();
        let again = again.map(|verdict| number(verdict_number(verdict)));
        let is_fixed = low == high && again.is_none();
        let reached = if is_fixed { 0 } else { self.reached(slots) };
        let case = SweepCase { is_genuine, low: number(low), high: number(high), reached, again };
        *self.rows.cases.entry(case).or_default() += 1;
        if let Some(subject) = subject {
            self.rows.has_too_many |= !has_room;
            if has_room {
                self.rows.people.push((subject, case));
            }
        }
    }

    /// Returns the number of values that a score reaches.
    #[inline]
    fn reached(&self, slots: &[u16; 3]) -> u16 {
        let slot = slots.get(self.score).copied().unwrap_or_default();
        self.reached.get(usize::from(slot)).copied().unwrap_or_default()
    }

    /// Moves the counts.
    pub(crate) fn take(&mut self) -> SweepRows {
        let empty = SweepRows {
            reached: vec![VerdictMatrix::default(); self.rows.reached.len()],
            again: vec![VerdictMatrix::default(); self.rows.again.len()],
            ..SweepRows::default()
        };
        std::mem::replace(&mut self.rows, empty)
    }
}
