//! The file of decisions or of changed verdicts. It is written beside its target and replaces the target when the run is
//! complete: the target has the rows of a whole run, or its old content.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use cloudauth_files::{Access, OutputFile};
use cloudauth_policy::Decision;
use serde::{Deserialize, Serialize};

use crate::error::{LabError, LabProblem};
use crate::input::row::{Label, Row};
use crate::tally::issues::RowLocation;

/// The rows that a run writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RowKind {
    /// Each decision of the first policy.
    Decisions,
    /// The rows with different verdicts of the two policies.
    Flips,
}

/// Writes rows of one kind and format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RowWriter {
    pub(crate) kind: RowKind,
    /// Whether the rows are JSON Lines instead of CSV.
    is_json: bool,
}

/// A row of the decision file.
#[derive(Serialize)]
struct DecisionRow<'a> {
    file: &'a str,
    line: u64,
    id: Option<&'a str>,
    verdict: &'a str,
    rule: &'a str,
    reason: &'a str,
    hint: Option<&'a str>,
    queue: Option<&'a str>,
}

/// A row of the file of changed verdicts.
#[derive(Serialize)]
struct FlipRow<'a> {
    file: &'a str,
    line: u64,
    id: Option<&'a str>,
    label: Option<&'a str>,
    from: &'a str,
    to: &'a str,
    from_rule: &'a str,
    to_rule: &'a str,
    from_reason: &'a str,
    to_reason: &'a str,
}

impl RowWriter {
    /// Returns the writer of a file. Its extension gives the format.
    pub(crate) fn new(kind: RowKind, target: &Path) -> Self {
        let extension = target.extension().unwrap_or_default();
        let is_json = ["jsonl", "ndjson"].iter().any(|json| extension.eq_ignore_ascii_case(json));
        Self { kind, is_json }
    }

    const fn header(self) -> &'static str {
        match (self.is_json, self.kind) {
            (true, _) => "",
            (false, RowKind::Decisions) => "file,line,id,verdict,rule,reason,hint,queue\n",
            (false, RowKind::Flips) => "file,line,id,label,from,to,from_rule,to_rule,from_reason,to_reason\n",
        }
    }

    /// Writes a decided row. A row without a changed verdict is not a flip.
    pub(super) fn write(
        self,
        to: &mut Vec<u8>,
        (source, at): (&Path, RowLocation),
        row: &Row<'_>,
        first: &Decision<'_>,
        second: Option<&Decision<'_>>,
    ) -> io::Result<()> {
        let file = &*source.to_string_lossy();
        match (self.kind, second) {
            (RowKind::Decisions, _) => self.write_row(
                to,
                &DecisionRow {
                    file,
                    line: at.line,
                    id: row.id,
                    verdict: first.verdict().as_str(),
                    rule: first.rule(),
                    reason: first.reason(),
                    hint: first.hint(),
                    queue: first.queue(),
                },
            ),
            (RowKind::Flips, Some(second)) if first.verdict() != second.verdict() => self.write_row(
                to,
                &FlipRow {
                    file,
                    line: at.line,
                    id: row.id,
                    label: match row.label {
                        Label::Genuine => Some("genuine"),
                        Label::Impostor => Some("impostor"),
                        Label::Unlabelled => None,
                    },
                    from: first.verdict().as_str(),
                    to: second.verdict().as_str(),
                    from_rule: first.rule(),
                    to_rule: second.rule(),
                    from_reason: first.reason(),
                    to_reason: second.reason(),
                },
            ),
            (RowKind::Flips, _) => Ok(()),
        }
    }

    fn write_row(self, to: &mut Vec<u8>, row: &impl Serialize) -> io::Result<()> {
        if self.is_json {
            serde_json::to_writer(&mut *to, row)?;
            to.push(b'\n');
            return Ok(());
        }
        let mut writer = csv::WriterBuilder::new().has_headers(false).buffer_capacity(256).from_writer(to);
        writer.serialize(row)?;
        writer.flush()
    }
}

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
    header: &'static str,
    /// `None` if an earlier run has put the file in place.
    file: Option<OutputFile>,
    saved: Option<Saved>,
    /// The number of the chunk whose decisions are written next.
    next: u64,
    waiting: BTreeMap<u64, Vec<u8>>,
}

impl Decisions {
    /// Creates the file, or resumes the file of a checkpoint.
    pub(super) fn open(
        target: &Path,
        writer: RowWriter,
        saved: Option<&Saved>,
        is_complete: bool,
    ) -> Result<Self, LabError> {
        let failed = |error: io::Error| LabError::unwritten(target, error);
        let header = writer.header();
        let new = |file, saved| Self {
            target: target.to_owned(),
            header,
            file,
            saved,
            next: 0,
            waiting: BTreeMap::new(),
        };
        let Some(saved) = saved else {
            let mut file = OutputFile::create(target, Access::Private).map_err(failed)?;
            file.write_all(header.as_bytes()).map_err(failed)?;
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
            self.saved = Some(Saved { partial, length: self.header.len() as u64 });
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
