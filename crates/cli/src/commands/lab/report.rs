//! `cloudauth lab report`: all analyses on one page.

use std::sync::Arc;

use cloudauth::policy::Policy;
use cloudauth_files::Named;
use cloudauth_lab::{
    Costs, Mapping, Report, ReviewPlan, ReviewPlans, RunOutcome, Sweep, SweepPlan, TargetRate,
};

use super::holdout::{check_days, check_mapping, tested};
use super::run::{self, Data, Wanted, reads_standard_input};
use super::segments::checked;
use super::show::{named, page};
use super::sweep::costs;
use crate::args;
use crate::commands::policy::{failing_examples, load_to_explore, text_of};
use crate::failure::Failure;
use crate::output::Output;
use crate::words::lab::plan as said;

pub(super) async fn report(args: args::Report, output: &Output) -> Result<u8, Failure> {
    let values = args.from.zip(args.up_to).zip(args.step).zip(args.sweep);
    if values.is_some() && reads_standard_input(&args.data) {
        return Err(Failure::usage(said::READ_TWICE));
    }
    let days = args.train.zip(args.test);
    days.map_or(Ok(()), |days| check_days(days, &args.data))?;
    let targets = TargetRate::or_vendor(args.targets);
    let names: Vec<&str> = [Some(&*args.policy), args.candidate.as_deref()].into_iter().flatten().collect();
    let load = |file: &&str| load_to_explore(file, args.allow_failing_examples);
    let policies = names.iter().map(load).collect::<Result<Vec<Policy>, _>>()?;
    let failing = failing_examples(&names.iter().copied().zip(&policies).collect::<Vec<_>>(), output);
    let plan = match values {
        Some((((from, to), step), threshold)) => {
            let values = SweepPlan::values(from, to, step)?;
            Some(Arc::new(SweepPlan::new(&text_of(&args.policy)?, &threshold, values)?))
        }
        None => None,
    };
    let cost_file = args.cost.as_deref().map(|file| Named::new("the cost file", file));
    let mut data = Data::find_beside(args.data, &names, cost_file, named("--to", Some(&args.to)))?;
    let costs = costs(args.cost.as_deref(), args.prior)?;
    if costs.is_some() {
        data.check(Mapping::check_label)?;
    }
    if days.is_some() {
        check_mapping(&data)?;
    }
    let load = args
        .handling_time
        .zip(args.target_wait)
        .map(|(handling, wait)| (handling.as_secs_f64(), wait.as_secs_f64(), args.service_level));
    if let Some((handling, wait, level)) = load {
        if args.rows_per_hour.is_none() {
            data.check(Mapping::check_time).map_err(|_| Failure::usage(said::NO_HOURS))?;
        }
        let most = ReviewPlan::of(args.rows_per_hour.unwrap_or(1.0), handling, wait, level);
        most.ok_or_else(|| Failure::usage(said::NO_LOAD))?;
    }
    let crossed = match args.cross.len() {
        0 => None,
        2 => checked(&data, &args.cross)?,
        _ => return Err(Failure::usage(said::CROSSED_TWO)),
    };
    let policy = policies.first().cloned();
    let wanted = Wanted { crossed, people: true, segment_people: true, ..Wanted::default() };
    let first = data.run(policies, wanted, output).await?;
    if first.complete && costs.is_some() {
        Costs::check_labels(&first.tally)?;
    }
    let mut report = Report::of(&first.tally, &targets);
    if let Some(load) = load {
        let compare = report.compare.as_ref();
        report.reviewers = ReviewPlans::of(&report.replay, compare, args.rows_per_hour, load);
        if report.reviewers.is_none() && first.complete {
            return Err(Failure::usage(said::NO_HOURS));
        }
    }
    let mut last: Option<RunOutcome> = None;
    let is_complete = |last: &Option<RunOutcome>| last.as_ref().unwrap_or(&first).complete;
    // A result of a part of the rows has no place beside the counts of all.
    if let Some((days, policy)) = days.zip(policy).filter(|_| is_complete(&last)) {
        let (ran, found) = tested(&mut data, &policy, days, (&targets, 1), output).await?;
        report.holdout = found.filter(|_| ran.complete);
        last = Some(ran);
    }
    if let Some(plan) = plan.filter(|_| is_complete(&last)) {
        let wanted = Wanted { sweep: Some(Arc::clone(&plan)), people: true, ..Wanted::default() };
        let ran = data.run(Vec::new(), wanted, output).await?;
        if ran.complete {
            let sweep = Sweep::of(&ran.tally, &plan);
            report.sweep = Some(match costs {
                Some((costs, prior)) => sweep.with_costs(&ran.tally, costs, prior)?,
                None => sweep,
            });
        }
        last = Some(ran);
    }
    let last = last.as_ref().unwrap_or(&first);
    page((&report, &first.tally), data.told(last), failing, &args.to, output)?;
    Ok(run::exit_code(last, output))
}
