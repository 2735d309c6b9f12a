//! The start pages of the store.

use async_trait::async_trait;
use cloudauth_flow::{CapabilityHash, NewPage, Page, Pages, StoreError};
use cloudauth_protocol::UnixTime;
use rusqlite::Connection;

use crate::pages;
use crate::store::SqliteStore;

#[async_trait]
impl Pages for SqliteStore {
    async fn open_page(&self, page: &NewPage, _: UnixTime) -> Result<bool, StoreError> {
        let page = page.clone();
        // It may replace another identity.
        let open = move |connection: &Connection| Ok((pages::open(connection, &page)?, true));
        self.writer.run_erasing(open).await
    }

    async fn find_page(&self, capability: &CapabilityHash, _: UnixTime) -> Result<Option<Page>, StoreError> {
        let capability = *capability;
        self.readers.run(move |connection| pages::find(connection, &capability, pages::clock())).await
    }

    async fn erase_pages(&self, _: UnixTime, limit: usize) -> Result<usize, StoreError> {
        let erase = move |connection: &Connection| {
            let ended = pages::erase(connection, pages::clock(), limit)?;
            Ok((ended, ended > 0))
        };
        self.writer.run_erasing(erase).await
    }
}
