//! `cloudauth lab report`: all analyses on one page.

use std::sync::Arc;

use cloudauth::policy::Policy;
use cloudauth_files::Named;
use cloudauth_lab::{Mapping, Sweep, SweepPlan};

use super::run::{self, Data, Wanted, reads_standard_input};
use super::show::{named, page};
use super::sweep::costs;
use crate::args::Report;
use crate::commands::policy::{failing_examples, load_to_explore, text_of};
use crate::failure::Failure;
use crate::output::Output;
use crate::words::lab::plan as said;

pub(super) async fn report(args: Report, output: &Output) -> Result<u8, Failure> {
    let values = args.from.zip(args.up_to).zip(args.step).zip(args.sweep);
    if values.is_some() && reads_standard_input(&args.data) {
        return Err(Failure::usage(said::READ_TWICE));
    }
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
    let wanted = Wanted { people: true, segment_people: true, ..Wanted::default() };
    let first = data.run(policies, wanted, output).await?;
    let second = match &plan {
        Some(plan) if first.complete => {
            let sweep = Some(Arc::clone(plan));
            let wanted = Wanted { sweep, people: true, ..Wanted::default() };
            Some(data.run(Vec::new(), wanted, output).await?)
        }
        _ => None,
    };
    // A sweep of a part of the rows has no place beside the counts of all.
    let swept = match second.as_ref().filter(|ran| ran.complete).zip(plan.as_deref()) {
        Some((ran, plan)) => {
            let sweep = Sweep::of(&ran.tally, plan);
            Some(match costs {
                Some((costs, prior)) => sweep.with_costs(&ran.tally, costs, prior)?,
                None => sweep,
            })
        }
        None => None,
    };
    let last = second.as_ref().unwrap_or(&first);
    page((&first.tally, swept.as_ref()), last.complete, &data, failing, &args.to, output)?;
    Ok(run::exit_code(last, output))
}
