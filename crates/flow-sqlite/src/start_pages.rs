//! The start pages of the store.

use std::sync::atomic::Ordering;

use async_trait::async_trait;
use cloudauth_flow::{CapabilityHash, NewPage, Page, Pages, StoreError};
use cloudauth_protocol::UnixTime;
use rusqlite::Connection;

use crate::pages;
use crate::store::SqliteStore;

#[async_trait]
impl Pages for SqliteStore {
    async fn open_page(&self, page: &NewPage, _: UnixTime) -> Result<bool, StoreError> {
        let (page, erased) = (page.clone(), self.writer.erased());
        let open = move |connection: &Connection| {
            // The page before has an identity too.
            erased.store(true, Ordering::Relaxed);
            pages::open(connection, &page)
        };
        self.writer.run(open).await
    }

    async fn find_page(&self, capability: &CapabilityHash, _: UnixTime) -> Result<Option<Page>, StoreError> {
        let capability = *capability;
        self.readers.run(move |connection| pages::find(connection, &capability, pages::clock())).await
    }

    async fn erase_pages(&self, _: UnixTime, limit: usize) -> Result<usize, StoreError> {
        let erased = self.writer.erased();
        let erase = move |connection: &Connection| {
            let ended = pages::erase(connection, pages::clock(), limit)?;
            if ended > 0 {
                erased.store(true, Ordering::Relaxed);
            }
            Ok(ended)
        };
        self.writer.run(erase).await
    }
}
