//! The webhooks that are still to be sent.

use std::time::Duration;

use async_trait::async_trait;
use cloudauth_flow::integers::{from_limit, from_number, from_time, to_number};
use cloudauth_flow::{
    ClaimedDeliveries, Delivery, DeliveryEnd, EndpointId, Outbox, StoreError, StoreErrorKind,
};
use cloudauth_protocol::UnixTime;
use rusqlite::{Connection, Params, params};

use crate::cached::Cached;
use crate::error::failed;
use crate::read::{LOGGED, LoggedRow};
use crate::store::SqliteStore;

#[async_trait]
impl Outbox for SqliteStore {
    async fn subscribe(&self, endpoint: &EndpointId) -> Result<(), StoreError> {
        let subscribe = "INSERT INTO ca_endpoint (id) VALUES (?1) ON CONFLICT DO NOTHING";
        self.change(subscribe, [endpoint.as_str().to_owned()]).await.map(drop)
    }

    async fn unsubscribe(&self, endpoint: &EndpointId) -> Result<(), StoreError> {
        self.change("DELETE FROM ca_endpoint WHERE id = ?1", [endpoint.as_str().to_owned()]).await?;
        // In batches: each transaction keeps the writer from commits.
        while self.change(DELETE, (endpoint.as_str().to_owned(), from_limit(DELETED))).await? >= DELETED {}
        Ok(())
    }

    async fn claim_deliveries(
        &self,
        endpoint: &EndpointId,
        now: UnixTime,
        lease: Duration,
        limit: usize,
    ) -> Result<ClaimedDeliveries, StoreError> {
        let endpoint = endpoint.clone();
        self.writer.run(move |transaction| claim(transaction, &endpoint, now, lease, limit)).await
    }

    async fn end_delivery(&self, delivery: &Delivery, end: DeliveryEnd) -> Result<bool, StoreError> {
        let of =
            (delivery.endpoint.clone(), from_number(delivery.event.cursor.0), from_number(delivery.fence));
        self.writer.run(move |transaction| finish(transaction, (&of.0, of.1, of.2), end)).await
    }

    async fn revive_deliveries(
        &self,
        endpoint: &EndpointId,
        now: UnixTime,
        limit: usize,
    ) -> Result<usize, StoreError> {
        let revive = "UPDATE ca_delivery SET due_at = ?2, attempts = 0 WHERE endpoint = ?1 AND seq IN \
                      (SELECT seq FROM ca_delivery WHERE endpoint = ?1 AND due_at IS NULL LIMIT ?3)";
        self.change(revive, (endpoint.as_str().to_owned(), from_time(now), from_limit(limit))).await
    }
}

impl SqliteStore {
    async fn change(
        &self,
        statement: &'static str,
        parameters: impl Params + Send + 'static,
    ) -> Result<usize, StoreError> {
        let write =
            move |transaction: &Cached<'_>| transaction.execute(statement, parameters).map_err(failed);
        self.writer.run(write).await
    }
}

/// The deliveries that one transaction deletes.
const DELETED: usize = 1_000;

/// Deletes deliveries of an endpoint that is removed.
const DELETE: &str = "DELETE FROM ca_delivery WHERE endpoint = ?1 AND seq IN \
                      (SELECT seq FROM ca_delivery WHERE endpoint = ?1 LIMIT ?2) \
                      AND NOT EXISTS (SELECT 1 FROM ca_endpoint WHERE id = ?1)";

/// The deliveries of an endpoint that are due.
const DUE: &str =
    "SELECT seq FROM ca_delivery WHERE endpoint = ?1 AND due_at <= ?2 ORDER BY due_at, seq LIMIT ?3";

fn claim(
    connection: &Connection,
    endpoint: &EndpointId,
    now: UnixTime,
    lease: Duration,
    limit: usize,
) -> Result<ClaimedDeliveries, StoreError> {
    let mut due = connection.prepare(DUE).map_err(failed)?;
    let parameters = params![endpoint.as_str(), from_time(now), from_limit(limit)];
    let due: Vec<i64> =
        due.query_map(parameters, |row| row.get(0)).and_then(Iterator::collect).map_err(failed)?;
    let update = "UPDATE ca_delivery SET due_at = ?3, fence = fence + 1 \
                  WHERE endpoint = ?1 AND seq = ?2 RETURNING attempts + 1, fence";
    let mut update = connection.prepare(update).map_err(failed)?;
    let mut select = connection.prepare(&format!("{LOGGED} WHERE seq = ?1")).map_err(failed)?;
    let mut claimed = ClaimedDeliveries::default();
    for seq in due {
        let parameters = params![endpoint.as_str(), seq, from_time(now.plus(lease))];
        let (attempt, fence) =
            update.query_row(parameters, |row| Ok((row.get(0)?, row.get(1)?))).map_err(failed)?;
        let event = select.query_row([seq], LoggedRow::read).map_err(failed).and_then(LoggedRow::parse);
        match event {
            Ok(event) => {
                claimed.deliveries.push(Delivery {
                    endpoint: endpoint.clone(),
                    event,
                    attempt,
                    fence: to_number(fence),
                });
            }
            // It must not block the others.
            Err(error) if error.kind() == StoreErrorKind::Corrupt => {
                finish(connection, (endpoint, seq, fence), DeliveryEnd::Dead)?;
                claimed.dead += 1;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(claimed)
}

/// Ends the claim with this fence.
fn finish(
    connection: &Connection,
    (endpoint, seq, fence): (&EndpointId, i64, i64),
    end: DeliveryEnd,
) -> Result<bool, StoreError> {
    let due_at = match end {
        DeliveryEnd::RetryAt(at) => Some(from_time(at)),
        DeliveryEnd::Done | DeliveryEnd::Dead => None,
    };
    let changed = if end == DeliveryEnd::Done {
        let delete = "DELETE FROM ca_delivery WHERE endpoint = ?1 AND seq = ?2 AND fence = ?3";
        connection.execute(delete, params![endpoint.as_str(), seq, fence])
    } else {
        let update = "UPDATE ca_delivery SET due_at = ?4, attempts = attempts + (?4 IS NOT NULL) \
                      WHERE endpoint = ?1 AND seq = ?2 AND fence = ?3";
        connection.execute(update, params![endpoint.as_str(), seq, fence, due_at])
    };
    Ok(changed.map_err(failed)? > 0)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use cloudauth_flow::testing::samples;
    use cloudauth_flow::{EndpointId, Input, Machine, Outbox, Snapshot, Store, Usage};
    use pollster::block_on;
    use rusqlite::Connection;

    use super::{DELETED, DUE, from_limit};
    use crate::SqliteStore;
    use crate::open::connect;

    fn crm() -> EndpointId {
        EndpointId::new("crm").unwrap()
    }

    fn count(connection: &Connection, condition: &str) -> i64 {
        let select = format!("SELECT count(*) FROM ca_delivery WHERE {condition}");
        connection.query_row(&select, [], |row| row.get(0)).unwrap()
    }

    /// The old claim failed as long as the event was due.
    #[test]
    fn an_event_that_cannot_be_read_is_dead_and_blocks_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let store = SqliteStore::open(&path).unwrap();
        block_on(store.subscribe(&crm())).unwrap();
        let snapshot = Snapshot { stored: None, usage: Usage::default() };
        let start = Input::Start(samples::start(1, 1).unwrap());
        let commit = Machine::new(samples::rules()).step(&snapshot, start, samples::BEGIN).unwrap();
        block_on(store.commit(&commit)).unwrap();
        let connection = connect(&path).unwrap();
        let damage =
            "DROP TRIGGER ca_event_unchanged; UPDATE ca_event SET body = CAST(x'ff' AS TEXT) WHERE n = 1";
        connection.execute_batch(damage).unwrap();
        let claimed =
            block_on(store.claim_deliveries(&crm(), samples::BEGIN, Duration::from_secs(60), 9)).unwrap();
        let kinds: Vec<&str> =
            claimed.deliveries.iter().map(|delivery| &*delivery.event.event.kind).collect();
        assert_eq!((kinds, claimed.dead), (vec!["verification.processing"], 1));
        assert_eq!(count(&connection, "due_at IS NULL"), 1);
    }

    #[test]
    fn an_endpoint_is_removed_with_more_deliveries_than_one_transaction_deletes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let store = SqliteStore::open(&path).unwrap();
        for endpoint in [crm(), EndpointId::new("data").unwrap()] {
            block_on(store.subscribe(&endpoint)).unwrap();
        }
        let connection = connect(&path).unwrap();
        let all = from_limit(2 * DELETED + 1);
        let fill = format!(
            "PRAGMA foreign_keys = OFF;
             WITH RECURSIVE number (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < {all})
             INSERT INTO ca_delivery (endpoint, seq) SELECT id, n FROM number, ca_endpoint"
        );
        connection.execute_batch(&fill).unwrap();
        block_on(store.unsubscribe(&crm())).unwrap();
        assert_eq!((count(&connection, "endpoint = 'crm'"), count(&connection, "true")), (0, all));
    }

    #[test]
    fn a_claim_reads_an_index_in_its_order() {
        let folder = tempfile::tempdir().unwrap();
        let connection = connect(&folder.path().join("file")).unwrap();
        let plan = format!("EXPLAIN QUERY PLAN {DUE}");
        let steps: Vec<String> = connection
            .prepare(&plan)
            .unwrap()
            .query_map(rusqlite::params!["crm", 1, 1], |row| row.get(3))
            .and_then(Iterator::collect)
            .unwrap();
        let is_search = |step: &String| step.starts_with("SEARCH") && step.contains("due_at<?");
        assert!(steps.iter().all(is_search), "{steps:?}");
    }
}
