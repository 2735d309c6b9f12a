//! Checkpoints: the log is copied into the file by a thread of its own, so that commits do not wait for it.
//!
//! SQLite copies while commits go on. It starts the log from its beginning again with the first commit that finds all of it copied
//! and flushed. Without a pause between commits, each checkpoint finds new pages behind it, and the log grows. At a limit the writer
//! makes a checkpoint itself: nothing is committed meanwhile, so it copies all that no reader needs.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rusqlite::Connection;

use crate::error::OpenError;
use crate::open::PATIENCE;

/// The changed rows after which the thread copies the log. A commit changes about three pages of 4 KiB for each row.
const COPY_AFTER: i64 = 1_000;

/// The changed rows in the log at which the writer waits until it is copied: about 50 MB.
const MOST: i64 = 4 * COPY_AFTER;

/// The most times that the thread copies before it waits again. Each time it copies what was committed during the time before.
const PASSES: usize = 3;

/// How long the writer waits for the readers of the log before it tries again later to empty it.
const READERS: Duration = Duration::from_millis(5);

/// What the thread and the writer share.
#[derive(Debug, Default)]
struct Shared {
    /// One checkpoint at a time: SQLite fails at once if there is another.
    turn: Mutex<()>,
    /// The changed rows of the writer that the file has, at least.
    copied: AtomicI64,
    /// The checkpoints that failed.
    failed: AtomicU64,
}

/// The thread that copies the log, as the writer sees it.
#[derive(Debug)]
pub(crate) struct Checkpoints {
    wake: Option<SyncSender<i64>>,
    thread: Option<JoinHandle<()>>,
    shared: Arc<Shared>,
    /// The changed rows at the last request.
    asked: i64,
}

impl Checkpoints {
    /// Starts the thread with a connection of its own.
    pub(crate) fn start(connection: Connection) -> Result<Self, OpenError> {
        let (wake, requests) = sync_channel(1);
        let shared = Arc::default();
        let of_thread = Arc::clone(&shared);
        let thread = thread::Builder::new()
            .name("cloudauth-checkpoint".to_owned())
            .spawn(move || run(&connection, &requests, &of_thread))
            .map_err(OpenError::unavailable)?;
        Ok(Self { wake: Some(wake), thread: Some(thread), shared, asked: 0 })
    }

    /// Returns a reader of the number of checkpoints that failed.
    pub(crate) fn failures(&self) -> Failures {
        Failures(Arc::clone(&self.shared))
    }

    /// Requests a checkpoint if there is enough to copy, or makes one if there is too much. The writer calls it between two
    /// transactions with its connection and the rows that this has changed.
    pub(crate) fn request(&mut self, writer: &Connection, changed: i64) {
        if changed - self.asked < COPY_AFTER {
            return;
        }
        self.asked = changed;
        if changed - self.shared.copied.load(Ordering::Relaxed) < MOST {
            // If a request waits already, it copies this too.
            let _ = self.wake.as_ref().map(|wake| wake.try_send(changed));
        } else if self.shared.pass(writer).is_some() {
            self.shared.copied(changed);
        }
    }

    /// The changed rows of the writer that the file has, at least.
    #[cfg(test)]
    fn copied(&self) -> i64 {
        self.shared.copied.load(Ordering::Relaxed)
    }

    /// Moves the log into the file and cuts it. Returns whether it did: a reader may still need the log.
    pub(crate) fn empty_log(&self, writer: &Connection) -> bool {
        let _turn = self.shared.turn();
        let is_busy = writer.busy_timeout(READERS).and_then(|()| {
            writer.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, i64>(0))
        });
        self.shared.count(is_busy.is_ok());
        writer.busy_timeout(PATIENCE).is_ok() && is_busy == Ok(0)
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

/// The number of checkpoints that failed.
#[derive(Debug)]
pub(crate) struct Failures(Arc<Shared>);

impl Failures {
    pub(crate) fn count(&self) -> u64 {
        self.0.failed.load(Ordering::Relaxed)
    }
}

impl Shared {
    fn turn(&self) -> std::sync::MutexGuard<'_, ()> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn count(&self, succeeded: bool) {
        self.failed.fetch_add(u64::from(!succeeded), Ordering::Relaxed);
    }

    fn copied(&self, changed: i64) {
        self.copied.fetch_max(changed, Ordering::Relaxed);
    }

    /// Copies what no reader needs. Returns the pages that the log had when it began, if all of them are copied.
    fn pass(&self, connection: &Connection) -> Option<i64> {
        let _turn = self.turn();
        let counts = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| {
            Ok((row.get::<_, i64>(1)?, row.get::<_, i64>(2)?))
        });
        self.count(counts.is_ok());
        counts.ok().filter(|(log, copied)| log == copied && *log >= 0).map(|(log, _)| log)
    }
}

fn run(connection: &Connection, requests: &Receiver<i64>, shared: &Shared) {
    while let Ok(changed) = requests.recv() {
        let mut before = None;
        for _ in 0..PASSES {
            let Some(log) = shared.pass(connection) else { break };
            // Nothing was committed since the pass before: the next commit starts the log again, or one has done so.
            if before.is_some_and(|before| log <= before) {
                shared.copied(changed);
                break;
            }
            before = Some(log);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::thread;

    use rusqlite::{Connection, OpenFlags};

    use super::{COPY_AFTER, Checkpoints, MOST};
    use crate::open::connect;

    /// A writer without a thread, and the file of its log.
    struct Writer {
        connection: Connection,
        log: std::path::PathBuf,
    }

    impl Writer {
        fn new(folder: &Path) -> Self {
            let connection = connect(&folder.join("file")).unwrap();
            connection.pragma_update(None, "wal_autocheckpoint", 0).unwrap();
            connection.execute_batch("CREATE TABLE own (bytes BLOB)").unwrap();
            Self { connection, log: folder.join("file-wal") }
        }

        /// Changes as many rows as make a request, and returns how many it has changed in all.
        fn change(&self) -> i64 {
            let insert = "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < ?1) \
                INSERT INTO own SELECT zeroblob(400) FROM n";
            self.connection.execute(insert, [COPY_AFTER]).unwrap();
            self.connection.query_row("SELECT total_changes()", [], |row| row.get(0)).unwrap()
        }

        fn bytes(&self) -> u64 {
            self.log.metadata().unwrap().len()
        }
    }

    #[test]
    fn the_thread_copies_the_log_and_the_next_commit_starts_it_again() {
        let folder = tempfile::tempdir().unwrap();
        let writer = Writer::new(folder.path());
        let mut checkpoints = Checkpoints::start(connect(&folder.path().join("file")).unwrap()).unwrap();
        let mut first = 0;
        for _ in 0..20 {
            let changed = writer.change();
            first = first.max(if first == 0 { writer.bytes() } else { 0 });
            checkpoints.request(&writer.connection, changed);
            while checkpoints.copied() < changed {
                thread::yield_now();
            }
        }
        assert!(writer.bytes() < 2 * first, "{first} bytes became {}", writer.bytes());
        assert_eq!(checkpoints.failures().count(), 0);
    }

    /// The connection of the thread cannot write. What it cannot do is counted, and done by the writer at the limit.
    #[test]
    fn the_log_stays_bounded_without_the_thread() {
        let folder = tempfile::tempdir().unwrap();
        let writer = Writer::new(folder.path());
        let only_reads = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let only_reads = Connection::open_with_flags(folder.path().join("file"), only_reads).unwrap();
        let mut checkpoints = Checkpoints::start(only_reads).unwrap();
        let (mut changed, mut at_limit) = (0, 0);
        while changed < 10 * MOST {
            changed = writer.change();
            if changed <= MOST {
                at_limit = writer.bytes();
            }
            checkpoints.request(&writer.connection, changed);
        }
        assert!(writer.bytes() < at_limit * 3 / 2, "{at_limit} bytes became {}", writer.bytes());
        let failures = checkpoints.failures();
        drop(checkpoints);
        assert!(failures.count() > 0);
    }

    /// A reader needs the log. It grows, and the next checkpoint after the reader copies it.
    #[test]
    fn a_reader_delays_a_checkpoint_and_fails_none() {
        let folder = tempfile::tempdir().unwrap();
        let writer = Writer::new(folder.path());
        let mut checkpoints = Checkpoints::start(connect(&folder.path().join("file")).unwrap()).unwrap();
        let reader = connect(&folder.path().join("file")).unwrap();
        let snapshot = reader.unchecked_transaction().unwrap();
        let rows = "SELECT count(*) FROM own";
        assert_eq!(snapshot.query_row(rows, [], |row| row.get::<_, i64>(0)), Ok(0));
        let mut changed = 0;
        while changed < 2 * MOST {
            changed = writer.change();
            checkpoints.request(&writer.connection, changed);
        }
        assert!(checkpoints.copied() == 0 && !checkpoints.empty_log(&writer.connection));
        drop(snapshot);
        let changed = writer.change();
        checkpoints.request(&writer.connection, changed);
        assert_eq!(checkpoints.copied(), changed, "the writer made it");
        assert!(checkpoints.empty_log(&writer.connection));
        assert_eq!((writer.bytes(), checkpoints.failures().count()), (0, 0));
    }
}
