//! Plans: the labels that a claim needs, the attempts that a comparison needs, and the reviewers that a load needs.

use cloudauth_stats::{Confidence, McNemarPlan, Queue, attempts_needed};
use serde::Serialize;

use crate::analysis::calibrate::TargetRate;

/// The labelled impostors that prove a false match rate.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct LabelPlan {
    /// The target rate as it was written.
    pub target: String,
    /// The target rate.
    pub fmr: f64,
    /// The confidence, from 0 to 1.
    pub confidence: f64,
    /// The number of impostors approved that the proof allows.
    pub observed_errors: u64,
    /// The number of labelled impostors: the smallest whose one-sided Clopper-Pearson bound reaches the target. `None` if no number
    /// below 2^53 does.
    pub impostors: Option<u64>,
}

impl LabelPlan {
    /// Returns the number of labelled impostors that prove `target` if `observed_errors` of them are approved. Attempts count as
    /// independent.
    #[must_use]
    pub fn of(target: &TargetRate, observed_errors: u64, confidence: Confidence) -> Self {
        Self {
            target: target.to_string(),
            fmr: target.rate(),
            confidence: confidence.get(),
            observed_errors,
            impostors: attempts_needed(target.rate(), observed_errors, confidence),
        }
    }
}

/// The labelled attempts that show which of two policies is better.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ComparePlan {
    /// The share of the attempts that only the current policy decides right.
    pub only_policy: f64,
    /// The share of the attempts that only the candidate decides right.
    pub only_candidate: f64,
    /// The confidence of McNemar's test, from 0 to 1.
    pub confidence: f64,
    /// The power that is wanted: the probability that the test shows the difference.
    pub power: f64,
    /// The number of attempts that has this power. `None` if more than a million changed attempts, or more than 2^53
    /// attempts, would be needed.
    pub attempts: Option<u64>,
}

impl ComparePlan {
    /// Returns the number of labelled attempts with which McNemar's exact test has this power. `None` if `power` is not between 0
    /// and 1, the shares are equal, or their sum is above 1.
    #[must_use]
    pub fn of(only_policy: f64, only_candidate: f64, power: f64, confidence: Confidence) -> Option<Self> {
        let plan = McNemarPlan::new(only_policy, only_candidate)?;
        let is_valid = power > 0.0 && power < 1.0 && only_policy != only_candidate;
        is_valid.then(|| Self {
            only_policy,
            only_candidate,
            confidence: confidence.get(),
            power,
            attempts: plan.attempts(power, confidence),
        })
    }
}

/// The reviewers that a load needs, by Erlang C.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ReviewPlan {
    /// The reviews that arrive in an hour.
    pub per_hour: f64,
    /// The mean time of one review, in seconds.
    pub handling_seconds: f64,
    /// The longest wait that is wanted, in seconds.
    pub wait_seconds: f64,
    /// The share of the reviews that must wait no longer, from 0 to 1.
    pub service_level: f64,
    /// The number of reviewers who work at the same time.
    pub reviewers: u64,
    /// The share of the reviews that wait no longer than wanted.
    pub within: f64,
    /// The mean wait, in seconds.
    pub mean_wait_seconds: f64,
    /// The share of their time in which reviewers are busy.
    pub occupancy: f64,
}

impl ReviewPlan {
    /// Returns the fewest reviewers for `per_hour` reviews that take `handling_seconds`, with which the share `service_level` of them
    /// waits at most `wait_seconds`. `None` for numbers that are not positive, a share outside 0 to 1, and more than ten million
    /// reviewers.
    #[must_use]
    pub fn of(per_hour: f64, handling_seconds: f64, wait_seconds: f64, service_level: f64) -> Option<Self> {
        let load = per_hour * handling_seconds / 3600.0;
        let queue = Queue::needed(load, wait_seconds / handling_seconds, service_level)?;
        Some(Self {
            per_hour,
            handling_seconds,
            wait_seconds,
            service_level,
            reviewers: queue.agents,
            within: queue.within(wait_seconds / handling_seconds),
            mean_wait_seconds: queue.mean_wait() * handling_seconds,
            occupancy: queue.occupancy,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plans_give_the_figures_of_the_statistics() {
        let labels = LabelPlan::of(&TargetRate::from(1e-4), 0, Confidence::P95);
        assert_eq!((labels.target.as_str(), labels.impostors), ("1/10000", Some(29_956)));
        let with_errors = LabelPlan::of(&TargetRate::from(1e-4), 2, Confidence::P95);
        assert!(with_errors.impostors > labels.impostors);
        assert!(ComparePlan::of(0.01, 0.02, 0.8, Confidence::P95).unwrap().attempts > Some(2000));
        let review = ReviewPlan::of(120.0, 180.0, 300.0, 0.8).unwrap();
        // Six Erlangs.
        assert_eq!((review.reviewers, review.within >= 0.8), (7, true));
        assert!((review.occupancy - 6.0 / 7.0).abs() < 1e-15 && review.mean_wait_seconds > 0.0);
    }

    #[test]
    fn impossible_plans_are_refused() {
        for (first, second, power) in
            [(0.1, 0.1, 0.8), (0.6, 0.5, 0.8), (0.1, 0.2, 1.0), (f64::NAN, 0.2, 0.8)]
        {
            assert_eq!(ComparePlan::of(first, second, power, Confidence::P95), None);
        }
        for (rows, time, wait, level) in [
            (0.0, 1.0, 1.0, 0.8),
            (1.0, 0.0, 1.0, 0.8),
            (1.0, 1.0, -1.0, 0.8),
            (1.0, 1.0, 1.0, 1.0),
            (1e12, 60.0, 1.0, 0.8),
        ] {
            assert_eq!(ReviewPlan::of(rows, time, wait, level), None, "{rows} {time} {wait} {level}");
        }
    }
}
