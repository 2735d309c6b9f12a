//! Rate limiting: calls per access key and action in one second.

use std::collections::HashMap;
use std::time::Duration;

use cloudauth_protocol::UnixTime;

/// The documented limit of most operations.
pub(crate) const DEFAULT_CALLS_PER_SECOND: u32 = 50;

/// The number of calls per access key and action in the current second of the emulator's clock.
#[derive(Debug, Default)]
pub(crate) struct Quota {
    second: u64,
    counts: HashMap<(String, String), u32>,
}

impl Quota {
    /// Counts a call. Returns the time to wait if the call exceeds the limit.
    pub(crate) fn count(
        &mut self,
        access_key_id: &str,
        action: &str,
        limit: u32,
        now: UnixTime,
    ) -> Option<Duration> {
        if self.second != now.as_secs() {
            self.second = now.as_secs();
            self.counts.clear();
        }
        let count = self.counts.entry((access_key_id.to_owned(), action.to_owned())).or_default();
        *count = count.saturating_add(1);
        (*count > limit).then(|| Duration::from_millis(1000 - now.as_millis() % 1000))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_beyond_the_limit_waits_for_the_next_second() {
        let mut quota = Quota::default();
        let mut count = |key, action, millis: u64| {
            quota.count(key, action, 2, UnixTime::from_millis(1_767_323_045_000 + millis))
        };
        assert_eq!([count("a", "X", 0), count("a", "X", 10)], [None, None]);
        assert_eq!(count("a", "X", 400), Some(Duration::from_millis(600)));
        assert_eq!([count("b", "X", 400), count("a", "Y", 400), count("a", "X", 1000)], [None; 3]);
    }
}
