//! The plan of a sweep: the policy with each value of a threshold.

use cloudauth_policy::{Evidence, Input, Policy, PolicyError};

use crate::error::{LabError, LabProblem};
use crate::tally::Decider;
use crate::tally::policy_name::PolicyName;
use crate::write_back::{unknown_threshold, with_threshold};

/// The maximum number of values.
const MOST_VALUES: u32 = 1000;
/// Values have at most six decimals.
const UNITS: f64 = 1e6;
/// The largest value: with six decimals it is exact.
const LARGEST: f64 = 1e9;

/// A policy with many values of one threshold, for [`Lab::sweep`](crate::Lab::sweep). Each value gives a policy of its own, which
/// is checked like a file: only its examples may fail.
#[derive(Clone, Debug)]
pub struct SweepPlan {
    policy: PolicyName,
    threshold: String,
    current: f64,
    input: Input,
    values: Vec<(f64, Result<Policy, PolicyError>)>,
    lowest: Policy,
    highest: Policy,
    comparison: Comparison,
}

/// How the policy compares the score with the threshold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comparison {
    /// By `>=` or `<` only: a score equal to the value is above it.
    Inclusive,
    /// By `>` or `<=` only: a score equal to the value is below it.
    Exclusive,
    /// By both, so a score equal to the value is a case of its own.
    Both,
}

impl SweepPlan {
    /// Returns the values from `from` to `to`, ascending, `step` apart.
    ///
    /// # Errors
    /// If this gives fewer than 1 or more than 1,000 values, or a number has more than six decimals.
    pub fn values(from: f64, to: f64, step: f64) -> Result<Vec<f64>, LabError> {
        let is_exact = |number: f64| number.abs() <= LARGEST && (number * UNITS).round() / UNITS == number;
        let wrong = || LabProblem::NotASweep(MOST_VALUES as usize).into_error();
        if ![from, to, step].into_iter().all(is_exact) || from > to || step <= 0.0 {
            return Err(wrong());
        }
        // Whole units, so that no sum rounds: the values are those that a parser reads.
        let [first, last, step] = [from, to, step].map(|number| (number * UNITS).round());
        let count = ((last - first) / step).floor() + 1.0;
        if count > f64::from(MOST_VALUES) {
            return Err(wrong());
        }
        Ok((0..count as u32).map(|number| (first + f64::from(number) * step) / UNITS).collect())
    }

    /// Creates the plan of a policy file. `values` are ascending; see [`SweepPlan::values`].
    ///
    /// # Errors
    /// If the policy is invalid, has no such threshold, or is invalid with every value.
    pub fn new(policy: &str, threshold: &str, values: Vec<f64>) -> Result<Self, LabError> {
        let parsed = Policy::parse_allowing_failing_examples(policy);
        let parsed = parsed.map_err(|error| LabProblem::PolicyFails(None, error).into_error())?;
        let (current, input) = {
            let thresholds = parsed.report().thresholds;
            let found = thresholds.iter().find(|found| found.name == threshold);
            let found = found.ok_or_else(|| unknown_threshold(&parsed, threshold))?;
            let input = Input::SCORES.into_iter().find(|input| Some(input.name()) == found.input);
            let of_other = || LabProblem::ThresholdOfOther(threshold.to_owned(), found.input).into_error();
            (found.value, input.ok_or_else(of_other)?)
        };
        let mut policies = Vec::with_capacity(values.len());
        for value in values {
            let text = with_threshold(policy, threshold, value, None)
                .ok_or_else(|| unknown_threshold(&parsed, threshold))?;
            policies.push((value, Policy::parse_allowing_failing_examples(&text)));
        }
        let mut valid = policies.iter().filter_map(|(_, policy)| policy.as_ref().ok());
        let (lowest, highest) = match (valid.next(), valid.next_back()) {
            (Some(lowest), highest) => (lowest.clone(), highest.unwrap_or(lowest).clone()),
            (None, _) => return Err(no_policy(threshold, policies)),
        };
        Ok(Self {
            policy: Decider::of(&parsed).name(),
            threshold: threshold.to_owned(),
            current,
            input,
            comparison: Comparison::of(&policies, threshold, input),
            values: policies,
            lowest,
            highest,
        })
    }

    /// Returns the policy with the lowest valid value.
    pub(crate) const fn lowest(&self) -> &Policy {
        &self.lowest
    }

    /// Returns the policy with the highest valid value.
    pub(crate) const fn highest(&self) -> &Policy {
        &self.highest
    }

    /// Returns the score that is compared with the threshold.
    #[must_use]
    pub const fn input(&self) -> Input {
        self.input
    }

    pub(crate) const fn policy(&self) -> &PolicyName {
        &self.policy
    }

    pub(crate) fn threshold(&self) -> &str {
        &self.threshold
    }

    pub(crate) const fn current(&self) -> f64 {
        self.current
    }

    /// Returns each value with its policy, or the reason why it is invalid.
    pub(crate) fn all(&self) -> impl Iterator<Item = &(f64, Result<Policy, PolicyError>)> {
        self.values.iter()
    }

    /// Returns the values whose policy is valid.
    fn valid(&self) -> impl Iterator<Item = (f64, &Policy)> {
        self.values.iter().filter_map(|(value, policy)| Some((*value, policy.as_ref().ok()?)))
    }

    /// Returns the score and the smallest score at or above each valid value.
    pub(crate) fn boundaries(&self) -> (Input, Vec<f64>) {
        let boundary = |value: f64| match self.comparison {
            Comparison::Exclusive => value.next_up(),
            Comparison::Inclusive | Comparison::Both => value,
        };
        (self.input, self.valid().map(|(value, _)| boundary(value)).collect())
    }

    /// Returns whether rows with this score must be decided again, because it equals a value.
    #[cfg(feature = "parquet")]
    pub(crate) fn is_again(&self, score: f64) -> bool {
        self.at(score).is_some()
    }

    /// Returns the number of the valid value that a row must be decided with again, and its policy.
    pub(crate) fn again(&self, evidence: &Evidence<'_>) -> Option<(usize, &Policy)> {
        let score = match self.input {
            Input::QualityScore => evidence.quality_score,
            Input::FaceAttackScore => evidence.face_attack_score,
            _ => evidence.verify_score,
        }?;
        self.at(score)
    }

    fn at(&self, score: f64) -> Option<(usize, &Policy)> {
        if self.comparison != Comparison::Both {
            return None;
        }
        // The values are ascending.
        let place = self.values.partition_point(|(value, _)| *value < score);
        let (value, policy) = self.values.get(place)?;
        let policy = policy.as_ref().ok().filter(|_| *value == score)?;
        let earlier = self.values.iter().take(place);
        Some((earlier.filter(|(_, policy)| policy.is_ok()).count(), policy))
    }
}

impl Comparison {
    fn of(policies: &[(f64, Result<Policy, PolicyError>)], threshold: &str, input: Input) -> Self {
        let (mut inclusive, mut exclusive) = (false, false);
        for policy in policies.iter().filter_map(|(_, policy)| policy.as_ref().ok()) {
            for cut in policy.cuts() {
                if cut.name == Some(threshold) && cut.input == input {
                    exclusive |= cut.exclusive;
                    inclusive |= !cut.exclusive;
                }
            }
        }
        match (inclusive, exclusive) {
            (_, false) => Self::Inclusive,
            (false, true) => Self::Exclusive,
            (true, true) => Self::Both,
        }
    }
}

/// The error of a sweep without any valid value: the reason of the first one.
fn no_policy(threshold: &str, policies: Vec<(f64, Result<Policy, PolicyError>)>) -> LabError {
    let first = policies.into_iter().find_map(|(value, policy)| Some((value, policy.err()?)));
    match first {
        Some((value, error)) => {
            LabProblem::PolicyFails(Some((threshold.to_owned(), value)), error).into_error()
        }
        None => LabProblem::NotASweep(MOST_VALUES as usize).into_error(),
    }
}
