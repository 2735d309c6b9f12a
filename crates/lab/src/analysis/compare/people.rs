//! The rates of two policies over people: several attempts of one person are not independent.

use cloudauth_policy::Verdict;
use cloudauth_stats::{Clusters, PairedClusters};

use crate::input::row::Label;
use crate::tally::{Alike, SubjectScore, Tally, VerdictMatrix, alike};

/// People by the label and the numbers of both verdicts of each row.
pub(super) type PeopleByVerdicts = Alike<(bool, u8, u8)>;

/// Counts the labelled rows of people.
pub(super) fn by_verdicts(tally: &Tally) -> PeopleByVerdicts {
    alike(|| tally.kept.iter().map(SubjectScore::case))
}

/// The attempts of one label by person. An attempt without a subject is one more person.
#[derive(Default)]
pub(super) struct PairedPeople {
    pub(super) policy: Clusters,
    pub(super) candidate: Clusters,
    pub(super) both: PairedClusters,
}

impl PairedPeople {
    /// `share` are all attempts; `of` tells whether a verdict counts.
    pub(super) fn of(
        people: &PeopleByVerdicts,
        share: &VerdictMatrix,
        label: Label,
        of: impl Fn(Verdict) -> bool,
    ) -> Self {
        // Those that count under both policies, under the first only, under the second only, and under none.
        let (mut left, mut found) = (paired(share, label, &of), Self::default());
        let counts = Verdict::ALL.map(&of);
        let place =
            |verdict: u8| usize::from(!counts.get(usize::from(verdict)).is_some_and(|counts| *counts));
        for (rows, times) in people {
            let mut own = [0; 4];
            for (_, first, second) in
                rows.iter().filter(|(is_genuine, ..)| *is_genuine == (label == Label::Genuine))
            {
                let place = place(*first) * 2 + place(*second);
                if let (Some(own), Some(left)) = (own.get_mut(place), left.get_mut(place)) {
                    *own += 1;
                    *left = left.saturating_sub(*times);
                }
            }
            found.add(own, *times);
        }
        let alone = [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]];
        alone.into_iter().zip(left).for_each(|(own, times)| found.add(own, times));
        found
    }

    fn add(&mut self, [both, first, second, neither]: [u64; 4], times: u64) {
        let attempts = both + first + second + neither;
        self.policy.extend([(both + first, attempts, times)]);
        self.candidate.extend([(both + second, attempts, times)]);
        // The difference is that of the candidate.
        self.both.extend([(second, first, attempts, times)]);
    }
}

/// Returns the attempts that count under both policies, under the first only, under the second only, and under none.
pub(super) fn paired(share: &VerdictMatrix, label: Label, of: impl Fn(Verdict) -> bool) -> [u64; 4] {
    [(true, true), (true, false), (false, true), (false, false)]
        .map(|(a, b)| share.sum(|x, y, other| other == label && of(x) == a && of(y) == b))
}
