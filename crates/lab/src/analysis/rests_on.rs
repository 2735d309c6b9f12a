//! What the intervals of an analysis count as independent: people where they are known, otherwise attempts.

use serde::Serialize;

/// The unit that an interval, a p-value or a recommendation treats as independent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RestsOn {
    /// Attempts, taken as independent: no row has a subject, or the run did not keep people.
    Attempts,
    /// Attempts, although subjects are mapped: there were more rows than are kept, or a segment has more than 100 values.
    AttemptsOfTooMany,
    /// Attempts, although some rows have a subject: most attempts have none, and are taken as independent. For a recommendation,
    /// these are the attempts of impostors. The attempts that have one count by person, so that leaving subjects out never lowers
    /// a recommendation or narrows an interval.
    AttemptsWithoutSubject,
    /// People: the mapping names subjects.
    People,
}

/// A number of people by label. An attempt without a subject is one more person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct LabelledPeople {
    /// Genuine people.
    pub genuine: u64,
    /// Impostors.
    pub impostor: u64,
}

impl RestsOn {
    /// Returns the unit of intervals over people, from the attempts with a subject and all attempts, by label.
    pub(crate) fn of(has_too_many: bool, attempts: &[(u64, u64)]) -> Self {
        if has_too_many {
            Self::AttemptsOfTooMany
        } else if attempts.iter().all(|(with, _)| *with == 0) {
            Self::Attempts
        } else if attempts.iter().any(|(with, all)| 2 * with < *all) {
            Self::AttemptsWithoutSubject
        } else {
            Self::People
        }
    }

    /// Returns whether attempts of one person count together.
    pub(crate) const fn knows_people(self) -> bool {
        matches!(self, Self::AttemptsWithoutSubject | Self::People)
    }
}

#[cfg(test)]
mod tests {
    use cloudauth_policy::{Policy, builtin};

    use super::*;
    use crate::analysis::compare::Compare;
    use crate::analysis::segment_rates::SegmentRates;
    use crate::analysis::sweep::{Sweep, SweepPlan};
    use crate::tally::Tally;

    #[test]
    fn every_analysis_names_its_unit_if_there_are_too_many_rows_of_people() {
        let policy = Policy::parse(builtin::ONBOARDING).unwrap();
        let plan = SweepPlan::new(builtin::ONBOARDING, "match_auto", vec![75.0]).unwrap();
        let units = |has_too_many: bool| {
            let mut tally = Tally::new(&policy, Some(&policy), &["channel".to_owned()]);
            tally.segments[0].change("app", |rows| rows.bump((0, 0), 1, None, None));
            tally.kept_all = !has_too_many;
            tally.sweep.has_too_many = has_too_many;
            tally.people_rows = if has_too_many { 8_000_001 } else { 0 };
            let compare = Compare::of(&tally).unwrap();
            let (segments, sweep) = (SegmentRates::of(&tally), Sweep::of(&tally, &plan));
            assert_eq!((compare.people, segments.people, sweep.people), (None, None, None));
            [compare.rests_on, segments.rests_on, sweep.rests_on]
        };
        assert_eq!(units(false), [RestsOn::Attempts; 3]);
        assert_eq!(units(true), [RestsOn::AttemptsOfTooMany; 3]);
    }

    #[test]
    fn a_label_whose_attempts_mostly_have_no_subject_is_named() {
        assert_eq!(RestsOn::of(false, &[(3, 6), (0, 0)]), RestsOn::People);
        assert_eq!(RestsOn::of(false, &[(6, 6), (2, 5)]), RestsOn::AttemptsWithoutSubject);
    }
}
