//! A part of a run: one thread at a time reads a chunk, and each decides and counts its own.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use super::control::RunControl;
use super::decisions::Decisions;
use super::task::Task;
use super::worker::Worker;
use crate::error::LabError;
use crate::input::chunks::ChunkReader;
use crate::tally::Tally;

/// One lap of a run: until the end of the data, a stop, or the next checkpoint.
pub(super) struct Lap<'l, 'r> {
    /// The reader, and the number of its next chunk.
    pub(super) reader: Mutex<(&'l mut ChunkReader<'r>, u64)>,
    /// The number of the lap's first chunk. Each lap reads one, so that a run ends however short the interval is.
    pub(super) first: u64,
    pub(super) decisions: Mutex<Option<&'l mut Decisions>>,
    pub(super) failed: Mutex<Option<LabError>>,
    pub(super) until: Option<Instant>,
    pub(super) control: &'l RunControl,
}

impl Lap<'_, '_> {
    /// Runs until the end of the lap, and returns the counts of each thread.
    pub(super) fn run(self, task: &Task<'_>, threads: usize) -> Result<Vec<Tally>, LabError> {
        let tallies = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..threads).map(|_| scope.spawn(|| self.work(task))).collect();
            let over = |thread: std::thread::ScopedJoinHandle<'_, Tally>| {
                // Otherwise the counts of the thread would be missing without an error.
                thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            };
            threads.into_iter().map(over).collect()
        });
        let failed = self.failed.into_inner().unwrap_or_else(PoisonError::into_inner);
        failed.map_or(Ok(tallies), Err)
    }

    fn work(&self, task: &Task<'_>) -> Tally {
        let mut worker = Worker::new(task);
        if let Err(error) = self.chunks(&mut worker) {
            lock(&self.failed).get_or_insert(error);
        }
        worker.done()
    }

    fn chunks(&self, worker: &mut Worker<'_>) -> Result<(), LabError> {
        loop {
            let (chunk, number, header) = {
                let mut reader = lock(&self.reader);
                let is_due = reader.1 > self.first && self.until.is_some_and(|until| Instant::now() > until);
                if is_due || self.control.is_stopped() || lock(&self.failed).is_some() {
                    return Ok(());
                }
                let (reader, number) = &mut *reader;
                let Some(chunk) = reader.next()? else { return Ok(()) };
                *number += 1;
                self.control.count_chunk();
                let header = reader.header(&chunk);
                (chunk, *number - 1, header)
            };
            let decisions = worker.chunk(&chunk, header.as_ref())?;
            if let Some(file) = &mut *lock(&self.decisions) {
                file.add(number, decisions)?;
            }
            lock(&self.reader).0.give_back(chunk);
        }
    }
}

/// A panic of a thread ends the run, so a poisoned lock does not matter.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
