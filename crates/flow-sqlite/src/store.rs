//! The store: one file, one thread that writes, several that read.

use std::path::Path;
use std::time::Duration;

use async_trait::async_trait;
use cloudauth_flow::{
    CapabilityHash, Commit, Cursor, Event, LoggedEvent, Lookup, NewPage, OrderRef, Outbox, Page, Pages,
    Queue, Store, StoreError, Stored, Usage, UsageOf, VerificationId, write_document,
};
use cloudauth_protocol::UnixTime;
use rusqlite::Connection;

use crate::cached::Cached;
use crate::error::OpenError;
use crate::open::connect;
use crate::readers::Readers;
use crate::writer::Writer;
use crate::{calls, claim, pages, read, write};

/// A store of verifications in one SQLite file.
///
/// It runs on any async runtime, or none: its own threads do the I/O. Dropping it waits until the commits that were sent are on
/// the disk. Several stores, of one or several processes on one machine, may use a file at the same time. A network file system is
/// not supported: SQLite's log needs shared memory.
#[derive(Debug)]
pub struct SqliteStore {
    pub(crate) readers: Readers,
    /// Dropped last: the last connection of a file empties and removes the log. Connections that close at the same time each leave
    /// it to another one.
    pub(crate) writer: Writer,
}

impl SqliteStore {
    /// Opens the file, or creates it. Brings an older schema to the current one. The file and its log are readable only for their
    /// owner. It blocks: open the store before your runtime serves.
    ///
    /// # Errors
    /// If the file is not a store, if a newer version wrote it, or if it cannot be read and written. The file is as it was.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, OpenError> {
        let path = path.as_ref();
        let writer = Writer::start(connect(path)?, connect(path)?)?;
        Ok(Self { writer, readers: Readers::start(path)? })
    }

    /// Opens a connection of your own to a store's file, for [`commit_in`](crate::commit_in) and tables of your own. The names of
    /// your tables must not begin with `ca_`.
    ///
    /// # Errors
    /// Those of [`open`](Self::open).
    pub fn connect(path: impl AsRef<Path>) -> Result<Connection, OpenError> {
        connect(path.as_ref())
    }

    /// Returns the number of transactions that this store has committed. Under load it is below the number of commits and claims:
    /// concurrent callers share a transaction.
    #[must_use]
    pub fn transactions(&self) -> u64 {
        self.writer.transactions()
    }

    /// Returns how often the log could not be copied into the file (SQLite's checkpoint), for instance because the disk was full.
    /// Commits continue, and the log grows and keeps what was erased: watch this number.
    #[must_use]
    pub fn failed_checkpoints(&self) -> u64 {
        self.writer.failed_checkpoints()
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn load(&self, by: Lookup<'_>) -> Result<Option<Stored>, StoreError> {
        let (condition, value) = read::condition(by);
        self.readers.run(move |connection| read::load(connection, condition, &value)).await
    }

    async fn usage(&self, of: &UsageOf) -> Result<Usage, StoreError> {
        let of = *of;
        self.readers.run(move |connection| read::usage(connection, &of)).await
    }

    async fn commit(&self, commit: &Commit) -> Result<(), StoreError> {
        let document = write_document(commit.verification())?;
        let commit = commit.clone();
        let write = move |transaction: &Cached<'_>| Ok(((), write::write(transaction, &commit, &document)?));
        self.writer.run_erasing(write).await
    }

    async fn claim(
        &self,
        queue: Queue,
        now: UnixTime,
        lease: Duration,
        limit: usize,
    ) -> Result<Vec<Stored>, StoreError> {
        self.writer.run(move |transaction| claim::claim(transaction, queue, now, lease, limit)).await
    }

    async fn unreadable(&self, limit: usize) -> Result<Vec<VerificationId>, StoreError> {
        self.readers.run(move |connection| claim::unreadable(connection, limit)).await
    }

    async fn events_after(&self, cursor: Cursor, limit: usize) -> Result<Vec<LoggedEvent>, StoreError> {
        self.readers.run(move |connection| read::events_after(connection, cursor, limit)).await
    }

    async fn history(&self, id: &VerificationId) -> Result<Vec<Event>, StoreError> {
        let id = *id;
        self.readers.run(move |connection| read::history(connection, &id)).await
    }

    async fn purge(&self, now: UnixTime, limit: usize) -> Result<usize, StoreError> {
        let purge = move |transaction: &Cached<'_>| {
            let purged = write::purge(transaction, now, limit)?;
            Ok((purged, purged > 0))
        };
        self.writer.run_erasing(purge).await
    }

    /// The second is that of the machine, which all processes share.
    async fn reserve_calls(
        &self,
        operation: &str,
        _: UnixTime,
        want: u32,
        limit: u32,
    ) -> Result<u32, StoreError> {
        let operation = operation.to_owned();
        let reserve = move |transaction: &Cached<'_>| calls::reserve(transaction, &operation, want, limit);
        self.writer.run(reserve).await
    }

    fn outbox(&self) -> Option<&dyn Outbox> {
        Some(self)
    }

    fn pages(&self) -> Option<&dyn Pages> {
        Some(self)
    }
}

#[async_trait]
impl Pages for SqliteStore {
    async fn open_page(&self, page: &NewPage, _: UnixTime) -> Result<bool, StoreError> {
        let page = page.clone();
        self.writer.run_erasing(move |connection| pages::open(connection, &page)).await
    }

    async fn find_page(&self, capability: &CapabilityHash, _: UnixTime) -> Result<Option<Page>, StoreError> {
        let capability = *capability;
        self.readers.run(move |connection| pages::find(connection, &capability, pages::clock())).await
    }

    async fn end_pages(&self, order: &OrderRef, _: UnixTime) -> Result<(), StoreError> {
        let order = order.clone();
        self.writer.run_erasing(move |connection| Ok(((), pages::end_all(connection, &order)?))).await
    }

    async fn erase_pages(&self, _: UnixTime, limit: usize) -> Result<usize, StoreError> {
        let erase = move |connection: &Cached<'_>| {
            let ended = pages::erase(connection, pages::clock(), limit)?;
            Ok((ended, ended > 0))
        };
        self.writer.run_erasing(erase).await
    }
}
