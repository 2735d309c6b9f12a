//! The calls of a second, which all processes share.

use cloudauth_flow::StoreError;
use cloudauth_protocol::UnixTime;
use rusqlite::{Connection, OptionalExtension, params};

use crate::error::failed;

/// A count of a second that is further ahead comes from a clock that was wrong.
const AHEAD: i64 = 60;

/// Reserves up to `want` of `limit` calls in a second. A clock that is a little behind shares the second of the one that is ahead.
pub(crate) fn reserve(
    connection: &Connection,
    operation: &str,
    now: UnixTime,
    want: u32,
    limit: u32,
) -> Result<u32, StoreError> {
    let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
    let select = "SELECT second, calls FROM ca_calls WHERE operation = ?1";
    let counted: Option<(i64, u32)> = connection
        .query_row(select, [operation], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()
        .map_err(failed)?;
    let is_current = |second: i64| second >= now && second.saturating_sub(now) <= AHEAD;
    let (second, calls) = counted.filter(|(second, _)| is_current(*second)).unwrap_or((now, 0));
    let granted = want.min(limit.saturating_sub(calls));
    if granted > 0 {
        let write = "INSERT INTO ca_calls VALUES (?1, ?2, ?3) \
                     ON CONFLICT (operation) DO UPDATE SET second = excluded.second, calls = excluded.calls";
        connection
            .execute(write, params![operation, second, calls.saturating_add(granted)])
            .map_err(failed)?;
    }
    Ok(granted)
}
