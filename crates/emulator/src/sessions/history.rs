//! What is remembered of identities after their sessions.

use std::collections::{BTreeMap, BTreeSet};

use cloudauth_protocol::UnixTime;
use serde::{Deserialize, Serialize};

use super::outcome::Outcome;
use crate::time::day_in_china;

/// The most identities that the history remembers, of each kind.
const IDENTITIES: usize = 10_000;

/// What is remembered of people, by a hash of name and number.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct History {
    /// The authoritative source could not be asked about them.
    without_source: BTreeSet<String>,
    /// The last day on which they failed, and how often then.
    failures: BTreeMap<String, (u64, u32)>,
}

impl History {
    /// Whether an identity ended in 201, 202 or 203 before: then it cannot begin again.
    pub(super) fn is_without_source(&self, identity: &str) -> bool {
        self.without_source.contains(identity)
    }

    /// How often an identity has failed today.
    pub(super) fn failures_today(&self, identity: &str, now: UnixTime) -> u32 {
        let found = self.failures.get(identity);
        found.filter(|(day, _)| *day == day_in_china(now)).map_or(0, |(_, count)| *count)
    }

    pub(super) fn remember(&mut self, identity: &str, outcome: &Outcome, now: UnixTime) {
        if outcome.is_without_source() {
            self.without_source.insert(identity.to_owned());
            if self.without_source.len() > IDENTITIES {
                self.without_source.pop_first();
            }
        }
        if !outcome.passed() {
            let today = day_in_china(now);
            if self.failures.len() >= IDENTITIES {
                self.failures.retain(|_, (day, _)| *day == today);
                if self.failures.len() >= IDENTITIES {
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
        let mut history = History::default();
        for at in 0..IDENTITIES + 9 {
            history.remember(&at.to_string(), &Outcome::with_sub_code("201"), UnixTime::from_secs(0));
        }
        assert_eq!((history.without_source.len(), history.failures.len()), (IDENTITIES, IDENTITIES));
    }
}
