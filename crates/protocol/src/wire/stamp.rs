//! The stamp of an attempt: the time and a nonce, both supplied by the caller.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A point in time, in milliseconds since 1970-01-01T00:00:00Z. Clamped to the years
/// 1970 to 9999, the range of the wire format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixTime(u64);

impl UnixTime {
    const LAST: u64 = 253_402_300_799_999;

    /// A time in seconds since the epoch.
    #[must_use]
    pub const fn from_secs(secs: u64) -> Self {
        Self::from_millis(secs.saturating_mul(1000))
    }

    /// A time in milliseconds since the epoch.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self(if millis > Self::LAST { Self::LAST } else { millis })
    }

    /// Whole seconds since the epoch.
    #[must_use]
    pub const fn as_secs(self) -> u64 {
        self.0 / 1000
    }

    /// Milliseconds since the epoch.
    #[must_use]
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// This time plus `span`.
    #[must_use]
    pub fn plus(self, span: Duration) -> Self {
        Self::from_millis(self.0.saturating_add(u64::try_from(span.as_millis()).unwrap_or(u64::MAX)))
    }

    /// The time elapsed since `earlier`, or zero if this time is before it.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }

    /// The same time as a [`SystemTime`].
    #[must_use]
    pub fn to_system_time(self) -> SystemTime {
        UNIX_EPOCH + Duration::from_millis(self.0)
    }

    /// `yyyy-MM-ddTHH:mm:ssZ`, the form of `Timestamp` (V1) and `x-acs-date` (V3).
    pub(crate) fn to_wire(self) -> WireTime {
        let (days, second) = (self.as_secs() / 86_400, self.as_secs() % 86_400);
        let (year, month, day) = civil(days);
        let mut text = *b"0000-00-00T00:00:00Z";
        let parts = [year / 100, year % 100, month, day, second / 3_600, second / 60 % 60, second % 60];
        for (place, part) in [0, 2, 5, 8, 11, 14, 17].into_iter().zip(parts) {
            if let Some([tens, ones]) = text.get_mut(place..place + 2) {
                // Every part is below 100, because the year is at most 9999.
                (*tens, *ones) = (b'0' + (part / 10) as u8, b'0' + (part % 10) as u8);
            }
        }
        WireTime(text)
    }
}

/// Year, month and day of a number of days since 1970-01-01, in the Gregorian calendar. Years start in March, so
/// that the leap day is the last day; 400 years have 146,097 days, and five months from March have 153.
const fn civil(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let (month, next) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    (era * 400 + year + next, month, day)
}

impl From<SystemTime> for UnixTime {
    fn from(time: SystemTime) -> Self {
        Self(0).plus(time.duration_since(UNIX_EPOCH).unwrap_or_default())
    }
}

impl fmt::Display for UnixTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.to_wire().as_str())
    }
}

/// A formatted time, on the stack.
pub(crate) struct WireTime([u8; 20]);

impl WireTime {
    pub(crate) fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    pub(crate) const fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// A number used once: 128 bits of the caller's entropy, as 32 hexadecimal digits. The gateway refuses a repeated nonce with
/// `SignatureNonceUsed`, so each attempt needs a new one.
pub struct Nonce([u8; 32]);

impl Nonce {
    /// A nonce from 16 random bytes. Get them from the operating system; a counter or a clock repeats.
    #[must_use]
    pub const fn from_entropy(entropy: [u8; 16]) -> Self {
        Self(hex(entropy))
    }

    /// The text on the wire.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    pub(crate) const fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Nonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Nonce({})", self.as_str())
    }
}

/// The time and nonce of one attempt. [`prepare`](crate::prepare) consumes it and it cannot be cloned, so that two requests
/// never share a nonce by accident.
#[derive(Debug)]
pub struct Stamp {
    /// The signed time. The gateway accepts a difference of 15 minutes in either direction (V3; the V1 page says 31).
    pub at: UnixTime,
    /// The signed nonce.
    pub nonce: Nonce,
}

impl Stamp {
    /// A stamp with this time and nonce.
    #[must_use]
    pub const fn new(at: UnixTime, nonce: Nonce) -> Self {
        Self { at, nonce }
    }
}

/// Bytes as lower-case hexadecimal digits, two for each.
pub(crate) const fn hex<const BYTES: usize, const DIGITS: usize>(bytes: [u8; BYTES]) -> [u8; DIGITS] {
    const { assert!(DIGITS == 2 * BYTES, "two digits for each byte") };
    let mut out = [0; DIGITS];
    let (mut from, mut to): (&[u8], &mut [u8]) = (&bytes, &mut out);
    while let ([byte, rest @ ..], [high, low, tail @ ..]) = (from, to) {
        *high = digit(*byte >> 4);
        *low = digit(*byte & 15);
        (from, to) = (rest, tail);
    }
    out
}

const fn digit(nibble: u8) -> u8 {
    if nibble < 10 { b'0' + nibble } else { b'a' + nibble - 10 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_a_time_in_utc_seconds() {
        assert_eq!(UnixTime::from_millis(1_767_323_045_999).to_string(), "2026-01-02T03:04:05Z");
        assert_eq!(UnixTime::from_secs(0).to_string(), "1970-01-01T00:00:00Z");
        assert_eq!(UnixTime::from_secs(u64::MAX).to_string(), "9999-12-31T23:59:59Z");
    }

    #[test]
    fn every_day_of_four_centuries_follows_the_previous_one() {
        let (mut year, mut month, mut day) = (1970, 1, 1);
        for days in 0..146_097 * 2 {
            assert_eq!(civil(days), (year, month, day));
            let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
            let last = match month {
                2 => 28 + u64::from(is_leap),
                4 | 6 | 9 | 11 => 30,
                _ => 31,
            };
            (day, month) = if day < last { (day + 1, month) } else { (1, month + 1) };
            (month, year) = if month <= 12 { (month, year) } else { (1, year + 1) };
        }
    }

    #[test]
    fn a_nonce_is_the_entropy_in_hex() {
        let nonce = Nonce::from_entropy(*b"\x00\x11\x22\x33\x44\x55\x66\x77\x88\x99\xaa\xbb\xcc\xdd\xee\xff");
        assert_eq!(nonce.as_str(), "00112233445566778899aabbccddeeff");
    }
}
