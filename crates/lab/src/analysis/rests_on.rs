//! What the intervals of an analysis count as independent: people where they are known, otherwise attempts.

use serde::Serialize;

/// The unit that an interval, a p-value or a recommendation treats as independent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RestsOn {
    /// Attempts, taken as independent: no row has a subject, or the run did not keep people.
    Attempts,
    /// Attempts, although subjects are mapped: there were too many rows to keep.
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
