//! Decides the row groups of Parquet files, in batches if possible.

use arrow_array::RecordBatch;
use arrow_schema::DataType;
use cloudauth_policy::Input;

use super::batch::BatchDecider;
use super::task::Task;
use super::worker::Worker;
use crate::error::{LabError, LabProblem};
use crate::input::parquet::{Batches, ColumnData, Place, Table, invalid, is_taken, is_text, wanted};
use crate::input::row::{Cell, slot};
use crate::tally::issues::RowLocation;

/// The columns of a table that a run reads.
pub(super) struct Columns<'t> {
    pub(super) table: &'t Table,
    /// The column of each slot.
    places: Vec<Option<&'t Place>>,
    /// The numbers of the top-level columns, ascending.
    roots: Vec<usize>,
    zone: i32,
}

impl<'t> Columns<'t> {
    /// Finds the columns of the slots that are needed.
    pub(super) fn of(
        task: &Task<'_>,
        table: &'t Table,
        source: usize,
        is_needed: impl Fn(usize, &DataType) -> bool,
    ) -> Result<Self, LabError> {
        let names: Vec<&[u8]> = table.places.iter().map(|place| place.name.as_bytes()).collect();
        let columns = task.columns(source, &names)?;
        let mut places: Vec<Option<&Place>> =
            columns.into_iter().map(|column| table.places.get(column?)).collect();
        for (slot, column) in places.iter_mut().enumerate() {
            let Some(place) = *column else { continue };
            if !is_needed(slot, &place.kind) {
                *column = None;
            } else if !is_taken(slot, &place.kind) {
                let problem = LabProblem::ColumnType {
                    file: table.path.clone(),
                    column: place.name.clone(),
                    found: place.kind.to_string(),
                    wanted: wanted(slot),
                };
                return Err(problem.into_error());
            }
        }
        let mut roots: Vec<usize> = places.iter().flatten().map(|place| place.root).collect();
        roots.sort_unstable();
        roots.dedup();
        Ok(Self { table, places, roots, zone: task.mapping.timezone.minutes() })
    }

    /// Reads a group in batches; `None` if no column is needed.
    pub(super) fn read(&self, group: usize) -> Result<Option<Batches>, LabError> {
        if self.roots.is_empty() {
            return Ok(None);
        }
        let places: Vec<&Place> = self.places.iter().copied().flatten().collect();
        self.table.read(group, &places).map(Some).map_err(|error| self.wrong(error))
    }

    /// Returns the column of each slot in a batch.
    pub(super) fn held(&self, batch: &RecordBatch) -> Vec<ColumnData> {
        let held = |(slot, place): (usize, &Option<&Place>)| {
            let array = place.and_then(|place| {
                place.array(batch.columns().get(self.roots.binary_search(&place.root).ok()?)?)
            });
            array.map_or(ColumnData::Nothing, |array| ColumnData::of(slot, &array, self.zone))
        };
        self.places.iter().enumerate().map(held).collect()
    }

    /// Returns the error of a table that cannot be read.
    pub(super) fn wrong(&self, error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> LabError {
        LabError::file(&self.table.path, invalid(error))
    }
}

impl Worker<'_> {
    /// Decides a row group.
    pub(crate) fn group(
        &mut self,
        table: &Table,
        source: usize,
        group: usize,
        first: RowLocation,
    ) -> Result<(), LabError> {
        let columns = Columns::of(self.task, table, source, |slot, kind| needs(self.task, slot, kind))?;
        // A file without a required column is refused.
        self.unseen.clear();
        let mut at = first;
        let Some(reader) = columns.read(group)? else {
            for _ in 0..table.rows(group) {
                self.decider.decide(at, |_| Cell::Missing);
                at.line += 1;
            }
            return Ok(());
        };
        let mut bulk = BatchDecider::new(self.task);
        for batch in reader {
            let batch = batch.map_err(|error| columns.wrong(error))?;
            let held = columns.held(&batch);
            let is_coded =
                bulk.load(&held, batch.num_rows(), &mut self.decider.rows, &mut self.decider.counter);
            for row in 0..batch.num_rows() {
                if !is_coded || bulk.is_odd(row) {
                    let cell = |slot: usize| held.get(slot).map_or(Cell::Missing, |held| held.cell(row));
                    self.decider.decide(at, cell);
                } else {
                    bulk.count(row, &held, &mut self.decider.counter);
                }
                at.line += 1;
            }
            if is_coded {
                bulk.unload(&mut self.decider.rows.issues, &mut self.decider.counter);
            }
            self.decider.counter.check()?;
        }
        Ok(())
    }
}

/// Returns whether anything depends on a slot.
fn needs(task: &Task<'_>, number: usize, kind: &DataType) -> bool {
    match number {
        slot::SUBJECT => task.names_people(),
        slot::ID => task.names_rows(),
        slot::RESULT => false,
        // All scores are counted.
        _ => match Input::ALL.get(number) {
            Some(input) => Input::SCORES.contains(input) || decides(task, number, kind),
            None => true,
        },
    }
}

/// Returns whether a decision, or a data issue of the policies' inputs, depends on a slot.
pub(super) fn decides(task: &Task<'_>, number: usize, kind: &DataType) -> bool {
    match Input::ALL.get(number) {
        // A malformed value is always reported, even if no policy reads it.
        Some(Input::DeviceRisk) => task.asks(Input::DeviceRisk) || !is_text(kind),
        // In a callback, `passed` has the SubCode.
        Some(Input::SubCode | Input::Passed) => true,
        Some(input) => task.asks(*input),
        None => false,
    }
}
