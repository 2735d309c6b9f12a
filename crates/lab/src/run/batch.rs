//! Decides most rows in columns: codes, flags, labels and segments are read once for each distinct string, and the policies
//! decide whole batches. A row with a possible data issue is odd, and is decided row by row.

use arrow_array::Array;
use cloudauth_policy::{Column, Input};

use super::decisions::RowKind;
use super::task::Task;
use crate::input::parquet::{ColumnData, Keys, number};
use crate::input::row::{Cell, Label, RowReader, slot};
use crate::tally::issues::Issues;
use crate::tally::segment::crossed;
use crate::tally::{Counted, Counter, SegmentRows, VerdictMatrix, code_number};
use cloudauth_stats::grid::NO_SCORE;

/// The maximum number of segment values that a batch counts in a table.
const MOST_VALUES: usize = 2000;

/// A batch, in columns.
pub(super) struct BatchDecider<'t> {
    task: &'t Task<'t>,
    /// Whether the mapping and the policies allow batches.
    is_able: bool,
    odd: Vec<bool>,
    /// The columns by policy and input.
    classes: [Vec<Vec<u8>>; 2],
    /// NaN for a missing score.
    scores: [Vec<f64>; 3],
    /// Scores that cannot be read in place.
    copy: Vec<f64>,
    /// The scores of a second matcher, NaN for a missing one; empty if they are not compared.
    second_scores: Vec<f64>,
    /// The slots of the scores.
    slots: [Vec<u16>; 3],
    codes: Vec<u16>,
    labels: Vec<Label>,
    days: Vec<Option<u32>>,
    /// The hash of each row's subject; empty if the segments keep no people.
    people: Vec<Option<u64>>,
    rules: [Vec<u8>; 2],
    segments: Vec<Segment>,
    /// The values of two crossed segments.
    pairs: Vec<(String, SegmentRows)>,
    /// For each input, the rows in which it is missing; empty if it is missing in no row, or no policy reads it.
    missing: Vec<Vec<bool>>,
}

struct Segment {
    keys: Keys,
    values: Vec<(String, SegmentRows)>,
}

impl Segment {
    /// Returns the index of a row's value.
    #[inline]
    fn place(&self, row: usize) -> usize {
        self.keys.place(row, self.values.len() - 1)
    }
}

impl<'t> BatchDecider<'t> {
    pub(super) fn new(task: &'t Task<'t>) -> Self {
        Self {
            task,
            is_able: !(!task.known_people.is_empty()
                || task.days.is_some()
                || task.writes(RowKind::Decisions)
                || task.asks(Input::DeviceRisk)),
            odd: Vec::new(),
            classes: [vec![Vec::new(); slot::FIRST_SCORE], vec![Vec::new(); slot::FIRST_SCORE]],
            scores: Default::default(),
            copy: Vec::new(),
            second_scores: Vec::new(),
            slots: Default::default(),
            codes: Vec::new(),
            labels: Vec::new(),
            days: Vec::new(),
            people: Vec::new(),
            rules: Default::default(),
            segments: Vec::new(),
            pairs: Vec::new(),
            missing: vec![Vec::new(); Input::ALL.len()],
        }
    }

    /// Loads a batch and decides it; `false` if its rows must be read one by one.
    pub(super) fn load(
        &mut self,
        held: &[ColumnData],
        rows: usize,
        by: &mut RowReader<'_>,
        counter: &mut Counter,
    ) -> bool {
        self.is_able && self.take(held, rows, by, counter).is_some()
    }

    fn take(
        &mut self,
        held: &[ColumnData],
        rows: usize,
        by: &mut RowReader<'_>,
        counter: &mut Counter,
    ) -> Option<()> {
        self.odd.clear();
        self.odd.resize(rows, false);
        for input in Input::ALL.into_iter().take(slot::FIRST_SCORE) {
            self.take_texts(input, held.get(input as usize)?, rows, by)?;
        }
        for input in Input::SCORES {
            self.take_scores(input, held.get(input as usize)?, rows)?;
        }
        self.second_scores.clear();
        if self.task.compares_matchers {
            let (read, _) = held.get(slot::SECOND_SCORE)?.scores(&mut self.copy, &mut self.odd)?;
            self.second_scores.extend_from_slice(read);
        }
        if !matches!(held.get(Input::DeviceRisk as usize)?, ColumnData::Nothing) {
            return None;
        }
        self.mark_swept();
        self.take_labels(held, rows, by)?;
        for (is_wanted, slot) in
            [(self.task.names_people(), slot::SUBJECT), (self.task.names_rows(), slot::ID)]
        {
            if is_wanted {
                held.get(slot)?.mark_bad_keys(&mut self.odd)?;
            }
        }
        self.take_days(held.get(slot::TIME)?, rows, by, counter)?;
        for ((slots, scores), scale) in self.slots.iter_mut().zip(&self.scores).zip(counter.scales().all()) {
            scale.slots(scores, slots);
        }
        self.segments.clear();
        for held in held.get(slot::SEGMENTS..)? {
            let (keys, entries) = held.coded(rows)?;
            if entries.len() > MOST_VALUES {
                return None;
            }
            let found: Vec<_> = entries.into_iter().map(Cell::key).collect();
            keys.mark(&found.iter().map(Result::is_err).collect::<Vec<_>>(), &mut self.odd)?;
            let value = |text: Option<&str>| (text.unwrap_or_default().to_owned(), SegmentRows::default());
            let values = found.into_iter().map(|key| value(key.ok().flatten())).collect();
            self.segments.push(Segment { keys, values });
        }
        self.take_crossed()?;
        self.decide(rows, counter)?;
        // Last, because hashing takes longest: rows that are read one by one are hashed there.
        self.people.clear();
        if let Some(hash) = counter.segment_hash() {
            held.get(slot::SUBJECT)?.keys(rows, hash, &mut self.people);
        }
        Some(())
    }

    /// Loads a code or a flag.
    fn take_texts(&mut self, input: Input, held: &ColumnData, rows: usize, by: &RowReader<'_>) -> Option<()> {
        let (keys, entries) = held.coded(rows)?;
        let known: Vec<_> = entries.into_iter().map(|cell| by.entry(input, cell)).collect();
        let number = input as usize;
        keys.mark(&known.iter().map(|entry| entry.is_odd).collect::<Vec<_>>(), &mut self.odd)?;
        for (policy, classes) in self.task.policies().into_iter().zip(&mut self.classes) {
            let class = |text: Option<&str>| policy?.class(input, text);
            let classes = classes.get_mut(number)?;
            classes.clear();
            if class(None).is_some() {
                let of: Vec<u8> = known.iter().map(|entry| class(entry.text).unwrap_or(u8::MAX)).collect();
                classes.extend(keys.of(&of)?);
            }
        }
        if input == Input::SubCode {
            let codes: Vec<u16> = known.iter().map(|entry| code_number(entry.text)).collect();
            self.codes.clear();
            self.codes.extend(keys.of(&codes)?);
        }
        let missing = self.missing.get_mut(number)?;
        missing.clear();
        if known.iter().any(|entry| entry.is_missing) {
            let is_missing: Vec<bool> = known.iter().map(|entry| entry.is_missing).collect();
            missing.extend(keys.of(&is_missing)?);
        }
        Some(())
    }

    fn take_scores(&mut self, input: Input, held: &ColumnData, rows: usize) -> Option<()> {
        let number = input as usize;
        let scores = self.scores.get_mut(number - slot::FIRST_SCORE)?;
        let (read, without) = held.scores(&mut self.copy, &mut self.odd)?;
        scores.clear();
        scores.extend_from_slice(read);
        let missing = self.missing.get_mut(number)?;
        missing.clear();
        if without > 0 && self.task.asks(input) {
            missing.extend((0..rows).map(|row| matches!(held.cell(row), Cell::Missing)));
        }
        Some(())
    }

    /// Marks the rows at a value of the sweep, if they must be decided again.
    fn mark_swept(&mut self) {
        let Some(sweep) = self.task.sweep else { return };
        let Some(scores) = self.scores.get((sweep.input() as usize).saturating_sub(slot::FIRST_SCORE)) else {
            return;
        };
        for (odd, score) in self.odd.iter_mut().zip(scores) {
            *odd |= sweep.is_again(*score);
        }
    }

    fn take_labels(&mut self, held: &[ColumnData], rows: usize, by: &RowReader<'_>) -> Option<()> {
        let (keys, entries) = held.get(slot::LABEL)?.coded(rows)?;
        let known: Vec<Option<Label>> = entries.into_iter().map(|cell| by.label(cell)).collect();
        let labels: Vec<Label> = known.iter().map(|label| label.unwrap_or(Label::Unlabelled)).collect();
        self.labels.clear();
        self.labels.extend(keys.of(&labels)?);
        keys.mark(&known.iter().map(Option::is_none).collect::<Vec<_>>(), &mut self.odd)?;
        let attacks = held.get(slot::ATTACK)?;
        if !matches!(attacks, ColumnData::Nothing) {
            let (keys, entries) = attacks.coded(rows)?;
            let is_attack: Vec<bool> = entries.into_iter().map(|cell| cell.key() != Ok(None)).collect();
            keys.mark(&is_attack, &mut self.odd)?;
        }
        Some(())
    }

    fn take_days(
        &mut self,
        held: &ColumnData,
        rows: usize,
        by: &mut RowReader<'_>,
        counter: &mut Counter,
    ) -> Option<()> {
        self.days.clear();
        let mut add = |row: usize, cell: Cell<'_>| {
            let day = by.days.of(cell);
            if let (None, Some(odd)) = (day, self.odd.get_mut(row)) {
                *odd = true;
            }
            self.days.push(day.flatten().map(|day| counter.day(day)));
        };
        match held {
            ColumnData::Numbers(numbers) => {
                for row in 0..rows {
                    add(row, if numbers.is_valid(row) { number(numbers.value(row)) } else { Cell::Missing });
                }
            }
            // A date is never odd.
            ColumnData::Days(days) => {
                self.days.extend(days.iter().map(|day| day.map(|day| counter.day(day))));
            }
            held => (0..rows).for_each(|row| add(row, held.cell(row))),
        }
        Some(())
    }

    /// Makes the table of two crossed segments: the second value within the first.
    fn take_crossed(&mut self) -> Option<()> {
        self.pairs.clear();
        let Some((first, second)) = self.task.crossed else { return Some(()) };
        let (first, second) = (self.segments.get(first)?, self.segments.get(second)?);
        if first.values.len() * second.values.len() > MOST_VALUES {
            return None;
        }
        let all =
            first.values.iter().flat_map(|(a, _)| second.values.iter().map(move |(b, _)| crossed(a, b)));
        self.pairs = all.map(|value| (value, SegmentRows::default())).collect();
        Some(())
    }

    fn decide(&mut self, rows: usize, counter: &Counter) -> Option<()> {
        for ((policy, classes), rules) in
            self.task.policies().into_iter().zip(&self.classes).zip(&mut self.rules)
        {
            rules.clear();
            rules.resize(rows, 0);
            let Some(policy) = policy else { continue };
            let column = |input: Input| {
                let input = input as usize;
                match input.checked_sub(slot::FIRST_SCORE) {
                    Some(score) => self.scores.get(score).map(|scores| Column::Scores(scores)),
                    None => classes.get(input).map(|classes| Column::Classes(classes)),
                }
            };
            let columns: Vec<Column<'_>> = policy.inputs().map(column).collect::<Option<_>>()?;
            policy.batch(&columns).ok()?.rules(rules);
        }
        let all = self.task.writes(RowKind::Flips);
        if all || self.task.has_examples() {
            // The first rows of each kind of change become examples with location and id. A file of changes has all of them.
            let mut marked = [[0; 4]; 4];
            for row in 0..rows {
                let (a, b) = counter.says(self.rules(row));
                let Some(marked) = marked.get_mut(a).and_then(|of_a| of_a.get_mut(b)) else { continue };
                let odd = self.odd.get_mut(row)?;
                // An odd row is decided separately and its rule may differ.
                if a != b && !*odd && (all || *marked < counter.wants((a, b))) {
                    *marked += 1;
                    *odd = true;
                }
            }
        }
        Some(())
    }

    fn rules(&self, row: usize) -> (usize, usize) {
        let [a, b] = &self.rules;
        let rule = |of: &Vec<u8>| of.get(row).copied().map_or(usize::MAX, usize::from);
        (rule(a), rule(b))
    }

    /// Returns whether a row has to be decided on its own.
    pub(super) fn is_odd(&self, row: usize) -> bool {
        self.odd.get(row).copied().unwrap_or(true)
    }

    /// Counts a row that is not odd. Returns the number of the rule of the first policy.
    #[inline]
    pub(super) fn count(&mut self, row: usize, held: &[ColumnData], counter: &mut Counter) -> usize {
        let [verify, quality, attack] = &self.slots;
        let slot = |of: &Vec<u16>| of.get(row).copied().unwrap_or(NO_SCORE);
        let label = self.labels.get(row).copied().unwrap_or(Label::Unlabelled);
        let counted = Counted {
            rules: self.rules(row),
            label,
            code: self.codes.get(row).copied().unwrap_or(1000),
            day: self.days.get(row).copied().flatten(),
            slots: [slot(verify), slot(quality), slot(attack)],
        };
        counter.count(&counted);
        if self.task.keeps_rows() {
            let [scores, ..] = &self.scores;
            let subject = held.get(slot::SUBJECT).filter(|_| self.task.keep_people);
            let subject = subject.and_then(|held| held.cell(row).key().ok().flatten());
            // A score that is not a number is odd, so NaN is a missing one.
            let second = self.second_scores.get(row).copied().filter(|score| !score.is_nan());
            counter.keep(&counted, scores.get(row).copied(), second, None, subject);
        }
        if !self.segments.is_empty() {
            let (says, label) = (counter.says(counted.rules), label.number());
            let reached = counter.reached(slot(verify), counted.label);
            let person = counter.segment_person(self.people.get(row).copied().flatten());
            for segment in &mut self.segments {
                let place = segment.place(row);
                if let Some((_, rows)) = segment.values.get_mut(place) {
                    rows.bump(says, label, reached, person);
                }
            }
            let of = |segment: usize| {
                self.segments.get(segment).map(|segment| (segment.place(row), segment.values.len()))
            };
            if let Some(((a, _), (b, width))) =
                self.task.crossed.and_then(|(first, second)| Some((of(first)?, of(second)?)))
                && let Some((_, rows)) = self.pairs.get_mut(a * width + b)
            {
                rows.bump(says, label, reached, person);
            }
        }
        counted.rules.0
    }

    /// Moves the counts of the batch to the tally.
    pub(super) fn unload(&mut self, issues: &mut Issues, counter: &mut Counter) {
        for (input, missing) in Input::ALL.into_iter().zip(&self.missing) {
            let missing = missing.iter().zip(&self.odd).filter(|(missing, odd)| **missing && !**odd);
            issues.add_missing(input, missing.count() as u64);
        }
        let tables = self.segments.iter().map(|segment| &segment.values).chain([&self.pairs]);
        for (number, values) in tables.enumerate() {
            for (value, rows) in values.iter().filter(|(_, rows)| rows.verdicts != VerdictMatrix::default()) {
                counter.add_segment(number, value, rows);
            }
        }
    }
}
