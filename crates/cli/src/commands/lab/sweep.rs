//! `cloudauth lab sweep`: the decisions with each value of a threshold.

use std::path::Path;
use std::sync::Arc;

use cloudauth::policy::Verdict;
use cloudauth_lab::{Proportion, Sweep, SweepPlan, SweepValue};

use super::run::{self, Data, Wanted};
use super::show::{csv_columns, named, print, refuse_other_format, write};
use super::table::{Table, thousands};
use super::words::{doubts, issues, share};
use crate::args;
use crate::commands::policy::text_of;
use crate::failure::Failure;
use crate::output::Output;
use crate::words::lab::{COUNTS_ATTEMPTS, plan as said};

pub(super) async fn sweep(args: args::Sweep, output: &Output) -> Result<u8, Failure> {
    let mut data = Data::find(args.data, &[&args.policy], named("--csv", args.csv.as_deref()))?;
    refuse_other_format("--csv", args.csv.as_deref())?;
    let values = SweepPlan::values(args.from, args.to, args.step)?;
    let plan = SweepPlan::new(&text_of(&args.policy)?, &args.threshold, values)?;
    let plan = Arc::new(plan);
    let wanted = Wanted { sweep: Some(Arc::clone(&plan)), ..Wanted::default() };
    let ran = data.run(Vec::new(), wanted, output).await?;
    let sweep = Sweep::of(&ran.tally, &plan);
    print(output, &ran.tally, &shown(&sweep, &data, output), &sweep, data.told(&ran))?;
    if let Some(file) = &args.csv {
        write_csv(file, &sweep)?;
    }
    Ok(run::exit_code(&ran, output))
}

fn shown(sweep: &Sweep, data: &Data, output: &Output) -> String {
    let policy = format!("{} {}", sweep.policy.id, sweep.policy.version);
    let (values, rows) = (thousands(sweep.values.len() as u64), thousands(sweep.rows));
    let mut text = output.pick(said::sweep(&policy, &values, &sweep.threshold, &rows));
    text += &doubts(&sweep.warnings, output);
    let mut table = Table::new(
        [
            &*sweep.threshold,
            "approve",
            "review",
            "retry",
            "reject",
            "impostors approved",
            "genuine people not approved",
            "reviews a day",
            "",
        ],
        output.language,
    );
    let dash = || "-".to_owned();
    let rate = |rate: Option<Proportion>| rate.map_or_else(dash, |rate| share(&rate, output));
    for value in &sweep.values {
        let cells = value.outcome.map(|outcome| {
            let [approve, review, retry, reject] =
                Verdict::ALL.map(|verdict| thousands(outcome.verdicts[verdict].all));
            let (fraud, customers) = (rate(outcome.fraud_approved), rate(outcome.customers_not_approved));
            let reviews = outcome.reviews_per_day.map_or_else(dash, |reviews| format!("{reviews:.1}"));
            [approve, review, retry, reject, fraud, customers, reviews]
        });
        let [approve, review, retry, reject, fraud, customers, reviews] =
            cells.unwrap_or_else(|| std::array::from_fn(|_| dash()));
        let shown = value.value.to_string();
        let note = note(value, output);
        table.row([shown, approve, review, retry, reject, fraud, customers, reviews, note]);
    }
    text += &table.to_string();
    let is_labelled = |value: &SweepValue| {
        value.outcome.is_some_and(|of| of.fraud_approved.is_some() || of.customers_not_approved.is_some())
    };
    if sweep.values.iter().any(is_labelled) {
        text += output.say(COUNTS_ATTEMPTS);
    }
    if sweep.decided_again > 0 {
        text += &output.pick(said::decided_again(&thousands(sweep.decided_again)));
    }
    text + &issues(&sweep.issues, data, output)
}

fn note(value: &SweepValue, output: &Output) -> String {
    let current = value.is_current.then(|| output.say(said::CURRENT).to_owned());
    let broken = value.problem.as_ref().map(|problem| output.pick(said::breaks(problem)));
    let failing = (value.failing_examples > 0).then(|| output.pick(said::fails(value.failing_examples)));
    [current, broken, failing].into_iter().flatten().collect::<Vec<_>>().join("; ")
}

fn write_csv(file: &Path, sweep: &Sweep) -> Result<(), Failure> {
    let mut text = "value,current,valid,failing_examples,approve,review,retry,reject,impostors_approved,impostors,impostors_approved_rate,impostors_approved_low,impostors_approved_high,genuine_not_approved,genuine,genuine_not_approved_rate,genuine_not_approved_low,genuine_not_approved_high,reviews_per_day\n".to_owned();
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
        text += &format!("{},{current},{valid},{},{columns}\n", value.value, value.failing_examples);
    }
    write(file, &text)
}
