//! The state file: an SQLite database in which the sessions outlive the emulator. One emulator holds it at a time.

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
    use crate::state::snapshot::{Rest, Snapshot};

    /// `session`: one row a verification, in the order of their beginning. `emulator`: one row, the rest.
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
                    let words = "another emulator uses the state file: stop it, or choose another file";
                    io::Error::new(io::ErrorKind::ResourceBusy, words)
                }
                other => io::Error::other(other),
            };
            let store = Connection::open(path).map_err(failed)?;
            private(path)?;
            let store = Self(store);
            let read = store.prepare().and_then(|()| store.read()).map_err(failed)?;
            let Some((rest, sessions)) = read else { return Ok((store, None)) };
            let unreadable = |error| io::Error::new(io::ErrorKind::InvalidData, error);
            let rest: Rest = serde_json::from_str(&rest).map_err(unreadable)?;
            let sessions: Result<Vec<Session>, _> =
                sessions.iter().map(|text| serde_json::from_str(text)).collect();
            Ok((store, Some(Snapshot::new(rest, sessions.map_err(unreadable)?))))
        }

        fn prepare(&self) -> rusqlite::Result<()> {
            self.0.busy_timeout(std::time::Duration::ZERO)?;
            // The connection keeps the lock from the next access until it is closed or the process ends.
            self.0.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
            // A power failure may lose the latest commits; a killed process loses none.
            self.0.pragma_update(None, "journal_mode", "WAL")?;
            self.0.pragma_update(None, "synchronous", "NORMAL")?;
            self.0.execute_batch(TABLES)
        }

        fn read(&self) -> rusqlite::Result<Option<(String, Vec<String>)>> {
            let rest = self.0.query_row("SELECT document FROM emulator", [], |row| row.get(0)).optional()?;
            let Some(rest) = rest else { return Ok(None) };
            let mut rows = self.0.prepare("SELECT document FROM session ORDER BY number")?;
            let sessions = rows.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
            Ok(Some((rest, sessions)))
        }

        /// Writes the changed sessions and the rest, in one transaction.
        ///
        /// # Errors
        /// Why nothing was written.
        pub(crate) fn save(&mut self, changed: &[Unsaved], rest: &Rest) -> Result<(), String> {
            self.write(changed, rest, false).map_err(|error| error.to_string())
        }

        /// Replaces everything, in one transaction.
        ///
        /// # Errors
        /// Why nothing was written.
        pub(crate) fn replace(&mut self, snapshot: Snapshot) -> Result<(), String> {
            let all = snapshot.sessions.into_iter();
            let all: Vec<Unsaved> = all.map(|one| (one.certify_id.clone(), Some(one))).collect();
            self.write(&all, &snapshot.rest, true).map_err(|error| error.to_string())
        }

        fn write(&mut self, changed: &[Unsaved], rest: &Rest, anew: bool) -> rusqlite::Result<()> {
            let all = self.0.transaction()?;
            if anew {
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
            all.execute("INSERT OR REPLACE INTO emulator (one, document) VALUES (1, ?1)", [document(rest)?])?;
            all.commit()
        }

        /// Lets the file grow to so many pages.
        #[cfg(test)]
        pub(crate) fn limit_pages(&self, pages: u32) -> rusqlite::Result<()> {
            self.0.pragma_update(None, "max_page_count", pages)
        }
    }

    fn document(of: &impl serde::Serialize) -> rusqlite::Result<String> {
        serde_json::to_string(of).map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))
    }

    /// Links and callback tokens stand in it.
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
    use crate::state::snapshot::{Rest, Snapshot};

    /// There is none in this build.
    #[derive(Debug)]
    pub(crate) enum Store {}

    impl Store {
        pub(crate) fn open(_: &Path) -> io::Result<(Self, Option<Snapshot>)> {
            let words = "this build of the emulator has no state file: build it with the feature `sqlite`";
            Err(io::Error::new(io::ErrorKind::Unsupported, words))
        }

        pub(crate) fn save(&mut self, _: &[Unsaved], _: &Rest) -> Result<(), String> {
            match *self {}
        }

        pub(crate) fn replace(&mut self, _: Snapshot) -> Result<(), String> {
            match *self {}
        }
    }
}
