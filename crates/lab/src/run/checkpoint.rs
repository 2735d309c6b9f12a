//! The checkpoint of a run, from which it can be resumed: a JSON document in a line, and a line with its SHA-256.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::Path;

use cloudauth_files::{Access, OutputFile};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::decisions::Saved;
use super::task::Task;
use crate::error::{LabError, LabProblem};
use crate::input::chunks::Position;
use crate::tally::saved::SavedTally;
use crate::tally::{ScoreCut, Tally};

/// The version of the format. Other versions are refused: a checkpoint belongs to one run of one version of the command.
const FORMAT: u32 = 10;

/// The largest checkpoint that is read, in bytes. The largest one that a run writes is smaller: 8,000,000 labelled rows of people
/// and as many of two matchers at up to 200 bytes each, their rows in segments at 30, and scores of 400 months at up to 1 MB.
const LARGEST: u64 = 4 << 30;

/// The start of the last line. The SHA-256 of all lines before it follows, in hexadecimal.
const SEAL: &[u8] = b"sha256 ";
/// The length of the last line.
const SEAL_LENGTH: usize = SEAL.len() + 64 + 1;

/// What a checkpoint of any version has; read alone only if the rest cannot be read.
#[derive(Deserialize)]
struct Header {
    format: u32,
}

/// The state that a run needs in order to resume.
#[derive(Serialize, Deserialize)]
pub(super) struct Checkpoint {
    format: u32,
    of: String,
    /// A hash of the values at which scores are counted.
    cuts: String,
    #[serde(deserialize_with = "SavedTally::deserialize")]
    pub(super) tally: Tally,
    pub(super) position: Position,
    /// The files without rows.
    pub(super) empty: Vec<usize>,
    /// The decision file so far, if there is one.
    pub(super) decisions: Option<Saved>,
}

impl Checkpoint {
    /// Returns the state at the start of a run.
    pub(super) fn start(task: &Task<'_>) -> Self {
        let mut tally = Tally::new(task.policy, task.candidate, &task.segments());
        tally.matchers = task.compares_matchers.then(Default::default);
        Self {
            format: FORMAT,
            of: fingerprint(task),
            cuts: cuts(task),
            tally,
            position: Position::default(),
            empty: Vec::new(),
            decisions: None,
        }
    }

    /// Loads a checkpoint of this run. `None` if the file does not exist. A pipe or a device is refused, because reading it
    /// could wait forever. The error of a file that is not a checkpoint does not quote it.
    pub(super) fn load(path: &Path, task: &Task<'_>) -> Result<Option<Self>, LabError> {
        match std::fs::metadata(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Ok(found) if !found.is_file() => {
                return Err(LabProblem::CheckpointNotAFile(path.to_owned()).into_error());
            }
            Ok(found) if found.len() > LARGEST => {
                return Err(LabProblem::CheckpointTooLarge(path.to_owned(), LARGEST).into_error());
            }
            _ => {}
        }
        let length = sealed(path).map_err(|error| LabError::file(path, error))?;
        let checkpoint = match length.map(|length| read::<Self>(path, length)) {
            Some(Ok(checkpoint)) if checkpoint.format == FORMAT => checkpoint,
            found => return Err(refusal(path, found.and_then(Result::err))),
        };
        let is_beyond = checkpoint.position.source > task.sources.len();
        let compares_matchers = checkpoint.tally.matchers.is_some();
        if checkpoint.of != fingerprint(task) || is_beyond || compares_matchers != task.compares_matchers {
            return Err(LabProblem::CheckpointOfOtherRun(path.to_owned()).into_error());
        }
        if checkpoint.cuts != cuts(task) || !checkpoint.tally.is_of(&task.scales) {
            return Err(LabProblem::CheckpointOfOtherScores(path.to_owned()).into_error());
        }
        Ok(Some(checkpoint))
    }

    /// Saves it, readable by its owner only: it holds hashes of subjects, which can be guessed.
    pub(super) fn save(&self, path: &Path) -> Result<(), LabError> {
        let write = || {
            let mut file = OutputFile::create(path, Access::Private)?;
            let mut hashing = BufWriter::new(Hashing { to: &mut file, hash: Sha256::new() });
            serde_json::to_writer(&mut hashing, self)?;
            hashing.write_all(b"\n")?;
            let hash = hex(hashing.into_inner().map_err(io::IntoInnerError::into_error)?.hash);
            file.write_all(SEAL)?;
            writeln!(file, "{hash}")?;
            file.commit()
        };
        write().map_err(|error| LabError::unwritten(path, error))
    }
}

/// Writes, and hashes what it writes.
struct Hashing<W> {
    to: W,
    hash: Sha256,
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.to.write(bytes)?;
        self.hash.update(bytes.get(..written).unwrap_or_default());
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

fn hex(hash: Sha256) -> String {
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Returns the length of what is before the last line; `None` if that line is not its SHA-256.
fn sealed(path: &Path) -> io::Result<Option<u64>> {
    let mut file = File::open(path)?;
    let Some(length) = file.metadata()?.len().checked_sub(SEAL_LENGTH as u64) else { return Ok(None) };
    let mut seal = [0; SEAL_LENGTH];
    file.seek(SeekFrom::Start(length))?;
    file.read_exact(&mut seal)?;
    let Some(seal) = seal.strip_prefix(SEAL).and_then(|seal| seal.strip_suffix(b"\n")) else {
        return Ok(None);
    };
    file.rewind()?;
    let mut hashing = Hashing { to: io::sink(), hash: Sha256::new() };
    io::copy(&mut file.take(length), &mut hashing)?;
    Ok((hex(hashing.hash).as_bytes() == seal).then_some(length))
}

/// Reads a checkpoint, or a part of it, at the start of a file. What follows this length is not read.
fn read<T: DeserializeOwned>(path: &Path, length: u64) -> Result<T, LabError> {
    let file = File::open(path).map_err(|error| LabError::file(path, error))?;
    let mut document = serde_json::Deserializer::from_reader(BufReader::new(file.take(length)));
    T::deserialize(&mut document).map_err(|error| {
        LabProblem::NotACheckpoint(path.to_owned(), error.line(), error.column()).into_error()
    })
}

/// Returns why a file is not a checkpoint of this version: its format, damage, or the error of what its hash vouches for.
fn refusal(path: &Path, error: Option<LabError>) -> LabError {
    let header = read::<Header>(path, LARGEST);
    let is_ours = || {
        let (mut start, ours) = (Vec::new(), format!("{{\"format\":{FORMAT},"));
        let read = File::open(path).and_then(|file| file.take(ours.len() as u64).read_to_end(&mut start));
        read.is_ok() && start == ours.as_bytes()
    };
    match header {
        Ok(Header { format }) if format != FORMAT => {
            LabProblem::CheckpointOfOtherFormat(path.to_owned(), format, FORMAT).into_error()
        }
        Err(error) if !is_ours() => error,
        _ => error.unwrap_or_else(|| LabProblem::CheckpointDamaged(path.to_owned()).into_error()),
    }
}

/// A hash of the slots of the scores and of the values that each policy compares them with, in its rules and its promises.
fn cuts(task: &Task<'_>) -> String {
    let mut hash = Sha256::new();
    hash.update(task.scales.hash());
    for policy in task.policies().into_iter().flatten() {
        hash.update(format!("{:?}", ScoreCut::of(policy)));
    }
    hex(hash)
}

/// A hash of everything that makes a checkpoint useless when it changes: policies, mapping, options, and the data files with
/// their length and time of change.
fn fingerprint(task: &Task<'_>) -> String {
    let mut hash = Sha256::new();
    for policy in task.policies().into_iter().flatten() {
        hash.update(&policy.reference().content_hash);
    }
    hash.update(format!("{:?} {} {:?}", task.mapping, task.keep_people, task.writer));
    hash.update([u8::from(task.keep_segment_people)]);
    hash.update(format!("{:?} {:?}", task.days, task.crossed));
    for person in task.known_people {
        hash.update(person.to_be_bytes());
    }
    for source in task.sources {
        hash.update(format!("{} {} {:?}", source.path().display(), source.length(), source.changed()));
    }
    hex(hash)
}
