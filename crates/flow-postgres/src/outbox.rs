//! The webhooks that are still to be sent.

use std::time::Duration;

use async_trait::async_trait;
use cloudauth_flow::integers::{from_limit, from_number, from_time, to_number};
use cloudauth_flow::{
    ClaimedDeliveries, Delivery, DeliveryEnd, EndpointId, Outbox, StoreError, StoreErrorKind,
};
use cloudauth_protocol::UnixTime;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use crate::claim::millis;
use crate::connect::{Effect, run};
use crate::migrate::SCHEMA;
use crate::read::{LOGGED, get, logged, value};
use crate::store::PostgresStore;

/// The deliveries that one statement deletes.
const DELETED: i64 = 1_000;

#[async_trait]
impl Outbox for PostgresStore {
    async fn subscribe(&self, endpoint: &EndpointId) -> Result<(), StoreError> {
        self.write("SELECT ca_subscribe($1, $2)", &[&SCHEMA, &endpoint.as_str()]).await.map(drop)
    }

    async fn unsubscribe(&self, endpoint: &EndpointId) -> Result<(), StoreError> {
        self.write("SELECT ca_unsubscribe($1, $2)", &[&SCHEMA, &endpoint.as_str()]).await?;
        let parameters: [&(dyn ToSql + Sync); 3] = [&SCHEMA, &endpoint.as_str(), &DELETED];
        loop {
            let rows = self.write("SELECT ca_delete_deliveries($1, $2, $3)", &parameters).await?;
            let deleted: i64 = value(&rows)?;
            if deleted < DELETED {
                return Ok(());
            }
        }
    }

    /// A clock that is ahead of the database claims at the database's time.
    async fn claim_deliveries(
        &self,
        endpoint: &EndpointId,
        now: UnixTime,
        lease: Duration,
        limit: usize,
    ) -> Result<ClaimedDeliveries, StoreError> {
        let claim =
            format!("SELECT {LOGGED}, r_attempts, r_fence FROM ca_claim_deliveries($1, $2, $3, $4, $5)");
        let lease = millis(lease);
        let parameters: [&(dyn ToSql + Sync); 5] =
            [&SCHEMA, &endpoint.as_str(), &from_time(now), &lease, &from_limit(limit)];
        let rows = self.write(&claim, &parameters).await?;
        let delivery = |row: &Row| {
            Ok::<_, StoreError>(Delivery {
                endpoint: endpoint.clone(),
                event: logged(row)?,
                attempt: u32::try_from(get::<i64>(row, 9)?).unwrap_or(u32::MAX),
                fence: to_number(get(row, 10)?),
            })
        };
        let mut claimed = ClaimedDeliveries::default();
        for row in &rows {
            match delivery(row) {
                Ok(delivery) => claimed.deliveries.push(delivery),
                // It must not block the others.
                Err(error) if error.kind() == StoreErrorKind::Corrupt => {
                    self.end(endpoint, (get(row, 6)?, get(row, 10)?), DeliveryEnd::Dead).await?;
                    claimed.dead += 1;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(claimed)
    }

    async fn end_delivery(&self, delivery: &Delivery, end: DeliveryEnd) -> Result<bool, StoreError> {
        let of = (from_number(delivery.event.cursor.0), from_number(delivery.fence));
        self.end(&delivery.endpoint, of, end).await
    }

    async fn revive_deliveries(
        &self,
        endpoint: &EndpointId,
        now: UnixTime,
        limit: usize,
    ) -> Result<usize, StoreError> {
        let parameters: [&(dyn ToSql + Sync); 4] =
            [&SCHEMA, &endpoint.as_str(), &from_time(now), &from_limit(limit)];
        let rows = self.write("SELECT ca_revive_deliveries($1, $2, $3, $4)", &parameters).await?;
        let revived: i64 = value(&rows)?;
        Ok(usize::try_from(revived).unwrap_or_default())
    }
}

impl PostgresStore {
    /// Ends the claim with this fence.
    async fn end(
        &self,
        endpoint: &EndpointId,
        (seq, fence): (i64, i64),
        end: DeliveryEnd,
    ) -> Result<bool, StoreError> {
        let (done, due_at) = match end {
            DeliveryEnd::Done => (true, None),
            DeliveryEnd::RetryAt(at) => (false, Some(from_time(at))),
            DeliveryEnd::Dead => (false, None),
        };
        let parameters: [&(dyn ToSql + Sync); 6] =
            [&SCHEMA, &endpoint.as_str(), &seq, &fence, &done, &due_at];
        let rows = self.write("SELECT ca_end_delivery($1, $2, $3, $4, $5, $6)", &parameters).await?;
        value(&rows)
    }

    async fn write(
        &self,
        statement: &str,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, StoreError> {
        run(&self.pool, Effect::Writes, statement, parameters).await
    }
}
