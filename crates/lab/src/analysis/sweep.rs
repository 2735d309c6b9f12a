//! A sweep: what a policy decides with each value of one of its thresholds.

mod cost;
mod cost_file;
mod people;
mod plan;

use cloudauth_policy::{Input, Policy, PolicyError, Verdict};
use cloudauth_stats::Interval;
use serde::Serialize;

use crate::analysis::by_verdict::ByVerdict;
use crate::analysis::calibrate::{Warning, warnings_of};
use crate::analysis::data_issue::{DataIssue, data_issues};
use crate::analysis::proportion::Proportion;
use crate::analysis::replay::LabelCounts;
use crate::analysis::rests_on::{LabelledPeople, RestsOn};
use crate::input::row::Label;
use crate::tally::policy_name::PolicyName;
use crate::tally::{Tally, VerdictMatrix};
pub use cost::{SweepCosts, ValueCost};
pub use cost_file::{CostError, CostProblem, Costs};
use people::PeopleByCases;
pub use plan::SweepPlan;

/// The decisions of a policy with each value of a threshold: the result of `cloudauth lab sweep`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Sweep {
    /// The policy as it is in its file.
    pub policy: PolicyName,
    /// The name of the threshold.
    pub threshold: String,
    /// The score that is compared with it.
    pub input: Input,
    /// Its value in the file.
    pub current: f64,
    /// The rows that were decided.
    pub rows: u64,
    /// The days with rows; `None` if a row has no time.
    pub days: Option<u64>,
    /// The values, ascending.
    pub values: Vec<SweepValue>,
    /// The rows whose score equals a value, and that were decided again with it: the policy compares by `>=` or `<`, and also by
    /// `>` or `<=`. All other counts follow from two decisions of each row.
    pub decided_again: u64,
    /// Reasons to doubt the labels or the scale of the scores.
    pub warnings: Vec<Warning>,
    /// What the intervals of the rates count as independent. Only a run of [`Lab::keep_people`](crate::Lab::keep_people) knows
    /// people.
    pub rests_on: RestsOn,
    /// The people that the intervals count; `None` if they count attempts only.
    pub people: Option<LabelledPeople>,
    /// The costs. `None` without [`Sweep::with_costs`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost: Option<SweepCosts>,
    /// The data issues of the run.
    pub issues: Vec<DataIssue>,
}

/// A value of the threshold.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct SweepValue {
    /// The value.
    pub value: f64,
    /// Whether the policy's file has this value.
    pub is_current: bool,
    /// The number of the policy's examples that fail with this value.
    pub failing_examples: usize,
    /// The decisions; `None` if the policy check fails with this value.
    pub outcome: Option<SweepOutcome>,
    /// Why the policy check fails.
    pub problem: Option<SweepProblem>,
}

/// The first problem of a policy with a value of the threshold.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct SweepProblem {
    /// The check that fails, such as `V6`.
    pub rule: &'static str,
    /// The problem in English.
    pub message: String,
    /// The error, for other languages.
    #[serde(skip)]
    pub error: PolicyError,
}

/// The decisions with one value.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct SweepOutcome {
    /// The rows by verdict.
    pub verdicts: ByVerdict<LabelCounts>,
    /// The impostors approved. `None` without labelled impostors.
    pub fraud_approved: Option<Proportion>,
    /// The genuine people who are not approved. `None` without labelled ones.
    pub customers_not_approved: Option<Proportion>,
    /// The mean number of reviews on a day with rows; `None` if a row has no time.
    pub reviews_per_day: Option<f64>,
    /// The expected cost. `None` without [`Sweep::with_costs`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost: Option<ValueCost>,
}

impl Sweep {
    /// Returns the result of a run of [`Lab::sweep`](crate::Lab::sweep) with this plan.
    #[must_use]
    pub fn of(tally: &Tally, plan: &SweepPlan) -> Self {
        let dated: u64 = tally.days.values().map(|day| day.sum(|_, _, _| true)).sum();
        let days = (dated == tally.rows && dated > 0).then_some(tally.days.len() as u64);
        let mut counts = Counts::of(tally);
        let attempts = [true, false].map(|is_genuine| tally.sweep.with_subject(is_genuine));
        let rests_on = RestsOn::of(tally.sweep.has_too_many, &attempts);
        let mut over_people = rests_on.knows_people().then(|| OverPeople::of(tally, plan));
        let value = |(value, policy): &(f64, Result<Policy, PolicyError>)| SweepValue {
            value: *value,
            is_current: *value == plan.current(),
            failing_examples: policy.as_ref().map_or(0, |policy| policy.failing_examples().count()),
            outcome: policy.is_ok().then(|| {
                let outcome = counts.next(days);
                over_people.as_mut().map_or(outcome, |people| people.next(outcome))
            }),
            problem: policy.as_ref().err().and_then(SweepProblem::of),
        };
        Self {
            policy: plan.policy().clone(),
            threshold: plan.threshold().to_owned(),
            input: plan.input(),
            current: plan.current(),
            rows: tally.rows,
            days,
            values: plan.all().map(value).collect(),
            decided_again: tally.sweep.again.iter().map(|rows| rows.sum(|_, _, _| true)).sum(),
            warnings: warnings_of(tally),
            rests_on,
            people: over_people.map(|people| people.people),
            cost: None,
            issues: data_issues(tally),
        }
    }
}

/// The intervals over people with one value after the other.
struct OverPeople {
    people: LabelledPeople,
    fraud_approved: std::vec::IntoIter<Interval>,
    customers_not_approved: std::vec::IntoIter<Interval>,
}

impl OverPeople {
    fn of(tally: &Tally, plan: &SweepPlan) -> Self {
        let values = plan.all().filter(|(_, policy)| policy.is_ok()).count();
        let [impostor, genuine] = [false, true].map(|is_genuine| PeopleByCases::of(&tally.sweep, is_genuine));
        let is_approve = |verdict| verdict == Verdict::Approve;
        Self {
            people: LabelledPeople { genuine: genuine.count(), impostor: impostor.count() },
            fraud_approved: impostor.intervals(values, is_approve).into_iter(),
            customers_not_approved: genuine.intervals(values, |verdict| !is_approve(verdict)).into_iter(),
        }
    }

    /// Returns the decisions with the next valid value, with intervals over people.
    fn next(&mut self, outcome: SweepOutcome) -> SweepOutcome {
        let over = |rate: Option<Proportion>, interval: Option<Interval>| {
            rate.map(|rate| interval.map_or(rate, |interval| rate.with_interval(interval)))
        };
        SweepOutcome {
            fraud_approved: over(outcome.fraud_approved, self.fraud_approved.next()),
            customers_not_approved: over(outcome.customers_not_approved, self.customers_not_approved.next()),
            ..outcome
        }
    }
}

impl SweepProblem {
    fn of(error: &PolicyError) -> Option<Self> {
        let first = error.problems().first()?;
        Some(Self { rule: first.rule, message: first.message.clone(), error: error.clone() })
    }
}

/// The counts with one value after the other.
struct Counts<'t> {
    tally: &'t Tally,
    share: VerdictMatrix,
    /// The rows whose score does not reach the value.
    below: VerdictMatrix,
    number: usize,
}

impl<'t> Counts<'t> {
    fn of(tally: &'t Tally) -> Self {
        Self { tally, share: tally.share(), below: VerdictMatrix::default(), number: 0 }
    }

    /// Returns the decisions with the next valid value.
    fn next(&mut self, days: Option<u64>) -> SweepOutcome {
        if let Some(rows) = self.tally.sweep.reached.get(self.number) {
            self.below.merge(rows);
        }
        let again = self.tally.sweep.again.get(self.number).copied().unwrap_or_default();
        self.number += 1;
        // With the lowest value, except for the rows below this value and those decided again.
        let count = |verdict: Verdict, label: Label| {
            let low = |rows: &VerdictMatrix| rows.sum(|a, _, of| a == verdict && of == label);
            let high = |rows: &VerdictMatrix| rows.sum(|_, b, of| b == verdict && of == label);
            let added = low(&self.share) + high(&self.below) + high(&again);
            added.saturating_sub(low(&self.below) + low(&again))
        };
        let verdicts = ByVerdict::new(|verdict| LabelCounts::of(|label| count(verdict, label)));
        let of = |of: fn(&LabelCounts) -> u64| {
            Verdict::ALL.map(|verdict| of(&verdicts[verdict])).iter().sum::<u64>()
        };
        let (genuine, impostor) = (of(|rows| rows.genuine), of(|rows| rows.impostor));
        let approve = verdicts.approve;
        let share = |count: u64, all: u64| (all > 0).then(|| Proportion::new(count, all));
        SweepOutcome {
            verdicts,
            fraud_approved: share(approve.impostor, impostor),
            customers_not_approved: share(genuine.saturating_sub(approve.genuine), genuine),
            reviews_per_day: days.map(|days| verdicts.review.all as f64 / days as f64),
            cost: None,
        }
    }
}
