//! The calls of a second, which all processes share.

use std::time::SystemTime;

use cloudauth_flow::StoreError;
use cloudauth_protocol::UnixTime;
use rusqlite::{OptionalExtension, params};

use crate::cached::Cached;
use crate::error::failed;

/// How far ahead the second of a count may be, in seconds. One that is further ahead is from before the clock was set back.
const AHEAD: u64 = 1;

/// Reserves up to `want` of `limit` calls in the current second. All processes are on one machine, so they share its clock. It is
/// read under the lock of the transaction: a caller that waited long for the lock takes no calls of an earlier second.
pub(crate) fn reserve(
    connection: &Cached<'_>,
    operation: &str,
    want: u32,
    limit: u32,
) -> Result<u32, StoreError> {
    let now: UnixTime = SystemTime::now().into();
    reserve_in(connection, operation, now.as_secs(), want, limit)
}

fn reserve_in(
    connection: &Cached<'_>,
    operation: &str,
    now: u64,
    want: u32,
    limit: u32,
) -> Result<u32, StoreError> {
    let now = i64::try_from(now).unwrap_or(i64::MAX);
    let select = "SELECT second, calls FROM ca_calls WHERE operation = ?1";
    let counted: Option<(i64, u32)> = connection
        .query_row(select, [operation], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()
        .map_err(failed)?;
    let is_current = |second: i64| second >= now && second.abs_diff(now) <= AHEAD;
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

#[cfg(test)]
mod tests {
    use super::{Cached, reserve_in};
    use crate::open::connect;

    #[test]
    fn a_clock_that_is_set_back_does_not_stop_the_calls() {
        let folder = tempfile::tempdir().unwrap();
        let connection = connect(&folder.path().join("file")).unwrap();
        let connection = Cached::new(&connection);
        let reserve = |now, want| reserve_in(&connection, "InitFaceVerify", now, want, 5).unwrap();
        assert_eq!([reserve(100, 3), reserve(100, 3), reserve(100, 1)], [3, 2, 0]);
        assert_eq!([reserve(101, 4), reserve(101, 4)], [4, 1]);
        // By one second, as two readings of the clock may differ: the calls are those of the second ahead.
        assert_eq!(reserve(100, 1), 0);
        // By half a minute.
        assert_eq!([reserve(71, 3), reserve(71, 3), reserve(72, 5)], [3, 2, 5]);
    }
}
