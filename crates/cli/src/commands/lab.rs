//! `cloudauth lab`: replays, compares and calibrates policies over recorded results.

mod document;
mod holdout;
mod matchers;
mod plan;
mod report;
mod run;
mod segments;
mod show;
mod sweep;
mod table;
mod warehouse;
mod words;

use std::path::Path;

use cloudauth::policy::Policy;
use cloudauth_lab::{
    Calibration, Compare, Drift, Mapping, Replay, RestsOn, RunOutcome, Source, TargetRate, ThresholdErrors,
    check_threshold, curve, set_threshold,
};
use serde::Serialize;
use serde_json::Value;

use crate::args::{Calibrate, Lab as Command};
use crate::commands::policy::{failing_examples, load, load_to_explore};
use crate::failure::Failure;
use crate::output::Output;
use crate::text;
use crate::words::{Said, lab as said, rows};
use run::{Data, Wanted, check_apart};
pub(crate) use run::{read_costs, read_mapping, search};
use show::{csv_columns, named, of_failure, print, refuse_other_format, refuse_other_row_format};

pub(crate) async fn run(command: Command, output: &Output) -> Result<u8, Failure> {
    match command {
        Command::Replay { policy, data, decisions } => {
            let mut data = Data::find(data, &[&policy], named("--decisions", decisions.as_deref()))?;
            refuse_other_row_format("--decisions", decisions.as_deref())?;
            let policies = vec![load(&policy)?];
            let ran = data.run(policies, Wanted { decisions, ..Wanted::default() }, output).await?;
            let replay = Replay::of(&ran.tally);
            print(output, &ran.tally, &words::replay(&replay, &data, output), &replay, data.told(&ran))?;
            Ok(run::exit_code(&ran, output))
        }
        Command::Compare { policy, candidate, allow_failing_examples, data, flips } => {
            let load = |file: &str| load_to_explore(file, allow_failing_examples);
            let policies = vec![load(&policy)?, load(&candidate)?];
            let names: Vec<(&str, &Policy)> =
                [policy.as_str(), candidate.as_str()].into_iter().zip(&policies).collect();
            let (failing, failing_json) = failing_examples(&names, output);
            let mut data = Data::find(data, &[&policy, &candidate], named("--flips", flips.as_deref()))?;
            refuse_other_row_format("--flips", flips.as_deref())?;
            let wanted = Wanted { flips, people: true, ..Wanted::default() };
            let ran = data.run(policies, wanted, output).await?;
            if let Some(compare) = Compare::of(&ran.tally) {
                let beside = data.told(&ran).into_iter().chain([("failing_examples", failing_json)]);
                print(
                    output,
                    &ran.tally,
                    &(failing + &words::compare(&compare, &data, output)),
                    &compare,
                    beside,
                )?;
            }
            Ok(run::exit_code(&ran, output))
        }
        Command::Segments { policy, data, by } => segments::segments(&policy, data, &by, output).await,
        Command::Sweep(args) => sweep::sweep(args, output).await,
        Command::Plan(args) => plan::plan(&args, output),
        Command::Calibrate(args) => match (args.train, args.test) {
            (Some(train), Some(test)) => holdout::holdout(args, (train, test), output).await,
            _ => calibrate(args, output).await,
        },
        Command::Drift { policy, data, reference, current } => {
            let (mut data, policies) = (Data::find(data, &[&policy], None)?, vec![load(&policy)?]);
            data.check(Mapping::check_time)?;
            check_apart(reference.as_ref(), current.as_ref())?;
            let ran = data.run(policies, Wanted::default(), output).await?;
            let drift =
                Drift::of(&ran.tally, reference.as_ref(), current.as_ref()).map_err(Failure::usage)?;
            print(output, &ran.tally, &words::drift(&drift, &data, output), &drift, data.told(&ran))?;
            Ok(run::exit_code(&ran, output))
        }
        Command::Report(args) => report::report(*args, output).await,
        Command::Sql(args) => warehouse::sql(&args, output),
        Command::Finish(args) => warehouse::finish(&args, output),
    }
}

/// Returns the document of an analysis of a run.
pub(crate) fn document(
    analysis: &impl Serialize,
    ran: &RunOutcome,
    sources: &[Source],
) -> serde_json::Result<Value> {
    document::of_analysis(analysis, &ran.tally, document::of_run(ran, sources))
}

async fn calibrate(args: Calibrate, output: &Output) -> Result<u8, Failure> {
    if args.write.is_some() && args.targets.len() != 1 {
        return Err(Failure::usage(said::ONE_TARGET));
    }
    let mut data = Data::find(args.data, &[&args.policy], named("--curve", args.curve.as_deref()))?;
    refuse_other_format("--curve", args.curve.as_deref())?;
    let policy = load(&args.policy)?;
    if let Some(name) = &args.write {
        if args.policy.starts_with("builtin:") || args.policy == "-" {
            return Err(Failure::usage(said::POLICY_FILE));
        }
        check_threshold(&policy, name).map_err(Failure::usage)?;
        data.check(Mapping::check_label)?;
    }
    let policies = vec![policy];
    let ran = data.run(policies, Wanted { people: true, ..Wanted::default() }, output).await?;
    let targets = TargetRate::or_vendor(args.targets);
    let calibration = Calibration::of(&ran.tally, &targets, args.step);
    let curve_written = args.curve.as_deref().map_or(Ok(()), |file| write_curve(file, &curve(&ran.tally)));
    let written = curve_written.and_then(|()| match &args.write {
        None => Ok(None),
        Some(_) if !ran.complete => Err(Failure::other(said::INCOMPLETE)),
        Some(name) => write_threshold(&args.policy, name, &calibration, args.force, output),
    });
    let beside = data.told(&ran).into_iter().chain(of_failure(&written));
    let human = words::calibration(&calibration, &data, output);
    print(output, &ran.tally, &human, &calibration, beside)?;
    if let Some(change) = written? {
        output.note(change);
    }
    Ok(run::exit_code(&ran, output))
}

fn write_curve(file: &Path, curve: &[ThresholdErrors]) -> Result<(), Failure> {
    let mut text = "threshold,false_matches,impostors,fmr,fmr_low,fmr_high,false_non_matches,genuine,fnmr,fnmr_low,fnmr_high\n".to_owned();
    for ThresholdErrors { threshold, fmr, fnmr, .. } in curve {
        text += &format!("{threshold},{},{}\n", csv_columns(fmr), csv_columns(fnmr));
    }
    text::write(file, &text)
}

/// Whether the text of a policy has the content that a run decided by, and its threshold `name` the value that it had then.
/// The content hash leaves names out.
fn is_of_run(policy: &str, name: &str, calibration: &Calibration) -> bool {
    let Ok(policy) = Policy::parse(policy) else { return false };
    let value = policy.report().thresholds.iter().find(|found| found.name == name).map(|found| found.value);
    let mut of_run = calibration.thresholds.iter().filter(|at| at.name.as_deref() == Some(name));
    policy.reference().content_hash == calibration.policy.content_hash
        && of_run.all(|at| value == Some(at.threshold))
}

/// Writes the recommended threshold into the policy file, and returns what to tell the user. `force` overrides the warnings on labels
/// and scale, and nothing else.
fn write_threshold(
    file: &str,
    name: &str,
    calibration: &Calibration,
    force: bool,
    output: &Output,
) -> Result<Option<Said>, Failure> {
    let Some(target) = calibration.targets.first() else { return Ok(None) };
    let Some(threshold) = target.recommended.or(target.withheld.filter(|_| force)) else {
        let why = target.reason.as_ref().map_or_else(|| Said::same(""), rows::reason);
        return Err(Failure::other(said::nothing_written(&why, target.withheld.is_some())));
    };
    let old = text::read(Path::new(file))?;
    if !is_of_run(&old, name, calibration) {
        return Err(Failure::other(said::policy_changed(file)));
    }
    let by = match target.people.filter(|_| target.rests_on == RestsOn::People) {
        Some(people) => format!(" by {} people", people.impostors),
        None => ", if attempts are independent".to_owned(),
    };
    let (rate, of) = (&target.target, calibration.impostor.count);
    let comment = format!("FMR at most {rate} with 95 % confidence, on {of} labelled impostors{by}");
    let new = set_threshold(&old, name, threshold, &comment).map_err(Failure::other)?;
    text::write(Path::new(file), &new)?;
    let (old, others): (Vec<&ThresholdErrors>, Vec<&ThresholdErrors>) =
        calibration.thresholds.iter().partition(|at| at.name.as_deref() == Some(name));
    let old = old.first().map(|at| at.threshold);
    let shown = |at: &ThresholdErrors| {
        let name = at.name.as_deref().unwrap_or(output.say(said::UNNAMED));
        (name.to_owned(), words::cut(at.threshold, at.exclusive))
    };
    let others: Vec<(String, String)> = others.into_iter().map(shown).collect();
    Ok(Some(said::wrote(name, threshold, file, old, &others)))
}
