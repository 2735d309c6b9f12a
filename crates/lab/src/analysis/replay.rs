//! The decisions of a policy on recorded results.

use std::collections::BTreeMap;

use cloudauth_policy::Verdict;
use serde::Serialize;

use crate::analysis::by_verdict::ByVerdict;
use crate::analysis::calibrate::{Warning, warnings_of};
use crate::analysis::data_issue::{DataIssue, data_issues};
use crate::input::row::Label;
use crate::tally::policy_name::PolicyName;
use crate::tally::{SegmentRows, Tally, VerdictMatrix};

/// Numbers of rows, in total and by label.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct LabelCounts {
    /// All rows.
    pub all: u64,
    /// The rows labelled genuine.
    pub genuine: u64,
    /// The rows labelled impostor.
    pub impostor: u64,
}

impl LabelCounts {
    pub(crate) fn of(count: impl Fn(Label) -> u64) -> Self {
        let [genuine, impostor, unlabelled] = Label::ALL.map(count);
        Self { all: genuine + impostor + unlabelled, genuine, impostor }
    }
}

/// A rule and the rows that it decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct RuleRows {
    /// The rule's name; `otherwise` for rows that no rule matched.
    pub rule: String,
    /// The rule's verdict.
    pub verdict: Verdict,
    /// The rows that it decided.
    #[serde(flatten)]
    pub rows: LabelCounts,
}

/// The counts of a policy's decisions: the result of `cloudauth lab replay`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Replay {
    /// The policy's id, version and content hash.
    pub policy: PolicyName,
    /// The rows that were decided.
    pub rows: u64,
    /// The rows by verdict.
    pub verdicts: ByVerdict<LabelCounts>,
    /// The rows by rule, in the policy's order.
    pub rules: Vec<RuleRows>,
    /// The rows by SubCode and verdict. `(missing)` is the key of rows without one, `(no code)` of rows with something else.
    pub sub_codes: BTreeMap<String, ByVerdict<u64>>,
    /// The rows by segment, value and verdict. The empty string is the key of rows without a value.
    pub segments: BTreeMap<String, BTreeMap<String, ByVerdict<u64>>>,
    /// The rows by day and verdict.
    pub days: BTreeMap<String, ByVerdict<u64>>,
    /// Reasons to doubt the labels or the scale of the scores.
    pub warnings: Vec<Warning>,
    /// The data issues of the run.
    pub issues: Vec<DataIssue>,
}

impl Replay {
    /// Returns the decisions of the first policy of a run.
    #[must_use]
    pub fn of(tally: &Tally) -> Self {
        let share = tally.share();
        let (of_a, of_b) = tally.sizes();
        let decider = &tally.decider;
        let rule = |(a, (rule, verdict)): (usize, &(String, Verdict))| RuleRows {
            rule: rule.clone(),
            verdict: *verdict,
            rows: LabelCounts::of(|label| (0..of_b).map(|b| tally.count(a, b, label)).sum()),
        };
        let sub_code = |counts: &Vec<u64>| {
            let of = |verdict: Verdict| {
                let rules = (0..of_a).filter(|rule| decider.verdict(*rule) == verdict);
                rules.filter_map(|rule| counts.get(rule * 3..rule * 3 + 3)).flatten().sum::<u64>()
            };
            ByVerdict::new(of)
        };
        let values = |values: BTreeMap<String, &SegmentRows>| {
            values.into_iter().map(|(value, rows)| (value, of_first(&rows.verdicts))).collect()
        };
        Self {
            policy: decider.name(),
            rows: tally.rows,
            verdicts: ByVerdict::new(|verdict| {
                LabelCounts::of(|label| share.sum(|a, _, of| a == verdict && of == label))
            }),
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
            warnings: warnings_of(tally),
            issues: data_issues(tally),
        }
    }
}

fn of_first(share: &VerdictMatrix) -> ByVerdict<u64> {
    ByVerdict::new(|verdict| share.sum(|a, _, _| a == verdict))
}
