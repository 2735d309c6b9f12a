//! What a policy does to real people: replay it over recorded face verification results, compare it with another one, choose
//! its thresholds from labelled history, and see whether scores have moved.
//!
//! ```
//! use cloudauth_lab::{Lab, Replay, Source, RunControl};
//! use cloudauth_policy::{Policy, builtin};
//!
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("history.jsonl");
//! # std::fs::write(&path, r#"{"sub_code": "201", "passed": "F"}"#)?;
//! let policy = Policy::parse(builtin::ONBOARDING)?;
//! let ran = Lab::new(&policy).run(&Source::find(&[path])?, &RunControl::default())?;
//! println!("{:?}", Replay::of(&ran.tally).verdicts);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A [`Lab`] reads JSON Lines (answers of `DescribeFaceVerify` as they came, or a member for each input), CSV and, with the
//! feature `parquet`, Parquet; a [`Mapping`] says where things stand. What it counts is a [`Tally`], of which [`Replay`],
//! [`Compare`], [`Calibration`], [`Drift`] and [`report`] are views. Memory does not grow with the rows, and the same data give
//! the same counts on any number of threads.
//!
//! Where the rows lie in a warehouse, [`Lab::sql`] writes a query that counts them there, and [`Lab::finish`] reads what it gives.
//!
//! [`stats`] has the statistics, pure functions on counts: error rates and their intervals, ROC and EER, thresholds for a
//! target rate, bootstrap, drift, paired comparison, presentation attacks.
//!
//! Personal data: rows are counted and forgotten. People are known by a hash, ids and segments as the mapping names them, and
//! what was not understood by its place alone.

mod analysis;
mod error;
mod input;
mod report;
mod run;
mod tally;
mod warehouse;
mod write_back;

pub use cloudauth_stats as stats;

pub use analysis::attacks::{Attacks, AttacksAt};
pub use analysis::calibrate::{
    Band, Calibration, Eer, People, RestsOn, TARGETS, Target, TargetRate, ThresholdErrors, Warning,
    WarningKind, WithoutSubject, curve,
};
pub use analysis::compare::{Change, Compare, Flip, FlipExample, Pair};
pub use analysis::data_issue::DataIssue;
pub use analysis::drift::{BandEnd, Drift, Month, Months, ScoreBand, ScoreShift};
pub use analysis::percent::percent;
pub use analysis::proportion::Proportion;
pub use analysis::replay::{LabelCounts, Replay, RuleRows};
pub use error::LabError;
pub use input::mapping::{Mapping, MappingError, Shape};
pub use input::search::{Found, SkipReason, Skipped};
pub use input::source::Source;
pub use input::timezone::TimeZone;
pub use report::{Language, report};
pub use run::{Lab, RunControl, RunOutcome};
pub use tally::Tally;
pub use tally::issues::RowLocation;
pub use tally::policy_name::PolicyName;
pub use write_back::{check_threshold, set_threshold};
