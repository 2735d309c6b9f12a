//! `cloudauth lab sql` and `cloudauth lab finish`: rows stay in the warehouse, and their counts come back.

use std::path::Path;

use clap::ValueEnum;
use clap::builder::PossibleValue;
use cloudauth::policy::Policy;
use cloudauth_files::{Named, check_outputs};
use cloudauth_lab::{Calibration, Compare, Drift, Found, Lab, Replay, Report, SegmentRates, TargetRate};
use serde_json::{Value, json};

use super::document::of_skipped;
use super::run::{Data, check_apart, read_files, read_mapping, refuse_among_data, search};
use super::show::{page, print};
use super::{segments, words};
use crate::args::{Finish, LabSql, View};
use crate::commands::policy::{failing_examples, load_to_explore};
use crate::failure::Failure;
use crate::output::Output;
use crate::words::Said;
use crate::words::lab::{self as said, plan as texts};

pub(super) fn sql(args: &LabSql, output: &Output) -> Result<u8, Failure> {
    let policies = Policies::load(&args.policy, args.candidate.as_deref(), args.allow_failing_examples)?;
    let (failing, failing_json) = policies.failing_examples(output);
    let mapping = read_mapping(&args.mapping)?;
    let timezone = mapping.timezone();
    let sql = policies.lab().mapping(mapping).sql(args.dialect, &args.table).map_err(Failure::usage)?;
    let document = json!({
        "dialect": args.dialect.as_str(),
        "timezone": timezone.name(),
        "sql": sql,
        "policy": policies.policy.1.reference().content_hash,
        "candidate": policies.candidate.as_ref().map(|(_, candidate)| &candidate.reference().content_hash),
        "failing_examples": failing_json,
    });
    output.print_file(&sql, &document);
    if !output.is_for_programs() {
        failing.lines().for_each(|line| output.note(Said::same(line)));
    }
    Ok(0)
}

pub(super) fn finish(args: &Finish, output: &Output) -> Result<u8, Failure> {
    if let Some(option) = args.unused_option() {
        let view = args.view.to_possible_value();
        return Err(Failure::usage(said::no_effect(
            option,
            view.as_ref().map_or("", PossibleValue::get_name),
        )));
    }
    let to = args.to.as_deref().unwrap_or(Path::new("report.html"));
    let policies = Policies::load(&args.policy, args.candidate.as_deref(), args.allow_failing_examples)?;
    if args.view == View::Compare && policies.candidate.is_none() {
        return Err(Failure::usage(said::NO_CANDIDATE));
    }
    if args.view == View::Drift {
        check_apart(args.reference.as_ref(), args.current.as_ref())?;
    }
    let (failing, failing_json) = policies.failing_examples(output);
    let found = search(&args.counts)?;
    let names: Vec<&str> = [Some(&*args.policy), args.candidate.as_deref()].into_iter().flatten().collect();
    let report = (args.view == View::Report).then(|| Named::new("--to", to));
    refuse_among_data(&found, report.as_slice())?;
    let Found { sources, skipped, .. } = found;
    check_outputs(report.as_slice(), read_files(&names, &sources)).map_err(Failure::usage)?;
    let tally = policies.lab().skipped(skipped.clone()).finish(&sources)?;
    if tally.has_no_rows() {
        let first = sources.first().map(|source| source.path().display().to_string());
        return Err(Failure::other(said::no_rows(&first.unwrap_or_default(), sources.len())));
    }
    let no_rows = Data::without_rows(skipped);
    let beside = || {
        // Without the option the document is that of the same command over rows.
        let is_said = args.allow_failing_examples || args.view == View::Compare;
        let failing = is_said.then(|| ("failing_examples", failing_json.clone()));
        [of_skipped(no_rows.skipped())].into_iter().chain(failing)
    };
    match args.view {
        View::Replay => {
            let replay = Replay::of(&tally);
            print(output, &tally, &(failing + &words::replay(&replay, &no_rows, output)), &replay, beside())?;
        }
        View::Compare => {
            let Some(compare) = Compare::of(&tally) else {
                return Err(Failure::usage(said::NO_CANDIDATE));
            };
            print(
                output,
                &tally,
                &(failing + &words::compare(&compare, &no_rows, output)),
                &compare,
                beside(),
            )?;
        }
        View::Calibrate => {
            let targets = TargetRate::or_vendor(args.targets.clone());
            let calibration = Calibration::of(&tally, &targets, args.step.unwrap_or(1));
            let words = failing + &words::calibration(&calibration, &no_rows, output);
            print(output, &tally, &words, &calibration, beside())?;
        }
        View::Drift => {
            let drift = Drift::of(&tally, args.reference.as_ref(), args.current.as_ref());
            let drift = drift.map_err(Failure::usage)?;
            print(output, &tally, &(failing + &words::drift(&drift, &no_rows, output)), &drift, beside())?;
        }
        View::Segments => {
            let rates = SegmentRates::of(&tally);
            if rates.segments.is_empty() {
                return Err(Failure::usage(texts::NO_SEGMENTS));
            }
            let text =
                failing + &segments::shown(&rates, &no_rows, output) + output.say(texts::NO_RATES_OF_SCORES);
            print(output, &tally, &text, &rates, beside())?;
        }
        View::Report => {
            let report = Report::of(&tally, &TargetRate::or_vendor(args.targets.clone()));
            let beside = [of_skipped(no_rows.skipped()), ("complete", true.into())];
            page((&report, &tally), beside, (failing, failing_json), to, output)?;
        }
    }
    if !output.is_for_programs() && args.view != View::Drift {
        output.note(said::OF_COUNTS);
    }
    Ok(0)
}

/// The policies, each with the name that the command was given.
struct Policies<'a> {
    policy: (&'a str, Policy),
    candidate: Option<(&'a str, Policy)>,
}

impl<'a> Policies<'a> {
    fn load(
        policy: &'a str,
        candidate: Option<&'a str>,
        allow_failing_examples: bool,
    ) -> Result<Self, Failure> {
        let load = |file| load_to_explore(file, allow_failing_examples).map(|policy| (file, policy));
        Ok(Self { policy: load(policy)?, candidate: candidate.map(load).transpose()? })
    }

    fn failing_examples(&self, output: &Output) -> (String, Value) {
        let policies = std::iter::once(&self.policy).chain(&self.candidate);
        failing_examples(&policies.map(|(name, policy)| (*name, policy)).collect::<Vec<_>>(), output)
    }

    fn lab(&self) -> Lab<'_> {
        let lab = Lab::new(&self.policy.1);
        match &self.candidate {
            Some((_, candidate)) => lab.against(candidate),
            None => lab,
        }
    }
}
