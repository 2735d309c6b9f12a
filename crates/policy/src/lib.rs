//! Decisions on face verification results: a policy file that people can read, proved over every possible input.
//!
//! ```
//! use cloudauth_policy::{Evidence, Flag, Policy, Verdict, builtin};
//!
//! let policy = Policy::parse(builtin::ONBOARDING)?; // read, proved, compiled
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
//! Pure and total: no I/O, no clock, and a decision for everything. What is missing, malformed, out of range or unknown is a
//! value that rules can speak of; what no rule speaks of goes to `otherwise`, which cannot approve.
//!
//! The thresholds cut each score into finitely many bins, so that the inputs have finitely many cells (16,200 in the worked
//! policy). [`Policy::parse`] looks at each: every rule can fire, every SubCode is handled, nobody is let in on what is not
//! understood, every promise of the file holds. `docs/policy.md` is the guide for whoever writes one.

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
pub use decide::trace::{Checked, Nearest, Trace};
pub use document::FORMAT;
pub use document::format::format;
pub use document::problem::{PolicyError, Problem};
pub use document::vendor_table::{VENDOR_TABLE, nominal_far};
pub use document::verdict::Verdict;
pub use evidence::flat::{FlatError, FlatEvidence};
pub use evidence::input::{Input, InputKind, UnknownInput};
pub use evidence::value::{EvidenceIssue, Form, Value, ValueState};
pub use evidence::{Evidence, Flag};
pub use live::{Disagreement, LivePolicy, Ruling, Shadow};
pub use policy::{Policy, diff};
pub use proof::compiled::PolicyRef;
pub use proof::cuts::Cut;
pub use proof::diff::{Difference, Region, TooLarge};
pub use proof::report::{About, Override, Report, RuleReport, ThresholdReport};
pub use sql::columns::Columns;
pub use sql::dialect::Dialect;
pub use sql::error::SqlError;

/// The JSON Schema of a policy file, for editors.
pub const SCHEMA: &str = include_str!("../policy.schema.json");
