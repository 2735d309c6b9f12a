//! The decision file. It is written beside its target and takes the target's place when the run is complete: the target holds
//! the decisions of a whole run, or what it held before.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use cloudauth_files::{Access, OutputFile};
use serde::{Deserialize, Serialize};

use crate::error::{LabError, LabProblem};
use crate::tally::issues::RowLocation;

/// The header of the decision file.
const DECISIONS: &str = "file,line,id,verdict,rule,reason,hint,queue\n";

/// The decision file as a checkpoint records it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Saved {
    /// The name of the unfinished file, in the target's folder.
    partial: String,
    /// Its length at the checkpoint, in bytes.
    length: u64,
}

/// The decision file of a run.
pub(super) struct Decisions {
    target: PathBuf,
    /// `None` if an earlier run has put the file in place.
    file: Option<OutputFile>,
    saved: Option<Saved>,
    /// The number of the chunk whose decisions are written next.
    next: u64,
    waiting: BTreeMap<u64, Vec<u8>>,
}

impl Decisions {
    /// Creates the file, or resumes the file of a checkpoint.
    pub(super) fn open(target: &Path, saved: Option<&Saved>, is_complete: bool) -> Result<Self, LabError> {
        let failed = |error: io::Error| LabError::unwritten(target, error);
        let new =
            |file, saved| Self { target: target.to_owned(), file, saved, next: 0, waiting: BTreeMap::new() };
        let Some(saved) = saved else {
            let mut file = OutputFile::create(target, Access::Private).map_err(failed)?;
            file.write_all(DECISIONS.as_bytes()).map_err(failed)?;
            return Ok(new(Some(file), None));
        };
        let partial = &saved.partial;
        let lost = |error: io::Error| LabProblem::DecisionsLost(partial.clone(), error).into_error();
        let file = OutputFile::reopen(target, partial, saved.length).map_err(lost)?;
        if file.is_none() {
            let (name, there) = match is_complete {
                true => {
                    (target.display().to_string(), std::fs::metadata(target).map_or(0, |about| about.len()))
                }
                false => (partial.clone(), 0),
            };
            if there != saved.length {
                return Err(LabProblem::DecisionsLength(name, there, saved.length).into_error());
            }
        }
        Ok(new(file, Some(saved.clone())))
    }

    /// Keeps the unfinished file when the program ends, so that a checkpoint can name it.
    pub(super) fn keep(&mut self) -> Result<Option<Saved>, LabError> {
        if self.saved.is_none()
            && let Some(file) = &mut self.file
        {
            let name = file
                .keep_when_dropped()
                .and_then(Path::file_name)
                .map(|name| name.to_string_lossy().into_owned());
            let Some(partial) = name else {
                return Err(LabProblem::DecisionsNotAFile(self.target.clone()).into_error());
            };
            self.saved = Some(Saved { partial, length: DECISIONS.len() as u64 });
        }
        self.sync()?;
        Ok(self.saved.clone())
    }

    /// Removes the unfinished file, which no checkpoint names.
    pub(super) fn discard(mut self) {
        if let Some(file) = &mut self.file {
            file.remove_when_dropped();
        }
    }

    /// Returns the number of the chunk whose decisions are written next.
    pub(super) const fn next(&self) -> u64 {
        self.next
    }

    /// Takes the decisions of a chunk and writes all that are next in the order of the data.
    pub(super) fn add(&mut self, number: u64, decisions: Vec<u8>) -> Result<(), LabError> {
        let Some(file) = &mut self.file else { return Ok(()) };
        self.waiting.insert(number, decisions);
        while let Some(decisions) = self.waiting.remove(&self.next) {
            file.write_all(&decisions).map_err(|error| LabError::unwritten(&self.target, error))?;
            if let Some(saved) = &mut self.saved {
                saved.length += decisions.len() as u64;
            }
            self.next += 1;
        }
        Ok(())
    }

    /// Puts the file of a complete run in place.
    pub(super) fn commit(self) -> Result<(), LabError> {
        let Some(file) = self.file else { return Ok(()) };
        file.commit().map_err(|error| LabError::unwritten(&self.target, error))
    }

    /// Leaves the file of an incomplete run next to its target. Returns its path.
    pub(super) fn leave(mut self) -> Result<Option<PathBuf>, LabError> {
        self.sync()?;
        Ok(self.file.as_mut().and_then(OutputFile::keep_when_dropped).map(Path::to_owned))
    }

    fn sync(&mut self) -> Result<(), LabError> {
        let Some(file) = &mut self.file else { return Ok(()) };
        file.sync().map_err(|error| LabError::unwritten(&self.target, error))
    }
}

/// Writes one row of the decision file.
pub(super) fn write_decision(
    to: &mut Vec<u8>,
    source: &Path,
    at: RowLocation,
    id: &str,
    decision: &cloudauth_policy::Decision<'_>,
) -> std::io::Result<()> {
    let mut writer = csv::WriterBuilder::new().buffer_capacity(256).from_writer(to);
    writer.write_record([
        &*source.to_string_lossy(),
        &at.line.to_string(),
        id,
        decision.verdict().as_str(),
        decision.rule(),
        decision.reason(),
        decision.hint().unwrap_or_default(),
        decision.queue().unwrap_or_default(),
    ])?;
    writer.flush()
}
