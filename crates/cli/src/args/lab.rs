//! `cloudauth lab`.

use std::path::PathBuf;

use clap::{Subcommand, ValueEnum};
use cloudauth::policy::Dialect;
use cloudauth_lab::{Months, TargetRate};

/// Replay, compare and calibrate policies over recorded results. Data are files or folders: .jsonl, .ndjson, .csv, .tsv, also with .gz or .zst behind it,
/// or .parquet.
#[derive(Debug, Subcommand)]
pub(crate) enum Lab {
    /// Decide over history: counts by verdict, rule, SubCode, segment and day.
    Replay {
        /// The policy: a path, or builtin:NAME.
        policy: String,
        #[command(flatten)]
        data: Data,
        /// Write each decision to this CSV file, in the order of the data.
        #[arg(long, value_name = "FILE")]
        decisions: Option<PathBuf>,
    },
    /// Compare a candidate with the policy in force: changed decisions, approved fraud, refused customers.
    Compare {
        /// The policy in force.
        policy: String,
        /// The candidate.
        candidate: String,
        /// Compare although examples of a policy fail, to explore another threshold. The output lists them.
        #[arg(long)]
        allow_failing_examples: bool,
        #[command(flatten)]
        data: Data,
    },
    /// Measure error rates at every threshold on labelled history, and recommend a threshold for a target.
    Calibrate(Calibrate),
    /// Measure drift of the scores: some months against others.
    Drift {
        /// The policy whose thresholds matter.
        policy: String,
        #[command(flatten)]
        data: Data,
        /// The reference months, such as 2026-01..2026-03. Default: all before the last.
        #[arg(long, value_name = "MONTHS")]
        reference: Option<Months>,
        /// The current months. Default: the last.
        #[arg(long, value_name = "MONTHS")]
        current: Option<Months>,
    },
    /// Write everything to one HTML file, in the language of --lang.
    Report {
        /// The policy.
        policy: String,
        #[command(flatten)]
        data: Data,
        /// Compare it with this candidate.
        #[arg(long, value_name = "POLICY")]
        candidate: Option<String>,
        /// Report although examples of a policy fail, to explore another threshold. The page lists them.
        #[arg(long)]
        allow_failing_examples: bool,
        /// The file to write.
        #[arg(long, value_name = "FILE", default_value = "report.html")]
        to: PathBuf,
    },
    /// Print one query that counts the rows of a table in the warehouse, for `lab finish`.
    Sql(LabSql),
    /// Analyze the counts of the query that `lab sql` prints, as the other commands analyze rows.
    Finish(Finish),
}

#[derive(Debug, clap::Args)]
pub(crate) struct LabSql {
    /// The policy: a path, or builtin:NAME.
    pub(crate) policy: String,
    /// The SQL dialect. No test has run maxcompute.
    #[arg(long, value_parser = super::dialect())]
    pub(crate) dialect: Dialect,
    /// Count the decisions of this candidate as well.
    #[arg(long, value_name = "POLICY")]
    pub(crate) candidate: Option<String>,
    /// The table, with its schema if there is one: schema.table.
    #[arg(long, value_name = "NAME", default_value = "verifications")]
    pub(crate) table: String,
    /// The mapping of columns to inputs, label, time and segments. Other columns are not counted.
    #[arg(long, value_name = "FILE")]
    pub(crate) mapping: PathBuf,
    /// Write the query although examples of a policy fail, to explore another threshold. Standard error lists them.
    #[arg(long)]
    pub(crate) allow_failing_examples: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Finish {
    /// The result of the query: .csv, .tsv or .jsonl, also with .gz or .zst behind it. Counts of tables that share no row add up.
    #[arg(required = true, value_name = "COUNTS")]
    pub(crate) counts: Vec<PathBuf>,
    /// The policy that the query was written for: a path, or builtin:NAME.
    #[arg(long, value_name = "POLICY")]
    pub(crate) policy: String,
    /// Its candidate, if it had one.
    #[arg(long, value_name = "POLICY")]
    pub(crate) candidate: Option<String>,
    /// Show the counts although examples of a policy fail, to explore another threshold. The output lists them.
    #[arg(long)]
    pub(crate) allow_failing_examples: bool,
    /// The output: that of `lab replay`, `compare`, `calibrate`, `drift` or `report`.
    #[arg(long, value_enum)]
    pub(crate) view: View,
    /// For calibrate: a false match rate to aim at, such as 1/10000 or 0.01%. Default: the vendor's five. May be repeated.
    #[arg(long = "target", value_name = "RATE")]
    pub(crate) targets: Vec<TargetRate>,
    /// For calibrate: how fine a threshold may be, in hundredths of a point.
    #[arg(long, value_name = "HUNDREDTHS", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) step: u32,
    /// For drift: the reference months, such as 2026-01..2026-03. Default: all before the last.
    #[arg(long, value_name = "MONTHS")]
    pub(crate) reference: Option<Months>,
    /// For drift: the current months. Default: the last.
    #[arg(long, value_name = "MONTHS")]
    pub(crate) current: Option<Months>,
    /// For report: the file to write.
    #[arg(long, value_name = "FILE", default_value = "report.html")]
    pub(crate) to: PathBuf,
}

/// An analysis of counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum View {
    /// As `lab replay`.
    Replay,
    /// As `lab compare`.
    Compare,
    /// As `lab calibrate`.
    Calibrate,
    /// As `lab drift`.
    Drift,
    /// As `lab report`.
    Report,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Calibrate {
    /// The policy whose thresholds and approvals are measured.
    pub(crate) policy: String,
    #[command(flatten)]
    pub(crate) data: Data,
    /// A false match rate to aim at, such as 1/10000, 0.0001 or 0.01%. Default: the vendor's five. May be repeated.
    #[arg(long = "target", value_name = "RATE")]
    pub(crate) targets: Vec<TargetRate>,
    /// How fine a threshold may be, in hundredths of a point: 50 for halves.
    #[arg(long, value_name = "HUNDREDTHS", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) step: u32,
    /// Write the errors at every hundredth of a point, with their intervals, to this CSV file; rates are shares from 0 to 1.
    #[arg(long, value_name = "FILE")]
    pub(crate) curve: Option<PathBuf>,
    /// Write the recommended threshold of the only target into the policy file, if the policy check then still passes.
    #[arg(long, value_name = "THRESHOLD")]
    pub(crate) write: Option<String>,
    /// Write the threshold although the labels or the scale of the scores look wrong.
    #[arg(long, requires = "write")]
    pub(crate) force: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Data {
    /// Files or folders with recorded results, or `-` for JSON Lines or CSV on standard input.
    #[arg(required = true, value_name = "DATA")]
    pub(crate) paths: Vec<PathBuf>,
    /// The mapping of columns to inputs, label, time, subject and segments. Default: columns have the names of the inputs, or
    /// the data are replies of DescribeFaceVerify.
    #[arg(long, value_name = "FILE")]
    pub(crate) mapping: Option<PathBuf>,
    /// Read files that hold none of the policy's inputs, instead of refusing them.
    #[arg(long)]
    pub(crate) allow_missing_inputs: bool,
    /// Save progress to this file every ten seconds, and continue from it if it exists.
    #[arg(long, value_name = "FILE")]
    pub(crate) resume: Option<PathBuf>,
    /// Save progress this often, such as 1m.
    #[arg(long, value_name = "TIME", default_value = "10s", requires = "resume")]
    pub(crate) checkpoint_every: humantime::Duration,
    /// The number of threads. The results do not depend on it.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) threads: Option<u16>,
}
