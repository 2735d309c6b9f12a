//! A policy file as it was read: names resolved, nothing proved yet.

use std::ops::Range;

use crate::document::verdict::Verdict;
use crate::evidence::input::Input;

pub(crate) mod condition;
mod declared;
pub(crate) mod format;
pub(crate) mod problem;
pub(crate) mod read;
mod reader;
mod rules;
pub(crate) mod vendor_table;
pub(crate) mod verdict;

/// The version of the format that is read.
pub const FORMAT: i64 = 1;

pub(crate) type Span = Range<usize>;

#[derive(Clone, Debug)]
pub(crate) struct Document {
    pub(crate) id: String,
    pub(crate) version: String,
    pub(crate) owner: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) effective: Option<String>,
    pub(crate) supersedes: Option<String>,
    pub(crate) change_note: Option<String>,
    pub(crate) otherwise: Outcome,
    pub(crate) otherwise_span: Span,
    pub(crate) thresholds: Vec<Threshold>,
    pub(crate) inputs: Vec<DeclaredInput>,
    pub(crate) rules: Vec<Rule>,
    pub(crate) asserts: Vec<Assert>,
    pub(crate) examples: Vec<Example>,
}

impl Document {
    /// The outcome of a rule by its number; the number after the last is `otherwise`.
    pub(crate) fn outcome(&self, rule: usize) -> &Outcome {
        self.rules.get(rule).map_or(&self.otherwise, |rule| &rule.then)
    }

    pub(crate) fn rule_id(&self, rule: usize) -> &str {
        self.rules.get(rule).map_or("otherwise", |rule| &rule.id)
    }
}

/// What is decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) verdict: Verdict,
    pub(crate) reason: String,
    pub(crate) hint: Option<String>,
    pub(crate) queue: Option<String>,
}

#[derive(Clone, Debug)]
pub(crate) struct Threshold {
    pub(crate) name: String,
    pub(crate) value: f64,
    pub(crate) note: Option<String>,
    /// The rate that it claims to be the vendor's, and where.
    pub(crate) claim: Option<(String, Span)>,
    /// The score that it is compared with.
    pub(crate) of: Option<Input>,
    pub(crate) span: Span,
}

/// An input as the policy file declares it.
#[derive(Clone, Debug)]
pub(crate) struct DeclaredInput {
    pub(crate) name: Input,
    pub(crate) kind: Kind,
    pub(crate) span: Span,
}

impl DeclaredInput {
    pub(crate) const fn name(&self) -> &'static str {
        self.name.name()
    }
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Kind {
    /// One of these, another one (`unknown`), or none at all (`missing`).
    Code(Vec<String>),
    /// `T`, `F`, or anything else (`invalid`).
    Flag,
    /// A number between these, or anything else (`invalid`).
    Score { least: f64, most: f64 },
    /// Some of these, and perhaps others (`unknown`).
    Labels(Vec<String>),
}

#[derive(Clone, Debug)]
pub(crate) struct Rule {
    pub(crate) id: String,
    pub(crate) when: Vec<Condition>,
    pub(crate) then: Outcome,
    /// Why it approves against signals of the vendor.
    pub(crate) against_vendor: Vec<VendorOverride>,
    pub(crate) span: Span,
}

/// The reason to approve against what the vendor reports of one input.
#[derive(Clone, Debug)]
pub(crate) struct VendorOverride {
    /// Which of the document's inputs.
    pub(crate) input: usize,
    pub(crate) reason: String,
    pub(crate) span: Span,
}

/// One input's part of a `when`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Condition {
    /// Which of the document's inputs.
    pub(crate) input: usize,
    pub(crate) test: Test,
    /// As it was written.
    pub(crate) text: String,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Test {
    /// For codes and flags: which classes hold. For codes those of the list, then unknown, then missing; for flags `T`,
    /// `F`, invalid.
    Classes(Vec<usize>),
    /// For labels: any of these is there; the number after the last is an unknown one. An empty list: none is there.
    Labels(Vec<usize>),
    /// Not a number, or out of range.
    Invalid,
    /// In range, and in `[from, below)`.
    Between { from: Option<f64>, below: Option<f64> },
}

#[derive(Clone, Debug)]
pub(crate) struct Assert {
    pub(crate) id: String,
    pub(crate) promise: Promise,
    pub(crate) span: Span,
}

#[derive(Clone, Debug)]
pub(crate) enum Promise {
    Never {
        verdict: Verdict,
        when: Vec<Condition>,
    },
    /// A higher score never moves the verdict backwards in this order.
    Monotone {
        input: usize,
        order: Vec<Verdict>,
    },
}

#[derive(Clone, Debug)]
pub(crate) struct Example {
    pub(crate) name: String,
    pub(crate) input: Vec<(Input, Given)>,
    pub(crate) verdict: Verdict,
    pub(crate) rule: Option<String>,
    pub(crate) span: Span,
}

/// A value of an example.
#[derive(Clone, Debug)]
pub(crate) enum Given {
    Text(String),
    Number(f64),
    /// A JSON list of texts.
    List(String),
}
