//! Intervals over people: who tries again is one person, and their attempts go the same way.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::stats::{Confidence, Rate, percentile_interval, replicate_rate_of_subjects};
use crate::tally::Tally;

/// The error rates at a threshold with 95 % intervals over people, by the bootstrap.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct People {
    /// The threshold.
    pub threshold: f64,
    /// Impostors' people.
    pub impostors: usize,
    /// From here the false match rate lies ..
    pub fmr_low: Option<f64>,
    /// .. to here. Where no error was seen, this says nothing: every replicate has none.
    pub fmr_high: Option<f64>,
    /// Genuine people.
    pub genuine: usize,
    /// From here the false non-match rate lies ..
    pub fnmr_low: Option<f64>,
    /// .. to here.
    pub fnmr_high: Option<f64>,
}

const REPLICATES: usize = 2000;
/// More people draw no wider an interval, and take long.
const MOST: usize = 200_000;

/// `None` without people, or with more rows than are kept.
pub(super) fn of(tally: &Tally, threshold: f64) -> Option<People> {
    if tally.kept.is_empty() || !tally.kept_all {
        return None;
    }
    let rates = |is_genuine: bool| {
        let mut by_person: BTreeMap<u64, (u64, u64)> = BTreeMap::new();
        for kept in tally.kept.iter().filter(|kept| kept.is_genuine == is_genuine) {
            if let Some(score) = kept.score() {
                let (errors, attempts) = by_person.entry(kept.subject).or_default();
                *errors += u64::from((score >= threshold) != is_genuine);
                *attempts += 1;
            }
        }
        by_person
            .into_values()
            .filter_map(|(errors, attempts)| Rate::new(errors, attempts))
            .collect::<Vec<_>>()
    };
    let (genuine, impostors) = (rates(true), rates(false));
    let interval = |people: &[Rate]| {
        let people = people.get(..people.len().min(MOST)).filter(|people| people.len() > 1)?;
        percentile_interval(&replicate_rate_of_subjects(people, REPLICATES, 1), Confidence::P95)
    };
    let (fmr, fnmr) = (interval(&impostors), interval(&genuine));
    Some(People {
        threshold,
        impostors: impostors.len(),
        fmr_low: fmr.map(|interval| interval.low),
        fmr_high: fmr.map(|interval| interval.high),
        genuine: genuine.len(),
        fnmr_low: fnmr.map(|interval| interval.low),
        fnmr_high: fnmr.map(|interval| interval.high),
    })
}
