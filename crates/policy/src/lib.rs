//! Decisions on face verification results, made by a policy file that is proved over every possible input.
//!
//! ```
//! use cloudauth_policy::{Evidence, Flag, Policy, Verdict, builtin};
//!
//! let policy = Policy::parse(builtin::ONBOARDING)?; // reads, proves and compiles it
//! let mut evidence = Evidence::default();           // or `Evidence::from(&status)` of DescribeFaceVerify
//! evidence.sub_code = Some("200");
//! evidence.passed = Flag::True;
//! evidence.face_attack = Flag::False;
//! evidence.face_occlusion = Flag::False;
//! evidence.verify_score = Some(74.2);
//! evidence.face_attack_score = Some(0.0004);
//!
//! let decision = policy.decide(&evidence);
//! assert_eq!((decision.verdict(), decision.rule()), (Verdict::Review, "grey-zone"));
//! assert!(decision.approval().is_none());
//! # Ok::<(), cloudauth_policy::PolicyError>(())
//! ```
//!
//! The crate is pure and total: it does no I/O, reads no clock, and gives a decision for every input. Rules can name a missing,
//! malformed, out-of-range or unknown value. `otherwise` decides every input that no rule covers, and cannot approve.
//!
//! Thresholds divide each score into a finite number of bins, so the inputs form a finite number of cells (16,200 in the
//! onboarding policy). [`Policy::parse`] checks each cell: every rule can decide, every SubCode is handled, no rule approves a
//! value that is not understood, and every assertion of the file holds. `docs/policy.md` is the guide for policy authors.

pub mod builtin;
mod decide;
mod document;
mod evidence;
mod live;
mod policy;
mod proof;
mod sql;
mod suggest;

pub use decide::batch::{Batch, BatchError, Column};
pub use decide::decision::{Approval, Decision};
pub use decide::trace::{Checked, Counterfactual, Trace};
pub use document::FORMAT;
pub use document::format::format;
pub use document::problem::{
    Case, DecidedCase, FilePart, Hint, InputValues, PolicyError, Problem, ProblemKind,
};
pub use document::vendor_table::{VENDOR_TABLE, nominal_far};
pub use document::verdict::Verdict;
pub use evidence::flat::{FlatError, FlatEvidence, FlatProblem};
pub use evidence::input::{Input, InputKind, UnknownInput};
pub use evidence::value::{EvidenceIssue, Form, Value, ValueState};
pub use evidence::{Evidence, Flag};
pub use live::{Disagreement, LiveDecision, LivePolicy, Shadow};
pub use policy::{Policy, diff};
pub use proof::compiled::PolicyRef;
pub use proof::cuts::Cut;
pub use proof::diff::{Difference, Region, TooLarge};
pub use proof::report::{About, Override, Report, RuleReport, ThresholdReport};
pub use sql::columns::Columns;
pub use sql::dialect::Dialect;
pub use sql::error::{SqlError, SqlProblem, Unquotable};
pub use suggest::{Suggestion, resembles};

/// The JSON Schema of a policy file, for editors.
pub const SCHEMA: &str = include_str!("../policy.schema.json");

/// The examples of the README, compiled and run by the tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
