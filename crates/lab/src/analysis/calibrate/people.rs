//! False match rates over people: several attempts of one person are not independent.

use serde::Serialize;

use crate::analysis::rests_on::RestsOn;
use crate::input::row::Label;
use crate::tally::{SubjectScore, Tally};
use cloudauth_stats::{Clusters, Confidence, Grid, Interval};

/// The error rates at a threshold, with 95 % confidence intervals over people instead of attempts.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct People {
    /// The threshold.
    pub threshold: f64,
    /// People among the impostors. Each attempt without a subject counts as one more person.
    pub impostors: u64,
    /// The lower end of the interval of the false match rate. `None` without impostors.
    pub fmr_low: Option<f64>,
    /// Its upper end.
    pub fmr_high: Option<f64>,
    /// Genuine people. Each attempt without a subject counts as one more person.
    pub genuine: u64,
    /// The lower end of the interval of the false non-match rate. `None` without genuine people, and where most genuine
    /// attempts have no subject.
    pub fnmr_low: Option<f64>,
    /// Its upper end.
    pub fnmr_high: Option<f64>,
}

/// Labelled attempts that have a score and no subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct WithoutSubject {
    /// Attempts of impostors.
    pub impostor: u64,
    /// Attempts of genuine people.
    pub genuine: u64,
}

impl WithoutSubject {
    /// Counts the attempts. `None` if no labelled row has a subject, or there were too many labelled rows to keep their
    /// subjects.
    pub(super) fn of(tally: &Tally) -> Option<Self> {
        if tally.kept.is_empty() || !tally.kept_all {
            return None;
        }
        let count = |label: Label| {
            let with = tally.kept.iter().filter(|kept| kept.is_genuine == (label == Label::Genuine));
            let with = with.filter(|kept| kept.score().is_some()).count() as u64;
            scores(tally, label).saturating_sub(with)
        };
        Some(Self { impostor: count(Label::Impostor), genuine: count(Label::Genuine) })
    }
}

/// Returns the number of attempts with this label and a score.
fn scores(tally: &Tally, label: Label) -> u64 {
    tally.scores.get(label.number()).map_or(0, Grid::valid)
}

/// Returns the unit of intervals of both labels, from the labelled attempts with a score and a subject.
pub(super) fn rests_on(parts: &[&Tally]) -> RestsOn {
    let attempts = |tally: &&Tally| {
        [Label::Genuine, Label::Impostor].map(|label| {
            let own = tally.kept.iter().filter(|kept| kept.label() == label && kept.score().is_some());
            (own.count() as u64, scores(tally, label))
        })
    };
    let attempts: Vec<(u64, u64)> = parts.iter().flat_map(attempts).collect();
    RestsOn::of(parts.iter().any(|tally| !tally.kept_all), &attempts)
}

/// The labelled rows of a tally by person.
#[derive(Clone, Copy, Debug)]
pub(super) struct Persons<'a> {
    tally: &'a Tally,
    /// Returns whether most genuine attempts have a subject.
    is_of_genuine: bool,
}

impl<'a> Persons<'a> {
    /// Returns the basis of the recommendations, and the labelled rows by person if any has a subject. The basis is not
    /// people if most impostor attempts have no subject, because one person could have made all of them.
    pub(super) fn of(tally: &'a Tally, without: Option<WithoutSubject>) -> (RestsOn, Option<Self>) {
        let Some(without) = without else {
            return (if tally.kept_all { RestsOn::Attempts } else { RestsOn::AttemptsOfTooMany }, None);
        };
        let is_most = |without: u64, label: Label| 2 * without > scores(tally, label);
        let rests_on = match is_most(without.impostor, Label::Impostor) {
            true => RestsOn::AttemptsWithoutSubject,
            false => RestsOn::People,
        };
        (rests_on, Some(Self { tally, is_of_genuine: !is_most(without.genuine, Label::Genuine) }))
    }

    /// Returns all labelled rows by person. A row without a subject is one more person.
    pub(super) const fn all_of(tally: &'a Tally) -> Self {
        Self { tally, is_of_genuine: true }
    }

    /// Returns the number of people with this label and a score.
    pub(super) fn count(self, label: Label) -> u64 {
        self.clusters(0.0, label).subjects()
    }

    /// Returns the 95 % interval at a threshold on the grid: of the false match rate for impostors, of the false non-match rate
    /// for genuine people.
    pub(super) fn interval(self, threshold: f64, label: Label) -> Interval {
        self.clusters(threshold, label).interval(Confidence::P95)
    }

    /// Returns whether the false match rate at a threshold on the grid is at most `target`, with the given confidence.
    pub(super) fn proves(self, threshold: f64, target: f64, confidence: Confidence) -> bool {
        self.clusters(threshold, Label::Impostor).is_at_most(target, confidence)
    }

    /// Returns the intervals at a threshold on the grid.
    pub(super) fn at(self, threshold: f64) -> People {
        let [impostors, genuine] =
            [Label::Impostor, Label::Genuine].map(|label| self.clusters(threshold, label));
        let interval = |people: &Clusters, is_known: bool| {
            let interval = (is_known && people.subjects() > 0).then(|| people.interval(Confidence::P95));
            (interval.map(|interval| interval.low), interval.map(|interval| interval.high))
        };
        let (fmr_low, fmr_high) = interval(&impostors, true);
        let (fnmr_low, fnmr_high) = interval(&genuine, self.is_of_genuine);
        let (impostors, genuine) = (impostors.subjects(), genuine.subjects());
        People { threshold, impostors, fmr_low, fmr_high, genuine, fnmr_low, fnmr_high }
    }

    /// Returns the errors of each person. Rows are sorted by person.
    fn clusters(self, threshold: f64, label: Label) -> Clusters {
        let is_genuine = label == Label::Genuine;
        let is_error = |score: f64| (score >= threshold) != is_genuine;
        let mut clusters = Clusters::default();
        let (mut errors, mut attempts) = (0, 0);
        // Most people have few attempts and no error, so they are counted without a map.
        let mut none_of = [0_u64; 64];
        for person in self.tally.kept.chunk_by(|a: &SubjectScore, b: &SubjectScore| a.subject == b.subject) {
            let own = person.iter().filter(|kept| kept.is_genuine == is_genuine);
            let (wrong, of) = own
                .filter_map(SubjectScore::score)
                .fold((0_u64, 0_u64), |(wrong, of), score| (wrong + u64::from(is_error(score)), of + 1));
            match usize::try_from(of).ok().and_then(|of| none_of.get_mut(of)).filter(|_| wrong == 0) {
                Some(count) => *count += 1,
                None => clusters.extend([(wrong, of, 1)]),
            }
            (errors, attempts) = (errors + wrong, attempts + of);
        }
        clusters.extend((0..).zip(none_of).map(|(of, times)| (0, of, times)));
        // Rows without a subject are counted on the grid only. Each counts as one more person.
        if let Some(grid) = self.tally.scores.get(label.number()) {
            let accepted = grid.at_least(threshold).unwrap_or(grid.valid());
            let wrong = if is_genuine { grid.valid() - accepted } else { accepted }.saturating_sub(errors);
            let of = grid.valid().saturating_sub(attempts);
            clusters.extend([(1, 1, wrong), (0, 1, of.saturating_sub(wrong))]);
        }
        clusters
    }
}
