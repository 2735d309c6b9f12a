//! `cloudauth lab sql` and `cloudauth lab finish`: rows stay in the warehouse, and their counts come back.

use cloudauth::policy::Policy;
use cloudauth_files::{Named, check_outputs};
use cloudauth_lab::{Calibration, Compare, Drift, Found, Lab, Replay, Source};
use serde_json::json;

use super::run::{Data, read_files, read_mapping};
use super::{page, tell, vendor_targets, words};
use crate::args::{Finish, LabSql, View};
use crate::commands::policy::{failing_examples, load};
use crate::failure::Failure;
use crate::output::{Output, note};

pub(super) fn sql(args: &LabSql, output: &Output) -> Result<u8, Failure> {
    let policies = Policies::load(&args.policy, args.candidate.as_deref())?;
    let mapping = read_mapping(&args.mapping)?;
    let timezone = mapping.timezone();
    let sql = policies.lab().mapping(mapping).sql(args.dialect, &args.table).map_err(Failure::usage)?;
    let document = json!({
        "dialect": args.dialect.as_str(),
        "timezone": timezone.name(),
        "sql": sql,
        "policy": policies.policy.reference().content_hash,
        "candidate": policies.candidate.as_ref().map(|candidate| &candidate.reference().content_hash),
    });
    output.print(&sql, &document);
    Ok(0)
}

pub(super) fn finish(args: &Finish, output: &Output) -> Result<u8, Failure> {
    let policies = Policies::load(&args.policy, args.candidate.as_deref())?;
    let Found { sources, skipped, .. } = Source::search(&args.counts).map_err(Failure::usage)?;
    if args.view == View::Report {
        let policies: Vec<&str> =
            [Some(&*args.policy), args.candidate.as_deref()].into_iter().flatten().collect();
        check_outputs(&[Named::new("--to", &args.to)], read_files(&policies, &sources))
            .map_err(Failure::usage)?;
    }
    let tally =
        policies.lab().skipped(skipped.clone()).finish(&sources).map_err(|error| Failure::chained(&error))?;
    let no_rows = Data::without_rows(skipped);
    match args.view {
        View::Replay => {
            let replay = Replay::of(&tally);
            tell(output, &tally, &words::replay(&replay, &no_rows), &replay, [no_rows.told_skipped()])?;
        }
        View::Compare => {
            let Some(compare) = Compare::of(&tally) else {
                return Err(Failure::usage(
                    "a comparison takes two policies: give --candidate, here and to `lab sql`",
                ));
            };
            let (failing, failing_json) = failing_examples(&policies.named(args));
            let beside = [no_rows.told_skipped(), ("failing_examples", failing_json)];
            tell(output, &tally, &(failing + &words::compare(&compare, &no_rows)), &compare, beside)?;
        }
        View::Calibrate => {
            let targets = if args.targets.is_empty() { vendor_targets() } else { args.targets.clone() };
            let calibration = Calibration::of(&tally, &targets, args.step);
            tell(
                output,
                &tally,
                &words::calibration(&calibration, &no_rows),
                &calibration,
                [no_rows.told_skipped()],
            )?;
        }
        View::Drift => {
            let drift = Drift::of(&tally, args.reference.as_ref(), args.current.as_ref());
            let drift = drift.map_err(Failure::usage)?;
            tell(output, &tally, &words::drift(&drift, &no_rows), &drift, [no_rows.told_skipped()])?;
        }
        View::Report => page(&tally, true, &no_rows, &args.to, output)?,
    }
    if !output.is_for_programs() && args.view != View::Drift {
        note("of counts: without examples, places and intervals over people, which take the rows themselves");
    }
    Ok(0)
}

struct Policies {
    policy: Policy,
    candidate: Option<Policy>,
}

impl Policies {
    fn load(policy: &str, candidate: Option<&str>) -> Result<Self, Failure> {
        Ok(Self { policy: load(policy)?, candidate: candidate.map(load).transpose()? })
    }

    /// Both policies with the names that the command was given.
    fn named<'a>(&'a self, args: &'a Finish) -> Vec<(&'a str, &'a Policy)> {
        let candidate = args.candidate.as_deref().zip(self.candidate.as_ref());
        std::iter::once((&*args.policy, &self.policy)).chain(candidate).collect()
    }

    fn lab(&self) -> Lab<'_> {
        let lab = Lab::new(&self.policy);
        match &self.candidate {
            Some(candidate) => lab.against(candidate),
            None => lab,
        }
    }
}
