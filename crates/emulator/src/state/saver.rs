//! The open state file, and the result of the latest commit.

use std::sync::{Mutex, MutexGuard};

use serde::Serialize;

use super::store::Store;
use super::sync::locked;

/// The state file of a running emulator, if it has one.
#[derive(Debug)]
pub(super) struct Saver {
    has_file: bool,
    /// `None` without a state file, and after the emulator has stopped.
    file: Mutex<Option<StateFile>>,
    /// The error of the latest commit. It has a separate lock, because a commit holds the lock of the file
    /// for a long time.
    error: Mutex<Option<String>>,
}

/// An open state file.
#[derive(Debug)]
pub(super) struct StateFile {
    pub(super) store: Store,
    /// Whether the next commit must replace the whole content.
    pub(super) is_stale: bool,
}

impl Saver {
    pub(super) fn new(store: Option<Store>) -> Self {
        let file = store.map(|store| StateFile { store, is_stale: false });
        Self { has_file: file.is_some(), file: Mutex::new(file), error: Mutex::default() }
    }

    pub(super) const fn has_file(&self) -> bool {
        self.has_file
    }

    pub(super) fn file(&self) -> MutexGuard<'_, Option<StateFile>> {
        locked(&self.file)
    }

    /// Returns the error of the latest commit.
    pub(super) fn error(&self) -> Option<String> {
        locked(&self.error).clone()
    }

    pub(super) fn is_failing(&self) -> bool {
        locked(&self.error).is_some()
    }

    /// Records the result of a commit, and returns whether it succeeded. A full disk does not stop the emulator: it prints
    /// one message.
    pub(super) fn committed(&self, result: Result<(), String>) -> bool {
        let mut latest = locked(&self.error);
        match (&result, &*latest) {
            (Err(error), None) => {
                eprintln!("cloudauth emulator: cannot write the state file: {error}; retrying");
            }
            (Ok(()), Some(_)) => eprintln!("cloudauth emulator: the state file is current again"),
            _ => {}
        }
        *latest = result.err();
        latest.is_none()
    }
}

/// Whether the state file is current.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct SavingStatus {
    /// The number of unsaved sessions.
    pub(super) unsaved: usize,
    /// The error of the latest commit.
    pub(super) error: Option<String>,
}
