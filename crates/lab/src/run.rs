//! A run over the data: as many threads as there are cores, one at a time at the file, and what they counted put together.

#[cfg(feature = "parquet")]
mod batch;
mod checkpoint;
mod decisions;
#[cfg(feature = "parquet")]
mod groups;
mod task;
mod worker;

use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use cloudauth_policy::{Policy, Problem};

use crate::error::LabError;
use crate::input::bounded::LONGEST;
use crate::input::chunks::ChunkReader;
use crate::input::json::{Found, Wanted};
use crate::input::mapping::{Mapping, Shape};
use crate::input::search::Skipped;
use crate::input::source::{Format, Source};
use crate::tally::issues::{IssueKind, RowLocation};
use crate::tally::{Scales, Tally};
use checkpoint::Checkpoint;
use decisions::Decisions;
use task::Task;
use worker::Worker;

/// How often a run saves a checkpoint.
const CHECKPOINT_EVERY: Duration = Duration::from_secs(10);

/// How far a run is, and a way to end it early: for progress bars and Ctrl-C.
#[derive(Debug, Default)]
pub struct RunControl {
    read: AtomicU64,
    stop: AtomicBool,
    /// Pieces until it stops by itself: for tests of being stopped.
    chunks: AtomicU64,
}

impl RunControl {
    /// Bytes read of the files, packed as they are.
    pub fn read(&self) -> u64 {
        self.read.load(Ordering::Relaxed)
    }

    /// Ends the run after what is being read now. What was counted until then is given.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    /// Ends the run by itself after so many pieces of about a megabyte.
    pub fn stop_after(&self, chunks: u64) {
        self.chunks.store(chunks, Ordering::Relaxed);
    }

    /// One more piece was handed out.
    fn count_chunk(&self) {
        if self.chunks.load(Ordering::Relaxed) > 0 && self.chunks.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.stop();
        }
    }

    fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

/// What a run has counted, and whether that was all.
#[derive(Debug)]
#[non_exhaustive]
pub struct RunOutcome {
    /// The counts.
    pub tally: Tally,
    /// `false` if it was stopped before the end, or a data file changed while it was read.
    pub complete: bool,
    /// The data files that changed while they were read. What was counted of them may be neither the old nor the new content.
    pub changed: Vec<PathBuf>,
    /// The decisions of a run that is not complete. Those of a complete run are in the file that [`Lab::decisions`] names.
    pub partial_decisions: Option<PathBuf>,
}

/// Policies over recorded results.
///
/// ```
/// use cloudauth_lab::{Lab, Replay, Source, RunControl};
/// use cloudauth_policy::{Policy, builtin};
///
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("history.jsonl");
/// std::fs::write(&path, r#"{"sub_code": "201", "passed": "F"}"#)?;
/// let policy = Policy::parse(builtin::ONBOARDING)?;
/// let ran = Lab::new(&policy).run(&Source::find(&[path])?, &RunControl::default())?;
/// let replay = Replay::of(&ran.tally);
/// assert_eq!((replay.rows, replay.verdicts["retry"].all), (1, 1));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Lab<'p> {
    pub(crate) policy: &'p Policy,
    pub(crate) candidate: Option<&'p Policy>,
    pub(crate) mapping: Option<Mapping>,
    threads: usize,
    keep_people: bool,
    decisions: Option<PathBuf>,
    resume: Option<PathBuf>,
    pub(crate) skipped: Vec<Skipped>,
    checkpoint_every: Duration,
    allow_missing_inputs: bool,
}

impl<'p> Lab<'p> {
    /// With the policy that decides.
    #[must_use]
    pub fn new(policy: &'p Policy) -> Self {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            policy,
            candidate: None,
            mapping: None,
            threads,
            keep_people: false,
            decisions: None,
            resume: None,
            skipped: Vec::new(),
            checkpoint_every: CHECKPOINT_EVERY,
            allow_missing_inputs: false,
        }
    }

    /// And a candidate, to be compared with it.
    #[must_use]
    pub const fn against(mut self, candidate: &'p Policy) -> Self {
        self.candidate = Some(candidate);
        self
    }

    /// Where things stand in the data. Without it, as [`Mapping::of`] has it.
    #[must_use]
    pub fn mapping(mut self, mapping: Mapping) -> Self {
        self.mapping = Some(mapping);
        self
    }

    /// On so many threads, which changes nothing but the time.
    #[must_use]
    pub const fn threads(mut self, threads: usize) -> Self {
        self.threads = if threads == 0 { 1 } else { threads };
        self
    }

    /// Keeps labelled rows of people, known by a hash, for intervals over people instead of rows. It takes 24 bytes each.
    #[must_use]
    pub const fn keep_people(mut self) -> Self {
        self.keep_people = true;
        self
    }

    /// Writes each decision of the first policy to a CSV file, in the order of the data. The file is put in place when the run
    /// is complete; until then it lies beside its target, as `NAME.xxxxxx.partial`. A new file is for its owner alone.
    #[must_use]
    pub fn decisions(mut self, file: PathBuf) -> Self {
        self.decisions = Some(file);
        self
    }

    /// Saves a checkpoint to this file every ten seconds and when the run is stopped. If the file exists, resumes from it;
    /// a checkpoint of other policies, another mapping or other data is refused, and one whose decisions file has lost
    /// something.
    #[must_use]
    pub fn resume(mut self, file: PathBuf) -> Self {
        self.resume = Some(file);
        self
    }

    /// Reads files in which none of the policies' inputs is found. Without it they are refused, since every row would be decided
    /// on no evidence.
    #[must_use]
    pub const fn allow_missing_inputs(mut self) -> Self {
        self.allow_missing_inputs = true;
        self
    }

    /// Lists the files and folders that [`Source::search`] found and passed over in the report.
    #[must_use]
    pub fn skipped(mut self, skipped: Vec<Skipped>) -> Self {
        self.skipped = skipped;
        self
    }

    /// Saves a checkpoint this often, instead of every ten seconds.
    #[must_use]
    pub const fn checkpoint_every(mut self, interval: Duration) -> Self {
        self.checkpoint_every = interval;
        self
    }

    /// Reads, decides, counts. The same data give the same counts and the same bytes, however many threads there are.
    ///
    /// # Errors
    /// If a file cannot be read, or what should divide the rows into a few segments does not. A row that cannot be read is
    /// no error: it is counted, and told of.
    pub fn run(&self, sources: &[Source], control: &RunControl) -> Result<RunOutcome, LabError> {
        if self.resume.is_some() && sources.iter().any(Source::is_standard_input) {
            return Err(LabError::new(
                "standard input cannot be read again: --resume takes files".to_owned(),
            ));
        }
        let mapping = match &self.mapping {
            Some(mapping) => mapping.clone(),
            None => Mapping::of(shape(sources)?),
        };
        if mapping.shape == Shape::Reply && sources.iter().any(|source| source.format != Format::Json) {
            return Err(LabError::new(
                "an answer as it came is a line of JSON; other files need shape = \"flat\"".to_owned(),
            ));
        }
        let slots = mapping.slots();
        let task = Task {
            policy: self.policy,
            candidate: self.candidate,
            mapping: &mapping,
            sources,
            wanted: Wanted::new(slots.iter().map(String::as_str)),
            scales: Scales::of(self.policy)?,
            slots,
            is_mapped: self.mapping.is_some(),
            keep_people: self.keep_people,
            write_decisions: self.decisions.is_some(),
            allow_missing_inputs: self.allow_missing_inputs,
        };
        let loaded = self.resume.as_deref().map(|path| Checkpoint::load(path, &task)).transpose()?.flatten();
        let mut state = loaded.unwrap_or_else(|| Checkpoint::start(&task));
        let open =
            |path| Decisions::open(path, state.decisions.as_ref(), state.position.source == sources.len());
        let mut decisions = self.decisions.as_deref().map(open).transpose()?;
        let is_new = state.decisions.is_none();
        if let Err(error) = self.save(&mut state, decisions.as_mut()) {
            if is_new {
                decisions.into_iter().for_each(Decisions::discard);
            }
            return Err(error);
        }
        let read = |bytes| {
            control.read.fetch_add(bytes, Ordering::Relaxed);
        };
        let mut reader = ChunkReader::new(sources, &task.slots, state.position, &read);
        let mut changed = Vec::new();
        loop {
            let first = reader.position().source;
            let lap = Lap {
                reader: Mutex::new((&mut reader, decisions.as_ref().map_or(0, Decisions::next))),
                decisions: Mutex::new(decisions.as_mut()),
                failed: Mutex::new(None),
                until: self.resume.as_ref().map(|_| Instant::now() + self.checkpoint_every),
                control,
            };
            let tallies = lap.run(&task, self.threads);
            if let Some(failed) = take(lap.failed) {
                return Err(failed);
            }
            for tally in tallies {
                state.tally.merge(tally);
            }
            state.tally.settle()?;
            state.position = reader.position();
            let ended = sources.iter().enumerate().take(state.position.source).skip(first);
            // Of a Parquet file, rows are read after the feed has come to its end.
            let late = ended.filter(|(_, source)| source.format == Format::Parquet && source.has_changed());
            let mut points = reader.take_changed();
            points.extend(late.map(|(source, _)| RowLocation { source, line: 0 }));
            points.dedup_by_key(|point| point.source);
            for point in points {
                state.tally.issues.add(IssueKind::Changed, point);
                changed.extend(sources.get(point.source).map(|source| source.path().to_owned()));
            }
            self.save(&mut state, decisions.as_mut())?;
            let is_end = state.position.source == sources.len();
            if is_end || control.is_stopped() {
                state.tally.skipped.clone_from(&self.skipped);
                state.tally.failing_examples = self.failing_examples();
                state.tally.timezone = mapping.timezone;
                if is_end && state.tally.rows > 0 {
                    let named = task.named().map(|slot| slot.1.clone());
                    state.tally.absent = named.filter(|path| !state.tally.seen.contains(path)).collect();
                }
                return finish(state.tally, is_end, changed, decisions);
            }
        }
    }

    /// The failing examples of both policies, each with its policy.
    pub(crate) fn failing_examples(&self) -> Vec<String> {
        let policies = [Some(self.policy), self.candidate].into_iter().flatten();
        let of_one = |policy: &Policy| {
            let (id, version) = (&policy.reference().id, &policy.reference().version);
            let line = |example: &Problem| format!("{id} {version}: {}", example.message);
            policy.failing_examples().map(line).collect::<Vec<_>>()
        };
        policies.flat_map(of_one).collect()
    }

    /// Saves a checkpoint, if one is wanted; the decisions first, which it counts.
    fn save(&self, state: &mut Checkpoint, decisions: Option<&mut Decisions>) -> Result<(), LabError> {
        let Some(path) = &self.resume else { return Ok(()) };
        state.decisions = decisions.map(Decisions::keep).transpose()?.flatten();
        state.save(path)
    }
}

/// Puts the decisions in place, or leaves those of an incomplete run beside their target.
fn finish(
    mut tally: Tally,
    is_end: bool,
    changed: Vec<PathBuf>,
    decisions: Option<Decisions>,
) -> Result<RunOutcome, LabError> {
    let complete = is_end && !tally.issues.has(IssueKind::Changed);
    tally.is_part = !complete;
    let partial_decisions = match decisions {
        Some(decisions) if complete => decisions.commit().map(|()| None)?,
        Some(decisions) => decisions.leave()?,
        None => None,
    };
    Ok(RunOutcome { tally, complete, changed, partial_decisions })
}

/// Whether the first line of the first JSON file looks like an answer of the service.
fn shape(sources: &[Source]) -> Result<Shape, LabError> {
    let Some(source) = sources.iter().find(|source| source.format == Format::Json) else {
        return Ok(Shape::Flat);
    };
    let wrong = |error| LabError::file(source.path(), &error);
    let mut line = Vec::new();
    let from = source.peek().map_err(wrong)?.take(LONGEST as u64);
    BufReader::new(from).read_until(b'\n', &mut line).map_err(wrong)?;
    let wanted = Wanted::new(["Code", "ResultObject", "RequestId"]);
    let mut found = Found::new(&wanted);
    let is_reply = found.read(&wanted, &line).is_ok() && (0..3).any(|slot| found.is_there(slot));
    Ok(if is_reply { Shape::Reply } else { Shape::Flat })
}

/// Until the data end, somebody stops it, or it is time to put down where it stands.
struct Lap<'l, 'r> {
    reader: Mutex<(&'l mut ChunkReader<'r>, u64)>,
    decisions: Mutex<Option<&'l mut Decisions>>,
    failed: Mutex<Option<LabError>>,
    until: Option<Instant>,
    control: &'l RunControl,
}

impl Lap<'_, '_> {
    fn run(&self, task: &Task<'_>, threads: usize) -> Vec<Tally> {
        std::thread::scope(|scope| {
            let threads: Vec<_> = (0..threads).map(|_| scope.spawn(|| self.work(task))).collect();
            let over = |thread: std::thread::ScopedJoinHandle<'_, Tally>| {
                // Without it, what the thread has counted would be missing in silence.
                thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            };
            threads.into_iter().map(over).collect()
        })
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
                let is_over =
                    self.until.is_some_and(|until| Instant::now() > until) || self.control.is_stopped();
                if is_over || lock(&self.failed).is_some() {
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

/// A thread that panicked takes the run down with it, and not the lock.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn take<T>(mutex: Mutex<T>) -> T {
    mutex.into_inner().unwrap_or_else(PoisonError::into_inner)
}
