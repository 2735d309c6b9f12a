//! Reads a file for an audit of its chains and documents, without changing it.

use std::path::Path;

use cloudauth_flow::integers::{from_time, to_number};
use cloudauth_flow::{Audit, Auditor, Cursor, Verification, VerificationId, read_document};
use cloudauth_protocol::UnixTime;
use rusqlite::{Connection, Row};

use crate::error::OpenError;
use crate::read::event;
use crate::read_only::ReadOnly;

/// The verifications: the document, and the columns by which the store searches.
const VERIFICATIONS: &str = "SELECT id, format, document, order_ref, state, redaction, due_at, purge_at FROM ca_verification ORDER BY id";

const EVENTS: &str =
    "SELECT n, at, kind, body, prev, hash, seq FROM ca_event WHERE verification = ?1 ORDER BY n";

/// The events whose verification is missing.
const ORPHANS: &str = "SELECT DISTINCT verification FROM ca_event \
    WHERE NOT EXISTS (SELECT 1 FROM ca_verification WHERE id = ca_event.verification) ORDER BY verification";

/// Checks every verification of a store's file, in one snapshot: each event follows the one before it, and the document says what the
/// events say. `cursor` is that of an earlier checkpoint, which [`Audit::earlier`] is then comparable with.
///
/// It blocks, reads the file as a whole, and uses little memory. The file is not changed, and the service may run meanwhile.
///
/// # Errors
/// If the file is missing, is not a store, was written by a newer version, or cannot be read.
pub fn audit(path: impl AsRef<Path>, cursor: Option<Cursor>) -> Result<Audit, OpenError> {
    let file = ReadOnly::open(path.as_ref())?;
    let snapshot = file.connection.unchecked_transaction()?;
    let audit = read(&snapshot, cursor)?;
    drop(snapshot);
    file.check_unchanged()?;
    Ok(audit)
}

fn read(connection: &Connection, cursor: Option<Cursor>) -> rusqlite::Result<Audit> {
    let last: i64 =
        connection.query_row("SELECT coalesce(max(seq), 0) FROM ca_event", [], |row| row.get(0))?;
    let mut auditor = Auditor::new(Cursor(to_number(last)), cursor);
    let mut verifications = connection.prepare(VERIFICATIONS)?;
    let mut events = connection.prepare(EVENTS)?;
    let mut rows = verifications.query([])?;
    while let Some(row) = rows.next()? {
        let id: [u8; 16] = row.get(0)?;
        auditor.verification(VerificationId::new(id), document(VerificationId::new(id), row));
        let mut rows = events.query([id])?;
        while let Some(row) = rows.next()? {
            let place = row.get(6).map(to_number).map(Cursor);
            match place.and_then(|place| Ok((place, event(row)?))) {
                Ok((place, event)) => auditor.event(Some((place, &event))),
                // A value that no store writes.
                Err(error) if error.sqlite_error_code().is_none() => auditor.event(None),
                Err(error) => return Err(error),
            }
        }
    }
    let mut orphans = connection.prepare(ORPHANS)?;
    let mut rows = orphans.query([])?;
    while let Some(row) = rows.next()? {
        auditor.orphans(VerificationId::new(row.get(0)?));
    }
    Ok(auditor.finish())
}

/// Reads a document; `None` if it is damaged, or if the columns beside it are not its own: the store finds a verification by them.
fn document(id: VerificationId, row: &Row<'_>) -> Option<Verification> {
    let format = u32::try_from(row.get::<_, i64>(1).ok()?).ok()?;
    let found = read_document(format, &id, row.get_ref(2).ok()?.as_str().ok()?).ok()?;
    let has = |column, text: &str| row.get_ref(column).is_ok_and(|value| value.as_str() == Ok(text));
    let is_at = |column, time: Option<UnixTime>| row.get(column) == Ok(time.map(from_time));
    let is_own = has(3, found.order.as_str())
        && has(4, found.state.as_str())
        && has(5, found.redaction.as_str())
        && is_at(6, found.due_at)
        && is_at(7, found.purge_at);
    is_own.then_some(found)
}

#[cfg(test)]
mod tests {
    use super::{EVENTS, ORPHANS, VERIFICATIONS};
    use crate::open::connect;

    /// Rows come in the order of an index: SQLite collects none of them.
    #[test]
    fn an_audit_sorts_no_table() {
        let folder = tempfile::tempdir().unwrap();
        let connection = connect(&folder.path().join("file")).unwrap();
        for select in [VERIFICATIONS, EVENTS, ORPHANS] {
            let mut plan = connection.prepare(&format!("EXPLAIN QUERY PLAN {select}")).unwrap();
            for index in 1..=plan.parameter_count() {
                plan.raw_bind_parameter(index, 1).unwrap();
            }
            let mut rows = plan.raw_query();
            while let Some(row) = rows.next().unwrap() {
                let step: String = row.get(3).unwrap();
                assert!(!step.contains("TEMP B-TREE"), "{select}: {step}");
                assert!(select != EVENTS || step.starts_with("SEARCH"), "{step}");
            }
        }
    }
}
