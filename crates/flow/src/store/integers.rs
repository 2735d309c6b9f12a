//! Numbers, times and limits as SQL databases have them: signed integers of 64 bits.

use cloudauth_protocol::UnixTime;

/// The most rows of one answer: an answer is in memory as a whole.
const MOST_ROWS: usize = 10_000;

/// Returns a number for a column. One that no column can have becomes the greatest, which is never that of a row.
#[must_use]
pub fn from_number(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Returns the number in a column, which a constraint keeps from being negative.
#[must_use]
pub fn to_number(column: i64) -> u64 {
    u64::try_from(column).unwrap_or_default()
}

/// Returns the milliseconds since 1970 for a column.
#[must_use]
pub fn from_time(time: UnixTime) -> i64 {
    from_number(time.as_millis())
}

/// Returns the time in a column of milliseconds since 1970.
#[must_use]
pub fn to_time(column: i64) -> UnixTime {
    UnixTime::from_millis(to_number(column))
}

/// Returns a limit of rows: at most 10,000, even if the caller asks for more.
#[must_use]
pub fn from_limit(limit: usize) -> i64 {
    i64::try_from(limit.min(MOST_ROWS)).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_times_and_limits_keep_within_a_column() {
        for number in [0, 1, 1 << 40, i64::MAX.unsigned_abs()] {
            assert_eq!(to_number(from_number(number)), number);
        }
        assert_eq!((from_number(u64::MAX), to_number(-1)), (i64::MAX, 0));
        let time = UnixTime::from_millis(1_767_323_045_678);
        assert_eq!((from_time(time), to_time(from_time(time))), (1_767_323_045_678, time));
        assert_eq!([0, 20, 10_000, 10_001, usize::MAX].map(from_limit), [0, 20, 10_000, 10_000, 10_000]);
    }
}
