//! The labelled rows that a second matcher scored, too.

use std::num::NonZeroU64;

use serde::{Deserialize, Serialize};

use super::{MOST_KEPT, Room};
use crate::input::row::Label;

/// The labelled rows of a comparison of two matchers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct MatcherRows {
    pub(crate) rows: Vec<MatcherRow>,
    /// Whether there were more rows than can be kept.
    pub(crate) has_too_many: bool,
    /// Genuine attempts and impostors with both scores, also those that are not kept.
    pub(crate) both: [u64; 2],
    /// Genuine attempts and impostors without one of the scores.
    pub(crate) left_out: [u64; 2],
    /// Those of both labels without the first score, and without the second.
    pub(crate) without: [u64; 2],
}

/// A labelled row with two scores. They are exact, because only their order matters: rounding one of them would favour the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct MatcherRow {
    /// The hash of the subject, if it is known.
    pub(crate) subject: Option<NonZeroU64>,
    pub(crate) is_genuine: bool,
    /// The bits of the scores.
    scores: [u64; 2],
}

impl MatcherRow {
    pub(crate) fn scores(&self) -> [f64; 2] {
        self.scores.map(f64::from_bits)
    }
}

impl MatcherRows {
    /// Keeps a labelled row. `subject` is the hash of its subject.
    pub(crate) fn keep(
        &mut self,
        label: Label,
        scores: [Option<f64>; 2],
        subject: Option<u64>,
        room: &mut Room,
    ) {
        let [Some(first), Some(second)] = scores else {
            if let Some(rows) = self.left_out.get_mut(label.number()) {
                *rows += 1;
            }
            for (rows, score) in self.without.iter_mut().zip(scores) {
                *rows += u64::from(score.is_none());
            }
            return;
        };
        if let Some(rows) = self.both.get_mut(label.number()) {
            *rows += 1;
        }
        self.has_too_many |= !room.take(1);
        if !self.has_too_many {
            let subject = subject.map(|subject| NonZeroU64::new(subject).unwrap_or(NonZeroU64::MIN));
            let scores = [first, second].map(|score| (score + 0.0).to_bits());
            self.rows.push(MatcherRow { subject, is_genuine: label == Label::Genuine, scores });
        }
    }

    pub(crate) fn merge(&mut self, other: Self) {
        for (mine, other) in [
            (&mut self.both, other.both),
            (&mut self.left_out, other.left_out),
            (&mut self.without, other.without),
        ] {
            mine.iter_mut().zip(other).for_each(|(mine, other)| *mine += other);
        }
        self.has_too_many |= other.has_too_many || self.rows.len() + other.rows.len() > MOST_KEPT;
        if !self.has_too_many {
            self.rows.extend(other.rows);
        }
    }

    /// Sorts the rows, so that their order does not depend on threads. Too many are dropped: a part of them could be of one kind.
    pub(crate) fn settle(&mut self) {
        if self.has_too_many {
            self.rows = Vec::new();
        }
        self.rows.sort_unstable();
    }
}
