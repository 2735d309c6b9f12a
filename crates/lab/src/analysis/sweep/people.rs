//! The labelled rows of a sweep by person, for costs and for intervals over people.

use std::collections::BTreeMap;

use cloudauth_policy::Verdict;
use cloudauth_stats::{Clusters, Confidence, Interval};

use crate::tally::{SweepCase, SweepRows, alike};

/// The people of one label. A row without a subject is one more person.
pub(super) struct PeopleByCases {
    /// People with the same cases: the rows of each case, and the number of such people. Those with a subject and those without one
    /// are apart.
    pub(super) alike: Vec<(Vec<(SweepCase, u64)>, u64)>,
}

impl PeopleByCases {
    pub(super) fn of(rows: &SweepRows, is_genuine: bool) -> Self {
        let is_of = |case: &SweepCase| case.is_genuine == is_genuine;
        let mut left: BTreeMap<SweepCase, u64> =
            rows.cases.iter().filter(|(case, _)| is_of(case)).map(|(case, rows)| (*case, *rows)).collect();
        let mut people = alike(|| rows.people.iter().copied().filter(|(_, case)| is_of(case)));
        for (cases, times) in &people {
            for case in cases {
                left.entry(*case).and_modify(|rows| *rows = rows.saturating_sub(*times));
            }
        }
        let alone = left.into_iter().filter(|(_, rows)| *rows > 0);
        people.extend(alone.map(|(case, rows)| ([case].into(), rows)));
        let rows = |cases: &[SweepCase]| {
            let same = cases.chunk_by(SweepCase::eq);
            same.filter_map(|same| Some((*same.first()?, same.len() as u64))).collect()
        };
        Self { alike: people.iter().map(|(cases, times)| (rows(cases), *times)).collect() }
    }

    /// Returns the number of people.
    pub(super) fn count(&self) -> u64 {
        self.alike.iter().map(|(_, times)| times).sum()
    }

    /// Returns the 95 % interval over people of the share of rows with the verdicts that `counts` selects, for each value. The
    /// counts of a value are those of the value before, except for people with a score between the two.
    pub(super) fn intervals(&self, values: usize, counts: impl Fn(Verdict) -> bool) -> Vec<Interval> {
        let counts = Verdict::ALL.map(counts);
        let is_counted = |verdict: u8| counts.get(usize::from(verdict)).copied().unwrap_or_default();
        let counted = |rows: &[(SweepCase, u64)], value: usize| -> u64 {
            rows.iter().filter(|(case, _)| is_counted(case.verdict(value))).map(|(_, rows)| rows).sum()
        };
        let mut changes: Vec<(usize, usize)> = Vec::new();
        for (number, (rows, _)) in self.alike.iter().enumerate() {
            changes.extend(rows.iter().flat_map(|(case, _)| case.changes()).map(|value| (value, number)));
        }
        changes.sort_unstable();
        changes.dedup();
        let mut changes = changes.into_iter().peekable();
        // The counted rows, all rows, and the people of each number in `alike`.
        let mut people: Vec<(u64, u64, u64)> = Vec::new();
        // People by counted rows and all rows.
        let mut alike: BTreeMap<(u64, u64), u64> = BTreeMap::new();
        for (rows, times) in &self.alike {
            let (count, of) = (counted(rows, 0), rows.iter().map(|(_, rows)| rows).sum());
            people.push((count, of, *times));
            *alike.entry((count, of)).or_default() += times;
        }
        let mut intervals: Vec<Interval> = Vec::with_capacity(values);
        for value in 0..values {
            let before = intervals.last().copied();
            let mut has_changed = before.is_none();
            while let Some((_, number)) = changes.next_if(|(at, _)| *at <= value) {
                let (Some((count, of, times)), Some((rows, _))) =
                    (people.get_mut(number), self.alike.get(number))
                else {
                    continue;
                };
                let now = counted(rows, value);
                if now != *count {
                    alike.entry((*count, *of)).and_modify(|people| *people -= *times);
                    *alike.entry((now, *of)).or_default() += *times;
                    (*count, has_changed) = (now, true);
                }
            }
            intervals.push(match before.filter(|_| !has_changed) {
                Some(before) => before,
                None => {
                    let mut clusters = Clusters::default();
                    clusters.extend(alike.iter().map(|((count, of), times)| (*count, *of, *times)));
                    clusters.interval(Confidence::P95)
                }
            });
        }
        intervals
    }
}
