//! The state file: an SQLite database. Only one emulator can open it at a time.

#[cfg(feature = "sqlite")]
pub(crate) use with_sqlite::Store;
#[cfg(not(feature = "sqlite"))]
pub(crate) use without::Store;

#[cfg(feature = "sqlite")]
mod with_sqlite {
    use std::collections::HashSet;
    use std::fs::File;
    use std::io::{self, Read};
    use std::path::Path;
    use std::sync::{Mutex, MutexGuard, PoisonError};

    use rusqlite::ffi::SQLITE_READONLY_DIRECTORY;
    use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension, params};

    use crate::sessions::{MAX_SESSIONS, Session, Unsaved};
    use crate::state::snapshot::{EmulatorRecord, FORMAT, Snapshot};
    use crate::state::sqlite_uri::immutable;

    /// `session` has one row per session, in order of their start. `emulator` has one row with the rest of the state.
    const TABLES: &str = "CREATE TABLE IF NOT EXISTS session (number INTEGER PRIMARY KEY, certify_id TEXT UNIQUE NOT NULL, \
                          document TEXT NOT NULL) STRICT;
                          CREATE TABLE IF NOT EXISTS emulator (one INTEGER PRIMARY KEY CHECK (one = 1), document TEXT NOT \
                          NULL) STRICT;";

    /// The columns of [`TABLES`], as [`COLUMNS_OF`] lists them.
    const COLUMNS: &str = "emulator.one emulator.document session.number session.certify_id session.document";
    const COLUMNS_OF: &str = "SELECT group_concat(name, ' ') FROM (SELECT m.name || '.' || c.name AS name FROM sqlite_master m JOIN \
                              pragma_table_info(m.name) c WHERE m.type = 'table' ORDER BY m.name, c.cid)";

    /// Marks a state file in its header: `caem`. Versions before November 2026 did not write it.
    const APPLICATION_ID: i32 = 0x6361_656d;

    /// The size of the header of an SQLite file, and the location of the mark in it.
    const HEADER: u64 = 100;
    const MARK_AT: usize = 68;

    /// An open state file. The connection closes first.
    #[derive(Debug)]
    pub(crate) struct Store(Connection, #[expect(dead_code, reason = "dropped with the store")] InUse);

    /// The device and inode of each state file that this process has open. Closing such a file outside of SQLite would drop
    /// SQLite's lock on it (POSIX), so [`check`] must not read it.
    static IN_USE: Mutex<Option<HashSet<(u64, u64)>>> = Mutex::new(None);

    fn in_use() -> MutexGuard<'static, Option<HashSet<(u64, u64)>>> {
        IN_USE.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The entry of a store in [`IN_USE`].
    #[derive(Debug)]
    struct InUse(Option<(u64, u64)>);

    impl Drop for InUse {
        fn drop(&mut self) {
            if let (Some(files), Some(file)) = (in_use().as_mut(), self.0) {
                files.remove(&file);
            }
        }
    }

    impl Store {
        /// Opens or creates the file, locks it, and reads its content. Leaves a file that is not a state file
        /// unchanged.
        pub(crate) fn open(path: &Path) -> io::Result<(Self, Option<Snapshot>)> {
            let store = Self::lock(path)?;
            store.check_format()?;
            let read = store.prepare().and_then(|()| store.read()).map_err(failed)?;
            let Some((record, sessions)) = read else {
                return if store.has_sessions().map_err(failed)? {
                    Err(damaged())
                } else {
                    Ok((store, None))
                };
            };
            let record: EmulatorRecord = parse(&record, "the record of the emulator")?;
            let sessions: io::Result<Vec<Session>> = (1..)
                .zip(&sessions)
                .map(|(number, text): (usize, _)| parse(text, &format!("session {number}")))
                .collect();
            let saved = Snapshot::new(record, sessions?);
            saved.check().map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
            Ok((store, Some(saved)))
        }

        /// Checks the file and opens a connection to it.
        fn lock(path: &Path) -> io::Result<Self> {
            let mut in_use = in_use();
            let files = in_use.get_or_insert_default();
            if identity(path).is_some_and(|file| files.contains(&file)) {
                return Err(busy());
            }
            check(path)?;
            // Without URIs: the file that was checked is the one that is opened.
            let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
            let store = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX);
            let store = store.map_err(failed)?;
            store.busy_timeout(std::time::Duration::ZERO).map_err(failed)?;
            private(path)?;
            let file = identity(path);
            files.extend(file);
            Ok(Self(store, InUse(file)))
        }

        /// Refuses the file of a newer version, without a change to it.
        fn check_format(&self) -> io::Result<()> {
            let found: u32 =
                self.0.pragma_query_value(None, "user_version", |row| row.get(0)).map_err(failed)?;
            if found <= FORMAT {
                return Ok(());
            }
            let reason = format!("it has state format {found}, and this emulator reads format {FORMAT}");
            Err(io::Error::new(io::ErrorKind::InvalidInput, reason))
        }

        fn prepare(&self) -> rusqlite::Result<()> {
            // The connection keeps the lock from its next access until it closes or the process ends.
            self.0.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
            // Set before the write-ahead log exists, so that the file's own header has the mark from the
            // start.
            self.0.pragma_update(None, "application_id", APPLICATION_ID)?;
            self.0.pragma_update(None, "user_version", FORMAT)?;
            // A power failure may lose the latest commits; a killed process loses none.
            self.0.pragma_update(None, "journal_mode", "WAL")?;
            self.0.pragma_update(None, "synchronous", "NORMAL")?;
            self.0.execute_batch(TABLES)
        }

        fn read(&self) -> rusqlite::Result<Option<(String, Vec<String>)>> {
            let record =
                self.0.query_row("SELECT document FROM emulator", [], |row| row.get(0)).optional()?;
            let Some(record) = record else { return Ok(None) };
            // One more than a state file may have, which the check refuses.
            let limit = MAX_SESSIONS + 1;
            let sessions = format!("SELECT document FROM session ORDER BY number LIMIT {limit}");
            let mut rows = self.0.prepare(&sessions)?;
            let sessions = rows.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
            Ok(Some((record, sessions)))
        }

        fn has_sessions(&self) -> rusqlite::Result<bool> {
            self.0.query_row("SELECT EXISTS (SELECT 1 FROM session)", [], |row| row.get(0))
        }

        /// Writes the changed sessions and the record, in one transaction.
        ///
        /// # Errors
        /// If nothing was written.
        pub(crate) fn save(&mut self, changed: &[Unsaved], record: &EmulatorRecord) -> Result<(), String> {
            self.write(changed, record, false).map_err(|error| error.to_string())
        }

        /// Replaces everything, in one transaction.
        ///
        /// # Errors
        /// If nothing was written.
        pub(crate) fn replace(&mut self, snapshot: Snapshot) -> Result<(), String> {
            let all = snapshot.sessions.into_iter();
            let all: Vec<Unsaved> = all.map(|one| (one.certify_id.clone(), Some(one))).collect();
            self.write(&all, &snapshot.record, true).map_err(|error| error.to_string())
        }

        fn write(
            &mut self,
            changed: &[Unsaved],
            record: &EmulatorRecord,
            replace: bool,
        ) -> rusqlite::Result<()> {
            let all = self.0.transaction()?;
            if replace {
                all.execute("DELETE FROM session", [])?;
            }
            for (certify_id, session) in changed {
                match session {
                    Some(session) => all.execute(
                        "INSERT INTO session (certify_id, document) VALUES (?1, ?2) ON CONFLICT (certify_id) DO UPDATE \
                         SET document = ?2",
                        params![certify_id, document(session)?],
                    )?,
                    None => all.execute("DELETE FROM session WHERE certify_id = ?1", [certify_id])?,
                };
            }
            all.execute(
                "INSERT OR REPLACE INTO emulator (one, document) VALUES (1, ?1)",
                [document(record)?],
            )?;
            all.commit()
        }

        /// Limits the size of the file to this number of pages.
        #[cfg(test)]
        pub(crate) fn limit_pages(&self, pages: u32) -> rusqlite::Result<()> {
            self.0.pragma_update(None, "max_page_count", pages)
        }
    }

    /// Parses a document of the state file. The error does not quote it.
    fn parse<T: serde::de::DeserializeOwned>(text: &str, what: &str) -> io::Result<T> {
        serde_json::from_str(text).map_err(|error| {
            let reason = format!("{what} is not valid: line {}, column {}", error.line(), error.column());
            io::Error::new(io::ErrorKind::InvalidData, reason)
        })
    }

    fn failed(error: rusqlite::Error) -> io::Error {
        let (kind, reason) = match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => return busy(),
            Some(ErrorCode::ReadOnly) if !is_of_folder(&error) => return read_only(),
            Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
                let reason = "it or its folder cannot be written";
                (io::ErrorKind::PermissionDenied, reason)
            }
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => return damaged(),
            Some(ErrorCode::DiskFull) => (io::ErrorKind::StorageFull, "the disk is full"),
            // A text that is not UTF-8.
            None if matches!(error, rusqlite::Error::Utf8Error(..)) => return damaged(),
            _ => return io::Error::other(error),
        };
        io::Error::new(kind, reason)
    }

    fn damaged() -> io::Error {
        let reason = "it is damaged: restore it, or choose another file";
        io::Error::new(io::ErrorKind::InvalidData, reason)
    }

    /// Returns whether SQLite can create no file in the folder.
    fn is_of_folder(error: &rusqlite::Error) -> bool {
        error.sqlite_error().is_some_and(|error| error.extended_code == SQLITE_READONLY_DIRECTORY)
    }

    fn read_only() -> io::Error {
        let reason = "it is read-only: make it writable or name another file";
        io::Error::new(io::ErrorKind::PermissionDenied, reason)
    }

    /// Checks that a missing file can be created.
    fn has_folder(path: &Path) -> io::Result<()> {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        if folder.is_none_or(Path::exists) && path.file_name().is_some() {
            return Ok(());
        }
        let reason = "its folder does not exist";
        Err(io::Error::new(io::ErrorKind::NotFound, reason))
    }

    fn busy() -> io::Error {
        let reason = "another emulator uses the state file: stop it, or choose another file";
        io::Error::new(io::ErrorKind::ResourceBusy, reason)
    }

    /// Checks that an existing file is empty or a state file. Changes nothing in its folder: a connection of SQLite would
    /// write files beside a foreign database.
    fn check(path: &Path) -> io::Result<()> {
        let metadata = match path.metadata() {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return has_folder(path),
            Err(error) => return Err(error),
        };
        let foreign = || {
            let reason = "it is not a state file and stays as it is: choose another file";
            io::Error::new(io::ErrorKind::InvalidInput, reason)
        };
        if metadata.is_dir() {
            return Err(io::Error::new(io::ErrorKind::IsADirectory, "it is a folder"));
        }
        if !metadata.is_file() {
            return Err(foreign());
        }
        if metadata.permissions().readonly() {
            return Err(read_only());
        }
        if metadata.len() == 0 {
            return Ok(());
        }
        let mut header = Vec::new();
        File::open(path)?.take(HEADER).read_to_end(&mut header)?;
        let mark = header.get(MARK_AT..).and_then(<[u8]>::first_chunk);
        let mark =
            mark.filter(|_| header.starts_with(b"SQLite format 3\0")).map(|mark| i32::from_be_bytes(*mark));
        match mark {
            Some(APPLICATION_ID) => Ok(()),
            Some(0) if has_our_tables(path)? => Ok(()),
            _ => Err(foreign()),
        }
    }

    /// Whether an unmarked file has the tables of a state file, or none and no log that could hold some.
    fn has_our_tables(path: &Path) -> io::Result<bool> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let columns = Connection::open_with_flags(immutable(path)?, flags | OpenFlags::SQLITE_OPEN_URI)
            .and_then(|file| file.query_row(COLUMNS_OF, [], |row| row.get::<_, Option<String>>(0)));
        let mut log = path.as_os_str().to_owned();
        log.push("-wal");
        let has_log = || Path::new(&log).metadata().is_ok_and(|log| log.len() > 0);
        match columns {
            Ok(Some(columns)) => Ok(columns == COLUMNS),
            Ok(None) => Ok(!has_log()),
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::NotADatabase) => Ok(false),
            Err(error) => Err(failed(error)),
        }
    }

    /// The device and inode of a file.
    #[cfg(unix)]
    fn identity(path: &Path) -> Option<(u64, u64)> {
        use std::os::unix::fs::MetadataExt;
        path.metadata().ok().filter(std::fs::Metadata::is_file).map(|file| (file.dev(), file.ino()))
    }

    #[cfg(not(unix))]
    fn identity(_: &Path) -> Option<(u64, u64)> {
        None
    }

    fn document(of: &impl serde::Serialize) -> rusqlite::Result<String> {
        serde_json::to_string(of).map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))
    }

    /// Makes the file readable only by its owner, because it contains links and callback tokens.
    #[cfg(unix)]
    fn private(path: &Path) -> io::Result<()> {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))
    }

    #[cfg(not(unix))]
    fn private(_: &Path) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(not(feature = "sqlite"))]
mod without {
    use std::io;
    use std::path::Path;

    use crate::sessions::Unsaved;
    use crate::state::snapshot::{EmulatorRecord, Snapshot};

    /// The store of a build without SQLite. It cannot be opened.
    #[derive(Debug)]
    pub(crate) enum Store {}

    impl Store {
        pub(crate) fn open(_: &Path) -> io::Result<(Self, Option<Snapshot>)> {
            let reason =
                "this build of the emulator does not support state files: enable the feature `sqlite`";
            Err(io::Error::new(io::ErrorKind::Unsupported, reason))
        }

        pub(crate) fn save(&mut self, _: &[Unsaved], _: &EmulatorRecord) -> Result<(), String> {
            match *self {}
        }

        pub(crate) fn replace(&mut self, _: Snapshot) -> Result<(), String> {
            match *self {}
        }
    }
}

#[cfg(all(test, feature = "sqlite"))]
mod tests;
