//! Claims of what is due, and the verifications that they pass over.

use std::time::Duration;

use cloudauth_flow::integers::{from_limit, from_time};
use cloudauth_flow::{DOCUMENT_FORMAT, Queue, READ_AGAIN_AFTER, StoreError, Stored, VerificationId};
use cloudauth_protocol::UnixTime;
use rusqlite::{Connection, params};

use crate::error::failed;
use crate::read::{STORED, StoredRow};

/// The results that are due and free. A lease that ends later than `LONGEST_SKEW` after a new one is over.
const RESULTS: &str = "SELECT id FROM ca_verification \
    WHERE due_at <= ?1 AND redaction <> 'requested' AND read_again_at IS NULL \
    AND (lease_until IS NULL OR lease_until <= ?1 OR lease_until > ?2 + 600000) AND format <= ?4 \
    ORDER BY due_at LIMIT ?3";

/// The deletions that are due and free.
const DELETIONS: &str = "SELECT id FROM ca_verification \
    WHERE due_at <= ?1 AND redaction = 'requested' AND read_again_at IS NULL \
    AND (lease_until IS NULL OR lease_until <= ?1 OR lease_until > ?2 + 600000) AND format <= ?4 \
    ORDER BY due_at LIMIT ?3";

/// The one whose document is read again: one at a time, so that many of them delay no other.
const READ_AGAIN: &str =
    "SELECT id FROM ca_verification WHERE read_again_at <= ?1 ORDER BY read_again_at LIMIT 1";

const UNREADABLE: &str =
    "SELECT id FROM ca_verification WHERE read_again_at IS NOT NULL ORDER BY read_again_at LIMIT ?1";

/// What a test checks: each uses an index.
#[cfg(test)]
pub(crate) const SEARCHES: [&str; 4] = [RESULTS, DELETIONS, READ_AGAIN, UNREADABLE];

/// The most batches of one claim, if documents cannot be read.
const BATCHES: usize = 16;

/// Claims what is due. What cannot be read is passed over, and its place goes to the next.
pub(crate) fn claim(
    connection: &Connection,
    queue: Queue,
    now: UnixTime,
    lease: Duration,
    limit: usize,
) -> Result<Vec<Stored>, StoreError> {
    let read_again = format!(
        "UPDATE ca_verification SET version = version + 1, read_again_at = NULL WHERE id = ({READ_AGAIN})"
    );
    connection.execute(&read_again, [from_time(now)]).map_err(failed)?;
    let mut claimed = Vec::new();
    for _ in 0..BATCHES {
        let batch = batch(connection, queue, now, lease, limit.saturating_sub(claimed.len()))?;
        let is_whole = batch.iter().all(Result::is_ok);
        for row in batch {
            match row {
                Ok(stored) => claimed.push(stored),
                Err(id) => pass_over(connection, &id, now.plus(READ_AGAIN_AFTER))?,
            }
        }
        if is_whole {
            break;
        }
    }
    claimed.sort_by_key(|stored| stored.verification.due_at);
    Ok(claimed)
}

/// Claims once. A document that cannot be read is an error with its id.
fn batch(
    connection: &Connection,
    queue: Queue,
    now: UnixTime,
    lease: Duration,
    limit: usize,
) -> Result<Vec<Result<Stored, VerificationId>>, StoreError> {
    let due = match queue {
        Queue::Results => RESULTS,
        Queue::Deletions => DELETIONS,
    };
    let update = format!(
        "UPDATE ca_verification SET version = version + 1, fence = fence + 1, lease_until = ?2 WHERE id IN ({due}) \
         RETURNING {STORED}"
    );
    let mut statement = connection.prepare(&update).map_err(failed)?;
    let parameters = [from_time(now), from_time(now.plus(lease)), from_limit(limit), DOCUMENT_FORMAT.into()];
    let rows = statement.query_map(parameters, StoredRow::read).map_err(failed)?;
    let rows: Vec<_> = rows.collect::<Result<_, _>>().map_err(failed)?;
    Ok(rows.into_iter().map(|row| (row.id(), row.parse())).map(|(id, row)| row.map_err(|_| id)).collect())
}

fn pass_over(connection: &Connection, id: &VerificationId, until: UnixTime) -> Result<(), StoreError> {
    let update = "UPDATE ca_verification SET version = version + 1, read_again_at = ?2 WHERE id = ?1";
    connection.execute(update, params![id.as_bytes(), from_time(until)]).map(drop).map_err(failed)
}

/// The verifications that claims pass over.
pub(crate) fn unreadable(connection: &Connection, limit: usize) -> Result<Vec<VerificationId>, StoreError> {
    let mut statement = connection.prepare(UNREADABLE).map_err(failed)?;
    let ids = statement.query_map([from_limit(limit)], |row| row.get(0).map(VerificationId::new));
    ids.map_err(failed)?.collect::<Result<_, _>>().map_err(failed)
}
