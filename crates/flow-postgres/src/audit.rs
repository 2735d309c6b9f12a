//! An audit of the chains and documents of a database.

use cloudauth_flow::integers::{from_time, to_number};
use cloudauth_flow::{
    Attempt, Audit, Auditor, Cursor, DOCUMENT_FORMAT, StoreError, StoreErrorKind, Verification,
    VerificationId, read_document,
};
use cloudauth_protocol::{CertifyId, UnixTime};
use deadpool_postgres::{Pool, Transaction};
use tokio_postgres::{IsolationLevel, Row};

use crate::connect::client;
use crate::error::{OpenError, OpenErrorKind, failed};
use crate::read::{SCHEMA_ROW, bytes, checked, event, get};

/// The rows of one answer.
const ROWS: i32 = 1_000;

/// A database of years takes longer to sort than a statement of the store may take.
const NO_LIMIT: &str = "SET LOCAL statement_timeout = 0";

/// Waits for the transactions that have taken places in the sequence: no place before the last one is filled later.
const LAST: &str = "SET LOCAL lock_timeout = '2s'; LOCK TABLE ca_event IN SHARE MODE";

/// The events, the first one with the document and the columns by which the store searches, also for attempts.
const EVENTS: &str = "SELECT n, at, kind, body, prev, hash, seq, id, \
    CASE WHEN n IS NULL OR n = 1 THEN document::text END, format, order_ref, v.state, redaction, due_at, purge_at, \
    order_nos, states, certify_ids, capabilities, looks \
    FROM ca_verification v LEFT JOIN ca_event e ON e.verification = id \
    LEFT JOIN LATERAL (SELECT array_agg(order_no) order_nos, array_agg(a.state) states, \
        array_agg(certify_id) certify_ids, array_agg(capability) capabilities, array_agg(next_look_at) looks \
        FROM ca_attempt a WHERE a.verification = id AND (n IS NULL OR n = 1)) attempts ON true ORDER BY id, n";

/// The verifications that are missing.
const ORPHANS: &str = "SELECT DISTINCT verification FROM ca_event \
    WHERE NOT EXISTS (SELECT 1 FROM ca_verification WHERE id = verification)";

/// Checks every verification, in one snapshot.
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
            if get::<i32>(row, 9)
                .is_ok_and(|format| u32::try_from(format).is_ok_and(|format| format > DOCUMENT_FORMAT))
            {
                let newer = OpenError::new(OpenErrorKind::NewerSchema);
                return Err(StoreError::with_source(StoreErrorKind::Corrupt, newer));
            }
            auditor.verification(id, document(id, row));
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

/// Reads a document; `None` if it is damaged, or if the order, the state, the redaction, `due_at` or `purge_at` beside it is not its
/// own, or the row of an attempt: the store searches by them. No other column is compared.
/// Without its first event a verification is broken in any case.
fn document(id: VerificationId, row: &Row) -> Option<Verification> {
    let format = u32::try_from(get::<i32>(row, 9).ok()?).ok()?;
    let found = read_document(format, &id, get(row, 8).ok()?).ok()?;
    let has = |column, text: &str| get::<&str>(row, column).is_ok_and(|value| value == text);
    let is_at = |column, time: Option<UnixTime>| {
        get::<Option<i64>>(row, column).is_ok_and(|value| value == time.map(from_time))
    };
    let is_own = has(10, found.order.as_str())
        && has(11, found.state.as_str())
        && has(12, found.redaction.as_str())
        && is_at(13, found.due_at)
        && is_at(14, found.purge_at)
        && has_attempts(&found, row)?;
    is_own.then_some(found)
}

/// Whether these are the rows of the document's attempts: the store finds a callback, a browser and a look by them.
fn has_attempts(document: &Verification, row: &Row) -> Option<bool> {
    let Some(order_nos) = get::<Option<Vec<&str>>>(row, 15).ok()? else {
        return Some(document.attempts.is_empty());
    };
    let states: Vec<&str> = get(row, 16).ok()?;
    let certify_ids: Vec<Option<&str>> = get(row, 17).ok()?;
    let capabilities: Vec<Option<&[u8]>> = get(row, 18).ok()?;
    let looks: Vec<Option<i64>> = get(row, 19).ok()?;
    let is_kept = |attempt: &Attempt| {
        let at = order_nos.iter().position(|order_no| *order_no == attempt.order_no.as_str())?;
        let is_own = *states.get(at)? == attempt.state.as_str()
            && *certify_ids.get(at)? == attempt.certify_id.as_ref().map(CertifyId::as_str)
            && *capabilities.get(at)?
                == attempt.capability.as_ref().map(|capability| &capability.as_bytes()[..])
            && *looks.get(at)? == attempt.next_look_at.map(from_time);
        Some(is_own)
    };
    let all = document.attempts.iter().all(|attempt| is_kept(attempt) == Some(true));
    Some(all && order_nos.len() == document.attempts.len())
}
