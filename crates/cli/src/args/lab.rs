//! `cloudauth lab`.

mod plan;

use std::path::PathBuf;

use clap::{Subcommand, ValueEnum};
use cloudauth::policy::Dialect;
use cloudauth_lab::{Days, Months, TargetRate};

use crate::words::usage::duration;

/// A command of `lab`.
#[derive(Subcommand)]
pub(crate) enum Lab {
    /// Apply a policy to recorded results; count the verdicts by rule, SubCode, segment and day.
    Replay {
        /// The policy: a path, or builtin:NAME.
        policy: String,
        #[command(flatten)]
        data: Data,
        /// Write every decision to this file, in the order of the data: CSV, or JSON Lines if the name ends in .jsonl.
        #[arg(long, value_name = "FILE")]
        decisions: Option<PathBuf>,
    },
    /// Compare a candidate with the current policy: changed verdicts, fraud approved, customers refused.
    Compare {
        /// The current policy: a path, or builtin:NAME.
        policy: String,
        /// The candidate policy: a path, or builtin:NAME.
        candidate: String,
        /// Run even if examples in a policy fail, to try another threshold. The output lists them.
        #[arg(long)]
        allow_failing_examples: bool,
        #[command(flatten)]
        data: Data,
        /// Write every row whose verdict changes to this file, with both rules: CSV, or JSON Lines if the name ends in .jsonl.
        #[arg(long, value_name = "FILE")]
        flips: Option<PathBuf>,
    },
    /// Compare the error rates, approvals and reviews of segments, such as channels or age groups.
    Segments {
        /// The policy: a path, or builtin:NAME.
        policy: String,
        #[command(flatten)]
        data: Data,
        /// Show only this segment of the mapping. Two of them, `--by channel,region`, are crossed: each pair of values is a group.
        #[arg(long, value_name = "NAME", value_delimiter = ',')]
        by: Vec<String>,
    },
    /// Count the decisions with each value of a threshold, in one pass over the data.
    Sweep(Sweep),
    /// Calculate how many labels, attempts or reviewers are needed, without data.
    Plan(Plan),
    /// Measure error rates at every threshold on labelled data, and recommend a threshold for a target.
    Calibrate(Calibrate),
    /// Check whether scores have drifted: compare some months with earlier ones.
    Drift {
        /// The policy whose thresholds divide the scores: a path, or builtin:NAME.
        policy: String,
        #[command(flatten)]
        data: Data,
        /// Reference months, such as 2026-01..2026-03. Default: all before the last.
        #[arg(long, value_name = "MONTHS")]
        reference: Option<Months>,
        /// Months to check. Default: the last.
        #[arg(long, value_name = "MONTHS")]
        current: Option<Months>,
    },
    /// Write all analyses to one HTML file, in the language of --lang.
    Report(Box<Report>),
    /// Print an SQL query that counts the rows in your warehouse, for `lab finish`.
    Sql(LabSql),
    /// Analyze the counts that the query of `lab sql` returns.
    Finish(Finish),
}

#[derive(clap::Args)]
pub(crate) struct Report {
    /// The policy: a path, or builtin:NAME.
    pub(crate) policy: String,
    #[command(flatten)]
    pub(crate) data: Data,
    /// Also compare with this candidate.
    #[arg(long, value_name = "POLICY")]
    pub(crate) candidate: Option<String>,
    /// Run even if examples in a policy fail, to try another threshold. The report lists them.
    #[arg(long)]
    pub(crate) allow_failing_examples: bool,
    /// Target false match rate, such as 1/10000, 0.0001 or 0.01%. Repeatable. Default: the vendor's five rates.
    #[arg(long = "target", value_name = "RATE")]
    pub(crate) targets: Vec<TargetRate>,
    /// Also choose thresholds on these days only, and test them on those of --test. The data is read two more times.
    #[arg(long, value_name = "DAYS", requires = "test", conflicts_with = "resume")]
    pub(crate) train: Option<Days>,
    /// Days to test the thresholds on, such as 2026-07-01... People of the --train days are left out.
    #[arg(long, value_name = "DAYS", requires = "train")]
    pub(crate) test: Option<Days>,
    /// Also cross two segments of the mapping, such as channel,region: each pair of values is a group.
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub(crate) cross: Vec<String>,
    /// Mean time of one review, such as 3m: how many reviewers do the decisions need?
    #[arg(long, value_name = "TIME", requires = "target_wait", value_parser = duration)]
    pub(crate) handling_time: Option<humantime::Duration>,
    /// Longest wait of most reviews, such as 10m.
    #[arg(long, value_name = "TIME", requires = "handling_time", value_parser = duration)]
    pub(crate) target_wait: Option<humantime::Duration>,
    /// Share of the reviews that must wait no longer.
    #[arg(long, value_name = "SHARE", default_value = "80%", requires = "handling_time", value_parser = plan::share)]
    pub(crate) service_level: f64,
    /// Verifications in a busy hour. Default: the mean of all hours of the days with rows.
    #[arg(long, value_name = "N", requires = "handling_time")]
    pub(crate) rows_per_hour: Option<f64>,
    /// Also sweep this threshold of the policy. The data is read once more.
    #[arg(long, value_name = "THRESHOLD", requires_all = ["from", "up_to", "distance"], conflicts_with = "resume")]
    pub(crate) sweep: Option<String>,
    /// Lowest value of the sweep.
    #[arg(long, value_name = "VALUE", requires = "sweep", allow_negative_numbers = true)]
    pub(crate) from: Option<f64>,
    /// Highest value of the sweep.
    #[arg(long, value_name = "VALUE", requires = "sweep", allow_negative_numbers = true)]
    pub(crate) up_to: Option<f64>,
    /// Distance between the values of the sweep.
    #[arg(long = "step", id = "distance", value_name = "VALUE", requires = "sweep")]
    pub(crate) step: Option<f64>,
    /// Cost file, a table [cost]: adds the expected cost of 1,000 attempts and finds the cheapest value. Needs --prior.
    #[arg(long, value_name = "FILE", requires = "sweep")]
    pub(crate) cost: Option<PathBuf>,
    /// Share of impostors among all attempts, such as 0.1%. Labels do not show it: rejected people rarely get one.
    #[arg(long, value_name = "SHARE", requires = "sweep", value_parser = plan::share)]
    pub(crate) prior: Option<f64>,
    /// Output file.
    #[arg(long, value_name = "FILE", default_value = "report.html")]
    pub(crate) to: PathBuf,
}

#[derive(clap::Args)]
pub(crate) struct LabSql {
    /// The policy: a path, or builtin:NAME.
    pub(crate) policy: String,
    /// The SQL dialect. No test has run maxcompute.
    #[arg(long, value_parser = super::dialect())]
    pub(crate) dialect: Dialect,
    /// Also count the decisions of this candidate.
    #[arg(long, value_name = "POLICY")]
    pub(crate) candidate: Option<String>,
    /// The table, with its schema if there is one: schema.table.
    #[arg(long, value_name = "NAME", default_value = "verifications")]
    pub(crate) table: String,
    /// Mapping file: the columns of the inputs, label, time and segments. Other columns are not counted.
    #[arg(long, value_name = "FILE")]
    pub(crate) mapping: PathBuf,
    /// Run even if examples in a policy fail, to try another threshold. Standard error lists them.
    #[arg(long)]
    pub(crate) allow_failing_examples: bool,
}

#[derive(clap::Args)]
pub(crate) struct Finish {
    /// Result of the query: .csv, .tsv or .jsonl (plain, .gz or .zst). Several are added up; their tables must not share rows.
    #[arg(required = true, value_name = "COUNTS")]
    pub(crate) counts: Vec<PathBuf>,
    /// The policy given to `lab sql`: a path, or builtin:NAME.
    #[arg(long, value_name = "POLICY")]
    pub(crate) policy: String,
    /// The candidate given to `lab sql`, if any.
    #[arg(long, value_name = "POLICY")]
    pub(crate) candidate: Option<String>,
    /// Run even if examples in a policy fail, to try another threshold. The output lists them.
    #[arg(long)]
    pub(crate) allow_failing_examples: bool,
    /// Analysis to print.
    #[arg(long, value_enum)]
    pub(crate) view: View,
    /// For calibrate and report: target false match rate, such as 1/10000 or 0.01%. Repeatable. Default: the vendor's five rates.
    #[arg(long = "target", value_name = "RATE")]
    pub(crate) targets: Vec<TargetRate>,
    /// For calibrate: step between thresholds, in hundredths of a point. Default: 1.
    #[arg(long, value_name = "HUNDREDTHS", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) step: Option<u32>,
    /// For drift: reference months, such as 2026-01..2026-03. Default: all before the last.
    #[arg(long, value_name = "MONTHS")]
    pub(crate) reference: Option<Months>,
    /// For drift: months to check. Default: the last.
    #[arg(long, value_name = "MONTHS")]
    pub(crate) current: Option<Months>,
    /// For report: output file. Default: report.html.
    #[arg(long, value_name = "FILE")]
    pub(crate) to: Option<PathBuf>,
}

impl Finish {
    /// Returns an option that was given and has no effect on the analysis.
    pub(crate) fn unused_option(&self) -> Option<&'static str> {
        let of = |views: &[View]| views.contains(&self.view);
        [
            ("--target", !self.targets.is_empty(), of(&[View::Calibrate, View::Report])),
            ("--step", self.step.is_some(), of(&[View::Calibrate])),
            ("--reference", self.reference.is_some(), of(&[View::Drift])),
            ("--current", self.current.is_some(), of(&[View::Drift])),
            ("--to", self.to.is_some(), of(&[View::Report])),
        ]
        .into_iter()
        .find_map(|(option, is_given, has_effect)| (is_given && !has_effect).then_some(option))
    }
}

/// An analysis of counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum View {
    /// The output of `lab replay`.
    Replay,
    /// The output of `lab compare`.
    Compare,
    /// The output of `lab calibrate`.
    Calibrate,
    /// The output of `lab drift`.
    Drift,
    /// The output of `lab segments`.
    Segments,
    /// The output of `lab report`.
    Report,
}

#[derive(clap::Args)]
pub(crate) struct Calibrate {
    /// The policy whose thresholds are measured: a path, or builtin:NAME.
    pub(crate) policy: String,
    #[command(flatten)]
    pub(crate) data: Data,
    /// Target false match rate, such as 1/10000, 0.0001 or 0.01%. Repeatable. Default: the vendor's five rates.
    #[arg(long = "target", value_name = "RATE")]
    pub(crate) targets: Vec<TargetRate>,
    /// Step between thresholds, in hundredths of a point; 50 gives half points.
    #[arg(long, value_name = "HUNDREDTHS", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) step: u32,
    /// Write FMR and FNMR at every hundredth of a point, with confidence intervals, to this CSV file. Rates are from 0 to 1.
    #[arg(long, value_name = "FILE")]
    pub(crate) curve: Option<PathBuf>,
    /// Write the recommended threshold under this name to the policy file, if the policy check still passes. Needs one --target.
    #[arg(long, value_name = "THRESHOLD")]
    pub(crate) write: Option<String>,
    /// Choose thresholds on these days only, and test them on those of --test: 2026-01-01..2026-06-30 or ..2026-06-30.
    #[arg(long, value_name = "DAYS", requires = "test", conflicts_with_all = ["curve", "write", "resume"])]
    pub(crate) train: Option<Days>,
    /// Days to test the thresholds on, such as 2026-07-01... People of the --train days are left out.
    #[arg(long, value_name = "DAYS", requires = "train")]
    pub(crate) test: Option<Days>,
    /// Write the threshold despite warnings about the labels or the range of the scores.
    #[arg(long, requires = "write")]
    pub(crate) force: bool,
}

#[derive(clap::Args)]
pub(crate) struct Sweep {
    /// The policy: a path, or builtin:NAME. Its examples may fail.
    pub(crate) policy: String,
    #[command(flatten)]
    pub(crate) data: Data,
    /// Name of the threshold in the policy.
    #[arg(long, value_name = "NAME")]
    pub(crate) threshold: String,
    /// Lowest value.
    #[arg(long, value_name = "VALUE", allow_negative_numbers = true)]
    pub(crate) from: f64,
    /// Highest value.
    #[arg(long = "to", id = "highest", value_name = "VALUE", allow_negative_numbers = true)]
    pub(crate) to: f64,
    /// Distance between values. There are at most 1,000 of them.
    #[arg(long = "step", id = "distance", value_name = "VALUE")]
    pub(crate) step: f64,
    /// Also write the table to this CSV file. Rates are from 0 to 1.
    #[arg(long, value_name = "FILE")]
    pub(crate) csv: Option<PathBuf>,
    /// Cost file, a table [cost]: adds the expected cost of 1,000 attempts and finds the cheapest value. Needs --prior.
    #[arg(long, value_name = "FILE")]
    pub(crate) cost: Option<PathBuf>,
    /// Share of impostors among all attempts, such as 0.1%. Labels do not show it: rejected people rarely get one.
    #[arg(long, value_name = "SHARE", value_parser = plan::share)]
    pub(crate) prior: Option<f64>,
}

#[derive(clap::Args)]
#[command(group = clap::ArgGroup::new("plan").required(true).multiple(true).args(["rates", "only_policy", "reviews_per_hour"]))]
#[command(group = clap::ArgGroup::new("proof").multiple(true).args(["rates", "only_policy"]))]
pub(crate) struct Plan {
    /// False match rate to prove, such as 1/10000: how many labelled impostors are needed? Repeatable.
    #[arg(long = "target", id = "rates", value_name = "RATE")]
    pub(crate) targets: Vec<TargetRate>,
    /// Impostors that may be approved among them.
    #[arg(long, value_name = "N", default_value_t = 0, requires = "rates")]
    pub(crate) observed_errors: u64,
    /// Confidence of the proof or of the comparison.
    #[arg(long, value_name = "SHARE", default_value = "95%", requires = "proof", value_parser = plan::share)]
    pub(crate) confidence: f64,
    /// Expected share of the attempts that only the current policy decides right: how many are needed to show it?
    #[arg(long, value_name = "SHARE", requires = "only_candidate", value_parser = plan::share_or_zero)]
    pub(crate) only_policy: Option<f64>,
    /// Expected share of the attempts that only the candidate decides right.
    #[arg(long, value_name = "SHARE", requires = "only_policy", value_parser = plan::share_or_zero)]
    pub(crate) only_candidate: Option<f64>,
    /// Probability that the comparison shows the difference.
    #[arg(long, value_name = "SHARE", default_value = "80%", requires = "only_policy", value_parser = plan::share)]
    pub(crate) power: f64,
    /// Reviews that arrive in a busy hour: how many reviewers are needed?
    #[arg(long, value_name = "N", requires_all = ["handling_time", "target_wait"])]
    pub(crate) reviews_per_hour: Option<f64>,
    /// Mean time of one review, such as 3m.
    #[arg(long, value_name = "TIME", requires = "reviews_per_hour", value_parser = duration)]
    pub(crate) handling_time: Option<humantime::Duration>,
    /// Longest wait of most reviews, such as 10m.
    #[arg(long, value_name = "TIME", requires = "reviews_per_hour", value_parser = duration)]
    pub(crate) target_wait: Option<humantime::Duration>,
    /// Share of the reviews that must wait no longer.
    #[arg(long, value_name = "SHARE", default_value = "80%", requires = "reviews_per_hour", value_parser = plan::share)]
    pub(crate) service_level: f64,
}

#[derive(clap::Args)]
pub(crate) struct Data {
    /// Files or folders with recorded results; `-` reads JSON Lines or CSV from standard input.
    #[arg(required = true, value_name = "DATA")]
    pub(crate) paths: Vec<PathBuf>,
    /// Mapping file: the columns of the inputs, label, time, subject and segments. Default: columns named after the inputs, or
    /// replies of DescribeFaceVerify.
    #[arg(long, value_name = "FILE")]
    pub(crate) mapping: Option<PathBuf>,
    /// Accept files without any of the policy's inputs. By default they are refused.
    #[arg(long)]
    pub(crate) allow_missing_inputs: bool,
    /// Save progress to this file, and continue from it if it exists.
    #[arg(long, value_name = "FILE")]
    pub(crate) resume: Option<PathBuf>,
    /// How often to save progress, such as 1m.
    #[arg(long, value_name = "TIME", default_value = "10s", requires = "resume", value_parser = duration)]
    pub(crate) checkpoint_every: humantime::Duration,
    /// Number of threads. The results do not depend on it.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) threads: Option<u16>,
}
