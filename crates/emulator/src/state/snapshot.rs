//! Everything that an emulator knows, as one document.

use serde::{Deserialize, Serialize};

use super::callback_queue::Queue;
use crate::faults::Faults;
use crate::sessions::{History, Session};
use crate::time::Saved;

/// The document's version: another is refused, not guessed at.
const FORMAT: u32 = 1;

/// A snapshot. It holds no name and no number, but links and callback tokens: it is as secret as they are.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Snapshot {
    format: u32,
    #[serde(flatten)]
    pub(crate) rest: Rest,
    pub(crate) sessions: Vec<Session>,
}

/// All but the sessions.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Rest {
    pub(crate) seed: u64,
    pub(crate) made: u64,
    pub(crate) clock: Saved,
    pub(crate) history: History,
    pub(crate) faults: Faults,
    pub(crate) callbacks: Queue,
}

impl Rest {
    pub(crate) fn beginning(seed: u64, clock: Saved, faults: Faults) -> Self {
        Self { seed, made: 0, clock, history: History::default(), faults, callbacks: Queue::default() }
    }
}

impl Snapshot {
    pub(crate) const fn new(rest: Rest, sessions: Vec<Session>) -> Self {
        Self { format: FORMAT, rest, sessions }
    }

    /// Reads one.
    ///
    /// # Errors
    /// What is wrong with it; never what it says.
    pub(crate) fn parse(text: &[u8]) -> Result<Self, String> {
        let place = |error: serde_json::Error| format!("line {}, column {}", error.line(), error.column());
        let read: Self = serde_json::from_slice(text)
            .map_err(|error| format!("this is no snapshot of an emulator: {}", place(error)))?;
        match read.format {
            FORMAT => Ok(read),
            other => Err(format!("this snapshot is of format {other}, and this emulator reads {FORMAT}")),
        }
    }
}
