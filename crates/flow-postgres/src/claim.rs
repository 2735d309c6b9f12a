//! Claims of what is due, the verifications that they pass over, and the clock of the database.

use std::time::Duration;

use cloudauth_flow::integers::{from_limit, from_time, to_time};
use cloudauth_flow::{Queue, READ_AGAIN_AFTER, StoreError, Stored, VerificationId};
use cloudauth_protocol::UnixTime;
use deadpool_postgres::Pool;
use tokio_postgres::types::ToSql;

use crate::connect::{Effect, run};
use crate::migrate::SCHEMA;
use crate::read::{SCHEMA_ROW, STORED, bytes, checked, get, stored};
use crate::write::FORMAT;

/// The most batches of one claim, if documents cannot be read.
const BATCHES: usize = 16;

/// Claims what is due. What cannot be read is passed over, and its place goes to the next.
pub(crate) async fn claim(
    pool: &Pool,
    queue: Queue,
    now: UnixTime,
    lease: Duration,
    limit: usize,
) -> Result<Vec<Stored>, StoreError> {
    let claim = format!("SELECT {STORED} FROM ca_claim($1, $2, $3, $4, $5, $6)");
    let (now, is_deletion) = (from_time(now), queue == Queue::Deletions);
    let lease = millis(lease);
    let mut claimed: Vec<Stored> = Vec::new();
    for _ in 0..BATCHES {
        let left = from_limit(limit.saturating_sub(claimed.len()));
        let parameters: [&(dyn ToSql + Sync); 6] = [&SCHEMA, &FORMAT, &now, &lease, &left, &is_deletion];
        let rows = match run(pool, Effect::Writes, &claim, &parameters).await {
            Ok(rows) => rows,
            // What is claimed already is not lost.
            Err(_) if !claimed.is_empty() => break,
            Err(error) => return Err(error),
        };
        let mut unreadable: Vec<&[u8]> = Vec::new();
        for row in &rows {
            match stored(row) {
                Ok(stored) => claimed.push(stored),
                Err(_) => unreadable.push(get(row, 0)?),
            }
        }
        if unreadable.is_empty() {
            break;
        }
        let pass_over = "SELECT ca_pass_over($1, $2, $3, $4)";
        let parameters: [&(dyn ToSql + Sync); 4] = [&SCHEMA, &unreadable, &now, &millis(READ_AGAIN_AFTER)];
        if run(pool, Effect::Writes, pass_over, &parameters).await.is_err() {
            // They have a lease until then.
            break;
        }
    }
    claimed.sort_by_key(|stored| stored.verification.due_at);
    Ok(claimed)
}

/// The verifications that claims pass over.
pub(crate) async fn unreadable(pool: &Pool, limit: usize) -> Result<Vec<VerificationId>, StoreError> {
    let select = format!(
        "SELECT id, schema FROM {SCHEMA_ROW} LEFT JOIN \
         (SELECT id, read_again_at FROM ca_verification \
          WHERE read_again_at IS NOT NULL ORDER BY read_again_at LIMIT $1) AS passed_over ON true \
         ORDER BY read_again_at"
    );
    let rows = run(pool, Effect::Reads, &select, &[&from_limit(limit)]).await?;
    if get::<Option<&[u8]>>(checked(&rows, 1)?, 0)?.is_none() {
        return Ok(Vec::new());
    }
    rows.iter().map(|row| bytes(row, 0).map(VerificationId::new)).collect()
}

/// The time of the database.
pub(crate) async fn now(pool: &Pool) -> Result<UnixTime, StoreError> {
    let rows = run(pool, Effect::Reads, "SELECT (SELECT version FROM ca_schema), ca_clock()", &[]).await?;
    let clock = get(checked(&rows, 0)?, 1)?;
    Ok(to_time(clock))
}

pub(crate) fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX / 2)
}
