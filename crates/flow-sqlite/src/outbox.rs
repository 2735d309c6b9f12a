//! The webhooks that are still to be sent.

use std::time::Duration;

use async_trait::async_trait;
use cloudauth_flow::integers::{from_limit, from_number, from_time, to_number};
use cloudauth_flow::{Delivery, DeliveryEnd, EndpointId, Outbox, StoreError};
use cloudauth_protocol::UnixTime;
use rusqlite::{Connection, params};

use crate::error::failed;
use crate::read::{LOGGED, LoggedRow};
use crate::store::SqliteStore;

#[async_trait]
impl Outbox for SqliteStore {
    async fn subscribe(&self, endpoint: &EndpointId) -> Result<(), StoreError> {
        self.change("INSERT INTO ca_endpoint (id) VALUES (?1) ON CONFLICT DO NOTHING", endpoint).await
    }

    async fn unsubscribe(&self, endpoint: &EndpointId) -> Result<(), StoreError> {
        self.change("DELETE FROM ca_endpoint WHERE id = ?1", endpoint).await
    }

    async fn claim_deliveries(
        &self,
        endpoint: &EndpointId,
        now: UnixTime,
        lease: Duration,
        limit: usize,
    ) -> Result<Vec<Delivery>, StoreError> {
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
        let endpoint = endpoint.clone();
        let revive = "UPDATE ca_delivery SET due_at = ?2, attempts = 0 WHERE endpoint = ?1 AND seq IN \
                      (SELECT seq FROM ca_delivery WHERE endpoint = ?1 AND due_at IS NULL LIMIT ?3)";
        let write = move |transaction: &Connection| {
            let parameters = params![endpoint.as_str(), from_time(now), from_limit(limit)];
            transaction.execute(revive, parameters).map_err(failed)
        };
        self.writer.run(write).await
    }
}

impl SqliteStore {
    async fn change(&self, statement: &'static str, endpoint: &EndpointId) -> Result<(), StoreError> {
        let endpoint = endpoint.clone();
        let write = move |transaction: &Connection| {
            transaction.execute(statement, [endpoint.as_str()]).map(drop).map_err(failed)
        };
        self.writer.run(write).await
    }
}

/// The deliveries of an endpoint that are due.
const DUE: &str =
    "SELECT seq FROM ca_delivery WHERE endpoint = ?1 AND due_at <= ?2 ORDER BY due_at, seq LIMIT ?3";

fn claim(
    connection: &Connection,
    endpoint: &EndpointId,
    now: UnixTime,
    lease: Duration,
    limit: usize,
) -> Result<Vec<Delivery>, StoreError> {
    let mut due = connection.prepare(DUE).map_err(failed)?;
    let parameters = params![endpoint.as_str(), from_time(now), from_limit(limit)];
    let due: Vec<i64> =
        due.query_map(parameters, |row| row.get(0)).and_then(Iterator::collect).map_err(failed)?;
    let update = "UPDATE ca_delivery SET due_at = ?3, attempts = attempts + 1, fence = fence + 1 \
                  WHERE endpoint = ?1 AND seq = ?2 RETURNING attempts, fence";
    let mut update = connection.prepare(update).map_err(failed)?;
    let mut select = connection.prepare(&format!("{LOGGED} WHERE seq = ?1")).map_err(failed)?;
    due.into_iter()
        .map(|seq| {
            let parameters = params![endpoint.as_str(), seq, from_time(now.plus(lease))];
            let (attempt, fence) =
                update.query_row(parameters, |row| Ok((row.get(0)?, row.get(1)?))).map_err(failed)?;
            let event = select.query_row([seq], LoggedRow::read).map_err(failed)?.parse()?;
            Ok(Delivery { endpoint: endpoint.clone(), event, attempt, fence: to_number(fence) })
        })
        .collect()
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
        let update = "UPDATE ca_delivery SET due_at = ?4 WHERE endpoint = ?1 AND seq = ?2 AND fence = ?3";
        connection.execute(update, params![endpoint.as_str(), seq, fence, due_at])
    };
    Ok(changed.map_err(failed)? > 0)
}

#[cfg(test)]
mod tests {
    use super::DUE;
    use crate::open::connect;

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
