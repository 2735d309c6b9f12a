//! The slots of a score: the edges of the grid, and the cuts of a policy between them.
//!
//! A slot is an index of a table of counts. The order: the slots of the grid, the invalid scores, those below the grid, those
//! above it, and one for each cut, which takes the scores from there to the next edge or cut.

use std::fmt;

use super::slots::{ABOVE, BELOW, CUTS, EDGES, NO_SCORE, SLOTS, edge_at, key_of, place_at};

/// The slots of a score.
#[derive(Clone, PartialEq)]
pub struct Scale {
    per_unit: u32,
    /// The range of valid scores.
    range: (f64, f64),
    /// The cuts, ascending, each with the slot that it divides.
    cuts: Vec<(f64, u16)>,
    /// Whether the grid alone determines the slot of a score.
    is_plain: bool,
    /// The [`key_of`] the edges and cuts.
    key: u64,
}

/// Without the key: the lab keeps a hash of this text in files.
impl fmt::Debug for Scale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { per_unit, range, cuts, is_plain, key: _ } = self;
        f.debug_struct("Scale")
            .field("per_unit", per_unit)
            .field("range", range)
            .field("cuts", cuts)
            .field("is_plain", is_plain)
            .finish()
    }
}

impl Scale {
    /// The largest number of cuts.
    pub const MOST_CUTS: usize = SLOTS - CUTS as usize;

    /// Creates a scale with this many edges in one unit of the score, for scores in a range that are also counted exactly at
    /// these cuts, at most [`Scale::MOST_CUTS`].
    pub fn new(per_unit: u32, range: (f64, f64), cuts: &[f64]) -> Self {
        let top = top(per_unit);
        let is_on_grid = |cut: f64| edge_at(usize::from(place_at(cut, per_unit)), per_unit) == Some(cut);
        let mut between: Vec<f64> = cuts.iter().copied().filter(|cut| !is_on_grid(*cut)).collect();
        between.sort_by(f64::total_cmp);
        between.dedup();
        let slot = |cut: f64| slot_of(place_at(cut, per_unit), cut);
        Self {
            per_unit,
            range,
            key: key_of(per_unit, between.iter().copied()),
            is_plain: between.is_empty() && range == (0.0, top),
            cuts: between.into_iter().map(|cut| (cut, slot(cut))).collect(),
        }
    }

    /// Returns the slot of a score.
    #[inline]
    pub fn slot(&self, score: f64) -> u16 {
        let place = place_at(score, self.per_unit);
        if self.is_plain { place } else { self.divided(place, score) }
    }

    /// Returns the slots of many scores.
    pub fn slots(&self, scores: &[f64], slots: &mut Vec<u16>) {
        slots.clear();
        slots.extend(scores.iter().map(|score| place_at(*score, self.per_unit)));
        if !self.is_plain {
            for (slot, score) in slots.iter_mut().zip(scores) {
                *slot = self.divided(*slot, *score);
            }
        }
    }

    fn divided(&self, place: u16, score: f64) -> u16 {
        let (least, most) = self.range;
        if !(least..=most).contains(&score) {
            return NO_SCORE;
        }
        let slot = slot_of(place, score);
        let reached = self.cuts.partition_point(|(cut, _)| *cut <= score);
        match reached.checked_sub(1).and_then(|last| self.cuts.get(last)) {
            Some((_, divides)) if *divides == slot => slot_of_cut(reached - 1),
            _ => slot,
        }
    }

    /// Returns whether a slot can hold scores.
    pub fn has(&self, slot: u16) -> bool {
        let (least, most) = self.range;
        match slot {
            BELOW => least < 0.0,
            ABOVE => most > self.top(),
            slot => usize::from(slot) < EDGES || self.whole(slot) != slot,
        }
    }

    /// Returns the slots off the grid, each with its range of scores: from the first number to below the second.
    pub fn beside_grid(&self) -> Vec<(u16, f64, f64)> {
        let mut slots: Vec<(u16, f64, f64)> = Vec::new();
        for (number, (cut, divides)) in self.cuts.iter().enumerate() {
            let next = self.cuts.get(number + 1).filter(|(_, other)| other == divides).map(|(cut, _)| *cut);
            let end = match *divides {
                BELOW => 0.0,
                ABOVE => f64::INFINITY,
                edge => edge_at(usize::from(edge) + 1, self.per_unit).unwrap_or(f64::INFINITY),
            };
            slots.push((slot_of_cut(number), *cut, next.unwrap_or(end)));
        }
        let (least, most) = self.range;
        // Last, so that the cuts among them come first.
        if least < 0.0 {
            slots.push((BELOW, f64::NEG_INFINITY, 0.0));
        }
        if most > self.top() {
            slots.push((ABOVE, self.top().next_up(), f64::INFINITY));
        }
        slots
    }

    /// Returns the slot that a cut's slot is part of; any other slot is itself.
    pub fn whole(&self, slot: u16) -> u16 {
        let cut = slot.checked_sub(CUTS).and_then(|cut| self.cuts.get(usize::from(cut)));
        cut.map_or(slot, |(_, divides)| *divides)
    }

    /// Returns the point from 0 to 100 of a slot, for a score in points; `None` outside the grid.
    #[inline]
    pub fn point(&self, slot: u16) -> Option<usize> {
        let whole = if slot < NO_SCORE { slot } else { self.whole(slot) };
        (whole < NO_SCORE).then_some(usize::from(whole / 100))
    }

    /// Returns the number of edges in one unit of the score.
    #[must_use]
    pub const fn per_unit(&self) -> u32 {
        self.per_unit
    }

    pub(super) const fn key(&self) -> u64 {
        self.key
    }

    /// Returns the range of valid scores.
    pub const fn range(&self) -> (f64, f64) {
        self.range
    }

    /// Returns the highest score of the grid.
    pub fn top(&self) -> f64 {
        top(self.per_unit)
    }

    /// Returns the cuts between the grid's edges, ascending, each with the slot that it divides.
    pub fn cuts(&self) -> &[(f64, u16)] {
        &self.cuts
    }
}

fn top(per_unit: u32) -> f64 {
    (EDGES - 1) as f64 / f64::from(per_unit)
}

/// Returns the slot of a valid score, without regard to cuts.
fn slot_of(place: u16, score: f64) -> u16 {
    match place {
        NO_SCORE if score < 0.0 => BELOW,
        NO_SCORE => ABOVE,
        place => place,
    }
}

/// Returns the slot of a cut by its number.
pub(crate) fn slot_of_cut(number: usize) -> u16 {
    u16::try_from(number).map_or(NO_SCORE, |number| CUTS + number)
}
