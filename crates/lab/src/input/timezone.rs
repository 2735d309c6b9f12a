//! The time zone in which days are counted.

use std::fmt;
use std::str::FromStr;

use crate::error::{LabError, LabProblem};

/// A time zone with a fixed offset, in which days are counted.
///
/// Zones with daylight saving time are refused, because SQL dialects without a time zone database cannot count their days.
///
/// ```
/// use cloudauth_lab::TimeZone;
///
/// assert_eq!(TimeZone::default().to_string(), "Asia/Shanghai (UTC+08:00)");
/// assert_eq!("-03:30".parse::<TimeZone>()?.to_string(), "UTC-03:30");
/// assert!("Europe/Berlin".parse::<TimeZone>().is_err());
/// # Ok::<(), cloudauth_lab::LabError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeZone {
    name: Option<&'static str>,
    minutes: i32,
}

/// Zones that have kept one offset since 2000, in minutes east of UTC.
const ZONES: [(&str, i32); 17] = [
    ("Asia/Shanghai", 480),
    ("Asia/Urumqi", 360),
    ("Asia/Hong_Kong", 480),
    ("Asia/Macau", 480),
    ("Asia/Taipei", 480),
    ("Asia/Singapore", 480),
    ("Asia/Kuala_Lumpur", 480),
    ("Asia/Manila", 480),
    ("Asia/Jakarta", 420),
    ("Asia/Bangkok", 420),
    ("Asia/Ho_Chi_Minh", 420),
    ("Asia/Tokyo", 540),
    ("Asia/Seoul", 540),
    ("Asia/Kolkata", 330),
    ("Asia/Dubai", 240),
    ("Asia/Riyadh", 180),
    ("UTC", 0),
];

/// The maximum offset of a zone from UTC.
const MOST_MINUTES: i32 = 14 * 60;

impl Default for TimeZone {
    /// `Asia/Shanghai`.
    fn default() -> Self {
        let [(name, minutes), ..] = ZONES;
        Self { name: Some(name), minutes }
    }
}

impl TimeZone {
    /// Returns its name, such as `Asia/Shanghai`, or its offset.
    #[must_use]
    pub fn name(&self) -> String {
        self.name.map_or_else(|| self.offset(), str::to_owned)
    }

    /// Returns its offset in minutes east of UTC.
    pub(crate) const fn minutes(self) -> i32 {
        self.minutes
    }

    fn offset(self) -> String {
        let (sign, minutes) = (if self.minutes < 0 { '-' } else { '+' }, self.minutes.abs());
        format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60)
    }
}

impl fmt::Display for TimeZone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name {
            Some(name) => write!(f, "{name} (UTC{})", self.offset()),
            None => write!(f, "UTC{}", self.offset()),
        }
    }
}

impl FromStr for TimeZone {
    type Err = LabError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Some((name, minutes)) = ZONES.into_iter().find(|(name, _)| *name == text) {
            return Ok(Self { name: Some(name), minutes });
        }
        match crate::input::time::offset(text.as_bytes()) {
            Some(minutes) if minutes.abs() <= MOST_MINUTES => Ok(Self { name: None, minutes }),
            _ => Err(LabProblem::UnknownTimeZone(ZONES.map(|(name, _)| name).join(", ")).into_error()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zone_is_known_by_name_or_offset() {
        for (text, minutes, shown) in [
            ("Asia/Shanghai", 480, "Asia/Shanghai (UTC+08:00)"),
            ("UTC", 0, "UTC (UTC+00:00)"),
            ("+08:00", 480, "UTC+08:00"),
            ("-0330", -210, "UTC-03:30"),
            ("Z", 0, "UTC+00:00"),
            ("+14:00", 840, "UTC+14:00"),
        ] {
            let zone: TimeZone = text.parse().unwrap_or_default();
            assert_eq!((zone.minutes(), &*zone.to_string()), (minutes, shown), "{text}");
            assert_eq!(zone.name().parse::<TimeZone>().ok(), Some(zone), "{text}");
        }
        for wrong in ["", "Europe/Berlin", "asia/shanghai", "+14:01", "+8", "8", "+08:60", "CST"] {
            assert!(wrong.parse::<TimeZone>().is_err(), "{wrong}");
        }
    }
}
