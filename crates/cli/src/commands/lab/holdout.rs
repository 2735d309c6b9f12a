//! `cloudauth lab calibrate --train --test`: thresholds chosen on some days and tested on others.

use std::sync::Arc;

use cloudauth::policy::Policy;
use cloudauth_lab::{Days, Holdout, HoldoutPart, HoldoutRate, Mapping, Proportion, RunOutcome, TargetRate};

use super::run::{self, Data, Wanted};
use super::show::print;
use super::table::{Table, rate, thousands};
use super::words::{basis, issues, share};
use crate::args::{self, Calibrate};
use crate::commands::policy::load;
use crate::failure::Failure;
use crate::output::Output;
use crate::words::lab::{self as said, plan as texts};
use crate::words::rows;

pub(super) async fn holdout(args: Calibrate, days: (Days, Days), output: &Output) -> Result<u8, Failure> {
    check_days(days, &args.data)?;
    let mut data = Data::find(args.data, &[&args.policy], None)?;
    check_mapping(&data)?;
    let policy = load(&args.policy)?;
    let targets = TargetRate::or_vendor(args.targets);
    let (ran, found) = tested(&mut data, &policy, days, (&targets, args.step), output).await?;
    if let Some(found) = found {
        print(output, &ran.tally, &shown(&found, &data, output), &found, data.told(&ran))?;
    }
    Ok(run::exit_code(&ran, output))
}

/// Refuses days that are in both parts, and data that cannot be read again.
pub(super) fn check_days((train, test): (Days, Days), data: &args::Data) -> Result<(), Failure> {
    if train.overlaps(test) {
        return Err(Failure::usage(texts::DAYS_OVERLAP));
    }
    if test.is_before(train) {
        return Err(Failure::usage(texts::DAYS_REVERSED));
    }
    if run::reads_standard_input(data) {
        return Err(Failure::usage(texts::READ_TWICE));
    }
    Ok(())
}

/// Checks that the mapping has what the two parts need.
pub(super) fn check_mapping(data: &Data) -> Result<(), Failure> {
    data.check(Mapping::check_label)?;
    data.check(Mapping::check_time)
}

/// Chooses thresholds on the first days and tests them on the others. Returns the last run, and no result if the first was stopped.
pub(super) async fn tested(
    data: &mut Data,
    policy: &Policy,
    (train, test): (Days, Days),
    (targets, step): (&[TargetRate], u32),
    output: &Output,
) -> Result<(RunOutcome, Option<Holdout>), Failure> {
    let wanted = |days| Wanted { people: true, days: Some(days), ..Wanted::default() };
    let first = data.run(vec![policy.clone()], wanted(train), output).await?;
    if !first.complete {
        return Ok((first, None));
    }
    let first = Arc::new(first.tally);
    let without = Wanted { without: Some(Arc::clone(&first)), ..wanted(test) };
    let second = data.run(vec![policy.clone()], without, output).await?;
    let found = Holdout::of(&first, &second.tally, targets, step)?;
    Ok((second, Some(found)))
}

fn shown(found: &Holdout, data: &Data, output: &Output) -> String {
    let part = |part: &HoldoutPart| {
        let day = |day: &Option<String>| day.clone().unwrap_or_default();
        (
            format!("{}..{}", day(&part.first), day(&part.last)),
            thousands(part.genuine),
            thousands(part.impostor),
        )
    };
    let mut text = output.pick(texts::holdout(&part(&found.train), &part(&found.test)));
    text += &match found.has_subjects {
        true => output.pick(texts::dropped(&thousands(found.dropped_rows))),
        false => output.say(texts::UNKNOWN_SUBJECTS).to_owned(),
    };
    let doubts = found
        .warnings
        .iter()
        .map(|doubt| output.pick(texts::holdout_warning(doubt.on, &rows::warning(&doubt.warning))));
    text.extend(doubts);
    text.push('\n');
    let headings = ["target FMR", "threshold", "", "on", "FMR (95 %)", "FNMR (95 %)"];
    let mut table = Table::new(headings, output.language);
    for target in &found.targets {
        let Some(((threshold, fmr), fnmr)) = target.threshold.zip(target.fmr).zip(target.fnmr) else {
            let none = String::new;
            table.row([target.target.clone(), "-".to_owned(), none(), none(), none(), none()]);
            continue;
        };
        let proved = output.say(if target.is_proved { texts::PROVED } else { texts::ONLY_SHOWN });
        let cells =
            |of: fn(&HoldoutRate) -> Proportion| [share(&of(&fmr), output), share(&of(&fnmr), output)];
        let [on_train, on_test] = [cells(|rate| rate.train), cells(|rate| rate.test)];
        let optimism = [optimism(&fmr, output), optimism(&fnmr, output)];
        let lines = [(texts::ON_TRAIN, on_train), (texts::ON_TEST, on_test), (texts::OPTIMISM, optimism)];
        for (number, (on, [fmr, fnmr])) in lines.into_iter().enumerate() {
            let first = |text: String| if number == 0 { text } else { String::new() };
            let (name, threshold) = (first(target.target.clone()), first(threshold.to_string()));
            table.row([name, threshold, first(proved.to_owned()), output.say(on).to_owned(), fmr, fnmr]);
        }
    }
    text += &table.to_string();
    text += &basis(said::Figures::Intervals, found.rests_on, found.people, output);
    if let Some(rests_on) =
        found.targets.iter().map(|target| target.rests_on).find(|of| *of != found.rests_on)
    {
        text += output.say(texts::chosen_over(rests_on));
    }
    text.extend(found.targets.iter().filter(|target| !target.is_proved).filter_map(|target| {
        let reason = target.reason.as_ref().map(rows::reason)?;
        Some(output.pick(texts::not_proved(&target.target, &reason)))
    }));
    text + &issues(&found.issues, data, output)
}

fn optimism(found: &HoldoutRate, output: &Output) -> String {
    match (found.optimism, found.interval) {
        (Some(optimism), Some((low, high))) => {
            output.pick(said::interval(&rate(optimism), &rate(low), &rate(high)))
        }
        _ => "-".to_owned(),
    }
}
