//! Evaluation of policies on recorded face verification results: replay a policy, compare it with a candidate, choose its
//! thresholds from labelled history, and detect drift of the scores.
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
//! A [`Lab`] reads JSON Lines (raw responses of `DescribeFaceVerify`, or a member for each input), CSV and, with the feature
//! `parquet`, Parquet. A [`Mapping`] names the columns. A run counts into a [`Tally`], and [`Replay`], [`Compare`],
//! [`Calibration`], [`Drift`] and [`Report`] are views of it. Memory does not grow with the rows, except for rows of people
//! and of two matchers: at most 8,000,000 of each, 16 or 32 bytes each. The same data gives the same counts on any number of
//! threads.
//!
//! For rows in a warehouse, [`Lab::sql`] writes a query that counts them there, and [`Lab::finish`] reads its result.
//!
//! The statistics are pure functions of the crate [`cloudauth_stats`].
//!
//! Personal data: rows are counted and not kept. People are kept as a hash, ids and segments as the mapping names them, and
//! data issues by their location only.

// docs.rs shows the feature of each item.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod analysis;
mod error;
mod input;
mod language;
mod report;
mod run;
mod tally;
mod warehouse;
mod write_back;

pub use analysis::attacks::{Attacks, AttacksAt};
pub use analysis::by_verdict::ByVerdict;
pub use analysis::calibrate::{
    AucInterval, Band, Calibration, Days, Eer, Holdout, HoldoutDays, HoldoutPart, HoldoutRate, HoldoutTarget,
    HoldoutWarning, People, TARGETS, Target, TargetRate, TargetReason, ThresholdErrors, Warning,
    WarningFigures, WarningKind, WithoutSubject, curve,
};
pub use analysis::compare::{
    Change, Compare, Flip, FlipExample, MatcherAuc, MatcherAucs, MatcherFinding, Matchers, Pair,
    WithoutScores,
};
pub use analysis::data_issue::DataIssue;
pub use analysis::drift::{BandEnd, Drift, Month, Months, ScoreBand, ScoreShift};
pub use analysis::figures::{amount, chance, percent};
pub use analysis::issue_kind::DataIssueKind;
pub use analysis::plan::{ComparePlan, ComparePlans, LabelPlan, ReviewPlan, ReviewPlans};
pub use analysis::proportion::Proportion;
pub use analysis::replay::{LabelCounts, Replay, RuleRows};
pub use analysis::rests_on::{LabelledPeople, RestsOn};
pub use analysis::segment_rates::{
    GroupFinding, GroupRate, GroupRates, LargestGap, Segment, SegmentRates, ThresholdRates,
};
pub use analysis::sweep::{
    CostError, CostProblem, Costs, Sweep, SweepCosts, SweepOutcome, SweepPlan, SweepProblem, SweepValue,
    ValueCost,
};
pub use cloudauth_stats::Confidence;
pub use error::{CountsProblem, FileColumns, LabError, LabProblem};
pub use input::mapping::{Mapping, Shape};
pub use input::mapping_error::{MappingError, MappingProblem};
pub use input::search::Found;
pub use input::skipped::{SkipReason, Skipped};
pub use input::source::Source;
pub use input::timezone::TimeZone;
pub use language::Language;
pub use report::Report;
#[cfg(feature = "parquet")]
pub use run::TableDecisions;
pub use run::{Lab, RunControl, RunOutcome};
pub use tally::Tally;
pub use tally::issues::{IssueKind, RowLocation};
pub use tally::policy_name::PolicyName;
pub use write_back::{check_threshold, set_threshold};

/// The example of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
