//! Reads and writes times as milliseconds since the epoch.

pub(crate) mod millis {
    //! For a field that is a time.

    use cloudauth_protocol::UnixTime;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(crate) fn serialize<S: Serializer>(time: &UnixTime, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(time.as_millis())
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<UnixTime, D::Error> {
        u64::deserialize(deserializer).map(UnixTime::from_millis)
    }
}

pub(crate) mod optional_millis {
    //! For a field that may be a time.

    use cloudauth_protocol::UnixTime;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(crate) fn serialize<S: Serializer>(
        time: &Option<UnixTime>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        time.map(UnixTime::as_millis).serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<UnixTime>, D::Error> {
        Ok(Option::<u64>::deserialize(deserializer)?.map(UnixTime::from_millis))
    }
}

/// Returns the day in China (UTC+8), counted from 1970-01-01: the vendor's day, and that of the limits.
#[must_use]
pub const fn day(time: cloudauth_protocol::UnixTime) -> u32 {
    let days = (time.as_secs() + 8 * 3_600) / 86_400;
    // The last day is in the year 9999.
    days as u32
}

/// The first moment of a day in China.
pub(crate) const fn start_of(day: u32) -> cloudauth_protocol::UnixTime {
    cloudauth_protocol::UnixTime::from_secs((day as u64 * 86_400).saturating_sub(8 * 3_600))
}
