//! The checkpoint of a run, from which it can be resumed.

use std::fs::File;
use std::io::{BufReader, ErrorKind, Write};
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
const FORMAT: u32 = 9;

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
            _ => {}
        }
        let found = read::<Self>(path);
        let format = match &found {
            Ok(checkpoint) => checkpoint.format,
            Err(_) => read::<Header>(path)?.format,
        };
        if format != FORMAT {
            return Err(LabProblem::CheckpointOfOtherFormat(path.to_owned(), format, FORMAT).into_error());
        }
        let checkpoint = found?;
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
            serde_json::to_writer(&mut file, self)?;
            file.flush()?;
            file.commit()
        };
        write().map_err(|error| LabError::unwritten(path, error))
    }
}

/// Reads a checkpoint, or a part of it.
fn read<T: DeserializeOwned>(path: &Path) -> Result<T, LabError> {
    let file = File::open(path).map_err(|error| LabError::file(path, error))?;
    serde_json::from_reader(BufReader::new(file)).map_err(|error| {
        LabProblem::NotACheckpoint(path.to_owned(), error.line(), error.column()).into_error()
    })
}

/// A hash of the slots of the scores and of the values that each policy compares them with, in its rules and its promises.
fn cuts(task: &Task<'_>) -> String {
    let mut hash = Sha256::new();
    hash.update(task.scales.hash());
    for policy in task.policies().into_iter().flatten() {
        hash.update(format!("{:?}", ScoreCut::of(policy)));
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
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
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
