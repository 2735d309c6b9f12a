//! The thread that writes: it takes what waits, and commits it as one transaction.
//!
//! A commit costs a flush of the disk. All callers that wait meanwhile share the next one. Each task has its own savepoint, so a
//! task that fails undoes only its own writes. The answers go out after the transaction has ended.
//!
//! After a transaction that erased something, the thread empties the log, which still has the pages as they were. Only the tasks that
//! erased wait for that, and those behind them. It also empties the log after a transaction that failed, because the disk may be full
//! of it. Otherwise another thread copies the log into the file.

mod checkpoints;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use cloudauth_flow::{StoreError, StoreErrorKind};
use futures_channel::oneshot;
use rusqlite::{Connection, Transaction, TransactionBehavior};

use crate::cached::Cached;
use crate::error::{OpenError, failed, failed_commit};
use crate::open::check_schema;
use crate::writer::checkpoints::Checkpoints;

/// The most tasks of one transaction.
const GROUP: usize = 256;

/// The most tasks that wait. The store refuses more.
const QUEUE: usize = 4096;

/// When the thread tries again to empty a log that a reader needed or that had no room in the file, if no transaction comes before.
const AGAIN: Duration = Duration::from_secs(1);

/// How a transaction ended.
type End = Result<(), StoreErrorKind>;

/// Answers the caller of a task, after the transaction has ended.
struct Answer {
    /// Whether the task erased something: the log must not keep what the file no longer has.
    has_erased: bool,
    send: Box<dyn FnOnce(End) + Send>,
}

/// A task: it writes, or learns why there is no transaction.
type Task = Box<dyn FnOnce(Result<&Cached<'_>, StoreErrorKind>) -> Answer + Send>;

/// The writer's thread, and the queue of its tasks.
#[derive(Debug)]
pub(crate) struct Writer {
    tasks: Option<SyncSender<Task>>,
    thread: Option<JoinHandle<()>>,
    transactions: Arc<AtomicU64>,
    failed_checkpoints: Arc<AtomicU64>,
}

impl Writer {
    /// Starts the thread with its connection, and another one for the checkpoints.
    pub(crate) fn start(connection: Connection, for_checkpoints: Connection) -> Result<Self, OpenError> {
        let (tasks, waiting) = sync_channel(QUEUE);
        let transactions = Arc::default();
        let count = Arc::clone(&transactions);
        connection.pragma_update(None, "wal_autocheckpoint", 0)?;
        let checkpoints = Checkpoints::start(for_checkpoints)?;
        let failed_checkpoints = checkpoints.failed();
        let thread = thread::Builder::new()
            .name("cloudauth-writer".to_owned())
            .spawn(move || run(&connection, checkpoints, &waiting, &count))
            .map_err(OpenError::unavailable)?;
        Ok(Self { tasks: Some(tasks), thread: Some(thread), transactions, failed_checkpoints })
    }

    /// The number of transactions that were committed.
    pub(crate) fn transactions(&self) -> u64 {
        self.transactions.load(Ordering::Relaxed)
    }

    /// The number of checkpoints that failed.
    pub(crate) fn failed_checkpoints(&self) -> u64 {
        self.failed_checkpoints.load(Ordering::Relaxed)
    }

    /// Runs a function in a transaction, and returns its result when the transaction is on the disk.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        function: impl FnOnce(&Cached<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.run_erasing(move |connection| Ok((function(connection)?, false))).await
    }

    /// Like [`run`](Self::run), for a function that also returns whether it erased something. Then its result comes when the log is
    /// empty too, unless a reader needs the log or the disk is full.
    pub(crate) async fn run_erasing<T: Send + 'static>(
        &self,
        function: impl FnOnce(&Cached<'_>) -> Result<(T, bool), StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (sender, receiver) = oneshot::channel();
        let task: Task = Box::new(move |transaction| {
            let result = match transaction {
                Ok(transaction) => in_savepoint(transaction, function),
                Err(kind) => Err(kind.into()),
            };
            let has_erased = result.as_ref().is_ok_and(|(_, has_erased)| *has_erased);
            // A caller that has gone needs no answer.
            let send =
                move |end: End| drop(sender.send(result.and_then(|(value, _)| Ok(end.map(|()| value)?))));
            Answer { has_erased, send: Box::new(send) }
        });
        let tasks = self.tasks.as_ref().ok_or(StoreErrorKind::Unavailable)?;
        tasks.try_send(task).map_err(|_| StoreErrorKind::Unavailable)?;
        receiver.await.unwrap_or_else(|_| Err(StoreErrorKind::OutcomeUnknown.into()))
    }
}

/// Waits until everything that was sent is committed.
impl Drop for Writer {
    fn drop(&mut self) {
        self.tasks = None;
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

fn run(
    connection: &Connection,
    mut checkpoints: Checkpoints,
    waiting: &Receiver<Task>,
    transactions: &AtomicU64,
) {
    let connection = Cached::new(connection);
    // An earlier process may have ended before it emptied the log.
    let mut full = true;
    loop {
        let first = if full {
            waiting.recv_timeout(AGAIN)
        } else {
            waiting.recv().map_err(|_| RecvTimeoutError::Disconnected)
        };
        let mut answers = Vec::new();
        let mut end = Ok(());
        match first {
            Ok(first) => {
                end = group(&connection, first, waiting, &mut answers);
                if end.is_ok() {
                    transactions.fetch_add(1, Ordering::Relaxed);
                }
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
        let (erased, others): (Vec<_>, Vec<_>) = answers.into_iter().partition(|answer| answer.has_erased);
        others.into_iter().for_each(|answer| (answer.send)(end));
        // A full disk may be full of the log: emptying it makes room.
        full |= !erased.is_empty() || end == Err(StoreErrorKind::Unavailable);
        full = full && !checkpoints.empty_log(&connection);
        erased.into_iter().for_each(|answer| (answer.send)(end));
        // A claim changes many rows, and a purge too.
        if let Ok(changed) = connection.query_row("SELECT total_changes()", [], |row| row.get(0)) {
            checkpoints.request(&connection, changed);
        }
    }
}

/// Commits a task and all that wait behind it.
fn group(connection: &Cached<'_>, first: Task, waiting: &Receiver<Task>, answers: &mut Vec<Answer>) -> End {
    let transaction = match begin(connection) {
        Ok(transaction) => transaction,
        Err(error) => {
            // Another program held the lock too long. The waiting tasks would only wait again.
            let refused = std::iter::once(first).chain(waiting.try_iter().take(QUEUE));
            answers.extend(refused.map(|task| task(Err(error.kind()))));
            return Err(error.kind());
        }
    };
    let mut next = Some(first);
    while let Some(task) = next {
        answers.push(task(Ok(connection)));
        // SQLite itself rolls the whole transaction back after errors such as a full disk.
        if transaction.is_autocommit() {
            return Err(StoreErrorKind::Unavailable);
        }
        next = if answers.len() < GROUP { waiting.try_recv().ok() } else { None };
    }
    transaction.commit().map_err(|error| failed_commit(&error))
}

fn begin<'c>(connection: &'c Cached<'_>) -> Result<Transaction<'c>, StoreError> {
    let transaction =
        Transaction::new_unchecked(connection, TransactionBehavior::Immediate).map_err(failed)?;
    check_schema(connection)?;
    Ok(transaction)
}

/// Runs a function; after an error, nothing of it is left in the transaction. If it cannot be undone alone, the whole transaction is
/// rolled back.
pub(crate) fn in_savepoint<T>(
    transaction: &Cached<'_>,
    function: impl FnOnce(&Cached<'_>) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let execute = |sql| transaction.execute(sql, []).map_err(failed);
    execute("SAVEPOINT ca_task")?;
    let result = function(transaction);
    let undone = if result.is_err() { execute("ROLLBACK TO ca_task") } else { Ok(0) };
    let ended = undone.and_then(|_| execute("RELEASE ca_task"));
    // Both fail if SQLite has rolled the whole transaction back. Otherwise, a part of the task is left.
    if ended.is_err() && !transaction.is_autocommit() {
        drop(execute("ROLLBACK"));
    }
    result.and_then(|value| ended.map(|_| value))
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};
    use std::pin::Pin;
    use std::task::{Context, Waker};

    use cloudauth_flow::{StoreError, StoreErrorKind};
    use rusqlite::TransactionBehavior;

    use super::Writer;
    use crate::error::failed;
    use crate::open::connect;

    /// A writer over a file with this table.
    fn started(folder: &Path, table: &str) -> (PathBuf, Writer) {
        let path = folder.join("file");
        let connection = connect(&path).unwrap();
        connection.execute_batch(table).unwrap();
        let writer = Writer::start(connection, connect(&path).unwrap()).unwrap();
        (path, writer)
    }

    #[test]
    fn a_full_database_undoes_its_whole_group_and_says_so() {
        type Inserted<'a> = Pin<Box<dyn Future<Output = Result<(), StoreError>> + 'a>>;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let connection = connect(&path).unwrap();
        connection.execute_batch("CREATE TABLE own (bytes BLOB)").unwrap();
        let pages: i64 = connection.query_row("PRAGMA page_count", [], |row| row.get(0)).unwrap();
        connection.pragma_update(None, "max_page_count", pages + 9).unwrap();
        let writer = Writer::start(connection, connect(&path).unwrap()).unwrap();

        // While another connection holds the lock, all three come into one group.
        let mut other = connect(&path).unwrap();
        let lock = other.transaction_with_behavior(TransactionBehavior::Immediate).unwrap();
        let mut inserts = [1, 1_000_000, 2].map(|bytes| -> Inserted<'_> {
            let insert = "INSERT INTO own VALUES (zeroblob(?1))";
            Box::pin(writer.run(move |group| group.execute(insert, [bytes]).map(drop).map_err(failed)))
        });
        for insert in &mut inserts {
            assert!(insert.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        }
        lock.rollback().unwrap();

        let kinds = inserts.map(|insert| pollster::block_on(insert).map_err(|error| error.kind()));
        // The third went into the next group.
        assert_eq!(kinds, [Err(StoreErrorKind::Unavailable), Err(StoreErrorKind::Unavailable), Ok(())]);
        let mut select = other.prepare("SELECT length(bytes) FROM own").unwrap();
        let rows: Result<Vec<i64>, _> = select.query_map([], |row| row.get(0)).unwrap().collect();
        assert_eq!(rows, Ok(vec![2]));
    }

    #[test]
    fn a_failed_task_that_cannot_be_undone_commits_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let (path, writer) = started(folder.path(), "CREATE TABLE own (n INTEGER)");
        let half = writer.run(|group| -> Result<(), _> {
            group.execute("INSERT INTO own VALUES (1)", []).map_err(failed)?;
            // Without its savepoint, `ROLLBACK TO` fails.
            group.execute("RELEASE ca_task", []).map_err(failed)?;
            Err(StoreErrorKind::Conflict.into())
        });
        let half = pollster::block_on(half).map_err(|error| error.kind());
        assert_eq!(half, Err(StoreErrorKind::Conflict));
        let insert = writer.run(|group| group.execute("INSERT INTO own VALUES (2)", []).map_err(failed));
        pollster::block_on(insert).unwrap();
        let other = connect(&path).unwrap();
        let sum: i64 = other.query_row("SELECT sum(n) FROM own", [], |row| row.get(0)).unwrap();
        assert_eq!(sum, 2);
    }
}
