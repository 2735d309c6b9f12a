//! `cloudauth lab sweep`: the decisions with each value of a threshold.

use std::path::Path;
use std::sync::Arc;

use cloudauth::policy::Verdict;
use cloudauth_files::Named;
use cloudauth_lab::{
    Costs, Mapping, Proportion, Sweep, SweepCosts, SweepPlan, SweepValue, ValueCost, amount,
};

use super::run::{self, Data, Wanted};
use super::show::{csv_columns, named, of_failure, print, refuse_other_format};
use super::table::{Table, rate as lab_rate, thousands};
use super::words::{basis, doubts, issues, share};
use crate::args;
use crate::commands::policy::text_of;
use crate::failure::Failure;
use crate::output::Output;
use crate::text;
use crate::words::lab::{self, plan as said};

pub(super) async fn sweep(args: args::Sweep, output: &Output) -> Result<u8, Failure> {
    let cost_file = args.cost.as_deref().map(|file| Named::new("the cost file", file));
    let csv = named("--csv", args.csv.as_deref());
    let mut data = Data::find_beside(args.data, &[&args.policy], cost_file, csv)?;
    refuse_other_format("--csv", args.csv.as_deref())?;
    let costs = costs(args.cost.as_deref(), args.prior)?;
    if costs.is_some() {
        data.check(Mapping::check_label)?;
    }
    let values = SweepPlan::values(args.from, args.to, args.step)?;
    let plan = SweepPlan::new(&text_of(&args.policy)?, &args.threshold, values)?;
    let plan = Arc::new(plan);
    let wanted = Wanted { sweep: Some(Arc::clone(&plan)), people: true, ..Wanted::default() };
    let ran = data.run(Vec::new(), wanted, output).await?;
    let mut sweep = Sweep::of(&ran.tally, &plan);
    if let Some((costs, prior)) = costs {
        sweep = sweep.with_costs(&ran.tally, costs, prior)?;
    }
    let written = args.csv.as_deref().map_or(Ok(()), |file| write_csv(file, &sweep));
    let beside = data.told(&ran).into_iter().chain(of_failure(&written));
    print(output, &ran.tally, &shown(&sweep, &data, output), &sweep, beside)?;
    written?;
    Ok(run::exit_code(&ran, output))
}

/// Reads the cost file, and returns the costs with the share of impostors.
pub(super) fn costs(file: Option<&Path>, prior: Option<f64>) -> Result<Option<(Costs, f64)>, Failure> {
    match (file, prior) {
        (Some(file), Some(prior)) => Ok(Some((run::read_costs(file)?, prior))),
        (Some(_), None) => Err(Failure::usage(said::NO_PRIOR)),
        (None, Some(_)) => Err(Failure::usage(said::NO_COST)),
        (None, None) => Ok(None),
    }
}

fn shown(sweep: &Sweep, data: &Data, output: &Output) -> String {
    let policy = format!("{} {}", sweep.policy.id, sweep.policy.version);
    let (values, rows) = (thousands(sweep.values.len() as u64), thousands(sweep.rows));
    let mut text = output.pick(said::sweep(&policy, &values, &sweep.threshold, &rows));
    text += &doubts(&sweep.warnings, output);
    let mut table = Table::new(
        [
            "",
            "approve",
            "review",
            "retry",
            "reject",
            "impostors approved",
            "genuine people not approved",
            "reviews a day",
            if sweep.cost.is_some() { "cost of 1,000" } else { "" },
            "",
        ],
        output.language,
    )
    .named(&sweep.threshold);
    let dash = || "-".to_owned();
    let rate = |rate: Option<Proportion>| rate.map_or_else(dash, |rate| share(&rate, output));
    for value in &sweep.values {
        let cells = value.outcome.map(|outcome| {
            let [approve, review, retry, reject] =
                Verdict::ALL.map(|verdict| thousands(outcome.verdicts[verdict].all));
            let (fraud, customers) = (rate(outcome.fraud_approved), rate(outcome.customers_not_approved));
            let reviews = outcome.reviews_per_day.map_or_else(dash, |reviews| format!("{reviews:.1}"));
            let cost = outcome.cost.map(|cost| cost_of(&cost, output)).unwrap_or_default();
            [approve, review, retry, reject, fraud, customers, reviews, cost]
        });
        let [approve, review, retry, reject, fraud, customers, reviews, mut cost] =
            cells.unwrap_or_else(|| std::array::from_fn(|_| dash()));
        if sweep.cost.is_none() {
            cost.clear();
        }
        let shown = value.value.to_string();
        let note = note(value, output);
        table.row([shown, approve, review, retry, reject, fraud, customers, reviews, cost, note]);
    }
    text += &table.to_string();
    let is_labelled = |value: &SweepValue| {
        value.outcome.is_some_and(|of| of.fraud_approved.is_some() || of.customers_not_approved.is_some())
    };
    if sweep.values.iter().any(is_labelled) {
        text += &basis(lab::Figures::Intervals, sweep.rests_on, sweep.people, output);
    }
    if sweep.decided_again > 0 {
        text += &output.pick(said::decided_again(&thousands(sweep.decided_again)));
    }
    if let Some(found) = &sweep.cost {
        text += &cheapest(sweep, found, output);
    }
    text + &issues(&sweep.issues, data, output)
}

fn cost_of(cost: &ValueCost, output: &Output) -> String {
    let [cost, low, high] = [cost.per_1000, cost.low, cost.high].map(amount);
    output.pick(lab::interval(&cost, &low, &high))
}

fn cheapest(sweep: &Sweep, found: &SweepCosts, output: &Output) -> String {
    let value = sweep.values.iter().find(|value| value.value == found.cheapest);
    let cost =
        value.and_then(|value| value.outcome?.cost).map(|cost| cost_of(&cost, output)).unwrap_or_default();
    let (impostors, genuine) = (thousands(found.people.impostor), thousands(found.people.genuine));
    output.pick(said::cheapest(&sweep.threshold, found.cheapest, &cost, found.flat))
        + &output.pick(said::cost_rests_on(
            &lab_rate(found.prior),
            &impostors,
            &genuine,
            found.rests_on_attempts,
        ))
}

fn note(value: &SweepValue, output: &Output) -> String {
    let current = value.is_current.then(|| output.say(said::CURRENT).to_owned());
    let broken = value.problem.as_ref().map(|problem| output.pick(said::breaks(problem)));
    let failing = (value.failing_examples > 0).then(|| output.pick(said::fails(value.failing_examples)));
    [current, broken, failing].into_iter().flatten().collect::<Vec<_>>().join("; ")
}

fn write_csv(file: &Path, sweep: &Sweep) -> Result<(), Failure> {
    let has_cost = sweep.cost.is_some();
    let mut text = "value,current,valid,failing_examples,approve,review,retry,reject,impostors_approved,impostors,impostors_approved_rate,impostors_approved_low,impostors_approved_high,genuine_not_approved,genuine,genuine_not_approved_rate,genuine_not_approved_low,genuine_not_approved_high,reviews_per_day".to_owned();
    if has_cost {
        text += ",cost_per_1000,cost_low,cost_high,extra_cost,extra_cost_low,extra_cost_high";
    }
    text.push('\n');
    let rate = |rate: Option<Proportion>| rate.map_or_else(|| ",".repeat(4), |rate| csv_columns(&rate));
    for value in &sweep.values {
        let columns = match value.outcome {
            Some(outcome) => {
                let [approve, review, retry, reject] =
                    Verdict::ALL.map(|verdict| outcome.verdicts[verdict].all);
                let (fraud, customers) = (rate(outcome.fraud_approved), rate(outcome.customers_not_approved));
                let reviews = outcome.reviews_per_day.map(|reviews| reviews.to_string()).unwrap_or_default();
                format!("{approve},{review},{retry},{reject},{fraud},{customers},{reviews}")
            }
            None => ",".repeat(14),
        };
        let (current, valid) = (value.is_current, value.outcome.is_some());
        text += &format!("{},{current},{valid},{},{columns}", value.value, value.failing_examples);
        if has_cost {
            let cost = value.outcome.and_then(|outcome| outcome.cost);
            text += &cost.map_or_else(|| ",".repeat(6), |cost| cost_columns(&cost));
        }
        text.push('\n');
    }
    text::write(file, &text)
}

fn cost_columns(cost: &ValueCost) -> String {
    let (low, high) = cost.extra_interval;
    format!(",{},{},{},{},{low},{high}", cost.per_1000, cost.low, cost.high, cost.extra)
}
