//! Earlier results of identities, for the answers 417 and 418.

use std::collections::{BTreeMap, BTreeSet};

use cloudauth_protocol::UnixTime;
use serde::{Deserialize, Serialize};

use super::outcome::SessionOutcome;
use crate::time::day_in_china;

/// The maximum number of identities of each kind in the history.
const MAX_IDENTITIES: usize = 10_000;

/// Earlier results, by a hash of name and ID number.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct IdentityHistory {
    /// Identities whose faces were not compared (201, 202 or 203).
    without_source: BTreeSet<String>,
    /// The last day with failures, and their number on that day.
    failures: BTreeMap<String, (u64, u32)>,
}

impl IdentityHistory {
    /// Returns whether an earlier session of an identity ended in 201, 202 or 203. Such an identity cannot
    /// start another session.
    pub(super) fn is_blocked(&self, identity: &str) -> bool {
        self.without_source.contains(identity)
    }

    /// Returns the number of failures of an identity today.
    pub(super) fn failures_today(&self, identity: &str, now: UnixTime) -> u32 {
        let found = self.failures.get(identity);
        found.filter(|(day, _)| *day == day_in_china(now)).map_or(0, |(_, count)| *count)
    }

    pub(super) fn remember(&mut self, identity: &str, outcome: &SessionOutcome, now: UnixTime) {
        if !outcome.compares_faces() {
            self.without_source.insert(identity.to_owned());
            if self.without_source.len() > MAX_IDENTITIES {
                self.without_source.pop_first();
            }
        }
        if !outcome.passed() {
            let today = day_in_china(now);
            if self.failures.len() >= MAX_IDENTITIES {
                self.failures.retain(|_, (day, _)| *day == today);
                if self.failures.len() >= MAX_IDENTITIES {
                    self.failures.pop_first();
                }
            }
            let failed = self.failures.entry(identity.to_owned()).or_default();
            *failed = (today, if failed.0 == today { failed.1.saturating_add(1) } else { 1 });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remembers_a_bounded_number_of_identities() {
        let mut history = IdentityHistory::default();
        for at in 0..MAX_IDENTITIES + 9 {
            history.remember(&at.to_string(), &SessionOutcome::with_sub_code("201"), UnixTime::from_secs(0));
        }
        assert_eq!((history.without_source.len(), history.failures.len()), (MAX_IDENTITIES, MAX_IDENTITIES));
    }
}
