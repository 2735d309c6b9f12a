//! Two policies over the same history: changed decisions, and what they mean for fraud and customers.

mod matchers;
mod people;

use std::collections::BTreeMap;

use cloudauth_policy::Verdict;
use serde::Serialize;

use crate::analysis::calibrate::{Warning, warnings_of};
use crate::analysis::data_issue::{DataIssue, data_issues};
use crate::analysis::proportion::Proportion;
use crate::analysis::replay::LabelCounts;
use crate::analysis::rests_on::{LabelledPeople, RestsOn};
use crate::input::row::Label;
use crate::tally::issues::RowLocation;
use crate::tally::policy_name::PolicyName;
use crate::tally::{Decider, SegmentRows, Tally, VerdictMatrix};
use cloudauth_stats::{Confidence, Interval, Rate, mcnemar, newcombe_paired};
pub use matchers::{MatcherAuc, MatcherAucs, MatcherFinding, Matchers, WithoutScores};
use people::{PairedPeople, by_verdicts, paired};

/// Changed decisions of a candidate: the result of `cloudauth lab compare`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Compare {
    /// The policy that is in force.
    pub policy: PolicyName,
    /// The policy that would replace it.
    pub candidate: PolicyName,
    /// The rows that both policies decided.
    pub rows: u64,
    /// The rows on which they differ.
    pub changed: u64,
    /// Rows by the policy's verdict and the candidate's verdict, including rows on which they agree.
    pub flips: Vec<Flip>,
    /// The changed rows by segment and value, to and from approval. The empty string is the key of rows without a value.
    pub segments: BTreeMap<String, BTreeMap<String, Change>>,
    /// The impostors approved. `None` without labelled impostors.
    pub fraud_approved: Option<Pair>,
    /// The genuine people who are not approved. `None` without labelled ones.
    pub customers_not_approved: Option<Pair>,
    /// The genuine people who are rejected.
    pub customers_rejected: Option<Pair>,
    /// The comparison of two matchers. `None` if the mapping names no `second_score`, and for counts from a warehouse.
    pub matchers: Option<Matchers>,
    /// Reasons to doubt the labels or the scale of the scores.
    pub warnings: Vec<Warning>,
    /// What intervals and p-values count as independent. Only a run of [`Lab::keep_people`](crate::Lab::keep_people) knows people.
    pub rests_on: RestsOn,
    /// The people that they count; `None` if they count attempts only.
    pub people: Option<LabelledPeople>,
    /// The data issues of the run.
    pub issues: Vec<DataIssue>,
}

/// The rows with one pair of verdicts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Flip {
    /// The policy's verdict.
    pub from: Verdict,
    /// The candidate's verdict.
    pub to: Verdict,
    /// The number of rows.
    #[serde(flatten)]
    pub rows: LabelCounts,
    /// The first few rows, if the verdicts differ.
    pub examples: Vec<FlipExample>,
}

/// A row whose decision changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct FlipExample {
    /// Its location.
    #[serde(flatten)]
    pub at: RowLocation,
    /// Its id, if the mapping names an id column.
    pub id: Option<String>,
    /// The policy's rule.
    pub from_rule: String,
    /// The candidate's rule.
    pub to_rule: String,
}

/// The changed rows of one segment value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Change {
    /// All rows.
    pub rows: u64,
    /// The rows on which the verdicts differ.
    pub changed: u64,
    /// The rows that only the candidate approves.
    pub to_approve: u64,
    /// The rows that only the policy approves.
    pub from_approve: u64,
}

/// The rate of one outcome under both policies, on the same attempts.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Pair {
    /// The rate under the policy.
    pub policy: Proportion,
    /// The rate under the candidate.
    pub candidate: Proportion,
    /// The attempts with the outcome under the policy only.
    pub only_policy: u64,
    /// The attempts with the outcome under the candidate only.
    pub only_candidate: u64,
    /// The p-value of McNemar's exact test on the attempts that change; over people, of the exact sign-flip test on each person's net
    /// change ([`cloudauth_stats::PairedClusters::p`]).
    pub p: f64,
    /// The 95 % confidence interval of the candidate's rate minus the policy's. Both rates are of the same attempts, so the
    /// interval is a paired one: [`cloudauth_stats::newcombe_paired`], or [`cloudauth_stats::PairedClusters::interval`] over people.
    /// It is 0 to 0 where candidate and policy are the same.
    pub difference: Option<(f64, f64)>,
}

impl Compare {
    /// Compares the two policies of a run. `None` if the run had one policy.
    #[must_use]
    pub fn of(tally: &Tally) -> Option<Self> {
        let (policy, candidate) = (&tally.decider, tally.candidate.as_ref()?);
        let share = tally.share();
        let flip = |from: Verdict, to: Verdict| Flip {
            from,
            to,
            rows: LabelCounts::of(|label| share.sum(|a, b, of| a == from && b == to && of == label)),
            examples: examples(tally, from, to),
        };
        let flips = Verdict::ALL.into_iter().flat_map(|from| Verdict::ALL.map(|to| flip(from, to)));
        let values = |values: BTreeMap<String, &SegmentRows>| {
            values.into_iter().map(|(value, rows)| (value, Change::of(&rows.verdicts))).collect()
        };
        let is_same = policy.content_hash == candidate.content_hash;
        let rests_on = rests_on(tally, &share);
        let known = rests_on.knows_people().then(|| by_verdicts(tally));
        let mut people = [0; 2];
        let mut pair = |label, of: fn(Verdict) -> bool| {
            let pair = Pair::of(&share, label, is_same, of)?;
            let Some(known) = &known else { return Some(pair) };
            let (pair, count) = pair.over_people(&PairedPeople::of(known, &share, label, of), is_same);
            if let Some(people) = people.get_mut(label.number()) {
                *people = count;
            }
            Some(pair)
        };
        let fraud_approved = pair(Label::Impostor, |verdict| verdict == Verdict::Approve);
        let customers_not_approved = pair(Label::Genuine, |verdict| verdict != Verdict::Approve);
        let customers_rejected = pair(Label::Genuine, |verdict| verdict == Verdict::Reject);
        let [genuine, impostor] = people;
        Some(Self {
            policy: policy.name(),
            candidate: candidate.name(),
            rows: tally.rows,
            changed: share.sum(|a, b, _| a != b),
            flips: flips.filter(|flip| flip.rows.all > 0).collect(),
            segments: tally.segments().map(|(name, counts)| (name.clone(), values(counts))).collect(),
            fraud_approved,
            customers_not_approved,
            customers_rejected,
            matchers: tally.matchers.as_ref().map(Matchers::of),
            warnings: warnings_of(tally),
            rests_on,
            people: rests_on.knows_people().then_some(LabelledPeople { genuine, impostor }),
            issues: data_issues(tally),
        })
    }
}

impl Change {
    fn of(share: &VerdictMatrix) -> Self {
        let approve = Verdict::Approve;
        Self {
            rows: share.sum(|_, _, _| true),
            changed: share.sum(|a, b, _| a != b),
            to_approve: share.sum(|a, b, _| a != approve && b == approve),
            from_approve: share.sum(|a, b, _| a == approve && b != approve),
        }
    }
}

impl Pair {
    fn of(share: &VerdictMatrix, label: Label, is_same: bool, of: impl Fn(Verdict) -> bool) -> Option<Self> {
        let [both, first, second, neither] = paired(share, label, of);
        let all = both + first + second + neither;
        let (policy, candidate) = (Rate::new(both + first, all)?, Rate::new(both + second, all)?);
        let sampled = newcombe_paired(both, second, first, neither, Confidence::P95);
        // A policy never differs from itself.
        let difference =
            sampled.map(|interval| if is_same { (0.0, 0.0) } else { (interval.low, interval.high) });
        (all > 0).then(|| Self {
            policy: Proportion::of(policy),
            candidate: Proportion::of(candidate),
            only_policy: first,
            only_candidate: second,
            p: mcnemar(first, second).p,
            difference,
        })
    }

    /// Returns the pair with intervals and p-value over people, and the number of people.
    fn over_people(self, people: &PairedPeople, is_same: bool) -> (Self, u64) {
        let interval = people.both.interval(Confidence::P95).filter(|_| !is_same);
        let pair = Self {
            policy: self.policy.with_interval(people.policy.interval(Confidence::P95)),
            candidate: self.candidate.with_interval(people.candidate.interval(Confidence::P95)),
            p: people.both.p(),
            difference: interval.map_or(self.difference, |interval| Some((interval.low, interval.high))),
            ..self
        };
        (pair, people.both.subjects())
    }
}

/// Returns the 95 % interval over people of a rate of the first policy; `None` if people are not known.
pub(crate) fn interval_over_people(
    tally: &Tally,
    share: &VerdictMatrix,
    label: Label,
    of: fn(Verdict) -> bool,
) -> Option<Interval> {
    let people = || PairedPeople::of(&by_verdicts(tally), share, label, of).policy;
    rests_on(tally, share).knows_people().then(|| people().interval(Confidence::P95))
}

/// Returns the unit of the intervals, from the labelled rows with a subject.
pub(crate) fn rests_on(tally: &Tally, share: &VerdictMatrix) -> RestsOn {
    let of = |label: Label| {
        let with = tally.kept.iter().filter(|kept| kept.label() == label).count() as u64;
        (with, share.sum(|_, _, other| other == label))
    };
    RestsOn::of(!tally.kept_all, &[of(Label::Genuine), of(Label::Impostor)])
}

fn examples(tally: &Tally, from: Verdict, to: Verdict) -> Vec<FlipExample> {
    let of = (crate::tally::verdict_number(from), crate::tally::verdict_number(to));
    let rule = |decider: Option<&Decider>, rule: usize| {
        decider.and_then(|decider| decider.rules.get(rule)).map(|(rule, _)| rule.clone()).unwrap_or_default()
    };
    let examples = tally.examples.get(&of).into_iter().flatten();
    examples
        .map(|example| FlipExample {
            at: example.at,
            id: example.id.clone(),
            from_rule: rule(Some(&tally.decider), example.rules.0),
            to_rule: rule(tally.candidate.as_ref(), example.rules.1),
        })
        .collect()
}
