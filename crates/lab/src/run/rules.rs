//! The decision of each row of a table, in memory.

use std::collections::VecDeque;
use std::io;
use std::sync::{Mutex, PoisonError};
use std::thread;

use super::groups::{Columns, decides};
use super::table::TableDecider;
use super::{Lab, RunControl};
use crate::analysis::data_issue::DataIssue;
use crate::error::LabError;
use crate::input::parquet::Groups;
use crate::input::source::{Format, Source};
use crate::tally::issues::{Issues, RowLocation};

/// The decisions on a table.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TableDecisions {
    /// The number of the rule that decides each row, in the order of the rows, as
    /// [`Decision::rule_number`](cloudauth_policy::Decision::rule_number) counts them. If the run was stopped, the last rows
    /// are missing.
    pub rules: Vec<u8>,
    /// The data issues of the inputs that the policy reads.
    pub issues: Vec<DataIssue>,
    /// `false` if the run was stopped before the end.
    pub complete: bool,
    /// Whether the file changed while it was read.
    pub changed: bool,
}

impl Lab<'_> {
    /// Decides each row of a table: Parquet, [`Source::table`] or [`Source::stream`]. Of the run's settings it uses the policy, the
    /// mapping, the number of threads, and whether inputs may be missing. It reads only the inputs of the policy, and counts
    /// nothing.
    ///
    /// # Errors
    /// As for [`Lab::run`], or if the source is not a table: its lines may hold no row.
    pub fn decide(&self, table: &Source, control: &RunControl) -> Result<TableDecisions, LabError> {
        let wrong = |error: io::Error| LabError::file(table.path(), error);
        if table.format != Format::Parquet {
            let what = "only a table has a decision for each row";
            return Err(wrong(io::Error::new(io::ErrorKind::Unsupported, what)));
        }
        let sources = std::slice::from_ref(table);
        let lab = Lab {
            mapping: self.mapping.clone(),
            allow_missing_inputs: self.allow_missing_inputs,
            ..Lab::new(self.policy)
        };
        let mapping = lab.mapping_of(sources)?;
        let task = lab.task(sources, &mapping, true)?;
        let mut groups = match &table.memory {
            Some(memory) => Groups::in_memory(table.path(), memory),
            None => Groups::open(table.path(), 0),
        }
        .map_err(wrong)?;
        let about = groups.table();
        // One for each thread: a small table needs few.
        let (mut first, mut is_at_end) = (VecDeque::new(), false);
        while first.len() < self.threads && !is_at_end && !control.is_stopped() {
            match groups.next().map_err(wrong)? {
                Some(group) => first.push_back(group),
                None => is_at_end = true,
            }
        }
        // The columns of a table without rows do not matter.
        let columns = if first.is_empty() {
            None
        } else {
            Some(Columns::of(&task, &about, 0, |slot, kind| decides(&task, slot, kind))?)
        };
        let threads = first.len();
        let groups = Mutex::new(Some(Queue { first, rest: groups, is_at_end }));
        let locked = || groups.lock().unwrap_or_else(PoisonError::into_inner);
        // A thread that waited for the lock may not ask a stream for a batch after the stop.
        let next = || match &mut *locked() {
            Some(queue) if !control.is_stopped() => queue.next().map_err(wrong),
            _ => Ok(None),
        };
        // A thread that fails leaves no group for the others.
        let end = |_: &LabError| drop(locked().take());
        let work = || {
            let mut decider = TableDecider::new(&task);
            let mut decided = Vec::new();
            while let Some(columns) = &columns
                && let Some((group, before, bytes)) = next().inspect_err(end)?
            {
                control.count_chunk();
                control.add_read(bytes);
                let first = RowLocation { source: 0, line: before + 1 };
                decided.push((group, decider.group(columns, group, first).inspect_err(end)?));
            }
            Ok((decided, decider.done()))
        };
        let results: Vec<Result<_, LabError>> = thread::scope(|scope| {
            let threads: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
            let over = |thread: thread::ScopedJoinHandle<'_, _>| {
                thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            };
            threads.into_iter().map(over).collect()
        });
        let (mut decided, mut issues) = (Vec::new(), Issues::default());
        for result in results {
            let (rules, found) = result?;
            decided.extend(rules);
            issues.merge(&found);
        }
        decided.sort_unstable_by_key(|(group, _): &(usize, Vec<u8>)| *group);
        let is_complete = locked().as_ref().is_some_and(Queue::is_empty);
        let rules: Vec<&[u8]> = decided.iter().map(|(_, rules)| rules.as_slice()).collect();
        Ok(TableDecisions {
            rules: rules.concat(),
            issues: DataIssue::of_inputs(&issues),
            complete: is_complete,
            changed: table.has_changed(),
        })
    }
}

/// The groups that no thread has taken.
struct Queue {
    first: VecDeque<(usize, u64, u64)>,
    rest: Groups,
    /// Whether the rest was asked after its last group.
    is_at_end: bool,
}

impl Queue {
    fn next(&mut self) -> io::Result<Option<(usize, u64, u64)>> {
        if let Some(group) = self.first.pop_front() {
            return Ok(Some(group));
        }
        if self.is_at_end {
            return Ok(None);
        }
        let next = self.rest.next()?;
        self.is_at_end = next.is_none();
        Ok(next)
    }

    /// Returns whether the last group was taken, without asking for another.
    fn is_empty(&self) -> bool {
        self.first.is_empty() && self.is_at_end
    }
}
