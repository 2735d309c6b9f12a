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

    use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension, params};

    use crate::sessions::{Session, Unsaved};
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
            store.check_format(path)?;
            let read = store.prepare().and_then(|()| store.read()).map_err(failed)?;
            let Some((record, sessions)) = read else { return Ok((store, None)) };
            let record: EmulatorRecord = parse(&record, "the record of the emulator")?;
            let sessions: io::Result<Vec<Session>> = (1..)
                .zip(&sessions)
                .map(|(number, text): (usize, _)| parse(text, &format!("session {number}")))
                .collect();
            Ok((store, Some(Snapshot::new(record, sessions?))))
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
        fn check_format(&self, path: &Path) -> io::Result<()> {
            let found: u32 =
                self.0.pragma_query_value(None, "user_version", |row| row.get(0)).map_err(failed)?;
            if found <= FORMAT {
                return Ok(());
            }
            let path = path.display();
            let reason = format!("{path} has state format {found}, and this emulator reads format {FORMAT}");
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
            let mut rows = self.0.prepare("SELECT document FROM session ORDER BY number")?;
            let sessions = rows.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
            Ok(Some((record, sessions)))
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
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => busy(),
            _ => io::Error::other(error),
        }
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
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        };
        let foreign = || {
            let path = path.display();
            let reason = format!("{path} is not a state file and stays as it is: choose another file");
            io::Error::new(io::ErrorKind::InvalidInput, reason)
        };
        if !metadata.is_file() {
            return Err(foreign());
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
mod tests {
    use std::io::ErrorKind;

    use rusqlite::Connection;

    use super::Store;

    /// The tables as created by versions that did not write the mark.
    const UNMARKED: &str = "PRAGMA journal_mode = WAL;
        CREATE TABLE session (number INTEGER PRIMARY KEY, certify_id TEXT UNIQUE NOT NULL, document TEXT NOT NULL) STRICT;
        CREATE TABLE emulator (one INTEGER PRIMARY KEY CHECK (one = 1), document TEXT NOT NULL) STRICT;";

    #[test]
    fn a_file_that_is_no_state_file_keeps_every_byte_and_its_mode() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        let foreign_tables = [
            "CREATE TABLE session (certify_id TEXT PRIMARY KEY, user TEXT)",
            "CREATE TABLE other (one INTEGER)",
            &format!("{UNMARKED} CREATE TABLE other (one INTEGER);"),
            &format!("{UNMARKED} PRAGMA application_id = 1;"),
        ];
        let databases = foreign_tables.map(|tables| {
            let database = folder.path().join("database");
            Connection::open(&database).unwrap().execute_batch(tables).unwrap();
            let bytes = std::fs::read(&database).unwrap();
            std::fs::remove_file(&database).unwrap();
            bytes
        });
        let texts = [b"hello".to_vec(), vec![0; 4096], b"SQLite format 3\0".to_vec()];
        for bytes in databases.into_iter().chain(texts) {
            std::fs::write(&file, &bytes).unwrap();
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o664)).unwrap();
            let error = Store::open(&file).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
            assert_eq!(std::fs::read(&file).unwrap(), bytes);
            assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o664);
            std::fs::remove_file(&file).unwrap();
        }
        assert_eq!(Store::open(folder.path()).unwrap_err().kind(), ErrorKind::InvalidInput);
    }

    #[test]
    fn nothing_is_written_beside_a_foreign_write_ahead_database() {
        // The name and the bytes of each file in a folder.
        let files = |folder: &std::path::Path| {
            let entries = std::fs::read_dir(folder).unwrap().map(Result::unwrap);
            let files = entries.map(|entry| (entry.file_name(), std::fs::read(entry.path()).unwrap()));
            files.collect::<std::collections::BTreeMap<_, _>>()
        };
        let tables = "CREATE TABLE other (one INTEGER); INSERT INTO other VALUES (1);";
        for mark in [0, 1] {
            // With a space and a question mark, which a URI would read otherwise.
            let folder = tempfile::Builder::new().prefix("a b?c%20").tempdir().unwrap();
            let file = folder.path().join("foreign.db");
            let setup = format!("PRAGMA application_id = {mark}; PRAGMA journal_mode = WAL; {tables}");
            let foreign = Connection::open(&file).unwrap();
            foreign.execute_batch(&setup).unwrap();
            // While the owner has it open, and after that.
            let open = files(folder.path());
            assert_eq!(open.len(), 3);
            assert_eq!(Store::open(&file).unwrap_err().kind(), ErrorKind::InvalidInput);
            assert_eq!(files(folder.path()), open);
            drop(foreign);
            let closed = files(folder.path());
            assert_eq!(closed.len(), 1);
            assert_eq!(Store::open(&file).unwrap_err().kind(), ErrorKind::InvalidInput);
            assert_eq!(files(folder.path()), closed);
            // With a log that its owner left behind, and with all of its tables only there.
            let killed = tempfile::tempdir().unwrap();
            for (name, bytes) in open.iter().filter(|(name, _)| !name.to_str().unwrap().ends_with("-shm")) {
                std::fs::write(killed.path().join(name), bytes).unwrap();
            }
            let left = files(killed.path());
            let error = Store::open(&killed.path().join("foreign.db")).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
            assert_eq!(files(killed.path()), left);
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_second_emulator_of_this_process_leaves_the_lock_of_the_first() {
        use std::os::unix::fs::MetadataExt;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("state.db");
        let first = Store::open(&file).unwrap();
        let inode = format!(":{} ", std::fs::metadata(&file).unwrap().ino());
        let locks = || std::fs::read_to_string("/proc/locks").unwrap().matches(&inode).count();
        let before = locks();
        assert!(before > 0);
        assert_eq!(Store::open(&file).unwrap_err().kind(), ErrorKind::ResourceBusy);
        assert_eq!(locks(), before);
        drop(first);
        drop(Store::open(&file).unwrap());
    }

    #[test]
    fn the_error_of_an_edited_state_file_quotes_no_value() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("state.db");
        drop(Store::open(&file).unwrap());
        for document in [r#""ZHANGSAN""#, r#"{"seed":"ZHANGSAN"}"#, r#"{"ZHANGSAN":999999199001012003}"#] {
            let insert = "INSERT OR REPLACE INTO emulator VALUES (1, ?1)";
            Connection::open(&file).unwrap().execute(insert, [document]).unwrap();
            let error = Store::open(&file).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidData);
            let text = format!("{error} {error:?}");
            assert!(text.contains("record") && text.contains("column"), "{text}");
            assert!(!text.contains("ZHANGSAN") && !text.contains("9999"), "{text}");
        }
    }

    #[test]
    fn the_file_of_a_newer_version_is_refused_and_stays_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("state.db");
        drop(Store::open(&file).unwrap());
        Connection::open(&file).unwrap().pragma_update(None, "user_version", 2).unwrap();
        let newer = std::fs::read(&file).unwrap();
        let error = Store::open(&file).unwrap_err();
        assert!(
            error.to_string().ends_with("has state format 2, and this emulator reads format 1"),
            "{error}"
        );
        assert_eq!(std::fs::read(&file).unwrap(), newer);
    }

    #[test]
    fn an_empty_file_and_the_files_of_older_versions_are_state_files() {
        let folder = tempfile::tempdir().unwrap();
        let empty = folder.path().join("empty");
        std::fs::write(&empty, "").unwrap();
        let old = folder.path().join("old");
        Connection::open(&old).unwrap().execute_batch(UNMARKED).unwrap();
        for file in [empty, old] {
            drop(Store::open(&file).unwrap());
            let mark: i32 = Connection::open(&file)
                .unwrap()
                .query_row("PRAGMA application_id", [], |row| row.get(0))
                .unwrap();
            assert_eq!(mark.to_be_bytes(), *b"caem");
            drop(Store::open(&file).unwrap());
        }
    }
}
