//! Reads chunks, and has each row decided and counted.

mod known;
mod row_decider;

use super::task::Task;
use crate::error::{LabError, LabProblem};
use crate::input::chunks::Chunk;
use crate::input::json::{Bad, Found, Layouts, Value};
use crate::input::row::Cell;
use crate::tally::Tally;
use crate::tally::issues::{IssueKind, RowLocation};
pub(crate) use row_decider::RowDecider;

/// Reads the rows of one thread.
pub(crate) struct Worker<'t> {
    pub(crate) task: &'t Task<'t>,
    layouts: Layouts,
    found: Found,
    pub(crate) decider: RowDecider<'t>,
    /// Whether all lines so far of the first chunk of a file have no inputs; `None` when it no longer matters.
    lacks_inputs: Option<bool>,
    /// The slots that the mapping names and no row has had so far.
    pub(crate) unseen: Vec<usize>,
}

impl<'t> Worker<'t> {
    pub(crate) fn new(task: &'t Task<'t>) -> Self {
        Self {
            task,
            layouts: Layouts::new(&task.wanted),
            found: Found::new(&task.wanted),
            decider: RowDecider::new(task),
            lacks_inputs: None,
            unseen: task.named().map(|(slot, _)| slot).collect(),
        }
    }

    /// Returns the counts.
    pub(crate) fn done(self) -> Tally {
        let mut tally = self.decider.done();
        let is_seen = |(slot, _): &(usize, _)| !self.unseen.contains(slot);
        tally.seen = self.task.named().filter(is_seen).map(|(_, path)| path.clone()).collect();
        tally
    }

    /// Decides a chunk. Returns the lines of the decision file.
    pub(crate) fn chunk(
        &mut self,
        chunk: &Chunk,
        header: Option<&csv::ByteRecord>,
    ) -> Result<Vec<u8>, LabError> {
        match chunk {
            Chunk::Lines { bytes, first } => self.lines(bytes, *first)?,
            Chunk::Records { records, malformed, source } => {
                self.records(records, malformed, *source, header)?;
            }
            #[cfg(feature = "parquet")]
            Chunk::Group { source, group, first, table } => self.group(table, *source, *group, *first)?,
        }
        self.decider.counter.check()?;
        Ok(std::mem::take(&mut self.decider.decisions))
    }

    fn lines(&mut self, bytes: &[u8], first: RowLocation) -> Result<(), LabError> {
        // The first chunk of a file has a megabyte of rows. If none of them has an input, the policy reads the wrong columns.
        self.lacks_inputs = (first.line == 1).then_some(false);
        let text = std::str::from_utf8(bytes).ok();
        let (mut begin, mut at) = (0, first);
        while begin < bytes.len() {
            let rest = bytes.get(begin..).unwrap_or_default();
            // A chunk that is not UTF-8 has no layouts, and neither has an empty line.
            let text_here = text.filter(|_| matches!(rest.first(), Some(b'{' | b' ' | b'\t')));
            if let Some(text) = text_here
                && let Some(length) = self.layouts.read(&mut self.found, &self.task.wanted, rest)
            {
                self.decide(text.get(begin..begin + length).unwrap_or_default(), at);
                begin += length + 1;
                at.line += 1;
                continue;
            }
            let length = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
            let line = rest.get(..length).unwrap_or_default();
            let mark = if at.line == 1 && line.starts_with(b"\xEF\xBB\xBF") { 3 } else { 0 };
            let line = line.get(mark..).unwrap_or_default();
            if !line.trim_ascii().is_empty() {
                let line = match text {
                    Some(text) => text.get(begin + mark..begin + length),
                    None => std::str::from_utf8(line).ok(),
                };
                match line {
                    Some(line) => self.line(line, at, text_here.is_some()),
                    None => self.decider.rows.issues.add(IssueKind::NotText, at),
                }
            }
            begin += length + 1;
            at.line += 1;
        }
        if self.lacks_inputs == Some(true) {
            return Err(LabProblem::NoInputsInLines(
                self.task.file(first.source).to_string(),
                at.line - first.line,
            )
            .into_error());
        }
        Ok(())
    }

    /// Reads a line by the careful reader. If `may_learn`, the next line of its layout needs none.
    fn line(&mut self, line: &str, at: RowLocation, may_learn: bool) {
        let Self { task, layouts, found, decider, .. } = self;
        if let Err(bad) = found.read(&task.wanted, line.as_bytes()) {
            let kind = match bad {
                Bad::NotJson => IssueKind::NotJson,
                Bad::Twice => IssueKind::Twice,
                Bad::TooLarge => IssueKind::TooLarge,
            };
            return decider.rows.issues.add(kind, at);
        }
        if may_learn {
            layouts.learn(&task.wanted, line.as_bytes());
        }
        self.decide(line, at);
    }

    /// Decides a line that was read.
    fn decide(&mut self, line: &str, at: RowLocation) {
        let Self { task, found, decider, lacks_inputs, unseen, .. } = self;
        if !unseen.is_empty() {
            unseen.retain(|slot| !found.is_there(*slot));
        }
        if lacks_inputs.is_some() {
            *lacks_inputs = (!task.finds_inputs(|slot| found.is_there(slot))).then_some(true);
        }
        if found.broken > 0 {
            decider.rows.issues.add(IssueKind::Document, at);
        }
        decider.decide(at, |slot| match found.value(slot) {
            Value::Missing => Cell::Missing,
            Value::Text(place) => Cell::Text(found.text_in(line, *place)),
            Value::Number(place, number) => Cell::Number(found.text_in(line, *place), *number),
            Value::Truth(truth) => Cell::Truth(*truth),
            Value::List(place) => Cell::List(found.text_in(line, *place)),
            Value::Object => Cell::Object,
            Value::Other => Cell::Other,
        });
    }

    fn records(
        &mut self,
        records: &[csv::ByteRecord],
        malformed: &[usize],
        source: usize,
        header: Option<&csv::ByteRecord>,
    ) -> Result<(), LabError> {
        let header: Vec<&[u8]> = header.into_iter().flatten().collect();
        let columns = self.task.columns(source, &header)?;
        // A file without a required column is refused.
        self.unseen.clear();
        let Self { decider, .. } = self;
        for (number, record) in records.iter().enumerate() {
            let at = RowLocation { source, line: record.position().map_or(0, csv::Position::line) };
            if malformed.binary_search(&number).is_ok() {
                decider.rows.issues.add(IssueKind::Quoting, at);
                continue;
            }
            if record.len() != header.len() {
                decider.rows.issues.add(IssueKind::Fields, at);
                continue;
            }
            decider.decide(at, |slot| {
                let field = columns.get(slot).copied().flatten().and_then(|column| record.get(column));
                match field.map(std::str::from_utf8) {
                    None | Some(Ok("")) => Cell::Missing,
                    Some(Ok(text)) => Cell::Text(text),
                    Some(Err(_)) => Cell::Other,
                }
            });
        }
        Ok(())
    }
}
