//! `cloudauth lab plan`: labels, attempts and reviewers that are needed.

use std::time::Duration;

use cloudauth_lab::{ComparePlan, Confidence, LabelPlan, ReviewPlan};
use serde_json::json;

use super::table::{rate, thousands};
use crate::args::Plan;
use crate::failure::Failure;
use crate::output::Output;
use crate::words::lab::plan as said;

pub(super) fn plan(args: &Plan, output: &Output) -> Result<u8, Failure> {
    let confidence = Confidence::new(args.confidence).ok_or_else(|| Failure::usage(said::NOT_A_SHARE))?;
    let labels: Vec<LabelPlan> =
        args.targets.iter().map(|target| LabelPlan::of(target, args.observed_errors, confidence)).collect();
    let mut text: String = labels.iter().map(|plan| output.pick(of_labels(plan))).collect();
    let compare = match args.only_policy.zip(args.only_candidate) {
        Some((policy, candidate)) => Some(
            ComparePlan::of(policy, candidate, args.power, confidence)
                .ok_or_else(|| Failure::usage(said::NO_DIFFERENCE))?,
        ),
        None => None,
    };
    text.extend(compare.iter().map(|plan| output.pick(of_compare(plan))));
    let review = match (args.reviews_per_hour, args.handling_time, args.target_wait) {
        (Some(per_hour), Some(handling), Some(wait)) => {
            let (handling, wait) = (handling.as_secs_f64(), wait.as_secs_f64());
            let plan = ReviewPlan::of(per_hour, handling, wait, args.service_level);
            Some(plan.ok_or_else(|| Failure::usage(said::NO_TEAM))?)
        }
        _ => None,
    };
    text.extend(review.iter().map(|plan| output.pick(of_review(plan))));
    output.print(&text, &json!({ "labels": labels, "compare": compare, "reviewers": review }));
    Ok(0)
}

fn of_labels(plan: &LabelPlan) -> crate::words::Said {
    let confidence = rate(plan.confidence);
    match plan.impostors {
        Some(impostors) => {
            said::labels(&thousands(impostors), plan.observed_errors, &plan.target, &confidence)
        }
        None => said::no_labels(&plan.target),
    }
}

fn of_compare(plan: &ComparePlan) -> crate::words::Said {
    let [policy, candidate, power] = [plan.only_policy, plan.only_candidate, plan.power].map(rate);
    match plan.attempts {
        Some(attempts) => said::attempts(&thousands(attempts), &policy, &candidate, &power),
        None => said::too_many_attempts(&policy, &candidate),
    }
}

fn of_review(plan: &ReviewPlan) -> crate::words::Said {
    let time = |seconds: f64| {
        humantime::format_duration(Duration::try_from_secs_f64(seconds.round()).unwrap_or_default())
            .to_string()
    };
    said::reviewers(
        &thousands(plan.reviewers),
        &rate(plan.within),
        &time(plan.wait_seconds),
        &time(plan.mean_wait_seconds),
        &rate(plan.occupancy),
    )
}
