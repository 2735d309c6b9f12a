//! The statements of start pages, by the clock of the machine, which all processes share.

use std::time::{Duration, SystemTime};

use cloudauth_flow::integers::{from_limit, from_time};
use cloudauth_flow::{
    CapabilityHash, Commit, NewPage, OrderRef, PAGE_LIFETIME, PAGE_REMEMBERED, Page, Sealed, SealedPage,
    StoreError, StoreErrorKind,
};
use cloudauth_protocol::UnixTime;
use rusqlite::{Connection, OptionalExtension, params};

use crate::cached::Cached;
use crate::error::{failed, is_constraint};

/// Keeps a page, unless one of the same request was used.
const OPEN: &str = "INSERT INTO ca_page (capability, order_ref, key, state, request, sealed, until) \
    VALUES (?1, ?2, ?3, 'waiting', ?4, ?5, ?6) \
    ON CONFLICT (order_ref, key) DO UPDATE SET capability = excluded.capability, state = excluded.state, \
    request = excluded.request, sealed = excluded.sealed, until = excluded.until \
    WHERE state IN ('waiting', 'expired')";

/// Whether a page of the same request has an identity, which a new page replaces.
const HELD: &str = "SELECT 1 FROM ca_page WHERE order_ref = ?1 AND key = ?2 AND sealed IS NOT NULL";

const FIND: &str = "SELECT state, until, request, sealed FROM ca_page WHERE capability = ?1";

/// Ends the page of a commit. Its link is for the page with this capability only.
const LINK: &str = "UPDATE ca_page SET state = 'linked', sealed = ?4, until = ?5 \
    WHERE order_ref = ?1 AND key = ?2 AND capability = ?3 AND state = 'waiting'";

/// Whether a page waits with its identity.
const WAITS: &str =
    "SELECT 1 FROM ca_page WHERE capability = ?1 AND state = 'waiting' AND until > ?2 AND until <= ?3";

const USE: &str = "UPDATE ca_page SET state = 'used', request = NULL, sealed = NULL, until = ?3 \
    WHERE order_ref = ?1 AND key = ?2 AND state = 'waiting'";

/// Whether an order has a page to end. Most have none, and the statement that ends them needs a temporary table.
const HELD_ANY: &str = "SELECT 1 FROM ca_page WHERE order_ref = ?1 AND sealed IS NOT NULL LIMIT 1";

/// Ends the pages of an order.
const USE_ALL: &str = "UPDATE ca_page SET state = 'used', request = NULL, sealed = NULL, until = ?2 \
    WHERE order_ref = ?1 AND sealed IS NOT NULL";

/// What is over: before now, or later than a lifetime from now, by a clock that was wrong.
const OVER: &str = "SELECT capability FROM ca_page WHERE sealed IS NOT NULL AND until <= ?1 LIMIT ?2";
const WRONG: &str = "SELECT capability FROM ca_page WHERE sealed IS NOT NULL AND until > ?1 LIMIT ?2";
const FORGOTTEN: &str = "SELECT capability FROM ca_page WHERE sealed IS NULL AND until <= ?1 LIMIT ?2";

/// What a test checks: each uses an index.
#[cfg(test)]
pub(crate) const SEARCHES: [&str; 7] = [HELD, HELD_ANY, FIND, WAITS, OVER, WRONG, FORGOTTEN];

/// The clock of the machine.
pub(crate) fn clock() -> UnixTime {
    SystemTime::now().into()
}

fn after(time: Duration) -> i64 {
    from_time(clock().plus(time))
}

/// Keeps a page. Returns whether it did, and whether that erased another identity.
pub(crate) fn open(connection: &Connection, page: &NewPage) -> Result<(bool, bool), StoreError> {
    let request = [page.order.as_str(), page.key.as_str()];
    let held = connection.query_row(HELD, request, |_| Ok(())).optional().map_err(failed)?.is_some();
    let row = params![
        page.capability.as_bytes(),
        page.order.as_str(),
        page.key.as_str(),
        &*page.request,
        page.sealed.as_bytes(),
        after(page.lifetime.min(PAGE_LIFETIME))
    ];
    let kept = connection.execute(OPEN, row);
    kept.map(|rows| (rows > 0, rows > 0 && held))
        .map_err(|error| if is_constraint(&error) { StoreErrorKind::Duplicate.into() } else { failed(error) })
}

pub(crate) fn find(
    connection: &Connection,
    capability: &CapabilityHash,
    now: UnixTime,
) -> Result<Option<Page>, StoreError> {
    let row = connection.query_row(FIND, [capability.as_bytes()], |row| {
        let (state, until): (String, i64) = (row.get(0)?, row.get(1)?);
        let (request, sealed): (Option<String>, Option<Vec<u8>>) = (row.get(2)?, row.get(3)?);
        Ok((state, until, request.zip(sealed)))
    });
    let found = row.optional().map_err(failed)?;
    Ok(found.map(|(state, until, sealed)| {
        let in_time = until > from_time(now) && until <= from_time(now.plus(PAGE_LIFETIME));
        let sealed = sealed.filter(|_| in_time).map(|(request, sealed)| SealedPage {
            capability: *capability,
            request: request.into(),
            sealed: Sealed::new(sealed),
        });
        Page::stored(&state, sealed)
    }))
}

/// Checks that a page waits with its identity.
pub(crate) fn check(connection: &Cached<'_>, capability: &CapabilityHash) -> Result<(), StoreError> {
    let row = params![capability.as_bytes(), after(Duration::ZERO), after(PAGE_LIFETIME)];
    let waits = connection.query_row(WAITS, row, |_| Ok(())).optional().map_err(failed)?;
    waits.ok_or_else(|| StoreErrorKind::PageEnded.into())
}

/// Ends the pages that a commit ends, and returns whether there were any.
pub(crate) fn end(connection: &Cached<'_>, commit: &Commit) -> Result<bool, StoreError> {
    let verification = commit.verification();
    let order = verification.order.as_str();
    let mut ended = 0;
    if let Some(end) = commit.page() {
        let key = end.key.as_str();
        if let Some(link) = &end.link {
            let row = params![order, key, link.page.as_bytes(), link.sealed.as_bytes(), after(PAGE_LIFETIME)];
            ended += connection.execute(LINK, row).map_err(failed)?;
        }
        ended += connection.execute(USE, params![order, key, after(PAGE_REMEMBERED)]).map_err(failed)?;
    }
    let ended_all = verification.state.is_final() && end_all(connection, &verification.order)?;
    Ok(ended > 0 || ended_all)
}

/// Ends the pages of an order, and returns whether there were any.
pub(crate) fn end_all(connection: &Cached<'_>, order: &OrderRef) -> Result<bool, StoreError> {
    if connection.query_row(HELD_ANY, [order.as_str()], |_| Ok(())).optional().map_err(failed)?.is_none() {
        return Ok(false);
    }
    let ended = connection.execute(USE_ALL, params![order.as_str(), after(PAGE_REMEMBERED)]);
    Ok(ended.map_err(failed)? > 0)
}

pub(crate) fn erase(connection: &Connection, now: UnixTime, limit: usize) -> Result<usize, StoreError> {
    let erase = |over: &str, than: UnixTime| {
        let update = format!(
            "UPDATE ca_page SET state = iif(state = 'waiting', 'expired', 'used'), request = NULL, sealed = NULL, \
             until = ?3 WHERE capability IN ({over})"
        );
        let row = params![from_time(than), from_limit(limit), from_time(now.plus(PAGE_REMEMBERED))];
        connection.execute(&update, row).map_err(failed)
    };
    let erased = erase(OVER, now)? + erase(WRONG, now.plus(PAGE_LIFETIME))?;
    let forget = format!("DELETE FROM ca_page WHERE capability IN ({FORGOTTEN})");
    let forgotten =
        connection.execute(&forget, params![from_time(now), from_limit(limit)]).map_err(failed)?;
    Ok(erased + forgotten)
}

#[cfg(test)]
mod tests {
    use cloudauth_flow::testing::samples;
    use rusqlite::StatementStatus;

    use super::*;
    use crate::open::connect;

    /// A hundred thousand pages have time left, and as many are remembered for a day: a sweep reads the three that are over.
    #[test]
    fn a_sweep_reads_only_what_is_over() {
        let folder = tempfile::tempdir().unwrap();
        let connection = connect(&folder.path().join("file")).unwrap();
        let now = from_time(clock());
        let insert = "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < ?1) \
            INSERT INTO ca_page (capability, order_ref, key, state, request, sealed, until) \
            SELECT randomblob(32), ?2 || ?4, n, ?2, iif(?3, '{}', NULL), iif(?3, x'07', NULL), ?4 FROM n";
        for (pages, state, is_sealed, until) in [
            (100_000, "waiting", true, now + 300_000),
            (100_000, "used", false, now + 80_000_000),
            (1, "linked", true, now - 1),
            (1, "linked", true, now + 900_000),
            (1, "expired", false, now - 1),
        ] {
            connection.execute(insert, params![pages, state, is_sealed, until]).unwrap();
        }
        let after_a_lifetime = now + 600_000;
        for (search, than) in [(OVER, now), (WRONG, after_a_lifetime), (FORGOTTEN, now)] {
            let mut search = connection.prepare(search).unwrap();
            let found = search.query_map([than, 1_000], |_| Ok(())).unwrap().count();
            let steps = search.get_status(StatementStatus::VmStep);
            assert!(found == 1 && steps < 100, "{found} pages in {steps} steps");
        }
    }

    /// The clock was ahead by a day when the page was kept, and is right again.
    #[test]
    fn a_clock_that_is_set_back_keeps_no_identity() {
        let folder = tempfile::tempdir().unwrap();
        let connection = connect(&folder.path().join("file")).unwrap();
        let start = samples::start(1, 1).unwrap();
        let page = NewPage {
            capability: start.capability,
            order: start.order,
            key: start.key,
            request: "{}".into(),
            sealed: Sealed::new([7; 64]),
            lifetime: PAGE_LIFETIME,
        };
        assert_eq!(open(&connection, &page).unwrap(), (true, false));
        let a_day_ago = UnixTime::from_secs(clock().as_secs() - 86_400);
        let found = || find(&connection, &start.capability, a_day_ago).unwrap();
        assert_eq!(found(), Some(Page::Expired));
        assert_eq!(erase(&connection, a_day_ago, 9).unwrap(), 1);
        assert_eq!(found(), Some(Page::Expired));
        let a_day_later = clock().plus(PAGE_REMEMBERED);
        assert_eq!(erase(&connection, a_day_later, 9).unwrap(), 1);
        assert_eq!(found(), None);
    }
}
