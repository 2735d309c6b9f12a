//! A run over the data: as many threads as there are cores, one at a time at the file, and what they counted put together.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use cloudauth_policy::Policy;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::error::LabError;
use crate::feed::{Feed, Position};
use crate::json::{Found, Wanted};
use crate::mapping::{Mapping, Shape};
use crate::search::Skipped;
use crate::source::{Format, Source};
use crate::tally::Tally;
use crate::worker::{DECISIONS, Task, Worker};

/// How often a run that can be gone on with puts down where it stands.
const LAP: Duration = Duration::from_secs(10);

/// How far a run is, and a way to end it early: for progress bars and Ctrl-C.
#[derive(Debug, Default)]
pub struct Watch {
    read: AtomicU64,
    stop: AtomicBool,
    /// Pieces until it stops by itself: for tests of being stopped.
    pieces: AtomicU64,
}

impl Watch {
    /// Bytes read of the files, packed as they are.
    pub fn read(&self) -> u64 {
        self.read.load(Ordering::Relaxed)
    }

    /// Ends the run after what is being read now. What was counted until then is given.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    /// Ends the run by itself after so many pieces of about a megabyte.
    pub fn stop_after(&self, pieces: u64) {
        self.pieces.store(pieces, Ordering::Relaxed);
    }

    /// One more piece was handed out.
    fn count_piece(&self) {
        if self.pieces.load(Ordering::Relaxed) > 0 && self.pieces.fetch_sub(1, Ordering::Relaxed) == 1 {
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
pub struct Ran {
    /// The counts.
    pub tally: Tally,
    /// `false` if it was stopped before the end.
    pub complete: bool,
}

/// Policies over recorded results.
///
/// ```
/// use cloudauth_lab::{Lab, Replay, Source, Watch};
/// use cloudauth_policy::{Policy, builtin};
///
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("history.jsonl");
/// std::fs::write(&path, r#"{"sub_code": "201", "passed": "F"}"#)?;
/// let policy = Policy::parse(builtin::ONBOARDING)?;
/// let ran = Lab::new(&policy).run(&Source::find(&[path])?, &Watch::default())?;
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

    /// Writes each decision of the first policy to a CSV file, in the order of the data.
    #[must_use]
    pub fn decisions(mut self, file: PathBuf) -> Self {
        self.decisions = Some(file);
        self
    }

    /// Puts down into this file where it stands, every ten seconds and when it is stopped; and goes on from there where the
    /// file is there already, if it is of the same policies, mapping and data.
    #[must_use]
    pub fn resume(mut self, file: PathBuf) -> Self {
        self.resume = Some(file);
        self
    }

    /// Lists the files and folders that [`Source::search`] found and passed over in the report.
    #[must_use]
    pub fn skipped(mut self, skipped: Vec<Skipped>) -> Self {
        self.skipped = skipped;
        self
    }

    /// Reads, decides, counts. The same data give the same counts and the same bytes, however many threads there are.
    ///
    /// # Errors
    /// If a file cannot be read, or what should divide the rows into a few segments does not. A row that cannot be read is
    /// no error: it is counted, and told of.
    pub fn run(&self, sources: &[Source], watch: &Watch) -> Result<Ran, LabError> {
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
            slots,
            is_mapped: self.mapping.is_some(),
            keep_people: self.keep_people,
            write_decisions: self.decisions.is_some(),
        };
        let mut state = self.begin(&task)?;
        let mut decisions =
            self.decisions.as_deref().map(|path| open_at(path, state.decisions)).transpose()?;
        let read = |bytes| {
            watch.read.fetch_add(bytes, Ordering::Relaxed);
        };
        let mut feed = Feed::new(sources, state.position, &read);
        loop {
            let lap = Lap {
                feed: Mutex::new((&mut feed, 0)),
                ordered: Mutex::new(Ordered {
                    next: 0,
                    waiting: BTreeMap::new(),
                    to: decisions.as_mut(),
                    written: 0,
                }),
                failed: Mutex::new(None),
                until: self.resume.as_ref().map(|_| Instant::now() + LAP),
                watch,
            };
            let tallies = lap.run(&task, self.threads);
            let (failed, written) = (take(lap.failed), take(lap.ordered).written);
            if let Some(failed) = failed {
                return Err(failed);
            }
            for tally in tallies {
                state.tally.merge(tally);
            }
            state.tally.settle()?;
            state.position = feed.position();
            state.decisions += written;
            let complete = state.position.source == sources.len();
            if let Some(path) = &self.resume {
                if let Some(decisions) = &decisions {
                    decisions.sync_data().map_err(|error| LabError::with("cannot write decisions", error))?;
                }
                state.save(path)?;
            }
            if complete || watch.is_stopped() {
                state.tally.is_part = !complete;
                state.tally.skipped.clone_from(&self.skipped);
                return Ok(Ran { tally: state.tally, complete });
            }
        }
    }

    /// From the start, or from where it stood.
    fn begin(&self, task: &Task<'_>) -> Result<State, LabError> {
        let new = State {
            of: fingerprint(task),
            tally: Tally::new(task.policy, task.candidate, &task.mapping.segments),
            position: Position::default(),
            decisions: 0,
        };
        match &self.resume {
            Some(path) if path.exists() => {
                let file = File::open(path).map_err(|error| LabError::file(path, &error))?;
                let wrong = |error| LabError::with(format!("{} is no saved run", path.display()), error);
                let state: State = serde_json::from_reader(BufReader::new(file)).map_err(wrong)?;
                if state.of != new.of {
                    let what =
                        "is of another command, policy, mapping or data; take another file, or delete it";
                    return Err(LabError::new(format!("{} {what}", path.display())));
                }
                Ok(state)
            }
            _ => Ok(new),
        }
    }
}

/// What a run that was stopped goes on with.
#[derive(Serialize, Deserialize)]
struct State {
    of: String,
    tally: Tally,
    position: Position,
    decisions: u64,
}

impl State {
    /// Whole or not at all: beside it first, then in its place.
    fn save(&self, path: &Path) -> Result<(), LabError> {
        let beside = path.with_extension("part");
        let write = || {
            let mut file = private(&beside)?;
            serde_json::to_writer(&mut file, self)?;
            file.sync_data()?;
            std::fs::rename(&beside, path)
        };
        write().map_err(|error| LabError::unwritten(path, &error))
    }
}

/// A file for nobody else: it holds hashes of people's names for whom guesses can be tried.
fn private(path: &Path) -> std::io::Result<File> {
    let mut options = File::options();
    options.create(true).write(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// What a saved run must not be of something else in: policies, mapping, what is kept, files and when they were changed.
fn fingerprint(task: &Task<'_>) -> String {
    let mut hash = Sha256::new();
    for policy in [Some(task.policy), task.candidate].into_iter().flatten() {
        hash.update(&policy.reference().content_hash);
    }
    hash.update(format!("{:?} {} {}", task.mapping, task.keep_people, task.write_decisions));
    for source in task.sources {
        hash.update(format!("{} {} {:?}", source.path().display(), source.length(), source.changed()));
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The decision file, cut to what was decided when the run was put down.
fn open_at(path: &Path, length: u64) -> Result<File, LabError> {
    let open = || {
        let mut file = File::options().create(true).truncate(false).write(true).open(path)?;
        let header = DECISIONS.len() as u64;
        file.set_len(if length == 0 { 0 } else { header + length })?;
        std::io::Seek::seek(&mut file, std::io::SeekFrom::End(0))?;
        if length == 0 {
            file.write_all(DECISIONS.as_bytes())?;
        }
        Ok(file)
    };
    open().map_err(|error| LabError::unwritten(path, &error))
}

/// Whether the first line of the first JSON file looks like an answer of the service.
fn shape(sources: &[Source]) -> Result<Shape, LabError> {
    let Some(source) = sources.iter().find(|source| source.format == Format::Json) else {
        return Ok(Shape::Flat);
    };
    let wrong = |error| LabError::file(source.path(), &error);
    let ignore = |_| {};
    let mut line = Vec::new();
    BufReader::new(source.open(&ignore).map_err(wrong)?).read_until(b'\n', &mut line).map_err(wrong)?;
    let wanted = Wanted::new(["Code", "ResultObject", "RequestId"]);
    let mut found = Found::new(&wanted);
    let is_reply = found.read(&wanted, &line).is_ok() && (0..3).any(|slot| found.is_there(slot));
    Ok(if is_reply { Shape::Reply } else { Shape::Flat })
}

/// Until the data end, somebody stops it, or it is time to put down where it stands.
struct Lap<'l, 'r> {
    feed: Mutex<(&'l mut Feed<'r>, u64)>,
    ordered: Mutex<Ordered<'l>>,
    failed: Mutex<Option<LabError>>,
    until: Option<Instant>,
    watch: &'l Watch,
}

/// Decisions, written in the order of the data.
struct Ordered<'l> {
    next: u64,
    waiting: BTreeMap<u64, Vec<u8>>,
    to: Option<&'l mut File>,
    written: u64,
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
        if let Err(error) = self.pieces(&mut worker) {
            lock(&self.failed).get_or_insert(error);
        }
        worker.done()
    }

    fn pieces(&self, worker: &mut Worker<'_>) -> Result<(), LabError> {
        loop {
            let (piece, number, header) = {
                let mut feed = lock(&self.feed);
                let is_over =
                    self.until.is_some_and(|until| Instant::now() > until) || self.watch.is_stopped();
                if is_over || lock(&self.failed).is_some() {
                    return Ok(());
                }
                let (feed, number) = &mut *feed;
                let Some(piece) = feed.next()? else { return Ok(()) };
                *number += 1;
                self.watch.count_piece();
                let header = feed.header(&piece);
                (piece, *number - 1, header)
            };
            let decisions = worker.piece(&piece, header.as_ref())?;
            lock(&self.ordered).write(number, decisions)?;
            lock(&self.feed).0.give_back(piece);
        }
    }
}

impl Ordered<'_> {
    fn write(&mut self, number: u64, decisions: Vec<u8>) -> Result<(), LabError> {
        let Some(to) = &mut self.to else { return Ok(()) };
        self.waiting.insert(number, decisions);
        while let Some(decisions) = self.waiting.remove(&self.next) {
            to.write_all(&decisions).map_err(|error| LabError::with("cannot write decisions", error))?;
            self.written += decisions.len() as u64;
            self.next += 1;
        }
        Ok(())
    }
}

/// A thread that panicked takes the run down with it, and not the lock.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn take<T>(mutex: Mutex<T>) -> T {
    mutex.into_inner().unwrap_or_else(PoisonError::into_inner)
}
