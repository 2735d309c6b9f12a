//! Reads a file for an audit of its chains, without changing it.

use std::path::Path;

use cloudauth_flow::integers::to_number;
use cloudauth_flow::{Audit, Auditor, Cursor, VerificationId};
use rusqlite::{Connection, Row};

use crate::error::OpenError;
use crate::read::event;
use crate::read_only::ReadOnly;

/// The verifications, with what each says of the end of its chain.
const VERIFICATIONS: &str = "SELECT id, \
    CASE WHEN json_valid(document) THEN document ->> '$.head.n' END, \
    CASE WHEN json_valid(document) THEN document ->> '$.head.hash' END \
    FROM ca_verification ORDER BY id";

const EVENTS: &str =
    "SELECT n, at, kind, body, prev, hash, seq FROM ca_event WHERE verification = ?1 ORDER BY n";

/// The events whose verification is missing.
const ORPHANS: &str = "SELECT DISTINCT verification FROM ca_event \
    WHERE NOT EXISTS (SELECT 1 FROM ca_verification WHERE id = ca_event.verification) ORDER BY verification";

/// Checks every chain of a store's file, in one snapshot: each event follows the one before it, and the last one is that of the
/// verification. `cursor` is that of an earlier checkpoint, which [`Audit::earlier`] is then comparable with.
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
        auditor.verification(VerificationId::new(id), head(row));
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

/// The number and the hash of the last event; `None` if the document is damaged.
fn head(row: &Row<'_>) -> Option<(u64, cloudauth_flow::Digest)> {
    let hash: String = row.get(2).ok()?;
    Some((to_number(row.get(1).ok()?), hash.parse().ok()?))
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
