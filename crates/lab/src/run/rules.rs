//! The decision of each row of a table, in memory.

use std::io;
use std::sync::{Mutex, PoisonError};

use super::{Lab, RunControl, RunOutcome};
use crate::error::LabError;
use crate::input::source::{Format, Source};

impl Lab<'_> {
    /// Decides a table: Parquet, or [`Source::table`]. Returns the number of the rule that decides each row, in the order of
    /// the rows, as [`Decision::rule_number`](cloudauth_policy::Decision::rule_number) counts them, and the counts of the run.
    /// No file of decisions is written. If the run was stopped, rows are missing.
    ///
    /// # Errors
    /// As for [`Lab::run`], or if the source is not a table: its lines may hold no row.
    pub fn decide(&self, table: &Source, control: &RunControl) -> Result<(Vec<u8>, RunOutcome), LabError> {
        if table.format != Format::Parquet {
            let error =
                io::Error::new(io::ErrorKind::Unsupported, "only a table has a decision for each row");
            return Err(LabError::file(table.path(), error));
        }
        let kept = Mutex::default();
        let ran = self.run_keeping(std::slice::from_ref(table), control, Some(&kept))?;
        let mut kept = kept.into_inner().unwrap_or_else(PoisonError::into_inner);
        kept.sort_unstable_by_key(|(number, _)| *number);
        Ok((kept.into_iter().flat_map(|(_, rules)| rules).collect(), ran))
    }
}
