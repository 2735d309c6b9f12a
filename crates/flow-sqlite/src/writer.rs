//! The thread that writes: it takes what waits, and commits it as one transaction.
//!
//! A commit costs a flush of the disk. All callers that wait meanwhile share the next one. Each task has its own savepoint, so a
//! task that fails undoes only its own writes. The answers go out after the transaction has ended.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

use cloudauth_flow::{StoreError, StoreErrorKind};
use futures_channel::oneshot;
use rusqlite::{Connection, Transaction, TransactionBehavior};

use crate::error::{OpenError, failed, failed_commit};
use crate::open::check_schema;

/// The most tasks of one transaction.
const GROUP: usize = 256;

/// The most tasks that wait. The store refuses more.
const QUEUE: usize = 4096;

/// How a transaction ended.
type End = Result<(), StoreErrorKind>;

/// Answers the caller of a task, after the transaction has ended.
type Answer = Box<dyn FnOnce(End) + Send>;

/// A task: it writes, or learns why there is no transaction.
type Task = Box<dyn FnOnce(Result<&mut Transaction<'_>, StoreErrorKind>) -> Answer + Send>;

/// The writer's thread, and the queue of its tasks.
#[derive(Debug)]
pub(crate) struct Writer {
    tasks: Option<SyncSender<Task>>,
    thread: Option<JoinHandle<()>>,
    transactions: Arc<AtomicU64>,
}

impl Writer {
    pub(crate) fn start(connection: Connection) -> Result<Self, OpenError> {
        let (tasks, waiting) = sync_channel(QUEUE);
        let transactions = Arc::new(AtomicU64::new(0));
        let count = Arc::clone(&transactions);
        let thread = thread::Builder::new()
            .name("cloudauth-writer".to_owned())
            .spawn(move || run(connection, &waiting, &count))
            .map_err(OpenError::unavailable)?;
        Ok(Self { tasks: Some(tasks), thread: Some(thread), transactions })
    }

    /// The number of transactions that were committed.
    pub(crate) fn transactions(&self) -> u64 {
        self.transactions.load(Ordering::Relaxed)
    }

    /// Runs a function in a transaction, and returns its result when the transaction is on the disk.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        function: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (sender, receiver) = oneshot::channel();
        let task: Task = Box::new(move |transaction| {
            let result = match transaction {
                Ok(transaction) => in_savepoint(transaction, function),
                Err(kind) => Err(kind.into()),
            };
            // A caller that has gone needs no answer.
            Box::new(move |end| drop(sender.send(result.and_then(|value| Ok(end.map(|()| value)?)))))
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

fn run(mut connection: Connection, waiting: &Receiver<Task>, transactions: &AtomicU64) {
    while let Ok(first) = waiting.recv() {
        let mut answers = Vec::new();
        let end = group(&mut connection, first, waiting, &mut answers);
        if end.is_ok() {
            transactions.fetch_add(1, Ordering::Relaxed);
        }
        for answer in answers {
            answer(end);
        }
    }
}

/// Commits a task and all that wait behind it.
fn group(
    connection: &mut Connection,
    first: Task,
    waiting: &Receiver<Task>,
    answers: &mut Vec<Answer>,
) -> End {
    let mut transaction = match begin(connection) {
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
        answers.push(task(Ok(&mut transaction)));
        // SQLite itself rolls the whole transaction back after errors such as a full disk.
        if transaction.is_autocommit() {
            return Err(StoreErrorKind::Unavailable);
        }
        next = if answers.len() < GROUP { waiting.try_recv().ok() } else { None };
    }
    transaction.commit().map_err(|error| failed_commit(&error))
}

fn begin(connection: &mut Connection) -> Result<Transaction<'_>, StoreError> {
    let transaction = Transaction::new(connection, TransactionBehavior::Immediate).map_err(failed)?;
    check_schema(&transaction)?;
    Ok(transaction)
}

/// Runs a function; after an error, nothing of it is left in the transaction.
pub(crate) fn in_savepoint<T>(
    transaction: &mut Transaction<'_>,
    function: impl FnOnce(&Connection) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let savepoint = transaction.savepoint().map_err(failed)?;
    let value = function(&savepoint)?;
    savepoint.commit().map_err(failed)?;
    Ok(value)
}

#[cfg(test)]
mod tests {
    use std::pin::Pin;
    use std::task::{Context, Waker};

    use cloudauth_flow::{StoreError, StoreErrorKind};
    use rusqlite::TransactionBehavior;

    use super::Writer;
    use crate::error::failed;
    use crate::open::connect;

    #[test]
    fn a_full_database_undoes_its_whole_group_and_says_so() {
        type Inserted<'a> = Pin<Box<dyn Future<Output = Result<(), StoreError>> + 'a>>;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let connection = connect(&path).unwrap();
        connection.execute_batch("CREATE TABLE own (bytes BLOB)").unwrap();
        let pages: i64 = connection.query_row("PRAGMA page_count", [], |row| row.get(0)).unwrap();
        connection.pragma_update(None, "max_page_count", pages + 9).unwrap();
        let writer = Writer::start(connection).unwrap();

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
}
