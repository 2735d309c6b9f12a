//! Plans: the labels that a claim needs, the attempts that a comparison needs, and the reviewers that a load needs. The loads and
//! the comparisons are given, or those of a run.

use cloudauth_policy::Verdict;
use cloudauth_stats::{Confidence, McNemarPlan, Queue, attempts_needed};
use serde::Serialize;

use crate::analysis::by_verdict::ByVerdict;
use crate::analysis::calibrate::TargetRate;
use crate::analysis::compare::{Compare, Pair};
use crate::analysis::figures::RISK;
use crate::analysis::replay::Replay;

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

/// The power of the plans for the comparisons of a run.
const POWER: f64 = 0.8;

/// The labelled attempts that would show the differences that the labels of a run do not show. A plan is `None` where they show
/// the difference, where no decision changes or as many change one way as the other, and where attempts of one person hide a
/// difference that so many independent ones show.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ComparePlans {
    /// For the impostors approved.
    pub fraud_approved: Option<ComparePlan>,
    /// For the genuine people not approved.
    pub customers_not_approved: Option<ComparePlan>,
    /// For the genuine people rejected.
    pub customers_rejected: Option<ComparePlan>,
}

impl ComparePlans {
    /// Returns the plans for differences of the observed size, with a power of 80 %.
    #[must_use]
    pub fn of(compare: &Compare) -> Self {
        let plan = |pair: &Option<Pair>| {
            let pair = pair.as_ref().filter(|pair| pair.p > RISK)?;
            // The policy decides right what only the candidate decides wrong.
            let [policy, candidate] =
                [pair.only_candidate, pair.only_policy].map(|count| count as f64 / pair.policy.of as f64);
            let plan = ComparePlan::of(policy, candidate, POWER, Confidence::P95)?;
            Some(plan).filter(|plan| plan.attempts.is_none_or(|attempts| attempts > pair.policy.of))
        };
        Self {
            fraud_approved: plan(&compare.fraud_approved),
            customers_not_approved: plan(&compare.customers_not_approved),
            customers_rejected: plan(&compare.customers_rejected),
        }
    }
}

/// The reviewers that the policy of a run needs, and its candidate.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ReviewPlans {
    /// The rows that are decided in an hour.
    pub rows_per_hour: f64,
    /// Whether that is the mean of all hours of the days with rows, of the rows with a time. Otherwise it was given.
    pub is_mean: bool,
    /// The share of the rows that the policy sends to review.
    pub policy_share: f64,
    /// The share of the rows that the candidate sends to review. `None` with one policy.
    pub candidate_share: Option<f64>,
    /// The reviewers for the policy's reviews. `None` if it has none, or if they need more than ten million reviewers.
    pub policy: Option<ReviewPlan>,
    /// The reviewers for the candidate's reviews. `None` as for the policy, or with one policy.
    pub candidate: Option<ReviewPlan>,
}

impl ReviewPlans {
    /// Returns the reviewers for the share of rows that the policies of a run send to review, by [`ReviewPlan::of`]. Without
    /// `rows_per_hour`, it is the mean of all hours of the days with rows, of the rows with a time. `None` if no row has one then.
    #[must_use]
    pub fn of(
        replay: &Replay,
        compare: Option<&Compare>,
        rows_per_hour: Option<f64>,
        (handling_seconds, wait_seconds, service_level): (f64, f64, f64),
    ) -> Option<Self> {
        let of_day = |day: &ByVerdict<u64>| day.approve + day.review + day.retry + day.reject;
        let dated: u64 = replay.days.values().map(of_day).sum();
        let mean = (dated > 0).then(|| dated as f64 / (replay.days.len() as f64 * 24.0));
        let rows = rows_per_hour.or(mean)?;
        let plan = |share: f64| ReviewPlan::of(rows * share, handling_seconds, wait_seconds, service_level);
        let share = |reviews: u64| reviews as f64 / replay.rows.max(1) as f64;
        let of_candidate = |compare: &Compare| {
            let flips = compare.flips.iter().filter(|flip| flip.to == Verdict::Review);
            share(flips.map(|flip| flip.rows.all).sum())
        };
        let (policy_share, candidate_share) = (share(replay.verdicts.review.all), compare.map(of_candidate));
        Some(Self {
            rows_per_hour: rows,
            is_mean: rows_per_hour.is_none(),
            policy_share,
            candidate_share,
            policy: plan(policy_share),
            candidate: candidate_share.and_then(plan),
        })
    }
}

#[cfg(test)]
mod tests {
    use cloudauth_policy::{Policy, builtin};

    use super::*;
    use crate::analysis::proportion::Proportion;
    use crate::input::row::Label;
    use crate::tally::Tally;

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
    fn a_run_without_reviews_and_days_needs_no_reviewers() {
        let policy = Policy::parse(builtin::ONBOARDING).unwrap();
        let mut tally = Tally::new(&policy, Some(&policy), &[]);
        let plans = |tally: &Tally, rows| {
            ReviewPlans::of(&Replay::of(tally), Compare::of(tally).as_ref(), rows, (180.0, 300.0, 0.8))
        };
        assert_eq!(plans(&tally, None), None);
        let given = plans(&tally, Some(100.0)).unwrap();
        assert_eq!((given.rows_per_hour, given.is_mean, given.policy_share), (100.0, false, 0.0));
        assert_eq!((given.policy, given.candidate_share, given.candidate), (None, Some(0.0), None));
        // Of 200 rows, 96 have a time, on two days.
        tally.rows = 200;
        for (day, rows) in [(20_000, 36), (20_002, 60)] {
            tally.days.entry(day).or_default().add(
                Verdict::Approve,
                Verdict::Review,
                Label::Unlabelled,
                rows,
            );
        }
        let mean = plans(&tally, None).unwrap();
        assert_eq!((mean.rows_per_hour, mean.is_mean), (2.0, true));
    }

    #[test]
    fn a_difference_that_the_labels_show_needs_no_more_attempts() {
        let policy = Policy::parse(builtin::ONBOARDING).unwrap();
        let mut compare = Compare::of(&Tally::new(&policy, Some(&policy), &[])).unwrap();
        let pair = |p: f64, only_policy, of| Pair {
            policy: Proportion::new(only_policy, of),
            candidate: Proportion::new(0, of),
            only_policy,
            only_candidate: 0,
            p,
            difference: None,
        };
        compare.fraud_approved = Some(pair(0.05, 9, 1000));
        compare.customers_not_approved = Some(pair(0.06, 2, 1000));
        // Over people, attempts that would show a difference can be too few people.
        compare.customers_rejected = Some(pair(0.06, 100, 1000));
        let plans = ComparePlans::of(&compare);
        assert_eq!((plans.fraud_approved, plans.customers_rejected), (None, None));
        let plan = plans.customers_not_approved.unwrap();
        assert_eq!((plan.only_policy, plan.only_candidate, plan.power), (0.0, 0.002, 0.8));
        assert_eq!(plan, ComparePlan::of(0.0, 0.002, 0.8, Confidence::P95).unwrap());
        compare.customers_not_approved = Some(pair(1.0, 0, 1000));
        assert_eq!(ComparePlans::of(&compare).customers_not_approved, None);
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
