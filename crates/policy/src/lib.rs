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

mod batch;
pub mod builtin;
mod check;
mod condition;
mod cuts;
mod decision;
mod diff;
mod document;
mod evidence;
mod far;
mod flat;
mod format;
mod grid;
mod hash;
mod input;
mod live;
mod policy;
mod problem;
mod read;
mod sql;
mod table;
mod trace;
mod value;

pub use batch::{Batch, BatchError, Column};
pub use cuts::Cut;
pub use decision::{Approval, Decision, PolicyRef, Verdict};
pub use diff::{Difference, Region, TooLarge, diff};
pub use evidence::{Evidence, Flag};
pub use far::{VENDOR_TABLE, nominal_far};
pub use flat::{FlatError, FlatEvidence};
pub use format::format;
pub use input::{Input, InputKind, UnknownInput};
pub use live::{Disagreement, LivePolicy, Ruling, Shadow};
pub use policy::{About, Override, Policy, Report, RuleReport, ThresholdReport};
pub use problem::{PolicyError, Problem};
pub use read::FORMAT;
pub use sql::{Columns, Dialect, SqlError};
pub use trace::{Checked, Nearest, Trace};
pub use value::{EvidenceIssue, Form, Value, ValueState};

/// The JSON Schema of a policy file, for editors.
pub const SCHEMA: &str = include_str!("../policy.schema.json");
