//! The rates of two policies over people: several attempts of one person are not independent.

use std::collections::BTreeMap;

use cloudauth_policy::Verdict;
use cloudauth_stats::{Clusters, PairedClusters};

use crate::input::row::Label;
use crate::tally::{SubjectScore, Tally};

/// The attempts of one label by person. An attempt without a subject is one more person.
pub(super) struct PairedPeople {
    pub(super) policy: Clusters,
    pub(super) candidate: Clusters,
    pub(super) both: PairedClusters,
}

impl PairedPeople {
    /// `all` are the attempts that count under both policies, under the first only, under the second only, and under none; `of`
    /// tells whether a verdict counts.
    pub(super) fn of(tally: &Tally, label: Label, all: [u64; 4], of: impl Fn(Verdict) -> bool) -> Self {
        let (mut people, mut left) = (BTreeMap::<[u64; 4], u64>::new(), all);
        for person in tally.kept.chunk_by(|a: &SubjectScore, b: &SubjectScore| a.subject == b.subject) {
            let mut own = [0; 4];
            for kept in person.iter().filter(|kept| kept.label() == label) {
                let (first, second) = kept.verdicts();
                let place = usize::from(!of(first)) * 2 + usize::from(!of(second));
                // Both, only the first, only the second, none.
                if let (Some(own), Some(left)) = (own.get_mut(place), left.get_mut(place)) {
                    *own += 1;
                    *left = left.saturating_sub(1);
                }
            }
            if own != [0; 4] {
                *people.entry(own).or_default() += 1;
            }
        }
        let alone = [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]];
        for (own, times) in alone.into_iter().zip(left).filter(|(_, times)| *times > 0) {
            *people.entry(own).or_default() += times;
        }
        let mut found = Self {
            policy: Clusters::default(),
            candidate: Clusters::default(),
            both: PairedClusters::default(),
        };
        for ([both, first, second, neither], times) in people {
            let attempts = both + first + second + neither;
            found.policy.extend([(both + first, attempts, times)]);
            found.candidate.extend([(both + second, attempts, times)]);
            // The difference is that of the candidate.
            found.both.extend([(second, first, attempts, times)]);
        }
        found
    }
}
