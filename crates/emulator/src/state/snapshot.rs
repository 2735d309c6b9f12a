//! The snapshot document: the whole state except the journal.

use std::collections::HashSet;
use std::fmt;

use cloudauth_protocol::Bilingual;
use serde::{Deserialize, Serialize};

use super::callback_queue::CallbackQueue;
use crate::faults::FaultInjector;
use crate::http::{Message, both};
use crate::sessions::{IdentityHistory, MAX_SESSIONS, Session};
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

    /// Parses and checks a snapshot.
    pub(crate) fn parse(text: &[u8]) -> Result<Self, SnapshotError> {
        let read: Self = serde_json::from_slice(text).map_err(|error| {
            let (line, column) = (error.line(), error.column());
            SnapshotError(Message::new(
                format!("not a snapshot of an emulator: line {line}, column {column}"),
                format!("不是模拟器的快照：第 {line} 行第 {column} 列"),
            ))
        })?;
        if read.format != FORMAT {
            return Err(SnapshotError(Message::new(
                format!(
                    "snapshot format {} is not supported; this emulator reads format {FORMAT}",
                    read.format
                ),
                format!("不支持的快照格式 {}：此模拟器支持格式 {FORMAT}", read.format),
            )));
        }
        read.check().map(|()| read)
    }

    /// Checks values that the admin API would refuse: the document may have been edited.
    pub(crate) fn check(&self) -> Result<(), SnapshotError> {
        let EmulatorRecord { clock, faults, callbacks, .. } = &self.record;
        for (part, checked) in [
            (both("the clock", "时钟"), clock.check()),
            (both("the faults", "故障"), faults.check()),
            (both("the callbacks", "回调"), callbacks.check()),
        ] {
            checked.map_err(|problem| SnapshotError::of(part, problem))?;
        }
        if self.sessions.len() > MAX_SESSIONS {
            let problem = both("there are more than 100,000", "超过 100,000 个");
            return Err(SnapshotError::of(both("the sessions", "会话"), problem));
        }
        let mut seen = HashSet::new();
        for (number, session) in (1..).zip(&self.sessions) {
            let of_session = |problem| {
                let part = Message::new(format!("session {number}"), format!("会话 {number}"));
                SnapshotError::of(part, problem)
            };
            session.check_saved().map_err(of_session)?;
            if !seen.insert(&session.certify_id) {
                return Err(of_session(both("its CertifyId is not unique", "CertifyId 重复")));
            }
        }
        Ok(())
    }
}

/// The error of a document that is not a snapshot of this version, or that has a value out of range. It quotes no value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnapshotError(Message);

impl SnapshotError {
    fn of(part: impl Into<Message>, problem: Bilingual) -> Self {
        let part = part.into();
        Self(Message::new(format!("{}: {}", part.en, problem.en), format!("{}：{}", part.zh, problem.zh)))
    }

    /// Returns the error in Chinese. `Display` is English.
    #[must_use]
    pub fn chinese(&self) -> &str {
        &self.0.zh
    }

    /// Returns the error in both languages.
    pub(crate) fn message(self) -> Message {
        self.0
    }
}

impl fmt::Display for SnapshotError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.en)
    }
}

impl std::error::Error for SnapshotError {}
