//! An audit of the chains of a database.

use cloudauth_flow::integers::to_number;
use cloudauth_flow::{Audit, Auditor, Cursor, Digest, StoreError, VerificationId};
use deadpool_postgres::{Pool, Transaction};
use tokio_postgres::{IsolationLevel, Row};

use crate::connect::client;
use crate::error::failed;
use crate::read::{SCHEMA_ROW, bytes, checked, event, get};

/// The rows of one answer.
const ROWS: i32 = 1_000;

/// A database of years takes longer to sort than a statement of the store may take.
const NO_LIMIT: &str = "SET LOCAL statement_timeout = 0";

/// Waits for the transactions that have taken places in the sequence: no place before the last one is filled later.
const LAST: &str = "SET LOCAL lock_timeout = '2s'; LOCK TABLE ca_event IN SHARE MODE";

/// The events, with what each verification says of the end of its chain.
const EVENTS: &str = "SELECT n, at, kind, body, prev, hash, seq, id, \
    document #>> '{head,n}', document #>> '{head,hash}' \
    FROM ca_verification LEFT JOIN ca_event ON verification = id ORDER BY id, n";

/// The verifications that are missing.
const ORPHANS: &str = "SELECT DISTINCT verification FROM ca_event \
    WHERE NOT EXISTS (SELECT 1 FROM ca_verification WHERE id = verification)";

/// Checks every chain, in one snapshot.
pub(crate) async fn audit(pool: &Pool, cursor: Option<Cursor>) -> Result<Audit, StoreError> {
    let mut client = client(pool).await?;
    let locked = client.transaction().await.map_err(|error| failed(&error))?;
    locked.batch_execute(LAST).await.map_err(|error| failed(&error))?;
    let last = locked.query("SELECT coalesce(max(seq), 0) FROM ca_event", &[]).await;
    let last: i64 = crate::read::value(&last.map_err(|error| failed(&error))?)?;
    locked.commit().await.map_err(|error| failed(&error))?;

    let snapshot = client.build_transaction().isolation_level(IsolationLevel::RepeatableRead).read_only(true);
    let snapshot = snapshot.start().await.map_err(|error| failed(&error))?;
    snapshot.batch_execute(NO_LIMIT).await.map_err(|error| failed(&error))?;
    let schema = snapshot.query(&format!("SELECT schema FROM {SCHEMA_ROW}"), &[]).await;
    checked(&schema.map_err(|error| failed(&error))?, 0)?;
    let mut auditor = Auditor::new(Cursor(to_number(last)), cursor);
    let mut current = None;
    each(&snapshot, EVENTS, |row| {
        let id = VerificationId::new(bytes(row, 7)?);
        if current.replace(id) != Some(id) {
            auditor.verification(id, head(row));
        }
        let n: Option<i64> = get(row, 0)?;
        if n.is_some() {
            let place = Cursor(to_number(get(row, 6)?));
            auditor.event(event(row).ok().as_ref().map(|event| (place, event)));
        }
        Ok(())
    })
    .await?;
    each(&snapshot, ORPHANS, |row| {
        auditor.orphans(VerificationId::new(bytes(row, 0)?));
        Ok(())
    })
    .await?;
    Ok(auditor.finish())
}

/// Takes each row of an answer, which is read in parts.
async fn each(
    snapshot: &Transaction<'_>,
    select: &str,
    mut take: impl FnMut(&Row) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let portal = snapshot.bind(select, &[]).await.map_err(|error| failed(&error))?;
    loop {
        let rows = snapshot.query_portal(&portal, ROWS).await.map_err(|error| failed(&error))?;
        if rows.is_empty() {
            return Ok(());
        }
        rows.iter().try_for_each(&mut take)?;
    }
}

/// The number and the hash of the last event; `None` if the document is damaged.
fn head(row: &Row) -> Option<(u64, Digest)> {
    let (n, hash): (&str, &str) = (get(row, 8).ok()?, get(row, 9).ok()?);
    Some((n.parse().ok()?, hash.parse().ok()?))
}
