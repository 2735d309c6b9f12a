//! Checkpoints: the log is copied into the file by a thread of its own, so that commits do not wait for it.
//!
//! SQLite copies while commits go on. It starts the log from its beginning again with a transaction that begins when all of the log
//! is copied and no reader needs it. Without a pause between commits there is no such transaction, and the log grows. At a limit the
//! writer makes a checkpoint itself: nothing is committed meanwhile, so it copies everything.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rusqlite::Connection;

use crate::error::OpenError;
use crate::open::PATIENCE;

/// The changed rows after which the log is copied. A commit changes about three pages of 4 KiB for each row.
const COPY_AFTER: i64 = 1_000;

/// The changed rows at which the writer waits until all of the log is copied: about 50 MB.
const MOST: i64 = 4 * COPY_AFTER;

/// How long the writer waits for the readers of the log before it tries again later.
const READERS: Duration = Duration::from_millis(5);

/// The first version of SQLite that is safe if one connection commits during the checkpoint of another. In versions before it, pages
/// could be taken as copied that were not (its "WAL-reset bug").
const SAFE: i32 = 3_051_003;

/// What the thread and the writer share.
#[derive(Debug, Default)]
struct Shared {
    /// One checkpoint at a time: SQLite refuses a second one.
    turn: Mutex<()>,
    failed: Arc<AtomicU64>,
}

/// The thread that copies the log, as the writer sees it.
#[derive(Debug)]
pub(crate) struct Checkpoints {
    /// `None` with a version of SQLite that is not safe: the writer makes every checkpoint.
    wake: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
    shared: Arc<Shared>,
    /// The rows that the writer had changed at the last request, and at its last checkpoint for the limit.
    asked: i64,
    copied: i64,
}

impl Checkpoints {
    /// Starts the thread with a connection of its own.
    pub(crate) fn start(connection: Connection) -> Result<Self, OpenError> {
        let shared = Arc::new(Shared::default());
        let mut checkpoints =
            Self { wake: None, thread: None, shared: Arc::clone(&shared), asked: 0, copied: 0 };
        if rusqlite::version_number() >= SAFE {
            let (wake, requests) = sync_channel(1);
            let thread = thread::Builder::new()
                .name("cloudauth-checkpoint".to_owned())
                .spawn(move || run(&connection, &requests, &shared))
                .map_err(OpenError::unavailable)?;
            (checkpoints.wake, checkpoints.thread) = (Some(wake), Some(thread));
        }
        Ok(checkpoints)
    }

    /// Returns the number of checkpoints that failed.
    pub(crate) fn failed(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.shared.failed)
    }

    /// Requests a checkpoint if there is enough to copy, or makes one if there is too much. The writer calls it between two
    /// transactions with its connection and the rows that this has changed.
    pub(crate) fn request(&mut self, writer: &Connection, changed: i64) {
        if changed - self.asked < COPY_AFTER {
            return;
        }
        self.asked = changed;
        match &self.wake {
            // If a request waits already, that checkpoint copies this too.
            Some(wake) if changed - self.copied < MOST => drop(wake.try_send(())),
            _ => {
                if self.shared.copy_all(writer, "RESTART") {
                    self.copied = changed;
                }
            }
        }
    }

    /// Moves the log into the file and cuts it. Returns whether it did: a reader may still need the log.
    pub(crate) fn empty_log(&self, writer: &Connection) -> bool {
        self.shared.copy_all(writer, "TRUNCATE")
    }
}

/// Waits for the checkpoint under way. The connection of the writer must be closed after that of the thread: the last one removes the
/// log.
impl Drop for Checkpoints {
    fn drop(&mut self) {
        self.wake = None;
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

impl Shared {
    /// Makes a checkpoint. Returns whether it succeeded without being blocked.
    fn checkpoint(&self, connection: &Connection, mode: &str) -> bool {
        let sql = format!("PRAGMA wal_checkpoint({mode})");
        let is_blocked = connection.query_row(&sql, [], |row| row.get::<_, i64>(0));
        self.failed.fetch_add(u64::from(is_blocked.is_err()), Ordering::Relaxed);
        is_blocked == Ok(0)
    }

    /// Copies all of the log between two transactions of the writer, so that the next one starts it again. Waits for the thread, and a
    /// short time for readers.
    fn copy_all(&self, writer: &Connection, mode: &str) -> bool {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let is_copied = writer.busy_timeout(READERS).is_ok() && self.checkpoint(writer, mode);
        writer.busy_timeout(PATIENCE).is_ok() && is_copied
    }
}

fn run(connection: &Connection, requests: &Receiver<()>, shared: &Shared) {
    while requests.recv().is_ok() {
        let _turn = shared.turn.lock().unwrap_or_else(PoisonError::into_inner);
        shared.checkpoint(connection, "PASSIVE");
    }
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use rusqlite::{Connection, OpenFlags};

    use super::{COPY_AFTER, Checkpoints, MOST, Ordering};
    use crate::open::connect;

    /// A connection that writes, with its file and log.
    struct Rows {
        connection: Connection,
        file: PathBuf,
    }

    impl Rows {
        fn new(folder: &Path) -> Self {
            let file = folder.join("file");
            let connection = connect(&file).unwrap();
            connection.pragma_update(None, "wal_autocheckpoint", 0).unwrap();
            connection.execute_batch("CREATE TABLE own (bytes BLOB)").unwrap();
            Self { connection, file }
        }

        /// Changes as many rows as make a request, and returns how many it has changed in all.
        fn change(&self) -> i64 {
            let insert = "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < ?1) \
                INSERT INTO own SELECT zeroblob(400) FROM n";
            self.connection.execute(insert, [COPY_AFTER]).unwrap();
            self.connection.query_row("SELECT total_changes()", [], |row| row.get(0)).unwrap()
        }

        fn bytes(&self) -> u64 {
            self.file.metadata().unwrap().len()
        }

        fn bytes_of_log(&self) -> u64 {
            self.file.with_file_name("file-wal").metadata().unwrap().len()
        }
    }

    #[test]
    fn the_thread_copies_the_log_below_the_limit() {
        let folder = tempfile::tempdir().unwrap();
        let rows = Rows::new(folder.path());
        let mut checkpoints = Checkpoints::start(connect(&rows.file).unwrap()).unwrap();
        let (before, failed) = (rows.bytes(), checkpoints.failed());
        checkpoints.request(&rows.connection, rows.change());
        // It waits for the checkpoint under way.
        drop(checkpoints);
        assert!(rows.bytes() > before + COPY_AFTER as u64 * 400, "{before} bytes became {}", rows.bytes());
        assert_eq!(failed.load(Ordering::Relaxed), 0);
    }

    /// If the thread cannot copy at all, and however fast it is: the writer copies at the limit.
    #[test]
    fn the_log_is_bounded_without_a_pause_between_transactions() {
        let mut at_limit = 0;
        for only_reads in [true, false] {
            let folder = tempfile::tempdir().unwrap();
            let rows = Rows::new(folder.path());
            let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
            let of_thread = if only_reads {
                Connection::open_with_flags(&rows.file, flags).unwrap()
            } else {
                connect(&rows.file).unwrap()
            };
            let mut checkpoints = Checkpoints::start(of_thread).unwrap();
            let mut most = 0;
            for time in 1..=20 * MOST / COPY_AFTER {
                let changed = rows.change();
                most = most.max(rows.bytes_of_log());
                at_limit = if only_reads && time <= MOST / COPY_AFTER { most } else { at_limit };
                checkpoints.request(&rows.connection, changed);
            }
            assert!(most <= at_limit * 5 / 4, "{only_reads}: {at_limit} bytes became {most}");
            let failed = checkpoints.failed();
            drop(checkpoints);
            assert_eq!(failed.load(Ordering::Relaxed) > 0, only_reads);
        }
    }

    /// A reader needs the log. It grows, and the next checkpoint after the reader copies it.
    #[test]
    fn a_reader_delays_a_checkpoint_and_fails_none() {
        let folder = tempfile::tempdir().unwrap();
        let rows = Rows::new(folder.path());
        let mut checkpoints = Checkpoints::start(connect(&rows.file).unwrap()).unwrap();
        let reader = connect(&rows.file).unwrap();
        let snapshot = reader.unchecked_transaction().unwrap();
        let count = "SELECT count(*) FROM own";
        assert_eq!(snapshot.query_row(count, [], |row| row.get::<_, i64>(0)), Ok(0));
        let mut changed = 0;
        while changed < 2 * MOST {
            changed = rows.change();
            checkpoints.request(&rows.connection, changed);
        }
        assert!(checkpoints.copied == 0 && !checkpoints.empty_log(&rows.connection));
        drop(snapshot);
        let changed = rows.change();
        checkpoints.request(&rows.connection, changed);
        assert_eq!(checkpoints.copied, changed, "the writer made it");
        assert!(checkpoints.empty_log(&rows.connection));
        assert_eq!((rows.bytes_of_log(), checkpoints.failed().load(Ordering::Relaxed)), (0, 0));
    }
}
