//! Rates by segment over people: several attempts of one person are not independent.

use std::collections::BTreeMap;

use cloudauth_stats::{Clusters, Confidence, Interval, p_of_difference};

use crate::analysis::rests_on::{LabelledPeople, RestsOn};
use crate::input::row::Label;
use crate::tally::{Alike, SegmentCase, SegmentRows, Tally, alike};

/// The people of a segment, by the number of each row's value, and its case.
pub(super) struct SegmentPeople {
    alike: Alike<(u16, SegmentCase)>,
    values: usize,
}

/// The people of one rate with one value, and those with any other value. A person who has both is in both.
pub(super) struct GroupPeople {
    pub(super) own: Clusters,
    pub(super) others: Clusters,
}

impl GroupPeople {
    /// Returns the p-value of the comparison with all other values. `interval` is the 95 % interval of this one.
    pub(super) fn p(&self, interval: Interval) -> f64 {
        let (own, others) = (self.own.rate().fraction(), self.others.rate().fraction());
        own.zip(others).map_or(1.0, |(own, others)| {
            let other = self.others.interval(Confidence::P95);
            p_of_difference((own, interval), (others, other), Confidence::P95)
        })
    }
}

/// People with fewer attempts are counted in a table.
const FEW: usize = 16;

/// People by counted attempts and all attempts. Below 0 where people are taken away.
#[derive(Clone)]
struct Counts {
    /// Those with few attempts: after `of * FEW`, by counted attempts.
    few: [i64; FEW * FEW],
    many: BTreeMap<(u64, u64), i64>,
}

impl Counts {
    const fn new() -> Self {
        Self { few: [0; FEW * FEW], many: BTreeMap::new() }
    }

    fn add(&mut self, (count, of): (u64, u64), people: i64) {
        if of < FEW as u64 {
            if let Some(few) = self.few.get_mut(of as usize * FEW + count as usize) {
                *few += people;
            }
        } else {
            *self.many.entry((count, of)).or_default() += people;
        }
    }

    fn all(&self) -> impl Iterator<Item = ((u64, u64), i64)> {
        let few = self.few.iter().enumerate().filter(|(_, people)| **people != 0);
        let few = few.map(|(place, people)| (((place % FEW) as u64, (place / FEW) as u64), *people));
        few.chain(self.many.iter().map(|(attempts, people)| (*attempts, *people)))
    }

    fn clusters(&self) -> Clusters {
        let mut clusters = Clusters::default();
        let people = |people: i64| u64::try_from(people).unwrap_or_default();
        clusters.extend(self.all().map(|((count, of), times)| (count, of, people(times))));
        clusters
    }
}

impl SegmentPeople {
    pub(super) fn of(values: &BTreeMap<String, &SegmentRows>) -> Self {
        let rows = || {
            (0..).zip(values.values()).flat_map(|(number, rows)| {
                rows.people.0.iter().map(move |(subject, case)| (*subject, (number, *case)))
            })
        };
        Self { alike: alike(rows), values: values.len() }
    }

    /// Returns the people of each value. `all` are the counted attempts and all attempts of each value. `counts` returns whether a case
    /// is counted, or `None` if it does not belong to the rate. An attempt without a subject is one more person.
    pub(super) fn groups(
        &self,
        all: &[(u64, u64)],
        counts: impl Fn(SegmentCase) -> Option<bool>,
    ) -> Vec<GroupPeople> {
        let (mut own, mut others) = (vec![Counts::new(); self.values], vec![Counts::new(); self.values]);
        let (mut whole, mut left) = (Counts::new(), all.to_vec());
        for (person, times) in &self.alike {
            let attempts = |rows: &[(u16, SegmentCase)]| {
                let counted = rows.iter().filter_map(|(_, case)| counts(*case));
                counted.fold((0, 0), |(count, of), is_counted| (count + u64::from(is_counted), of + 1))
            };
            let (count, of) = attempts(person);
            if of == 0 {
                continue;
            }
            let people = times.cast_signed();
            whole.add((count, of), people);
            for rows in person.chunk_by(|(a, _), (b, _)| a == b) {
                let Some(value) = rows.first().map(|(value, _)| usize::from(*value)) else { continue };
                let here = attempts(rows);
                if let (Some(own), Some(others), Some(left)) =
                    (own.get_mut(value), others.get_mut(value), left.get_mut(value))
                {
                    own.add(here, people);
                    // The person's attempts with other values.
                    others.add((count, of), -people);
                    others.add((count - here.0, of - here.1), people);
                    *left = (left.0.saturating_sub(here.0 * times), left.1.saturating_sub(here.1 * times));
                }
            }
        }
        let alone = |(count, of): (u64, u64)| {
            [((1, 1), count.cast_signed()), ((0, 1), of.saturating_sub(count).cast_signed())]
        };
        for (own, left) in own.iter_mut().zip(&left) {
            for (attempts, people) in alone(*left) {
                own.add(attempts, people);
                whole.add(attempts, people);
            }
        }
        for (others, left) in others.iter_mut().zip(&left) {
            alone(*left).into_iter().for_each(|(attempts, people)| others.add(attempts, -people));
            whole.all().for_each(|(attempts, people)| others.add(attempts, people));
        }
        own.iter()
            .zip(&others)
            .map(|(own, others)| GroupPeople { own: own.clusters(), others: others.clusters() })
            .collect()
    }

    /// Returns the unit of the intervals, and the labelled people. Every segment has the same rows.
    pub(super) fn basis(&self, tally: &Tally) -> (RestsOn, Option<LabelledPeople>) {
        let share = tally.share();
        let all = |label: Label| share.sum(|_, _, of| of == label);
        // The rows with a subject, and the people who have them.
        let known = Label::ALL.map(|label| {
            self.alike.iter().fold((0, 0), |(rows, people), (person, times)| {
                let own = person.iter().filter(|(_, case)| case.is_of(label)).count() as u64;
                (rows + own * times, people + if own > 0 { *times } else { 0 })
            })
        });
        let with = |label: Label| known.get(label.number()).copied().unwrap_or_default();
        let rests_on =
            RestsOn::of(tally.has_too_many_people(), &Label::ALL.map(|label| (with(label).0, all(label))));
        let people = |label: Label| with(label).1 + all(label).saturating_sub(with(label).0);
        let labelled = LabelledPeople { genuine: people(Label::Genuine), impostor: people(Label::Impostor) };
        (rests_on, rests_on.knows_people().then_some(labelled))
    }
}
