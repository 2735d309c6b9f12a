//! Start pages, by the clock of the database.

use async_trait::async_trait;
use cloudauth_flow::integers::from_limit;
use cloudauth_flow::{
    CapabilityHash, NewPage, OrderRef, PAGE_LIFETIME, Page, Pages, Sealed, SealedPage, StoreError,
};
use cloudauth_protocol::UnixTime;
use tokio_postgres::types::ToSql;

use crate::claim::millis;
use crate::connect::{Effect, run};
use crate::migrate::SCHEMA;
use crate::read::{SCHEMA_ROW, checked, get, value};
use crate::store::PostgresStore;

#[async_trait]
impl Pages for PostgresStore {
    async fn open_page(&self, page: &NewPage, _: UnixTime) -> Result<bool, StoreError> {
        let open = "SELECT ca_open_page($1, $2, $3, $4, $5, $6, $7)";
        let (capability, sealed) = (&page.capability.as_bytes()[..], page.sealed.as_bytes());
        let (order, key) = (page.order.as_str(), page.key.as_str());
        let lifetime = millis(page.lifetime.min(PAGE_LIFETIME));
        let parameters: [&(dyn ToSql + Sync); 7] =
            [&SCHEMA, &capability, &order, &key, &&*page.request, &sealed, &lifetime];
        value(&run(&self.pool, Effect::Writes, open, &parameters).await?)
    }

    async fn find_page(&self, capability: &CapabilityHash, _: UnixTime) -> Result<Option<Page>, StoreError> {
        let select = format!(
            "SELECT state, until > ca_clock() AND until <= ca_clock() + 600000, request, sealed, schema \
             FROM {SCHEMA_ROW} LEFT JOIN ca_page ON capability = $1"
        );
        let rows = run(&self.pool, Effect::Reads, &select, &[&&capability.as_bytes()[..]]).await?;
        let row = checked(&rows, 4)?;
        let Some(state) = get::<Option<&str>>(row, 0)? else { return Ok(None) };
        let in_time: Option<bool> = get(row, 1)?;
        let (request, sealed): (Option<&str>, Option<&[u8]>) = (get(row, 2)?, get(row, 3)?);
        let sealed = request.zip(sealed).filter(|_| in_time == Some(true)).map(|(request, sealed)| {
            SealedPage { capability: *capability, request: request.into(), sealed: Sealed::new(sealed) }
        });
        Ok(Some(Page::stored(state, sealed)))
    }

    async fn end_pages(&self, order: &OrderRef, _: UnixTime) -> Result<(), StoreError> {
        let end = "SELECT ca_check($1), ca_end_pages($2, 'canceled', NULL, NULL, NULL)";
        run(&self.pool, Effect::Writes, end, &[&SCHEMA, &order.as_str()]).await.map(drop)
    }

    async fn erase_pages(&self, _: UnixTime, limit: usize) -> Result<usize, StoreError> {
        let erase = "SELECT ca_erase_pages($1, $2)";
        let rows = run(&self.pool, Effect::Writes, erase, &[&SCHEMA, &from_limit(limit)]).await?;
        let erased: i64 = value(&rows)?;
        Ok(usize::try_from(erased).unwrap_or_default())
    }
}
