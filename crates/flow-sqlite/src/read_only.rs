//! Opens a file that is not to be changed: no log and no index appears beside it.

use std::ffi::OsString;
use std::fs::{Metadata, canonicalize};
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags};

use crate::error::OpenError;
use crate::open::connect_to_read;

/// A connection that only reads.
pub(crate) struct ReadOnly {
    pub(crate) connection: Connection,
    /// The file, if it has no log: no other program has it open.
    still: Option<(PathBuf, Metadata)>,
}

impl ReadOnly {
    /// Opens a store that exists. While a program has it open, there is a log, which SQLite reads too. Without a log, SQLite would
    /// create one. So the file is opened as one that does not change, and [`check_unchanged`](Self::check_unchanged) reports if it did.
    pub(crate) fn open(path: &Path) -> Result<Self, OpenError> {
        // SQLite names the log after the file, not after a symbolic link.
        let path = canonicalize(path).map_err(OpenError::unavailable)?;
        if has_log(&path) {
            let connection = connect_to_read(&path, path.as_os_str(), OpenFlags::empty())?;
            return Ok(Self { connection, still: None });
        }
        let before = path.metadata().map_err(OpenError::unavailable)?;
        let connection = connect_to_read(&path, &uri(&path), OpenFlags::SQLITE_OPEN_URI)?;
        Ok(Self { connection, still: Some((path, before)) })
    }

    /// Checks that no program opened the file while it was read as one that does not change.
    pub(crate) fn check_unchanged(self) -> Result<(), OpenError> {
        let Some((path, before)) = self.still else { return Ok(()) };
        let now = path.metadata().map_err(OpenError::unavailable)?;
        let is_same = now.len() == before.len() && now.modified().ok() == before.modified().ok();
        if is_same && !has_log(&path) {
            return Ok(());
        }
        Err(OpenError::unavailable("a program opened the file meanwhile: try again"))
    }
}

fn has_log(path: &Path) -> bool {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    Path::new(&log).exists()
}

/// The name of a file that does not change.
fn uri(path: &Path) -> OsString {
    let mut uri = "file:".to_owned();
    for &byte in path.as_os_str().as_encoded_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'_' | b'.' => uri.push(byte.into()),
            _ => uri += &format!("%{byte:02X}"),
        }
    }
    (uri + "?immutable=1").into()
}
