//! The statements that write. Each function runs in a transaction that its caller ends.

use cloudauth_flow::integers::{from_limit, from_time};
use cloudauth_flow::{
    Attempt, Commit, DOCUMENT_FORMAT, Redaction, Refund, StoreError, StoreErrorKind, Take, Verification,
    VerificationId, day, write_document,
};
use cloudauth_protocol::UnixTime;
use rusqlite::{Connection, OptionalExtension, Transaction, params};

use crate::cached::Cached;
use crate::error::{failed, is_constraint};
use crate::open::check_schema;
use crate::pages;
use crate::salt::Salt;
use crate::writer::in_savepoint;

/// Commits within your transaction, so that your own rows change with the verification, or not at all.
///
/// Begin the transaction with [`TransactionBehavior::Immediate`](rusqlite::TransactionBehavior), on a connection of
/// [`SqliteStore::connect`](crate::SqliteStore::connect). Nothing happened until you commit it.
///
/// # Errors
/// Those of [`Store::commit`](cloudauth_flow::Store::commit). After an error, the transaction has nothing of this commit.
pub fn commit_in(transaction: &mut Transaction<'_>, commit: &Commit) -> Result<(), StoreError> {
    let connection = Cached::new(transaction);
    check_schema(&connection)?;
    let document = write_document(commit.verification())?;
    in_savepoint(&connection, |savepoint| write(savepoint, commit, &document).map(drop))
}

/// Writes a commit, and returns whether it erased something. After an error some of it may be written: roll back.
pub(crate) fn write(connection: &Cached<'_>, commit: &Commit, document: &str) -> Result<bool, StoreError> {
    let verification = commit.verification();
    verification_row(connection, commit, document)?;
    for attempt in &verification.attempts {
        attempt_row(connection, &verification.id, attempt)?;
    }
    if let Some(take) = commit.take() {
        count(connection, take)?;
    }
    if let Some(page) = commit.needs_page() {
        pages::check(connection, page)?;
    }
    if let Some(refund) = commit.refund() {
        give_back(connection, refund)?;
    }
    if let Some(block) = commit.block() {
        let person = Salt::of(connection)?.blocked(&block.identity);
        connection
            .execute(
                "INSERT INTO ca_block (person, until) VALUES (?1, ?2) \
                 ON CONFLICT (person) DO UPDATE SET until = max(until, excluded.until)",
                params![person, from_time(block.until)],
            )
            .map_err(failed)?;
    }
    events(connection, commit)?;
    let ended = pages::end(connection, commit)?;
    Ok(ended || verification.redaction != Redaction::None)
}

fn verification_row(connection: &Cached<'_>, commit: &Commit, document: &str) -> Result<(), StoreError> {
    let verification = commit.verification();
    let Verification { id, order, state, redaction, due_at, purge_at, .. } = verification;
    let (id, order, state, redaction) = (id.as_bytes(), order.as_str(), state.as_str(), redaction.as_str());
    let (due_at, purge_at) = (due_at.map(from_time), purge_at.map(from_time));
    let changed = match commit.expected() {
        None => connection.execute(
            "INSERT INTO ca_verification (id, order_ref, state, redaction, version, due_at, purge_at, document, format) \
             VALUES (?1, ?2, ?3, ?4, 1, ?5, ?6, ?7, ?8) ON CONFLICT DO NOTHING",
            params![id, order, state, redaction, due_at, purge_at, document, DOCUMENT_FORMAT],
        ),
        Some(version) => connection.execute(
            "UPDATE ca_verification SET state = ?3, redaction = ?4, version = version + 1, due_at = ?5, \
             purge_at = ?6, document = ?7, format = ?10, lease_until = iif(?8, NULL, lease_until), read_again_at = NULL \
             WHERE id = ?1 AND order_ref = ?2 AND version = ?9",
            params![
                id,
                order,
                state,
                redaction,
                due_at,
                purge_at,
                document,
                commit.releases(),
                // A version that SQLite cannot have is another version.
                i64::try_from(version).unwrap_or(-1),
                DOCUMENT_FORMAT
            ],
        ),
    };
    match changed.map_err(failed)? {
        0 => Err(StoreErrorKind::Conflict.into()),
        _ => Ok(()),
    }
}

fn attempt_row(connection: &Cached<'_>, id: &VerificationId, attempt: &Attempt) -> Result<(), StoreError> {
    let certify_id = attempt.certify_id.as_ref().map(|certify_id| certify_id.as_str());
    let capability = attempt.capability.as_ref().map(|capability| capability.as_bytes());
    let written = connection.execute(
        "INSERT INTO ca_attempt (order_no, verification, state, certify_id, capability, next_look_at) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (order_no) DO UPDATE SET state = excluded.state, \
         certify_id = excluded.certify_id, capability = excluded.capability, next_look_at = excluded.next_look_at \
         WHERE verification = excluded.verification",
        params![
            attempt.order_no.as_str(),
            id.as_bytes(),
            attempt.state.as_str(),
            certify_id,
            capability,
            attempt.next_look_at.map(from_time)
        ],
    );
    match written {
        Ok(0) => Err(StoreErrorKind::Duplicate.into()),
        Ok(_) => Ok(()),
        Err(error) if is_constraint(&error) => {
            // The identifier of another verification, or a rule of the machine that did not hold.
            let taken: Option<()> = connection
                .query_row(
                    "SELECT 1 FROM ca_attempt WHERE verification <> ?1 AND (certify_id = ?2 OR capability = ?3)",
                    params![id.as_bytes(), certify_id, capability],
                    |_| Ok(()),
                )
                .optional()
                .map_err(failed)?;
            Err(if taken.is_some() { StoreErrorKind::Duplicate.into() } else { failed(error) })
        }
        Err(error) => Err(failed(error)),
    }
}

/// Counts a start, unless the limit is reached or the identity is blocked.
fn count(connection: &Cached<'_>, take: &Take) -> Result<(), StoreError> {
    let salt = Salt::of(connection)?;
    let blocked: Option<()> = connection
        .query_row(
            "SELECT 1 FROM ca_block WHERE person = ?1 AND until > ?2",
            params![salt.blocked(&take.identity), from_time(take.at)],
            |_| Ok(()),
        )
        .optional()
        .map_err(failed)?;
    if blocked.is_some() || take.limit == 0 {
        return Err(StoreErrorKind::Limit.into());
    }
    let person = salt.counted(&take.subject, take.day);
    let counted = connection.execute(
        "INSERT INTO ca_quota (day, person, scene, starts) VALUES (?1, ?2, ?3, 1) \
         ON CONFLICT (day, person, scene) DO UPDATE SET starts = starts + 1 WHERE starts < ?4",
        params![take.day, person, take.scene.to_string(), take.limit],
    );
    match counted.map_err(failed)? {
        0 => Err(StoreErrorKind::Limit.into()),
        _ => Ok(()),
    }
}

/// Subtracts a start that was not executed.
fn give_back(connection: &Cached<'_>, refund: &Refund) -> Result<(), StoreError> {
    let person = Salt::of(connection)?.counted(&refund.subject, refund.day);
    let subtract = "UPDATE ca_quota SET starts = starts - 1 WHERE day = ?1 AND person = ?2 AND scene = ?3 AND starts > 0";
    let parameters = params![refund.day, person, refund.scene.to_string()];
    connection.execute(subtract, parameters).map(drop).map_err(failed)
}

fn events(connection: &Cached<'_>, commit: &Commit) -> Result<(), StoreError> {
    let insert = "INSERT INTO ca_event (verification, n, at, kind, body, prev, hash) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    for event in commit.events() {
        let row = params![
            commit.verification().id.as_bytes(),
            i64::try_from(event.n).unwrap_or(-1),
            from_time(event.at),
            &*event.kind,
            &*event.body,
            event.prev.as_bytes(),
            event.hash.as_bytes()
        ];
        connection.execute(insert, row).map_err(failed)?;
    }
    Ok(())
}

/// The verifications whose retention is over.
const OVER: &str = "SELECT id FROM ca_verification WHERE purge_at <= ?1 AND redaction <> 'requested' \
                    ORDER BY purge_at LIMIT ?2";

pub(crate) fn purge(connection: &Connection, now: UnixTime, limit: usize) -> Result<usize, StoreError> {
    let over = format!("DELETE FROM ca_verification WHERE id IN ({OVER})");
    let purged = connection.execute(&over, [from_time(now), from_limit(limit)]).map_err(failed)?;
    let counts = "DELETE FROM ca_quota WHERE rowid IN (SELECT rowid FROM ca_quota WHERE day < ?1 LIMIT ?2)";
    connection.execute(counts, [i64::from(day(now)), from_limit(usize::MAX)]).map_err(failed)?;
    let blocks =
        "DELETE FROM ca_block WHERE rowid IN (SELECT rowid FROM ca_block WHERE until <= ?1 LIMIT ?2)";
    connection.execute(blocks, [from_time(now), from_limit(usize::MAX)]).map_err(failed)?;
    Ok(purged)
}

#[cfg(test)]
mod tests {
    use cloudauth_flow::testing::{lives::life, samples};
    use cloudauth_flow::{Lookup, write_document};

    use super::{Cached, OVER, pages, write};
    use crate::claim::SEARCHES;
    use crate::open::connect;
    use crate::read::condition;

    /// SQLite makes one for a list of `IN` with more than two values, in a constraint too.
    #[test]
    fn no_statement_of_a_commit_makes_a_temporary_table() {
        let folder = tempfile::tempdir().unwrap();
        let connection = connect(&folder.path().join("file")).unwrap();
        let cached = Cached::new(&connection);
        for commit in life(1).unwrap() {
            write(&cached, &commit, &write_document(commit.verification()).unwrap()).unwrap();
        }
        let statements = cached.statements();
        assert!(statements.len() > 5, "{statements:?}");
        for statement in statements {
            let mut steps = connection.prepare(&format!("EXPLAIN {statement}")).unwrap();
            let mut rows = steps.raw_query();
            while let Some(row) = rows.next().unwrap() {
                let step: String = row.get(1).unwrap();
                assert_ne!(step, "OpenEphemeral", "{statement}");
            }
        }
    }

    /// A table of a hundred million rows is never read as a whole.
    #[test]
    fn every_search_uses_an_index() {
        let folder = tempfile::tempdir().unwrap();
        let connection = connect(&folder.path().join("file")).unwrap();
        let start = samples::start(1, 1).unwrap();
        let certify_id = samples::opened(1, 1).unwrap().certify_id;
        let lookups = [
            Lookup::Id(&start.id),
            Lookup::Order(&start.order),
            Lookup::OrderNo(&start.order_no),
            Lookup::CertifyId(&certify_id),
            Lookup::Capability(&start.capability),
        ];
        let mut searches = lookups
            .map(|by| format!("SELECT document FROM ca_verification WHERE {}", condition(by).0))
            .to_vec();
        let others = [OVER].into_iter().chain(SEARCHES).chain(pages::SEARCHES);
        searches.extend(others.map(str::to_owned));
        for search in searches {
            let mut plan = connection.prepare(&format!("EXPLAIN QUERY PLAN {search}")).unwrap();
            for index in 1..=plan.parameter_count() {
                plan.raw_bind_parameter(index, 1).unwrap();
            }
            let mut rows = plan.raw_query();
            while let Some(row) = rows.next().unwrap() {
                let step: String = row.get(3).unwrap();
                assert!(!step.starts_with("SCAN") && !step.contains("TEMP B-TREE"), "{search}: {step}");
            }
        }
    }
}
