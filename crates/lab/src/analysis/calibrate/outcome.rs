//! The reason for a recommendation, or for its absence.

use std::fmt;

use super::warning::Warning;

/// The reason why a threshold is recommended for a target, or why no threshold is. `Display` is the English text. Exhaustive
/// on purpose: a program that explains it in another language must handle every reason.
#[derive(Clone, Debug, PartialEq)]
pub enum TargetReason {
    /// Scores are outside the grid of 0 to 100, so no figure that counts scores on it is available.
    OutsideGrid {
        /// The number of those scores.
        scores: u64,
    },
    /// There are too few labelled impostors for the target.
    TooFewImpostors {
        /// The target as it was written.
        target: String,
        /// The number of people that one accepted impostor may stand for: 1 divided by the target.
        one_in: f64,
        /// The labelled impostors.
        have: u64,
        /// The impostors without an error that would be needed; `None` if no number is enough.
        need: Option<u64>,
    },
    /// No threshold up to 100 keeps the target.
    NoThreshold,
    /// The impostors are too few people; some of them try often.
    TooFewPeople {
        /// The impostor attempts.
        impostors: u64,
        /// The people who made them.
        people: u64,
    },
    /// Some impostors with a subject try often.
    FrequentImpostors,
    /// Labels stop above the threshold.
    LabelsStop {
        /// The score below which few attempts have a label.
        below: f64,
        /// The threshold.
        threshold: f64,
    },
    /// A warning withholds the recommendation.
    Withheld(Warning),
    /// The threshold keeps the target, if attempts are independent.
    Kept {
        /// The threshold.
        threshold: f64,
        /// The impostor attempts.
        impostors: u64,
        /// Those that reach the threshold.
        reach: u64,
        /// The most that may reach it.
        allowed: u64,
    },
    /// The threshold keeps the target over people.
    KeptOverPeople {
        /// The threshold.
        threshold: f64,
        /// The impostor attempts.
        impostors: u64,
        /// The people who made them.
        people: u64,
        /// The attempts that reach the threshold.
        reach: u64,
    },
    /// The threshold keeps the target, if attempts without a subject are independent.
    KeptWithoutSubject {
        /// The threshold.
        threshold: f64,
        /// The impostor attempts.
        impostors: u64,
        /// Those that reach the threshold.
        reach: u64,
    },
}

impl fmt::Display for TargetReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OutsideGrid { scores: 1 } => f.write_str("not available: 1 score is outside 0 to 100"),
            Self::OutsideGrid { scores } => write!(f, "not available: {scores} scores are outside 0 to 100"),
            Self::TooFewImpostors { target, one_in, have, need: Some(need) } => write!(
                f,
                "your data cannot support {target}: {need} labelled impostors without an error would be needed (about 3 times {one_in:.0}), you have {have}"
            ),
            Self::TooFewImpostors { target, need: None, .. } => write!(f, "no data can support {target}"),
            Self::NoThreshold => f.write_str("no threshold up to 100 keeps it"),
            Self::TooFewPeople { impostors, people } => write!(
                f,
                "not proved over people: {impostors} impostors by {people} people, of whom some try often, are too few"
            ),
            Self::FrequentImpostors => f.write_str("not proved: some impostors with a subject try often"),
            Self::LabelsStop { below, threshold } => write!(
                f,
                "labels stop below {below}: few attempts below it were labelled, and {threshold} would rest on them"
            ),
            Self::Withheld(warning) => write!(f, "withheld: {warning}"),
            Self::Kept { threshold, impostors, reach, allowed } => write!(
                f,
                "{threshold} keeps it: of {impostors} impostors {reach} reach it, and up to {allowed} may"
            ),
            Self::KeptOverPeople { threshold, impostors, people, reach } => write!(
                f,
                "{threshold} keeps it over people: of {impostors} impostors by {people} people {reach} reach it"
            ),
            Self::KeptWithoutSubject { threshold, impostors, reach } => write!(
                f,
                "{threshold} keeps it if attempts without a subject are independent: of {impostors} impostors {reach} reach it"
            ),
        }
    }
}
