//! The snapshot document: the whole state except the journal.

use serde::{Deserialize, Serialize};

use super::callback_queue::CallbackQueue;
use crate::faults::FaultInjector;
use crate::http::Message;
use crate::sessions::{IdentityHistory, Session};
use crate::time::SavedClock;

/// The version of the document. Other versions are rejected.
pub(crate) const FORMAT: u32 = 1;

/// A snapshot. It contains no names and no ID numbers, but links and callback tokens: treat it as a secret.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Snapshot {
    format: u32,
    #[serde(flatten)]
    pub(crate) record: EmulatorRecord,
    pub(crate) sessions: Vec<Session>,
}

/// The state except the sessions. The state file keeps it in one row.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct EmulatorRecord {
    pub(crate) seed: u64,
    pub(crate) made: u64,
    pub(crate) clock: SavedClock,
    pub(crate) history: IdentityHistory,
    pub(crate) faults: FaultInjector,
    pub(crate) callbacks: CallbackQueue,
}

impl EmulatorRecord {
    /// The record of a new emulator.
    pub(crate) fn initial(seed: u64, clock: SavedClock, faults: FaultInjector) -> Self {
        Self {
            seed,
            made: 0,
            clock,
            history: IdentityHistory::default(),
            faults,
            callbacks: CallbackQueue::default(),
        }
    }
}

impl Snapshot {
    pub(crate) const fn new(record: EmulatorRecord, sessions: Vec<Session>) -> Self {
        Self { format: FORMAT, record, sessions }
    }

    /// Parses a snapshot.
    ///
    /// # Errors
    /// If the document is not a snapshot of this version. The message does not quote it.
    pub(crate) fn parse(text: &[u8]) -> Result<Self, Message> {
        let read: Self = serde_json::from_slice(text).map_err(|error| {
            let (line, column) = (error.line(), error.column());
            Message::new(
                format!("not a snapshot of an emulator: line {line}, column {column}"),
                format!("不是模拟器的快照：第 {line} 行第 {column} 列"),
            )
        })?;
        if read.format != FORMAT {
            return Err(Message::new(
                format!(
                    "snapshot format {} is not supported; this emulator reads format {FORMAT}",
                    read.format
                ),
                format!("不支持的快照格式 {}：此模拟器支持格式 {FORMAT}", read.format),
            ));
        }
        match read.record.faults.check() {
            Ok(()) => Ok(read),
            Err(error) => Err(Message::new(
                format!("the snapshot has an {error}"),
                format!("快照中的故障无效：{}", error.problem().zh),
            )),
        }
    }
}
