//! The state file: an SQLite database. Only one emulator can open it at a time.

#[cfg(feature = "sqlite")]
pub(crate) use with_sqlite::Store;
#[cfg(not(feature = "sqlite"))]
pub(crate) use without::Store;

#[cfg(feature = "sqlite")]
mod with_sqlite {
    use std::io;
    use std::path::Path;

    use rusqlite::{Connection, ErrorCode, OptionalExtension, params};

    use crate::sessions::{Session, Unsaved};
    use crate::state::snapshot::{EmulatorRecord, Snapshot};

    /// `session` has one row per session, in order of their start. `emulator` has one row with the rest of the state.
    const TABLES: &str = "CREATE TABLE IF NOT EXISTS session (number INTEGER PRIMARY KEY, certify_id TEXT UNIQUE NOT NULL, \
                          document TEXT NOT NULL) STRICT;
                          CREATE TABLE IF NOT EXISTS emulator (one INTEGER PRIMARY KEY CHECK (one = 1), document TEXT NOT \
                          NULL) STRICT;";

    /// An open state file.
    #[derive(Debug)]
    pub(crate) struct Store(Connection);

    impl Store {
        /// Opens or creates the file, locks it, and reads its content.
        pub(crate) fn open(path: &Path) -> io::Result<(Self, Option<Snapshot>)> {
            let failed = |error| match error {
                rusqlite::Error::SqliteFailure(why, _)
                    if matches!(why.code, ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) =>
                {
                    let reason = "another emulator uses the state file: stop it, or choose another file";
                    io::Error::new(io::ErrorKind::ResourceBusy, reason)
                }
                other => io::Error::other(other),
            };
            let store = Connection::open(path).map_err(failed)?;
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

    fn document(of: &impl serde::Serialize) -> rusqlite::Result<String> {
        serde_json::to_string(of).map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))
    }

    /// Makes the file readable only for its owner: it contains links and callback tokens.
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

    /// The store of a build without SQLite, which cannot be opened.
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
