//! The state file of a running emulator, and whether it is current.

use std::sync::{Mutex, MutexGuard};

use serde::Serialize;

use super::store::Store;
use super::sync::locked;

/// The state file of a running emulator, if it has one.
#[derive(Debug)]
pub(super) struct Saver {
    has_file: bool,
    /// Empty without a state file, and once the emulator has stopped.
    file: Mutex<Option<StateFile>>,
    /// Why the latest commit failed. Calls read this without the lock of the file, which a retry holds for long.
    error: Mutex<Option<String>>,
}

/// An open state file.
#[derive(Debug)]
pub(super) struct StateFile {
    pub(super) store: Store,
    /// Whether everything in the file has to be replaced.
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

    /// Why the latest commit failed.
    pub(super) fn error(&self) -> Option<String> {
        locked(&self.error).clone()
    }

    pub(super) fn is_failing(&self) -> bool {
        locked(&self.error).is_some()
    }

    /// Notes whether a commit succeeded. A full disk does not stop the emulator; it prints one message.
    pub(super) fn committed(&self, result: Result<(), String>) -> bool {
        let mut latest = locked(&self.error);
        match (&result, &*latest) {
            (Err(error), None) => {
                eprintln!("cloudauth emulator: the state file was not written: {error}; it is tried again");
            }
            (Ok(()), Some(_)) => eprintln!("cloudauth emulator: the state file is current again"),
            _ => {}
        }
        *latest = result.err();
        latest.is_none()
    }
}

/// How current the state file is.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct SavingStatus {
    /// The sessions that are not in it as they are.
    pub(super) unsaved: usize,
    /// Why the latest commit failed.
    pub(super) error: Option<String>,
}
