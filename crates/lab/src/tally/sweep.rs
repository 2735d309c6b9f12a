//! The rows of a sweep: counts by the interval between two values of the threshold. Two decisions of a row, with the lowest and
//! with the highest value, then give its decision with every value.

use cloudauth_policy::{Input, Verdict};
use serde::{Deserialize, Serialize};

use super::{Scales, VerdictMatrix, verdict_number};
use crate::input::row::Label;

/// The rows that the lowest and the highest value decide differently.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct SweepRows {
    /// Rows by the number of values that their score reaches: the verdicts with the lowest and the highest value.
    pub(crate) reached: Vec<VerdictMatrix>,
    /// For each value, the rows at exactly this score that were decided again: the verdicts with the lowest value, and with
    /// this one.
    pub(crate) again: Vec<VerdictMatrix>,
}

impl SweepRows {
    pub(crate) fn merge(&mut self, other: &Self) {
        for (mine, others) in [(&mut self.reached, &other.reached), (&mut self.again, &other.again)] {
            mine.resize(mine.len().max(others.len()), VerdictMatrix::default());
            mine.iter_mut().zip(others).for_each(|(mine, other)| mine.merge(other));
        }
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
        let scale = scales.scale(*input);
        let of = |score: f64| {
            u16::try_from(boundaries.partition_point(|boundary| *boundary <= score)).unwrap_or(u16::MAX)
        };
        let edges = (0..=(scale.top() * f64::from(scale.per_unit())).round() as usize)
            .map(|edge| (edge, edge as f64 / f64::from(scale.per_unit())));
        let beside = scale.beside_grid().into_iter().map(|(slot, from, _)| (usize::from(slot), from));
        let mut reached = Vec::new();
        for (slot, from) in edges.chain(beside) {
            if reached.len() <= slot {
                reached.resize(slot + 1, 0);
            }
            if let Some(reached) = reached.get_mut(slot) {
                *reached = of(from);
            }
        }
        let score = Input::SCORES.iter().position(|score| score == input)?;
        let rows = SweepRows {
            reached: vec![VerdictMatrix::default(); boundaries.len() + 1],
            again: vec![VerdictMatrix::default(); boundaries.len()],
        };
        Some(Self { score, reached, rows })
    }

    /// Counts a row by the slots of its scores. The verdicts differ only if the score is between the values.
    #[inline]
    pub(crate) fn count(&mut self, slots: &[u16; 3], (low, high): (usize, usize), label: usize) {
        if low == high {
            return;
        }
        let slot = slots.get(self.score).copied().unwrap_or_default();
        let reached = self.reached.get(usize::from(slot)).copied().unwrap_or_default();
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

    /// Moves the counts.
    pub(crate) fn take(&mut self) -> SweepRows {
        let empty = SweepRows {
            reached: vec![VerdictMatrix::default(); self.rows.reached.len()],
            again: vec![VerdictMatrix::default(); self.rows.again.len()],
        };
        std::mem::replace(&mut self.rows, empty)
    }
}
