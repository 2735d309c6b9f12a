//! What a policy decides of history.

use std::collections::BTreeMap;

use cloudauth_policy::Verdict;
use serde::Serialize;

use crate::analysis::data_issue::{DataIssue, data_issues};
use crate::input::row::Label;
use crate::tally::policy_name::PolicyName;
use crate::tally::{Tally, VERDICTS, VerdictMatrix};

/// Rows, in all and by what somebody found out about them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct LabelCounts {
    /// All.
    pub all: u64,
    /// Of people who were who they said they were.
    pub genuine: u64,
    /// Of others.
    pub impostor: u64,
}

impl LabelCounts {
    pub(crate) fn of(count: impl Fn(Label) -> u64) -> Self {
        let [genuine, impostor, unlabelled] = Label::ALL.map(count);
        Self { all: genuine + impostor + unlabelled, genuine, impostor }
    }
}

/// A rule and how often it decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct RuleRows {
    /// Its name; `otherwise` where none fitted.
    pub rule: String,
    /// What it says.
    pub verdict: String,
    /// How often.
    #[serde(flatten)]
    pub rows: LabelCounts,
}

/// Counts of a policy's decisions: the answer of `cloudauth lab replay`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Replay {
    /// The policy's id, version and content hash.
    pub policy: PolicyName,
    /// Rows that were decided.
    pub rows: u64,
    /// By verdict: `approve`, `review`, `retry`, `reject`.
    pub verdicts: BTreeMap<&'static str, LabelCounts>,
    /// By rule, in the policy's order.
    pub rules: Vec<RuleRows>,
    /// By SubCode, and in it by verdict. `(missing)` where there was none, `(no code)` where something else stood.
    pub sub_codes: BTreeMap<String, BTreeMap<&'static str, u64>>,
    /// By segment, its values, and verdict. The empty text is the key of rows without a value.
    pub segments: BTreeMap<String, BTreeMap<String, BTreeMap<&'static str, u64>>>,
    /// By day, and verdict.
    pub days: BTreeMap<String, BTreeMap<&'static str, u64>>,
    /// What was not understood, and which rows were left out.
    pub issues: Vec<DataIssue>,
}

impl Replay {
    /// Of what a run has counted: the decisions of its first policy.
    #[must_use]
    pub fn of(tally: &Tally) -> Self {
        let share = tally.share();
        let (of_a, of_b) = tally.sizes();
        let decider = &tally.decider;
        let rule = |(a, (rule, verdict)): (usize, &(String, String))| RuleRows {
            rule: rule.clone(),
            verdict: verdict.clone(),
            rows: LabelCounts::of(|label| (0..of_b).map(|b| tally.count(a, b, label)).sum()),
        };
        let sub_code = |counts: &Vec<u64>| {
            let of = |verdict: Verdict| {
                let rules = (0..of_a).filter(|rule| decider.verdict(*rule) == verdict);
                rules.filter_map(|rule| counts.get(rule * 3..rule * 3 + 3)).flatten().sum::<u64>()
            };
            by_verdict(of)
        };
        let values = |values: &BTreeMap<Box<str>, VerdictMatrix>| {
            values.iter().map(|(value, share)| (value.to_string(), of_first(share))).collect()
        };
        Self {
            policy: decider.name(),
            rows: tally.rows,
            verdicts: VERDICTS
                .map(|verdict| {
                    let rows = LabelCounts::of(|label| share.sum(|a, _, of| a == verdict && of == label));
                    (verdict.as_str(), rows)
                })
                .into(),
            rules: decider.rules.iter().enumerate().map(rule).collect(),
            sub_codes: tally
                .sub_codes
                .iter()
                .map(|(code, counts)| (code.to_string(), sub_code(counts)))
                .collect(),
            segments: tally.segments().map(|(name, counts)| (name.clone(), values(counts))).collect(),
            days: tally
                .days
                .iter()
                .map(|(day, share)| (crate::input::time::shown(*day), of_first(share)))
                .collect(),
            issues: data_issues(tally),
        }
    }
}

fn of_first(share: &VerdictMatrix) -> BTreeMap<&'static str, u64> {
    by_verdict(|verdict| share.sum(|a, _, _| a == verdict))
}

fn by_verdict(of: impl Fn(Verdict) -> u64) -> BTreeMap<&'static str, u64> {
    VERDICTS.map(|verdict| (verdict.as_str(), of(verdict))).into()
}
