//! The state file: an SQLite database. Only one emulator can open it at a time.

#[cfg(feature = "sqlite")]
pub(crate) use with_sqlite::Store;
#[cfg(not(feature = "sqlite"))]
pub(crate) use without::Store;

#[cfg(feature = "sqlite")]
mod with_sqlite {
    use std::io;
    use std::path::Path;

    use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension, params};

    use crate::sessions::{Session, Unsaved};
    use crate::state::snapshot::{EmulatorRecord, Snapshot};

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

    /// An open state file.
    #[derive(Debug)]
    pub(crate) struct Store(Connection);

    impl Store {
        /// Opens or creates the file, locks it, and reads its content. Leaves a file that is not a state file
        /// unchanged.
        pub(crate) fn open(path: &Path) -> io::Result<(Self, Option<Snapshot>)> {
            check(path)?;
            // Without URIs: the file that was checked is the one that is opened.
            let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
            let store = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX);
            let store = store.map_err(failed)?;
            private(path)?;
            let store = Self(store);
            let read = store.prepare().and_then(|()| store.read()).map_err(failed)?;
            let Some((record, sessions)) = read else { return Ok((store, None)) };
            let unreadable = |error| io::Error::new(io::ErrorKind::InvalidData, error);
            let record: EmulatorRecord = serde_json::from_str(&record).map_err(unreadable)?;
            let sessions: Result<Vec<Session>, _> =
                sessions.iter().map(|text| serde_json::from_str(text)).collect();
            Ok((store, Some(Snapshot::new(record, sessions.map_err(unreadable)?))))
        }

        fn prepare(&self) -> rusqlite::Result<()> {
            self.0.busy_timeout(std::time::Duration::ZERO)?;
            // The connection keeps the lock from its next access until it closes or the process ends.
            self.0.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
            // Set before the write-ahead log exists, so that the file's own header has the mark from the
            // start.
            self.0.pragma_update(None, "application_id", APPLICATION_ID)?;
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

    fn failed(error: rusqlite::Error) -> io::Error {
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                let reason = "another emulator uses the state file: stop it, or choose another file";
                io::Error::new(io::ErrorKind::ResourceBusy, reason)
            }
            _ => io::Error::other(error),
        }
    }

    /// Checks that an existing file is empty or a state file, without changing it.
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
        let read_only = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let file = Connection::open_with_flags(path, read_only).map_err(failed)?;
        let is_ours = file.busy_timeout(std::time::Duration::ZERO).and_then(|()| {
            let mark: i32 = file.query_row("PRAGMA application_id", [], |row| row.get(0))?;
            let columns: Option<String> = file.query_row(COLUMNS_OF, [], |row| row.get(0))?;
            Ok((mark == APPLICATION_ID || mark == 0) && columns.is_none_or(|columns| columns == COLUMNS))
        });
        match is_ours {
            Ok(true) => Ok(()),
            Err(error) if error.sqlite_error_code() != Some(ErrorCode::NotADatabase) => Err(failed(error)),
            Ok(false) | Err(_) => Err(foreign()),
        }
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
