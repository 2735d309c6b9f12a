//! A threshold that is chosen on earlier days and tested on later ones. A threshold that is chosen and tested on the same rows looks
//! better than it is; here both figures stand side by side, with their difference.

use cloudauth_stats::{Confidence, Interval, LabelledGrid, Rate, difference_of, newcombe};
use serde::Serialize;

use crate::analysis::calibrate::people::{Persons, rests_on};
use crate::analysis::calibrate::{
    Calibration, Target, TargetRate, TargetReason, ThresholdErrors, Warning, warnings_of,
};
use crate::analysis::data_issue::DataIssue;
use crate::analysis::proportion::Proportion;
use crate::analysis::rests_on::{LabelledPeople, RestsOn};
use crate::error::{LabError, LabProblem};
use crate::input::row::Label;
use crate::input::time::{day_of_date, shown};
use crate::tally::Tally;

/// A range of days, both included: `2026-01-01..2026-06-30`, `..2026-06-30` or `2026-07-01..`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Days {
    first: Option<i32>,
    last: Option<i32>,
}

/// Thresholds chosen on some days and tested on others: the result of `cloudauth lab calibrate --train --test`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Holdout {
    /// The days on which the thresholds are chosen.
    pub train: HoldoutPart,
    /// The days on which they are tested.
    pub test: HoldoutPart,
    /// The rows of test days that are not counted, because their subject also has a labelled row on a training day.
    pub dropped_rows: u64,
    /// Whether subjects are known. Without them, attempts of one person can be on both sides.
    pub has_subjects: bool,
    /// Reasons to doubt the labels or the scale of the scores, of the training days first.
    pub warnings: Vec<HoldoutWarning>,
    /// What the intervals count as independent. Only runs of [`Lab::keep_people`](crate::Lab::keep_people) know people.
    pub rests_on: RestsOn,
    /// The people that they count, on all days; `None` if they count attempts only.
    pub people: Option<LabelledPeople>,
    /// The targets, in the order given.
    pub targets: Vec<HoldoutTarget>,
    /// The data issues of the rows of all days.
    pub issues: Vec<DataIssue>,
}

/// The rows of one part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct HoldoutPart {
    /// The first day with rows.
    pub first: Option<String>,
    /// The last day with rows.
    pub last: Option<String>,
    /// The rows.
    pub rows: u64,
    /// The labelled genuine attempts with a score.
    pub genuine: u64,
    /// The labelled impostors with a score.
    pub impostor: u64,
}

/// One of the two parts. Exhaustive on purpose: there are no others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum HoldoutDays {
    /// The days on which the thresholds are chosen.
    Train,
    /// The days on which they are tested.
    Test,
}

/// A reason to doubt the labels or the scores of one part.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct HoldoutWarning {
    /// The part.
    pub on: HoldoutDays,
    /// The reason.
    #[serde(flatten)]
    pub warning: Warning,
}

/// The threshold of a target, on both parts.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct HoldoutTarget {
    /// The target false match rate, as it was written.
    pub target: String,
    /// The threshold chosen on the training days; `None` if their data do not even show the target.
    pub threshold: Option<f64>,
    /// Whether the training days prove the target at this threshold. Otherwise they only show it.
    pub is_proved: bool,
    /// What a proof on the training days counts as independent. It can differ from [`Holdout::rests_on`], which is about the intervals
    /// of both rates on all days.
    pub rests_on: RestsOn,
    /// Why the target is not proved, or what the proof rests on.
    #[serde(skip)]
    pub reason: Option<TargetReason>,
    /// The reason in English.
    pub words: String,
    /// The false match rate.
    pub fmr: Option<HoldoutRate>,
    /// The false non-match rate.
    pub fnmr: Option<HoldoutRate>,
}

/// A rate on both parts.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct HoldoutRate {
    /// On the training days.
    pub train: Proportion,
    /// On the test days.
    pub test: Proportion,
    /// The optimism: the rate on the test days minus that on the training days. `None` if one of them has no attempts.
    pub optimism: Option<f64>,
    /// Its 95 % interval (Newcombe; over people [`cloudauth_stats::difference_of`]).
    pub interval: Option<(f64, f64)>,
}

impl Days {
    /// Returns whether a day is in the range.
    pub(crate) fn contains(self, day: i32) -> bool {
        self.first.is_none_or(|first| first <= day) && self.last.is_none_or(|last| day <= last)
    }

    /// Returns whether a day is in both ranges.
    #[must_use]
    pub fn overlaps(self, other: Self) -> bool {
        !self.is_before(other) && !other.is_before(self)
    }

    /// Returns whether the range ends before the other begins.
    #[must_use]
    pub fn is_before(self, other: Self) -> bool {
        self.last.zip(other.first).is_some_and(|(last, first)| last < first)
    }
}

impl std::str::FromStr for Days {
    type Err = LabError;

    fn from_str(text: &str) -> Result<Self, LabError> {
        let wrong = || LabProblem::NotDays.into_error();
        let (first, last) = text.split_once("..").ok_or_else(wrong)?;
        let day = |text: &str| match text {
            "" => Ok(None),
            text => day_of_date(text).filter(|day| shown(*day) == text).map(Some).ok_or_else(wrong),
        };
        let days = Self { first: day(first)?, last: day(last)? };
        let is_backwards = days.first.zip(days.last).is_some_and(|(first, last)| first > last);
        if is_backwards || (days.first, days.last) == (None, None) { Err(wrong()) } else { Ok(days) }
    }
}

impl Holdout {
    /// Returns the thresholds that a run chooses and another one tests. `test` is a run without the people of `train`
    /// ([`Lab::days`](crate::Lab::days), [`Lab::without_people_of`](crate::Lab::without_people_of)). Thresholds are `step`
    /// hundredths apart.
    ///
    /// # Errors
    /// If a part has no labelled impostor or no labelled genuine attempt with a score.
    pub fn of(train: &Tally, test: &Tally, targets: &[TargetRate], step: u32) -> Result<Self, LabError> {
        let calibration = Calibration::of(train, targets, step);
        let parts = [HoldoutPart::of(train), HoldoutPart::of(test)];
        for (part, name) in parts.iter().zip(["--train", "--test"]) {
            if part.genuine == 0 || part.impostor == 0 {
                return Err(LabProblem::NoLabelsInDays(name).into_error());
            }
        }
        let rests_on = rests_on(&[train, test]);
        let [on_train, on_test] = [train, test].map(|tally| Part::of(tally, rests_on));
        let target = |target: Target| {
            let shown = target.shown.as_ref().map(|errors| errors.threshold);
            let threshold = target.recommended.or(shown);
            let rate = |label| {
                let [train, test] = [&on_train, &on_test].map(|part| part.rate(threshold?, label));
                Some(HoldoutRate::of(train?, test?, rests_on))
            };
            HoldoutTarget {
                target: target.target,
                threshold,
                is_proved: target.recommended.is_some(),
                rests_on: target.rests_on,
                fmr: rate(Label::Impostor),
                fnmr: rate(Label::Genuine),
                reason: target.reason,
                words: target.words,
            }
        };
        let [train_part, test_part] = parts;
        let sides = [(HoldoutDays::Train, calibration.warnings), (HoldoutDays::Test, warnings_of(test))];
        let warnings = sides.into_iter().flat_map(|(on, warnings)| {
            warnings.into_iter().map(move |warning| HoldoutWarning { on, warning })
        });
        Ok(Self {
            train: train_part,
            test: test_part,
            dropped_rows: test.known_people,
            has_subjects: !train.kept.is_empty(),
            warnings: warnings.collect(),
            rests_on,
            people: people([&on_train, &on_test]),
            targets: calibration.targets.into_iter().map(target).collect(),
            issues: calibration.issues,
        })
    }
}

/// Returns the people of both parts. No subject is in both.
fn people(parts: [&Part<'_>; 2]) -> Option<LabelledPeople> {
    let [train, test] = parts.map(|part| part.persons);
    let count = |label| Some(train?.count(label) + test?.count(label));
    Some(LabelledPeople { genuine: count(Label::Genuine)?, impostor: count(Label::Impostor)? })
}

/// The scores of one part, and its people if intervals count them.
struct Part<'a> {
    labelled: LabelledGrid,
    persons: Option<Persons<'a>>,
}

impl<'a> Part<'a> {
    fn of(tally: &'a Tally, rests_on: RestsOn) -> Self {
        let persons = rests_on.knows_people().then(|| Persons::all_of(tally));
        Self { labelled: tally.labelled(), persons }
    }

    /// Returns the false match rate for impostors, the false non-match rate for genuine people.
    fn rate(&self, threshold: f64, label: Label) -> Option<Proportion> {
        let errors = ThresholdErrors::of(None, self.labelled.at(threshold)?);
        let rate = if label == Label::Genuine { errors.fnmr } else { errors.fmr };
        Some(match self.persons {
            Some(persons) => rate.with_interval(persons.interval(threshold, label)),
            None => rate,
        })
    }
}

impl HoldoutPart {
    fn of(tally: &Tally) -> Self {
        let labelled = tally.labelled();
        let day = |day: Option<&i32>| day.map(|day| shown(*day));
        Self {
            first: day(tally.days.keys().next()),
            last: day(tally.days.keys().next_back()),
            rows: tally.rows,
            genuine: labelled.genuine.valid(),
            impostor: labelled.impostor.valid(),
        }
    }
}

impl HoldoutRate {
    fn of(train: Proportion, test: Proportion, rests_on: RestsOn) -> Self {
        let interval = match rests_on.knows_people() {
            true => {
                let side = |part: Proportion| Some((part.rate?, Interval { low: part.low, high: part.high }));
                side(test).zip(side(train)).map(|(test, train)| difference_of(test, train))
            }
            false => {
                let rate = |part: Proportion| Rate::new(part.count, part.of);
                let both = rate(test).zip(rate(train));
                both.and_then(|(test, train)| newcombe(test, train, Confidence::P95))
            }
        };
        Self {
            train,
            test,
            optimism: test.rate.zip(train.rate).map(|(test, train)| test - train),
            interval: interval.map(|interval| (interval.low, interval.high)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Days;

    #[test]
    fn ranges_of_days_include_both_ends() {
        let days = |text: &str| text.parse::<Days>().unwrap();
        let day = |text: &str| crate::input::time::day_of_date(text).unwrap();
        assert!(
            days("..2026-06-30").contains(day("2026-06-30"))
                && days("2026-07-01..").contains(day("2026-07-01"))
        );
        assert!(
            !days("..2026-06-30").contains(day("2026-07-01"))
                && days("2026-02-28..2026-02-28").contains(day("2026-02-28"))
        );
        assert!(
            !days("..2026-06-30").overlaps(days("2026-07-01.."))
                && !days("2026-07-01..").overlaps(days("..2026-06-30"))
        );
        for (one, other) in [
            ("..2026-07-01", "2026-07-01.."),
            ("..2026-01-01", "..2026-02-01"),
            ("2026-01-01..", "2026-02-01..2026-03-01"),
        ] {
            assert!(days(one).overlaps(days(other)), "{one} {other}");
        }
        for wrong in [
            "",
            "..",
            "2026-01-01",
            "2026-02-30..",
            "2026-1-1..",
            "2026-03-01..2026-02-01",
            "2026-01..",
            "a..b",
            "..2026-01-01T00:00:00Z",
        ] {
            assert!(wrong.parse::<Days>().is_err(), "{wrong}");
        }
    }
}
