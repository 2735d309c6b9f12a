//! Rates by segment over people: several attempts of one person are not independent.

use std::collections::BTreeMap;

use cloudauth_stats::{Clusters, Confidence, Interval, p_of_difference};

use crate::analysis::rests_on::{LabelledPeople, RestsOn};
use crate::input::row::Label;
use crate::tally::{SegmentCase, SegmentRows, Tally};

/// The rows of a segment by person.
pub(super) struct SegmentPeople {
    /// The hash of the subject, the number of the value, and the case: ascending.
    rows: Vec<(u64, usize, SegmentCase)>,
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

/// People by counted attempts and all attempts. Below 0 where people are taken away.
type Counts = BTreeMap<(u64, u64), i64>;

fn add(counts: &mut Counts, (count, of): (u64, u64), people: i64) {
    if of > 0 {
        *counts.entry((count, of)).or_default() += people;
    }
}

impl SegmentPeople {
    pub(super) fn of(values: &BTreeMap<String, &SegmentRows>) -> Self {
        let of_value = |(number, rows): (usize, &&SegmentRows)| {
            rows.people.iter().map(move |(subject, case)| (*subject, number, *case)).collect::<Vec<_>>()
        };
        let mut rows: Vec<_> = values.values().enumerate().flat_map(of_value).collect();
        rows.sort_unstable();
        Self { rows, values: values.len() }
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
        for person in self.rows.chunk_by(|(a, ..), (b, ..)| a == b) {
            let attempts = |rows: &[(u64, usize, SegmentCase)]| {
                let counted = rows.iter().filter_map(|(.., case)| counts(*case));
                counted.fold((0, 0), |(count, of), is_counted| (count + u64::from(is_counted), of + 1))
            };
            let (count, of) = attempts(person);
            add(&mut whole, (count, of), 1);
            for rows in person.chunk_by(|(_, a, _), (_, b, _)| a == b) {
                let Some((_, value, _)) = rows.first().filter(|_| of > 0) else { continue };
                let here = attempts(rows);
                if let (Some(own), Some(others), Some(left)) =
                    (own.get_mut(*value), others.get_mut(*value), left.get_mut(*value))
                {
                    add(own, here, 1);
                    // The person's attempts with other values.
                    add(others, (count, of), -1);
                    add(others, (count - here.0, of - here.1), 1);
                    *left = (left.0.saturating_sub(here.0), left.1.saturating_sub(here.1));
                }
            }
        }
        for (own, (count, of)) in own.iter_mut().zip(&left) {
            for (alone, people) in [((1, 1), *count), ((0, 1), of.saturating_sub(*count))] {
                add(own, alone, people.cast_signed());
                add(&mut whole, alone, people.cast_signed());
            }
        }
        for (others, (count, of)) in others.iter_mut().zip(&left) {
            add(others, (1, 1), -count.cast_signed());
            add(others, (0, 1), -(of.saturating_sub(*count)).cast_signed());
            whole.iter().for_each(|(attempts, people)| add(others, *attempts, *people));
        }
        own.iter()
            .zip(&others)
            .map(|(own, others)| GroupPeople { own: clusters(own), others: clusters(others) })
            .collect()
    }
}

fn clusters(counts: &Counts) -> Clusters {
    let mut clusters = Clusters::default();
    let people =
        counts.iter().map(|((count, of), people)| (*count, *of, u64::try_from(*people).unwrap_or_default()));
    clusters.extend(people);
    clusters
}

/// Returns the unit of the intervals, and the labelled people. Every segment has the same rows.
pub(super) fn basis(tally: &Tally) -> (RestsOn, Option<LabelledPeople>) {
    let Some(values) = tally.segments.iter().find_map(|values| values.get()) else {
        return (RestsOn::Attempts, None);
    };
    let mut rows: Vec<(u64, SegmentCase)> =
        values.values().flat_map(|rows| rows.people.iter().copied()).collect();
    rows.sort_unstable();
    let with = |label: Label| rows.iter().filter(|(_, case)| case.is_of(label)).count() as u64;
    let share = tally.share();
    let all = |label: Label| share.sum(|_, _, of| of == label);
    let of_label = Label::ALL.map(|label| (with(label), all(label)));
    let rests_on = RestsOn::of(tally.has_too_many_people(), &of_label);
    let people = |label: Label| {
        let is_of = |person: &[(u64, SegmentCase)]| person.iter().any(|(_, case)| case.is_of(label));
        let known = rows.chunk_by(|(a, _), (b, _)| a == b).filter(|person| is_of(person)).count() as u64;
        known + all(label).saturating_sub(with(label))
    };
    let labelled = LabelledPeople { genuine: people(Label::Genuine), impostor: people(Label::Impostor) };
    (rests_on, rests_on.knows_people().then_some(labelled))
}
