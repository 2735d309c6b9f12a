//! Decides the rows of a table in columns, without counting them. A row with a possible data issue is odd, and is decided on its
//! own.

use cloudauth_policy::{Column, Input};

use super::groups::Columns;
use super::task::Task;
use super::worker::RowDecider;
use crate::error::LabError;
use crate::input::parquet::{ColumnData, Meanings};
use crate::input::row::{Cell, RowReader, slot};
use crate::tally::issues::{Issues, RowLocation};

/// Flags above the class of a code or a flag: it is missing, or odd.
const MISSING: u16 = 1 << 8;
const ODD: u16 = 1 << 9;

/// Decides the rows of one thread.
pub(super) struct TableDecider<'t> {
    task: &'t Task<'t>,
    decider: RowDecider<'t>,
    texts: [Texts; slot::FIRST_SCORE],
    /// The scores, NaN for a missing one, where they cannot be read in place.
    scores: [Vec<f64>; Input::SCORES.len()],
    odd: Vec<bool>,
}

/// A column of codes or flags.
struct Texts {
    input: Input,
    known: Meanings,
    meanings: Vec<u16>,
    classes: Vec<u8>,
}

impl<'t> TableDecider<'t> {
    pub(super) fn new(task: &'t Task<'t>) -> Self {
        let inputs = [Input::Code, Input::SubCode, Input::Passed, Input::FaceAttack, Input::FaceOcclusion];
        Self {
            task,
            decider: RowDecider::new(task),
            texts: inputs.map(|input| Texts {
                input,
                known: Meanings::new(),
                meanings: Vec::new(),
                classes: Vec::new(),
            }),
            scores: Default::default(),
            odd: Vec::new(),
        }
    }

    /// Returns the data issues.
    pub(super) fn done(self) -> Issues {
        self.decider.rows.issues
    }

    /// Decides the rows of a group, and returns their rules.
    pub(super) fn group(
        &mut self,
        columns: &Columns<'_>,
        group: usize,
        first: RowLocation,
    ) -> Result<Vec<u8>, LabError> {
        let mut rules = Vec::new();
        let Some(reader) = columns.read(group)? else {
            rules.resize(columns.table.rows(group), u8::MAX);
            self.batch(&[], first, &mut rules);
            return Ok(rules);
        };
        for batch in reader {
            let batch = batch.map_err(|error| columns.wrong(error))?;
            let begin = rules.len();
            rules.resize(begin + batch.num_rows(), u8::MAX);
            let at = RowLocation { line: first.line + begin as u64, ..first };
            self.batch(&columns.held(&batch), at, rules.get_mut(begin..).unwrap_or_default());
        }
        Ok(rules)
    }

    fn batch(&mut self, held: &[ColumnData], first: RowLocation, rules: &mut [u8]) {
        let is_decided = self.columns(held, rules).is_some();
        if is_decided && !self.odd.contains(&true) {
            return;
        }
        let missing = self.decider.rows.issues.missing();
        for (row, rule) in rules.iter_mut().enumerate() {
            if is_decided && self.odd.get(row) == Some(&false) {
                continue;
            }
            let at = RowLocation { line: first.line + row as u64, ..first };
            let cell = |slot: usize| held.get(slot).map_or(Cell::Missing, |held| held.cell(row));
            let decided = self.decider.decide(at, cell);
            *rule = decided.and_then(|rule| u8::try_from(rule).ok()).unwrap_or(u8::MAX);
        }
        if is_decided {
            // The columns have counted the missing inputs of all rows.
            self.decider.rows.issues.set_missing(missing);
        }
    }

    /// Decides a batch in columns; `None` if its rows must be decided one by one.
    fn columns(&mut self, held: &[ColumnData], rules: &mut [u8]) -> Option<()> {
        let Self { task, decider, texts, scores, odd } = self;
        let asks_risk = task.asks(Input::DeviceRisk);
        if asks_risk || !matches!(held.get(Input::DeviceRisk as usize)?, ColumnData::Nothing) {
            return None;
        }
        odd.clear();
        odd.resize(rules.len(), false);
        let mut missing = [0; Input::ALL.len()];
        for (texts, missing) in texts.iter_mut().zip(&mut missing) {
            *missing = texts.read(task, &decider.rows, held.get(texts.input as usize)?, odd)?;
        }
        let mut columns = Vec::with_capacity(Input::ALL.len());
        let mut copies = scores.iter_mut();
        let of_scores = Input::SCORES.into_iter().zip(missing.iter_mut().skip(slot::FIRST_SCORE));
        let mut read = Vec::with_capacity(Input::SCORES.len());
        for (input, missing) in of_scores.filter(|(input, _)| task.asks(*input)) {
            let copy = copies.next()?;
            let (scores, without) = held.get(input as usize)?.scores(copy, odd)?;
            *missing = without;
            read.push((input, scores));
        }
        for input in task.policy.inputs() {
            let of_scores = read.iter().find(|(other, _)| *other == input);
            let of_texts = texts.iter().find(|texts| texts.input == input);
            let column = of_scores.map(|(_, scores)| Column::Scores(scores));
            columns.push(column.or_else(|| Some(Column::Classes(&of_texts?.classes)))?);
        }
        task.policy.batch(&columns).ok()?.rules(rules);
        for (input, missing) in Input::ALL.into_iter().zip(missing) {
            decider.rows.issues.add_missing(input, missing);
        }
        Some(())
    }
}

impl Texts {
    /// Reads the classes of a column, and marks odd rows. Returns the number of rows in which the input is missing.
    fn read(
        &mut self,
        task: &Task<'_>,
        by: &RowReader<'_>,
        held: &ColumnData,
        odd: &mut [bool],
    ) -> Option<u64> {
        let Self { input, known, meanings, classes } = self;
        let meaning = |cell: Cell<'_>| {
            let entry = by.entry(*input, cell);
            // An input that the policy does not declare has no class.
            let class = task.policy.class(*input, entry.text).unwrap_or_default();
            let flag = |is: bool, flag: u16| if is { flag } else { 0 };
            u16::from(class) | flag(entry.is_missing, MISSING) | flag(entry.is_odd, ODD)
        };
        if let ColumnData::Texts(texts) = held {
            known.look_up(texts, meanings, |text| meaning(text.map_or(Cell::Missing, Cell::Text)));
        } else if matches!(held, ColumnData::Nothing) && !task.asks(*input) {
            return Some(0);
        } else {
            let (keys, entries) = held.coded(odd.len())?;
            let entries: Vec<u16> = entries.into_iter().map(meaning).collect();
            meanings.clear();
            meanings.extend(keys.of(&entries)?);
        }
        classes.clear();
        classes.extend(meanings.iter().map(|meaning| *meaning as u8));
        let flags = meanings.iter().fold(0, |flags, meaning| flags | meaning);
        if flags & ODD != 0 {
            odd.iter_mut().zip(&*meanings).for_each(|(odd, meaning)| *odd |= meaning & ODD != 0);
        }
        let missing = meanings.iter().filter(|meaning| *meaning & MISSING != 0);
        Some(if flags & MISSING == 0 { 0 } else { missing.count() as u64 })
    }
}
