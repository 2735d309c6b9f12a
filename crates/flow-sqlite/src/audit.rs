//! Reads a file for an audit of its chains and documents, without changing it.

use std::path::Path;

use cloudauth_flow::integers::{from_time, to_number};
use cloudauth_flow::{
    Attempt, Audit, Auditor, Cursor, DOCUMENT_FORMAT, Verification, VerificationId, read_document,
};
use cloudauth_protocol::{CertifyId, UnixTime};
use rusqlite::{Connection, Row, Rows};

use crate::error::{OpenError, OpenErrorKind};
use crate::read::event;
use crate::read_only::ReadOnly;

/// The verifications: the document, and the columns by which the store searches.
const VERIFICATIONS: &str = "SELECT id, format, document, order_ref, state, redaction, due_at, purge_at FROM ca_verification ORDER BY id";

/// The attempts: the columns by which the store searches.
const ATTEMPTS: &str =
    "SELECT order_no, state, certify_id, capability, next_look_at FROM ca_attempt WHERE verification = ?1";

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
/// If the file is missing, is not a store, or cannot be read; [`OpenErrorKind::NewerSchema`] if a newer version wrote the file or one
/// of its documents: audit with that version.
pub fn audit(path: impl AsRef<Path>, cursor: Option<Cursor>) -> Result<Audit, OpenError> {
    let file = ReadOnly::open(path.as_ref())?;
    let snapshot = file.connection.unchecked_transaction()?;
    let audit = read(&snapshot, cursor)?;
    drop(snapshot);
    file.check_unchanged()?;
    Ok(audit)
}

fn read(connection: &Connection, cursor: Option<Cursor>) -> Result<Audit, OpenError> {
    let last: i64 =
        connection.query_row("SELECT coalesce(max(seq), 0) FROM ca_event", [], |row| row.get(0))?;
    let mut auditor = Auditor::new(Cursor(to_number(last)), cursor);
    let mut verifications = connection.prepare(VERIFICATIONS)?;
    let mut attempts = connection.prepare(ATTEMPTS)?;
    let mut events = connection.prepare(EVENTS)?;
    let mut rows = verifications.query([])?;
    while let Some(row) = rows.next()? {
        let id: [u8; 16] = row.get(0)?;
        if row.get::<_, i64>(1).is_ok_and(|format| format > DOCUMENT_FORMAT.into()) {
            return Err(OpenError::new(OpenErrorKind::NewerSchema));
        }
        let mut found = document(VerificationId::new(id), row);
        if let Some(document) = &found
            && !has_attempts(document, attempts.query([id])?)?
        {
            found = None;
        }
        auditor.verification(VerificationId::new(id), found);
        let mut rows = events.query([id])?;
        while let Some(row) = rows.next()? {
            let place = row.get(6).map(to_number).map(Cursor);
            match place.and_then(|place| Ok((place, event(row)?))) {
                Ok((place, event)) => auditor.event(Some((place, &event))),
                // A value that no store writes.
                Err(error) if error.sqlite_error_code().is_none() => auditor.event(None),
                Err(error) => return Err(error.into()),
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

/// Reads a document; `None` if it is damaged, or if the order, the state, the redaction, `due_at` or `purge_at` beside it is not its
/// own, or the row of an attempt: the store searches by them. No other column is compared.
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

/// Whether these are the rows of the document's attempts: the store finds a callback, a browser and a look by them.
fn has_attempts(document: &Verification, mut rows: Rows<'_>) -> rusqlite::Result<bool> {
    let mut count = 0;
    while let Some(row) = rows.next()? {
        count += 1;
        let has = |column, text: Option<&str>| {
            row.get_ref(column).is_ok_and(|value| value.as_str_or_null() == Ok(text))
        };
        let is_own = |attempt: &Attempt| {
            has(0, Some(attempt.order_no.as_str()))
                && has(1, Some(attempt.state.as_str()))
                && has(2, attempt.certify_id.as_ref().map(CertifyId::as_str))
                && row.get(3) == Ok(attempt.capability.map(|capability| *capability.as_bytes()))
                && row.get(4) == Ok(attempt.next_look_at.map(from_time))
        };
        if !document.attempts.iter().any(is_own) {
            return Ok(false);
        }
    }
    Ok(count == document.attempts.len())
}

#[cfg(test)]
mod tests {
    use super::{ATTEMPTS, EVENTS, ORPHANS, VERIFICATIONS};
    use crate::open::connect;

    /// Rows come in the order of an index: SQLite collects none of them.
    #[test]
    fn an_audit_sorts_no_table() {
        let folder = tempfile::tempdir().unwrap();
        let connection = connect(&folder.path().join("file")).unwrap();
        for select in [VERIFICATIONS, ATTEMPTS, EVENTS, ORPHANS] {
            let mut plan = connection.prepare(&format!("EXPLAIN QUERY PLAN {select}")).unwrap();
            for index in 1..=plan.parameter_count() {
                plan.raw_bind_parameter(index, 1).unwrap();
            }
            let mut rows = plan.raw_query();
            while let Some(row) = rows.next().unwrap() {
                let step: String = row.get(3).unwrap();
                assert!(!step.contains("TEMP B-TREE"), "{select}: {step}");
                assert!(![ATTEMPTS, EVENTS].contains(&select) || step.starts_with("SEARCH"), "{step}");
            }
        }
    }
}
