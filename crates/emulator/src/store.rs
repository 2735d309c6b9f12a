//! The state file: an SQLite database in which the sessions outlive the emulator.

#[cfg(feature = "sqlite")]
pub(crate) use with_sqlite::Store;
#[cfg(not(feature = "sqlite"))]
pub(crate) use without::Store;

#[cfg(feature = "sqlite")]
mod with_sqlite {
    use std::io;
    use std::path::Path;

    use rusqlite::{Connection, OptionalExtension, params};

    use crate::sessions::Session;
    use crate::snapshot::{Rest, Snapshot};

    /// `session`: one row a verification, in the order of their beginning. `emulator`: one row, the rest.
    const TABLES: &str = "CREATE TABLE IF NOT EXISTS session (number INTEGER PRIMARY KEY, certify_id TEXT UNIQUE NOT NULL, \
                          document TEXT NOT NULL) STRICT;
                          CREATE TABLE IF NOT EXISTS emulator (one INTEGER PRIMARY KEY CHECK (one = 1), document TEXT NOT \
                          NULL) STRICT;";

    /// An open state file.
    #[derive(Debug)]
    pub(crate) struct Store(Connection);

    impl Store {
        /// Opens or makes it, and reads what it knows.
        pub(crate) fn open(path: &Path) -> io::Result<(Self, Option<Snapshot>)> {
            let store = Connection::open(path).map_err(io::Error::other)?;
            private(path)?;
            let store = Self(store);
            let read = store.prepare().and_then(|()| store.read()).map_err(io::Error::other)?;
            let Some((rest, sessions)) = read else { return Ok((store, None)) };
            let unreadable = |error| io::Error::new(io::ErrorKind::InvalidData, error);
            let rest: Rest = serde_json::from_str(&rest).map_err(unreadable)?;
            let sessions: Result<Vec<Session>, _> =
                sessions.iter().map(|text| serde_json::from_str(text)).collect();
            Ok((store, Some(Snapshot::new(rest, sessions.map_err(unreadable)?))))
        }

        fn prepare(&self) -> rusqlite::Result<()> {
            // What the system was about to write when the power went may be lost; what was committed before is not.
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

        /// Writes what has changed.
        pub(crate) fn save(&mut self, changed: &[Session], rest: &Rest) {
            told(self.write(changed, rest, false));
        }

        /// Writes everything anew.
        pub(crate) fn replace(&mut self, snapshot: &Snapshot) {
            told(self.write(&snapshot.sessions, &snapshot.rest, true));
        }

        fn write(&mut self, changed: &[Session], rest: &Rest, anew: bool) -> rusqlite::Result<()> {
            let all = self.0.transaction()?;
            if anew {
                all.execute("DELETE FROM session", [])?;
            }
            for session in changed {
                all.execute(
                    "INSERT INTO session (certify_id, document) VALUES (?1, ?2) ON CONFLICT (certify_id) DO UPDATE SET \
                     document = ?2",
                    params![session.certify_id, document(session)],
                )?;
            }
            all.execute("INSERT OR REPLACE INTO emulator (one, document) VALUES (1, ?1)", [document(rest)])?;
            all.commit()
        }
    }

    fn document(of: &impl serde::Serialize) -> String {
        serde_json::to_string(of).unwrap_or_default()
    }

    /// A disk that is full does not stop the emulator; whoever runs it is told.
    fn told(written: rusqlite::Result<()>) {
        if let Err(error) = written {
            eprintln!("cloudauth emulator: the state file was not written: {error}");
        }
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

    use crate::sessions::Session;
    use crate::snapshot::{Rest, Snapshot};

    /// There is none in this build.
    #[derive(Debug)]
    pub(crate) enum Store {}

    impl Store {
        pub(crate) fn open(_: &Path) -> io::Result<(Self, Option<Snapshot>)> {
            let words = "this build of the emulator has no state file: build it with the feature `sqlite`";
            Err(io::Error::new(io::ErrorKind::Unsupported, words))
        }

        pub(crate) fn save(&mut self, _: &[Session], _: &Rest) {
            match *self {}
        }

        pub(crate) fn replace(&mut self, _: &Snapshot) {
            match *self {}
        }
    }
}
