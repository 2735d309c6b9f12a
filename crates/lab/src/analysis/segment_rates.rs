//! The rates of a policy's decisions by segment, and whether they differ: error rates, approvals and reviews.

mod people;

use std::collections::BTreeMap;

use cloudauth_policy::{Input, Verdict};
use cloudauth_stats::{
    Confidence, Interval, Rate, attempts_needed, difference_of, fisher, holm, koopman, newcombe, ratio_of,
};
use serde::Serialize;

use crate::analysis::calibrate::{Warning, warnings_of};
use crate::analysis::data_issue::{DataIssue, data_issues};
use crate::analysis::figures::RISK;
use crate::analysis::proportion::Proportion;
use crate::analysis::rests_on::{LabelledPeople, RestsOn};
use crate::error::{LabError, LabProblem};
use crate::input::row::Label;
use crate::tally::policy_name::PolicyName;
use crate::tally::segment::crossed;
use crate::tally::{ScoreCut, SegmentCase, SegmentRows, Tally};
use people::{GroupPeople, SegmentPeople};

/// The most values of a segment whose rates have intervals over people, which take longer than those over attempts.
const MOST_VALUES_OVER_PEOPLE: usize = 100;

/// The rates by segment: the result of `cloudauth lab segments`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct SegmentRates {
    /// The policy that decided.
    pub policy: PolicyName,
    /// The rows that were decided.
    pub rows: u64,
    /// The rates, by the name of the segment. A segment with too many values is missing, with a data issue.
    pub segments: BTreeMap<String, Segment>,
    /// Reasons to doubt the labels or the scale of the scores.
    pub warnings: Vec<Warning>,
    /// What intervals and p-values count as independent. Only a run of
    /// [`Lab::keep_segment_people`](crate::Lab::keep_segment_people) knows people. A segment with more than 100 values differs:
    /// [`Segment::rests_on`].
    pub rests_on: RestsOn,
    /// The people with a label that they count; `None` if they count attempts only.
    pub people: Option<LabelledPeople>,
    /// The data issues of the run.
    pub issues: Vec<DataIssue>,
}

/// The rates of one segment. Rates without any attempt have no value.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Segment {
    /// What the intervals and p-values of this segment count as independent: [`RestsOn::AttemptsOfTooMany`] with more than 100 values,
    /// otherwise the same as in [`SegmentRates`].
    pub rests_on: RestsOn,
    /// The impostors approved.
    pub fraud_approved: GroupRates,
    /// The genuine people who are not approved.
    pub customers_not_approved: GroupRates,
    /// All rows that are approved.
    pub approved: GroupRates,
    /// All rows that go to review.
    pub reviewed: GroupRates,
    /// The errors of `verify_score` at each value that the policy compares it with, ascending. Empty if there are more than 16, or
    /// if the rows were counted in a warehouse.
    pub thresholds: Vec<ThresholdRates>,
}

/// The errors at one threshold, for each value of a segment. Rows without a score are not counted.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ThresholdRates {
    /// The policy's name for the threshold, if it has one.
    pub name: Option<String>,
    /// The threshold.
    pub threshold: f64,
    /// Whether a score equal to the threshold is below it.
    pub exclusive: bool,
    /// The impostors whose score reaches the threshold: the false match rate.
    pub fmr: GroupRates,
    /// The genuine attempts whose score does not: the false non-match rate.
    pub fnmr: GroupRates,
}

/// One rate for each value of a segment.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct GroupRates {
    /// The rates by value. The empty string is the key of rows without a value.
    pub values: BTreeMap<String, GroupRate>,
    /// The highest rate against the lowest, of the values with enough attempts. `None` with fewer than two of them.
    pub largest: Option<LargestGap>,
}

/// The rate of one value, and its comparison with all other values.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct GroupRate {
    /// The rate, with its interval.
    #[serde(flatten)]
    pub rate: Proportion,
    /// The p-value of Fisher's exact test against all other values, corrected for the number of values (Holm); two values are one
    /// test. Over people it is that of the intervals of both ([`cloudauth_stats::p_of_difference`]).
    pub p: f64,
    /// The result of the test.
    pub finding: GroupFinding,
}

/// Whether a rate differs from that of all other values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum GroupFinding {
    /// The corrected p-value is at most 0.05.
    Differs,
    /// There is no evidence of a difference.
    Same,
    /// There is no evidence, and too few attempts to have any: even without an error they would not prove a rate below twice that
    /// of all other values. For a rate above a half, the errors are the attempts that are not counted. Over people, attempts of one
    /// person count as one.
    TooFew,
}

/// The highest and the lowest rate of a segment. The intervals hold for all pairs of values together (Bonferroni), because the pair
/// is chosen after looking.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct LargestGap {
    /// The value with the highest rate.
    pub highest: String,
    /// The value with the lowest rate.
    pub lowest: String,
    /// The highest rate divided by the lowest; `None` if the lowest is 0.
    pub ratio: Option<f64>,
    /// The 95 % interval of the ratio (Koopman; over people [`cloudauth_stats::ratio_of`]). The end is `None` if it is infinite.
    pub ratio_interval: (f64, Option<f64>),
    /// The highest rate minus the lowest.
    pub difference: f64,
    /// The 95 % interval of the difference (Newcombe; over people [`cloudauth_stats::difference_of`]).
    pub difference_interval: (f64, f64),
}

impl SegmentRates {
    /// Returns the rates of the first policy of a run.
    #[must_use]
    pub fn of(tally: &Tally) -> Self {
        Self::chosen(tally, |_| true)
    }

    /// Returns the rates of one segment, or of two that were crossed ([`Lab::cross`](crate::Lab::cross)); of all without a name.
    ///
    /// # Errors
    /// If the run has no such segment.
    pub fn by(tally: &Tally, names: &[String]) -> Result<Self, LabError> {
        let wanted = match names {
            [] => return Ok(Self::of(tally)),
            [first, second, ..] => crossed(first, second),
            [name] => name.clone(),
        };
        if !tally.segment_names.contains(&wanted) {
            return Err(LabProblem::NotASegment(wanted).into_error());
        }
        Ok(Self::chosen(tally, |name| name == wanted))
    }

    /// Returns the rates of the segments with these names.
    fn chosen(tally: &Tally, is_wanted: impl Fn(&str) -> bool) -> Self {
        let cuts: Vec<&ScoreCut> = tally.decider.cuts_of(Input::VerifyScore).collect();
        let wanted = tally.segments().filter(|(name, _)| is_wanted(name));
        let wanted: Vec<(&String, BTreeMap<String, &SegmentRows>)> = wanted.collect();
        // The people of the other segments are counted one segment at a time, and only if they are needed.
        let mut first = wanted.first().map(|(_, values)| SegmentPeople::of(values));
        let (rests_on, people) =
            first.as_ref().map_or((RestsOn::Attempts, None), |people| people.basis(tally));
        let segment = |(name, values): &(&String, BTreeMap<String, &SegmentRows>)| {
            ((*name).clone(), Segment::of(values, &cuts, rests_on, first.take()))
        };
        Self {
            policy: tally.decider.name(),
            rows: tally.rows,
            segments: wanted.iter().map(segment).collect(),
            warnings: warnings_of(tally),
            rests_on,
            people,
            issues: data_issues(tally),
        }
    }
}

impl Segment {
    /// `counted_people` are those of the segment, if they are already counted.
    fn of(
        values: &BTreeMap<String, &SegmentRows>,
        cuts: &[&ScoreCut],
        rests_on: RestsOn,
        counted_people: Option<SegmentPeople>,
    ) -> Self {
        let has_too_many = rests_on.knows_people() && values.len() > MOST_VALUES_OVER_PEOPLE;
        let rests_on = if has_too_many { RestsOn::AttemptsOfTooMany } else { rests_on };
        let people =
            rests_on.knows_people().then(|| counted_people.unwrap_or_else(|| SegmentPeople::of(values)));
        let counted = |count: &dyn Fn(&SegmentRows) -> (u64, u64),
                       counts: &dyn Fn(SegmentCase) -> Option<bool>| {
            GroupRates::counted(values, people.as_ref(), count, counts)
        };
        let rates = |label: Option<Label>, is_counted: fn(Verdict) -> bool| {
            let is_of = |other: Label| label.is_none_or(|label| label == other);
            let count = |rows: &SegmentRows| {
                let of = rows.verdicts.sum(|_, _, label| is_of(label));
                (rows.verdicts.sum(|verdict, _, label| is_of(label) && is_counted(verdict)), of)
            };
            counted(&count, &|case| {
                label.is_none_or(|label| case.is_of(label)).then(|| is_counted(case.verdict()))
            })
        };
        // The attempts of a label whose score reaches the cut with this number, or does not.
        let at_cut = |number: usize, label: Label, reaches: bool| {
            let count = |rows: &SegmentRows| {
                let (reaching, all) = rows.reaching(number + 1, label);
                (if reaches { reaching } else { all - reaching }, all)
            };
            counted(&count, &|case| {
                case.reached().filter(|_| case.is_of(label)).map(|reached| (reached > number) == reaches)
            })
        };
        let has_scores = values.values().any(|rows| !rows.reached.is_empty());
        let threshold = |(number, cut): (usize, &&ScoreCut)| ThresholdRates {
            name: cut.name.clone(),
            threshold: cut.value,
            exclusive: cut.exclusive,
            fmr: at_cut(number, Label::Impostor, true),
            fnmr: at_cut(number, Label::Genuine, false),
        };
        Self {
            rests_on,
            fraud_approved: rates(Some(Label::Impostor), |verdict| verdict == Verdict::Approve),
            customers_not_approved: rates(Some(Label::Genuine), |verdict| verdict != Verdict::Approve),
            approved: rates(None, |verdict| verdict == Verdict::Approve),
            reviewed: rates(None, |verdict| verdict == Verdict::Review),
            thresholds: match has_scores {
                true => cuts.iter().enumerate().map(threshold).collect(),
                false => Vec::new(),
            },
        }
    }
}

/// The counts of one value, and its people if they are known.
struct Group {
    value: String,
    rate: Rate,
    people: Option<GroupPeople>,
}

impl GroupRates {
    /// Returns the rates of the counts, and of the attempts, that `count` returns for each value. Values without attempts have
    /// none. `counts` tells the same of a row of a person.
    fn counted(
        values: &BTreeMap<String, &SegmentRows>,
        people: Option<&SegmentPeople>,
        count: &dyn Fn(&SegmentRows) -> (u64, u64),
        counts: &dyn Fn(SegmentCase) -> Option<bool>,
    ) -> Self {
        let all: Vec<(u64, u64)> = values.values().map(|rows| count(rows)).collect();
        let mut people = people.map(|people| people.groups(&all, counts).into_iter());
        let groups = values.keys().zip(&all).filter_map(|(value, (count, of))| {
            let people = people.as_mut().and_then(Iterator::next);
            let rate = Rate::new(*count, *of).filter(|rate| rate.of() > 0)?;
            Some(Group { value: value.clone(), rate, people })
        });
        Self::of(groups.collect())
    }

    fn of(groups: Vec<Group>) -> Self {
        let sum = |of: fn(Rate) -> u64| groups.iter().map(|group| of(group.rate)).sum::<u64>();
        let (count, all) = (sum(Rate::count), sum(Rate::of));
        let others = |rate: Rate| Rate::new(count - rate.count(), all - rate.of());
        // The interval over people of each value, and the p-value of its comparison.
        let tested = |group: &Group| {
            let others = others(group.rate);
            match &group.people {
                Some(people) => {
                    let interval = people.own.interval(Confidence::P95);
                    (Some(interval), people.p(interval))
                }
                None => (None, others.map_or(1.0, |others| fisher(group.rate, others))),
            }
        };
        let (intervals, p): (Vec<Option<Interval>>, Vec<f64>) = groups.iter().map(tested).unzip();
        let mut enough: Vec<&Group> = Vec::new();
        let mut values = BTreeMap::new();
        let corrected = match *p {
            // Each of two values is tested against the other, which is one test.
            [first, second] => vec![first.max(second); 2],
            _ => holm(&p),
        };
        for ((group, interval), p) in groups.iter().zip(intervals).zip(corrected) {
            let elsewhere = others(group.rate).and_then(Rate::fraction).unwrap_or_default();
            // Of a rate above a half, such as approvals, the rest is the rarer outcome.
            let elsewhere = elsewhere.min(1.0 - elsewhere);
            let needed = attempts_needed(2.0 * elsewhere, 0, Confidence::P95);
            let has_enough = needed.is_some_and(|needed| group.independent() >= needed as f64);
            let finding = if p <= RISK {
                GroupFinding::Differs
            } else if has_enough {
                GroupFinding::Same
            } else {
                GroupFinding::TooFew
            };
            if finding != GroupFinding::TooFew {
                enough.push(group);
            }
            let rate = match interval {
                Some(interval) => Proportion::estimated(group.rate, interval),
                None => Proportion::of(group.rate),
            };
            values.insert(group.value.clone(), GroupRate { rate, p, finding });
        }
        Self { values, largest: LargestGap::of(enough) }
    }
}

impl Group {
    /// Returns the number of attempts that count as independent.
    fn independent(&self) -> f64 {
        self.people.as_ref().map_or(self.rate.of() as f64, |people| people.own.effective_subjects())
    }

    /// Returns the rate and its interval over people, if they are known.
    fn over_people(&self, confidence: Confidence) -> Option<(f64, Interval)> {
        Some((self.rate.fraction()?, self.people.as_ref()?.own.interval(confidence)))
    }
}

impl GroupRates {
    /// Returns the number of tests of a value against all others: none of one value, one of two, and one of each of more, whose
    /// p-values are corrected (Holm).
    #[must_use]
    pub fn tests(&self) -> usize {
        match self.values.len() {
            values @ 0..=2 => values.saturating_sub(1),
            values => values,
        }
    }
}

impl LargestGap {
    /// Returns the ratio as text: `∞` if the lowest rate is 0, and `–` if both rates are 0.
    #[must_use]
    pub fn ratio_text(&self) -> String {
        match self.ratio {
            Some(ratio) => format!("{ratio:.2}"),
            None if self.difference > 0.0 => "∞".to_owned(),
            None => "–".to_owned(),
        }
    }

    fn of(mut groups: Vec<&Group>) -> Option<Self> {
        groups.sort_by(|a, b| a.rate.compare(b.rate));
        let [lowest, .., highest] = *groups else { return None };
        let pairs = groups.len() as f64 * (groups.len() as f64 - 1.0) / 2.0;
        let confidence = Confidence::new(1.0 - RISK / pairs)?;
        let (low_rate, high_rate) = (lowest.rate.fraction()?, highest.rate.fraction()?);
        let (ratio, difference) = match highest.over_people(confidence).zip(lowest.over_people(confidence)) {
            Some((high, low)) => (ratio_of(high, low), difference_of(high, low)),
            None => (
                koopman(highest.rate, lowest.rate, confidence)?,
                newcombe(highest.rate, lowest.rate, confidence)?,
            ),
        };
        Some(Self {
            highest: highest.value.clone(),
            lowest: lowest.value.clone(),
            ratio: (low_rate > 0.0).then(|| high_rate / low_rate),
            ratio_interval: (ratio.low, Some(ratio.high).filter(|high| high.is_finite())),
            difference: high_rate - low_rate,
            difference_interval: (difference.low, difference.high),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rates(counts: &[(&str, u64, u64)]) -> GroupRates {
        GroupRates::of(
            counts
                .iter()
                .map(|(name, count, of)| Group {
                    value: (*name).to_owned(),
                    rate: Rate::new(*count, *of).unwrap(),
                    people: None,
                })
                .collect(),
        )
    }

    #[test]
    fn a_group_that_differs_is_found_and_a_small_one_is_left_open() {
        let found = rates(&[("app", 20, 2000), ("kiosk", 1, 20), ("web", 90, 2000)]);
        let of = |name: &str| found.values[name].finding;
        assert_eq!(
            (of("app"), of("kiosk"), of("web")),
            (GroupFinding::Differs, GroupFinding::TooFew, GroupFinding::Differs)
        );
        let largest = found.largest.as_ref().unwrap();
        assert_eq!((largest.highest.as_str(), largest.lowest.as_str()), ("web", "app"));
        assert!((largest.ratio.unwrap() - 4.5).abs() < 1e-12 && (largest.difference - 0.035).abs() < 1e-12);
        assert!(largest.ratio_interval.0 > 2.0 && largest.difference_interval.0 > 0.02);
    }

    #[test]
    fn groups_with_the_same_rate_do_not_differ() {
        let found = rates(&[("a", 50, 1000), ("b", 52, 1000), ("c", 49, 1000)]);
        assert!(found.values.values().all(|value| value.finding == GroupFinding::Same && value.p == 1.0));
        let (low, high) = found.largest.unwrap().ratio_interval;
        assert!(low < 1.0 && high.unwrap() > 1.0);
    }

    #[test]
    fn p_values_are_corrected_for_the_number_of_groups() {
        let alone = rates(&[("a", 20, 500), ("b", 36, 500)]).values["b"].p;
        let many: Vec<(String, u64, u64)> = (0..18).map(|n| (format!("z{n:02}"), 28, 500)).collect();
        let mut all = vec![("a", 20, 500), ("b", 36, 500)];
        all.extend(many.iter().map(|(name, count, of)| (name.as_str(), *count, *of)));
        assert!(alone < 0.1 && rates(&all).values["b"].p == 1.0, "{alone}");
    }

    #[test]
    fn two_groups_are_one_test() {
        let found = rates(&[("a", 20, 500), ("b", 36, 500)]);
        let p = fisher(Rate::new(20, 500).unwrap(), Rate::new(36, 500).unwrap());
        assert_eq!((found.values["a"].p, found.values["b"].p), (p, p));
        assert!(rates(&[("a", 20, 500), ("b", 36, 500), ("c", 28, 500)]).values["b"].p > p);
    }

    #[test]
    fn a_single_group_and_rates_without_errors_say_nothing() {
        let alone = rates(&[("app", 5, 100)]);
        assert_eq!((alone.values["app"].finding, alone.largest), (GroupFinding::TooFew, None));
        let none = rates(&[("app", 0, 100_000), ("web", 0, 10)]);
        assert!(none.values.values().all(|value| value.finding == GroupFinding::TooFew));
        assert_eq!(rates(&[]), GroupRates::default());
    }
}
