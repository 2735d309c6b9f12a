//! A run over the data. Several threads decide and count; one at a time reads. Their counts are merged at the end.

#[cfg(feature = "parquet")]
mod batch;
mod checkpoint;
mod control;
mod decisions;
#[cfg(feature = "parquet")]
mod groups;
mod lap;
mod outcome;
#[cfg(feature = "parquet")]
mod rules;
mod shape;
#[cfg(feature = "parquet")]
mod table;
mod task;
mod worker;

use std::io;
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use cloudauth_policy::Policy;

use crate::analysis::calibrate::Days;
use crate::analysis::sweep::SweepPlan;
use crate::error::{LabError, LabProblem};
use crate::input::chunks::ChunkReader;
use crate::input::json::Wanted;
use crate::input::mapping::{Mapping, Shape};
use crate::input::skipped::{SkipReason, Skipped};
use crate::input::source::{Format, Source};
use crate::tally::failing_example::FailingExample;
use crate::tally::issues::{IssueKind, RowLocation};
use crate::tally::{Scales, Tally};
use checkpoint::Checkpoint;
pub use control::RunControl;
use decisions::{Decisions, RowKind, RowWriter};
use lap::Lap;
pub use outcome::RunOutcome;
#[cfg(feature = "parquet")]
pub use rules::TableDecisions;
use shape::shape;
use task::Task;

/// How often a run saves a checkpoint.
const CHECKPOINT_EVERY: Duration = Duration::from_secs(10);

/// A run of policies over recorded results.
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
/// assert_eq!((replay.rows, replay.verdicts.retry.all), (1, 1));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Lab<'p> {
    pub(crate) policy: &'p Policy,
    pub(crate) candidate: Option<&'p Policy>,
    sweep: Option<&'p SweepPlan>,
    pub(crate) mapping: Option<Mapping>,
    threads: usize,
    keep_people: bool,
    keep_segment_people: bool,
    crossed: Option<[String; 2]>,
    days: Option<Days>,
    known_people: Vec<u64>,
    rows_file: Option<(RowKind, PathBuf)>,
    resume: Option<PathBuf>,
    pub(crate) skipped: Vec<Skipped>,
    checkpoint_every: Duration,
    allow_missing_inputs: bool,
}

impl<'p> Lab<'p> {
    /// Creates a run of this policy.
    #[must_use]
    pub fn new(policy: &'p Policy) -> Self {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            policy,
            candidate: None,
            sweep: None,
            mapping: None,
            threads,
            keep_people: false,
            keep_segment_people: false,
            crossed: None,
            days: None,
            known_people: Vec::new(),
            rows_file: None,
            resume: None,
            skipped: Vec::new(),
            checkpoint_every: CHECKPOINT_EVERY,
            allow_missing_inputs: false,
        }
    }

    /// Creates a run that counts for all values of a sweep in one pass. Read its result with [`Sweep::of`](crate::Sweep::of).
    #[must_use]
    pub fn sweep(plan: &'p SweepPlan) -> Self {
        Self { candidate: Some(plan.highest()), sweep: Some(plan), ..Self::new(plan.lowest()) }
    }

    /// Adds a candidate, to be compared with the policy.
    #[must_use]
    pub const fn against(mut self, candidate: &'p Policy) -> Self {
        self.candidate = Some(candidate);
        self
    }

    /// Sets the mapping. The default is [`Mapping::of`] the shape of the data.
    #[must_use]
    pub fn mapping(mut self, mapping: Mapping) -> Self {
        self.mapping = Some(mapping);
        self
    }

    /// Sets the number of threads. The result does not depend on it.
    #[must_use]
    pub const fn threads(mut self, threads: usize) -> Self {
        self.threads = if threads == 0 { 1 } else { threads };
        self
    }

    /// Keeps labelled rows of people, identified by a hash, for intervals over people instead of rows: at most 8,000,000 rows, of
    /// 32 bytes each (16 in a sweep). With more, the intervals rest on rows, and the result says so.
    #[must_use]
    pub const fn keep_people(mut self) -> Self {
        self.keep_people = true;
        self
    }

    /// Keeps rows of people by segment, for the intervals of [`SegmentRates`](crate::SegmentRates) over people: at most 8,000,000 rows
    /// of all segments together, of 16 bytes each. With more, the intervals rest on rows, and the result says so.
    #[must_use]
    pub const fn keep_segment_people(mut self) -> Self {
        self.keep_segment_people = true;
        self
    }

    /// Counts only rows of these days. A row without a time is not counted. Data issues are those of all rows.
    #[must_use]
    pub const fn days(mut self, days: Days) -> Self {
        self.days = Some(days);
        self
    }

    /// Leaves out the rows of people who have a labelled row in another run, so that no subject is on both sides of a test. Only a
    /// run with [`Lab::keep_people`] knows them.
    ///
    /// # Errors
    /// If the other run had more labelled rows of people than it could keep.
    pub fn without_people_of(mut self, other: &Tally) -> Result<Self, LabError> {
        if !other.kept_all {
            return Err(LabProblem::TooManyPeople.into_error());
        }
        self.known_people = other.kept.iter().map(|kept| kept.subject).collect();
        self.known_people.dedup();
        Ok(self)
    }

    /// Also counts by two segments of the mapping together, so that each pair of values is a group.
    #[must_use]
    pub fn cross(mut self, first: &str, second: &str) -> Self {
        self.crossed = Some([first.to_owned(), second.to_owned()]);
        self
    }

    /// Writes each decision of the first policy to a file, in the order of the data: JSON Lines if its name ends in `.jsonl` or
    /// `.ndjson`, otherwise CSV. A complete run puts the file in place; until then it is next to its target, as
    /// `NAME.xxxxxx.partial`. Only the owner can read a new file. A run writes one file of rows: the last one set.
    #[must_use]
    pub fn decisions(mut self, file: PathBuf) -> Self {
        self.rows_file = Some((RowKind::Decisions, file));
        self
    }

    /// Writes the rows whose verdict changes with the candidate, with both rules, as [`Lab::decisions`] writes all rows.
    #[must_use]
    pub fn flips(mut self, file: PathBuf) -> Self {
        self.rows_file = Some((RowKind::Flips, file));
        self
    }

    /// Saves a checkpoint to this file every ten seconds and when the run is stopped. If the file exists, the run resumes from
    /// it. A checkpoint is refused if the policies, the mapping or the data have changed, or if its decision file has lost
    /// data.
    #[must_use]
    pub fn resume(mut self, file: PathBuf) -> Self {
        self.resume = Some(file);
        self
    }

    /// Reads files that have none of the policies' inputs. By default they are refused, because every row would be decided
    /// without evidence.
    #[must_use]
    pub const fn allow_missing_inputs(mut self) -> Self {
        self.allow_missing_inputs = true;
        self
    }

    /// Lists in the report the files and folders that [`Source::search`] found and skipped.
    #[must_use]
    pub fn skipped(mut self, skipped: Vec<Skipped>) -> Self {
        self.skipped = skipped;
        self
    }

    /// Saves a checkpoint at this interval, instead of every ten seconds.
    #[must_use]
    pub const fn checkpoint_every(mut self, interval: Duration) -> Self {
        self.checkpoint_every = interval;
        self
    }

    /// Reads, decides and counts. The same data gives the same counts and the same bytes on any number of threads.
    ///
    /// # Errors
    /// If a file cannot be read, or a limit on the data is exceeded. A row that cannot be read is not an error: it is counted
    /// as a data issue.
    pub fn run(&self, sources: &[Source], control: &RunControl) -> Result<RunOutcome, LabError> {
        let mapping = self.mapping_of(sources)?;
        let task = self.task(sources, &mapping, false)?;
        let loaded = self.resume.as_deref().map(|path| Checkpoint::load(path, &task)).transpose()?.flatten();
        let mut state = loaded.unwrap_or_else(|| Checkpoint::start(&task));
        let is_read = state.position.source == sources.len();
        let rows_file = self.rows_file.as_ref().zip(task.writer);
        let mut decisions = rows_file
            .map(|((_, path), writer)| Decisions::open(path, writer, state.decisions.as_ref(), is_read))
            .transpose()?;
        let is_new = state.decisions.is_none();
        if let Err(error) = self.save(&mut state, decisions.as_mut()) {
            if is_new {
                decisions.into_iter().for_each(Decisions::discard);
            }
            return Err(error);
        }
        let read = |bytes| control.add_read(bytes);
        let mut reader = ChunkReader::new(sources, &task.slots, state.position, &read);
        let mut changed = Vec::new();
        loop {
            let first = reader.position().source;
            let chunk = decisions.as_ref().map_or(0, Decisions::next);
            let lap = Lap {
                reader: Mutex::new((&mut reader, chunk)),
                first: chunk,
                decisions: Mutex::new(decisions.as_mut()),
                failed: Mutex::new(None),
                // With an interval too long for the clock, progress is saved at the end only.
                until: self.resume.as_ref().and_then(|_| Instant::now().checked_add(self.checkpoint_every)),
                control,
            };
            for tally in lap.run(&task, self.threads)? {
                state.tally.merge(tally);
            }
            state.tally.settle()?;
            state.position = reader.position();
            state.empty.extend(reader.take_empty());
            let ended = sources.iter().enumerate().take(state.position.source).skip(first);
            // Rows of a Parquet file are read after the chunk reader has reached its end.
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
                let empty = state.empty.iter().filter_map(|source| sources.get(*source));
                let empty =
                    empty.map(|source| Skipped { path: source.path().to_owned(), reason: SkipReason::Empty });
                state.tally.skipped = self.skipped.iter().cloned().chain(empty).collect();
                state.tally.failing_examples = self.failing_examples();
                state.tally.timezone = mapping.timezone;
                if is_end && state.tally.rows > 0 {
                    let named = task.named().map(|slot| slot.1.clone());
                    state.tally.absent = named.filter(|path| !state.tally.seen.contains(path)).collect();
                }
                return RunOutcome::new(state.tally, is_end, changed, decisions);
            }
        }
    }

    /// Returns the mapping of a run over these sources.
    fn mapping_of(&self, sources: &[Source]) -> Result<Mapping, LabError> {
        if self.resume.is_some() {
            check_resumable(sources)?;
        }
        let mapping = match &self.mapping {
            Some(mapping) => mapping.clone(),
            None => Mapping::of(shape(sources)?),
        };
        if mapping.shape == Shape::Reply && sources.iter().any(|source| source.format != Format::Json) {
            return Err(LabProblem::ReplyNotJson.into_error());
        }
        Ok(mapping)
    }

    /// Returns the settings that all threads share.
    fn task<'t>(
        &'t self,
        sources: &'t [Source],
        mapping: &'t Mapping,
        only_decides: bool,
    ) -> Result<Task<'t>, LabError> {
        let compares_matchers = mapping.second_score.is_some()
            && self.candidate.is_some()
            && self.sweep.is_none()
            && !only_decides;
        let slots = mapping.slots(compares_matchers);
        let mut wanted = Wanted::new(slots.iter().map(String::as_str));
        if mapping.shape == Shape::Reply {
            wanted = wanted.with_reply(mapping.reply.as_deref().unwrap_or_default());
        }
        Ok(Task {
            policy: self.policy,
            candidate: self.candidate,
            mapping,
            sources,
            wanted,
            sweep: self.sweep,
            scales: Scales::with(self.policy, self.sweep.map(SweepPlan::boundaries))?,
            slots,
            days: self.days,
            known_people: &self.known_people,
            crossed: self.crossed.as_ref().map(|[a, b]| mapping.crossed(a, b)).transpose()?,
            is_mapped: self.mapping.is_some(),
            keep_people: self.keep_people,
            keep_segment_people: self.keep_segment_people && !mapping.segments.is_empty(),
            compares_matchers,
            room: Default::default(),
            writer: self.rows_file.as_ref().map(|(kind, file)| RowWriter::new(*kind, file)),
            only_decides,
            allow_missing_inputs: self.allow_missing_inputs,
        })
    }

    /// Returns the failing examples of both policies.
    pub(crate) fn failing_examples(&self) -> Vec<FailingExample> {
        [Some(self.policy), self.candidate].into_iter().flatten().flat_map(FailingExample::all_of).collect()
    }

    /// Saves a checkpoint, if there is a file for it. The decisions are synchronized first, because the checkpoint records
    /// their length.
    fn save(&self, state: &mut Checkpoint, decisions: Option<&mut Decisions>) -> Result<(), LabError> {
        let Some(path) = &self.resume else { return Ok(()) };
        state.decisions = decisions.map(Decisions::keep).transpose()?.flatten();
        state.save(path)
    }
}

/// Refuses sources that a later run cannot read again.
fn check_resumable(sources: &[Source]) -> Result<(), LabError> {
    if sources.iter().any(Source::is_standard_input) {
        return Err(LabProblem::StandardInputResumed.into_error());
    }
    let refused = |source: &Source| match std::fs::metadata(source.path()) {
        _ if source.is_in_memory() => Some("a run over a table in memory cannot be resumed"),
        Ok(found) if !found.is_file() => Some("a pipe or device cannot be read again: --resume takes files"),
        _ => None,
    };
    match sources.iter().find_map(|source| Some((source, refused(source)?))) {
        Some((source, why)) => {
            Err(LabError::file(source.path(), io::Error::new(io::ErrorKind::Unsupported, why)))
        }
        None => Ok(()),
    }
}
