//! A store that fails before or after a commit, and commits that arrive late.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use cloudauth_flow::testing::MemoryStore;
use cloudauth_flow::{
    CapabilityHash, Commit, Cursor, Event, LoggedEvent, Lookup, NewPage, OrderRef, Page, Pages, Queue, Store,
    StoreError, StoreErrorKind, Stored, Usage, UsageOf, VerificationId,
};
use cloudauth_protocol::UnixTime;

use crate::world::{chance, interrupt, now};

#[derive(Clone, Debug)]
pub(crate) struct Faulty {
    pub(crate) store: Arc<MemoryStore>,
    /// Whether the store has a clock of its own, which is right.
    pub(crate) has_clock: bool,
    /// Commits on their way.
    pub(crate) late: Arc<Mutex<Vec<Commit>>>,
    /// The pages that were there when their order was canceled.
    pub(crate) canceled: Arc<Mutex<BTreeSet<CapabilityHash>>>,
    /// Whether one of them started something afterwards.
    pub(crate) is_started: Arc<AtomicBool>,
}

impl Faulty {
    /// The commits on their way arrive. Other commits may have come first.
    pub(crate) async fn arrive(&self) {
        let late = std::mem::take(&mut *self.late.lock().unwrap());
        for commit in late {
            drop(self.write(&commit).await);
        }
    }

    /// Makes a commit durable.
    async fn write(&self, commit: &Commit) -> Result<(), StoreError> {
        self.store.commit(commit).await?;
        if commit.needs_page().is_some_and(|page| self.canceled.lock().unwrap().contains(page)) {
            self.is_started.store(true, Ordering::Relaxed);
        }
        Ok(())
    }

    async fn ready(&self) -> Result<(), StoreError> {
        interrupt().await;
        if chance(3) { Err(StoreErrorKind::Unavailable.into()) } else { Ok(()) }
    }
}

#[async_trait]
impl Store for Faulty {
    async fn load(&self, by: Lookup<'_>) -> Result<Option<Stored>, StoreError> {
        self.ready().await?;
        self.store.load(by).await
    }

    async fn usage(&self, of: &UsageOf) -> Result<Usage, StoreError> {
        self.ready().await?;
        self.store.usage(of).await
    }

    async fn commit(&self, commit: &Commit) -> Result<(), StoreError> {
        self.ready().await?;
        if chance(5) {
            if chance(50) {
                self.late.lock().unwrap().push(commit.clone());
            }
            return Err(StoreErrorKind::OutcomeUnknown.into());
        }
        let result = self.write(commit).await;
        interrupt().await;
        if chance(5) {
            return Err(StoreErrorKind::OutcomeUnknown.into());
        }
        result
    }

    async fn claim(
        &self,
        queue: Queue,
        now: UnixTime,
        lease: Duration,
        limit: usize,
    ) -> Result<Vec<Stored>, StoreError> {
        self.ready().await?;
        self.store.claim(queue, now, lease, limit).await
    }

    async fn events_after(&self, cursor: Cursor, limit: usize) -> Result<Vec<LoggedEvent>, StoreError> {
        self.ready().await?;
        self.store.events_after(cursor, limit).await
    }

    async fn history(&self, id: &VerificationId) -> Result<Vec<Event>, StoreError> {
        self.ready().await?;
        self.store.history(id).await
    }

    async fn purge(&self, now: UnixTime, limit: usize) -> Result<usize, StoreError> {
        self.ready().await?;
        self.store.purge(now, limit).await
    }

    async fn reserve_calls(
        &self,
        operation: &str,
        at: UnixTime,
        want: u32,
        limit: u32,
    ) -> Result<u32, StoreError> {
        self.ready().await?;
        if chance(2) {
            return Ok(0);
        }
        self.store.reserve_calls(operation, at, want, limit).await
    }

    async fn now(&self) -> Result<Option<UnixTime>, StoreError> {
        self.ready().await?;
        Ok(self.has_clock.then(now))
    }

    fn pages(&self) -> Option<&dyn Pages> {
        Some(self)
    }
}

/// Pages have the true time: the clock of a worker that jumped keeps no identity.
#[async_trait]
impl Pages for Faulty {
    async fn open_page(&self, page: &NewPage, _: UnixTime) -> Result<bool, StoreError> {
        self.ready().await?;
        let result = self.store.open_page(page, now()).await;
        interrupt().await;
        if chance(5) {
            return Err(StoreErrorKind::OutcomeUnknown.into());
        }
        result
    }

    async fn find_page(&self, capability: &CapabilityHash, _: UnixTime) -> Result<Option<Page>, StoreError> {
        self.ready().await?;
        self.store.find_page(capability, now()).await
    }

    async fn end_pages(&self, order: &OrderRef, _: UnixTime) -> Result<(), StoreError> {
        self.ready().await?;
        self.store.end_pages(order, now()).await
    }

    async fn erase_pages(&self, _: UnixTime, limit: usize) -> Result<usize, StoreError> {
        self.ready().await?;
        self.store.erase_pages(now(), limit).await
    }
}
