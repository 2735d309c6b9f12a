//! The threads that read, each with its own connection. A read never waits for a write.

use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use cloudauth_flow::{StoreError, StoreErrorKind};
use futures_channel::oneshot;
use rusqlite::Connection;

use crate::cached::Cached;
use crate::error::{OpenError, failed};
use crate::open::{check_schema, connect};

/// The number of threads.
const THREADS: usize = 4;

/// The most reads that wait. The store refuses more.
const QUEUE: usize = 4096;

type Task = Box<dyn FnOnce(&Cached<'_>) + Send>;

/// The readers' threads, and the queue of their tasks.
#[derive(Debug)]
pub(crate) struct Readers {
    tasks: Option<SyncSender<Task>>,
    threads: Vec<JoinHandle<()>>,
}

impl Readers {
    pub(crate) fn start(path: &Path) -> Result<Self, OpenError> {
        let (tasks, waiting) = sync_channel(QUEUE);
        let waiting = Arc::new(Mutex::new(waiting));
        let mut readers = Self { tasks: Some(tasks), threads: Vec::new() };
        for _ in 0..THREADS {
            let connection = connect(path)?;
            connection.pragma_update(None, "query_only", true)?;
            let waiting = Arc::clone(&waiting);
            let thread = thread::Builder::new()
                .name("cloudauth-reader".to_owned())
                .spawn(move || run(&connection, &waiting))
                .map_err(OpenError::unavailable)?;
            readers.threads.push(thread);
        }
        Ok(readers)
    }

    /// Runs a function with a connection that reads, in one transaction. It does not run if another program migrated the file.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        function: impl FnOnce(&Cached<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (sender, receiver) = oneshot::channel();
        let task: Task = Box::new(move |connection| drop(sender.send(in_snapshot(connection, function))));
        let tasks = self.tasks.as_ref().ok_or(StoreErrorKind::Unavailable)?;
        tasks.try_send(task).map_err(|_| StoreErrorKind::Unavailable)?;
        receiver.await.unwrap_or_else(|_| Err(StoreErrorKind::Unavailable.into()))
    }
}

impl Drop for Readers {
    fn drop(&mut self) {
        self.tasks = None;
        for thread in self.threads.drain(..) {
            drop(thread.join());
        }
    }
}

fn in_snapshot<T>(
    connection: &Cached<'_>,
    function: impl FnOnce(&Cached<'_>) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    // The transaction of a reader ends with its drop.
    let _snapshot = connection.unchecked_transaction().map_err(failed)?;
    check_schema(connection)?;
    function(connection)
}

fn run(connection: &Connection, waiting: &Mutex<Receiver<Task>>) {
    let connection = Cached::new(connection);
    loop {
        // The idle threads wait for the lock, and the first of them for the task.
        let task = waiting.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(task) = task else { return };
        task(&connection);
    }
}
