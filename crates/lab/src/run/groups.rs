//! Decides the row groups of Parquet files, in batches if possible.

use arrow_schema::DataType;
use cloudauth_policy::Input;

use super::batch::BatchDecider;
use super::task::Task;
use super::worker::Worker;
use crate::error::{LabError, LabProblem};
use crate::input::parquet::{ColumnData, Place, Table, invalid, is_taken, is_text, wanted};
use crate::input::row::{Cell, slot};
use crate::tally::issues::RowLocation;

impl Worker<'_> {
    /// Decides a row group.
    pub(crate) fn group(
        &mut self,
        table: &Table,
        source: usize,
        group: usize,
        first: RowLocation,
    ) -> Result<(), LabError> {
        let names: Vec<&[u8]> = table.places.iter().map(|place| place.name.as_bytes()).collect();
        let columns = self.task.columns(source, &names)?;
        // A file without a required column is refused.
        self.unseen.clear();
        let mut columns: Vec<Option<&Place>> =
            columns.into_iter().map(|column| table.places.get(column?)).collect();
        for (slot, column) in columns.iter_mut().enumerate() {
            let Some(place) = *column else { continue };
            if !needs(self.task, slot, &place.kind) {
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
        let places: Vec<&Place> = columns.iter().copied().flatten().collect();
        let mut roots: Vec<usize> = places.iter().map(|place| place.root).collect();
        roots.sort_unstable();
        roots.dedup();
        let wrong = |error: std::io::Error| LabError::file(&table.path, error);
        let mut at = first;
        if roots.is_empty() {
            for _ in 0..table.rows(group) {
                let rule = self.decider.decide(at, |_| Cell::Missing);
                self.keep_rule(rule);
                at.line += 1;
            }
            return Ok(());
        }
        let reader = table.read(group, &places).map_err(|error| wrong(invalid(error)))?;
        let zone = self.task.mapping.timezone.minutes();
        let mut bulk = BatchDecider::new(self.task);
        for batch in reader {
            let batch = batch.map_err(|error| wrong(invalid(error)))?;
            let held: Vec<ColumnData> = columns
                .iter()
                .enumerate()
                .map(|(slot, column)| {
                    let array = column.and_then(|place| {
                        place.array(batch.columns().get(roots.binary_search(&place.root).ok()?)?)
                    });
                    array.map_or(ColumnData::Nothing, |array| ColumnData::of(slot, &array, zone))
                })
                .collect();
            let is_coded =
                bulk.load(&held, batch.num_rows(), &mut self.decider.rows, &mut self.decider.counter);
            for row in 0..batch.num_rows() {
                let rule = if !is_coded || bulk.is_odd(row) {
                    let cell = |slot: usize| held.get(slot).map_or(Cell::Missing, |held| held.cell(row));
                    self.decider.decide(at, cell)
                } else {
                    Some(bulk.count(row, &held, &mut self.decider.counter))
                };
                self.keep_rule(rule);
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

impl Worker<'_> {
    /// Keeps the rule of a row, if the run wants it. A row of a table always has one; 255 is the number of no rule.
    fn keep_rule(&mut self, rule: Option<usize>) {
        if self.task.keep_rules {
            self.decider.decisions.push(rule.and_then(|rule| u8::try_from(rule).ok()).unwrap_or(u8::MAX));
        }
    }
}

/// Returns whether anything depends on a slot.
fn needs(task: &Task<'_>, number: usize, kind: &DataType) -> bool {
    const DEVICE_RISK: usize = Input::DeviceRisk as usize;
    let asked = |input: &Input| task.asks(*input);
    match number {
        slot::SUBJECT => task.names_people(),
        slot::ID => task.names_rows(),
        slot::RESULT => false,
        // A malformed value is always reported, even if no policy reads it.
        DEVICE_RISK => asked(&Input::DeviceRisk) || !is_text(kind),
        _ => match Input::ALL.get(number) {
            Some(input @ (Input::Code | Input::FaceAttack | Input::FaceOcclusion)) => asked(input),
            _ => true,
        },
    }
}
