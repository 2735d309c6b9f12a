//! A store that fails before or after a commit.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use cloudauth_flow::testing::MemoryStore;
use cloudauth_flow::{
    Commit, Cursor, Event, LoggedEvent, Lookup, Store, StoreError, StoreErrorKind, Stored, Usage, UsageOf,
    VerificationId,
};
use cloudauth_protocol::UnixTime;

use crate::world::{chance, interrupt};

#[derive(Clone, Debug)]
pub(crate) struct Faulty(pub(crate) Arc<MemoryStore>);

impl Faulty {
    async fn ready(&self) -> Result<(), StoreError> {
        interrupt().await;
        if chance(3) { Err(StoreErrorKind::Unavailable.into()) } else { Ok(()) }
    }
}

#[async_trait]
impl Store for Faulty {
    async fn load(&self, by: Lookup<'_>) -> Result<Option<Stored>, StoreError> {
        self.ready().await?;
        self.0.load(by).await
    }

    async fn usage(&self, of: &UsageOf) -> Result<Usage, StoreError> {
        self.ready().await?;
        self.0.usage(of).await
    }

    async fn commit(&self, commit: &Commit) -> Result<(), StoreError> {
        self.ready().await?;
        if chance(5) {
            return Err(StoreErrorKind::OutcomeUnknown.into());
        }
        let result = self.0.commit(commit).await;
        interrupt().await;
        if chance(5) {
            return Err(StoreErrorKind::OutcomeUnknown.into());
        }
        result
    }

    async fn claim(&self, now: UnixTime, lease: Duration, limit: usize) -> Result<Vec<Stored>, StoreError> {
        self.ready().await?;
        self.0.claim(now, lease, limit).await
    }

    async fn events_after(&self, cursor: Cursor, limit: usize) -> Result<Vec<LoggedEvent>, StoreError> {
        self.ready().await?;
        self.0.events_after(cursor, limit).await
    }

    async fn history(&self, id: &VerificationId) -> Result<Vec<Event>, StoreError> {
        self.ready().await?;
        self.0.history(id).await
    }

    async fn purge(&self, now: UnixTime, limit: usize) -> Result<usize, StoreError> {
        self.ready().await?;
        self.0.purge(now, limit).await
    }
}
