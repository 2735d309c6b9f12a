//! The data of a policy file: names resolved, nothing proved.

use std::ops::Range;

use cloudauth_protocol::{has_digit_run, mask_digits};

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

/// The version of the policy file format.
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
    /// Returns the outcome of a rule by its number; the number after the last rule is `otherwise`.
    pub(crate) fn outcome(&self, rule: usize) -> &Outcome {
        self.rules.get(rule).map_or(&self.otherwise, |rule| &rule.then)
    }

    /// Masks ids and names with a run of digits as long as a phone number. Shorter runs are dates and counters.
    pub(crate) fn mask_names(&mut self) {
        let rules = self.rules.iter_mut().map(|rule| &mut rule.id);
        let asserts = self.asserts.iter_mut().map(|assert| &mut assert.id);
        let examples = self.examples.iter_mut().map(|example| &mut example.name);
        let thresholds = self.thresholds.iter_mut().map(|threshold| &mut threshold.name);
        let names = rules.chain(asserts).chain(examples).chain(thresholds);
        names.chain([&mut self.id, &mut self.version]).for_each(mask_name);
    }

    pub(crate) fn rule_id(&self, rule: usize) -> &str {
        self.rules.get(rule).map_or("otherwise", |rule| &rule.id)
    }
}

/// The shortest run of digits of a name that is masked: a phone number has eleven digits, an ID number 15 to 18.
const LONG_RUN: usize = 11;

/// Masks a name that may be a phone or an ID number.
pub(crate) fn mask_name(name: &mut String) {
    if has_digit_run(name, LONG_RUN) {
        *name = mask_digits(name).into_owned();
    }
}

/// The `then` of a rule.
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
    /// The `far` that the file gives for it, and its location.
    pub(crate) claim: Option<(String, Span)>,
    /// The score that rules compare with it.
    pub(crate) of: Option<Input>,
    pub(crate) span: Span,
}

/// An input that the policy file declares.
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
    /// One of these values, another value (`unknown`), or no value (`missing`).
    Code(Vec<String>),
    /// `T`, `F`, or any other value (`invalid`).
    Flag,
    /// A number in this range, or any other value (`invalid`).
    Score { least: f64, most: f64 },
    /// Any of these labels, and other labels (`unknown`).
    Labels(Vec<String>),
}

#[derive(Clone, Debug)]
pub(crate) struct Rule {
    pub(crate) id: String,
    pub(crate) when: Vec<Condition>,
    pub(crate) then: Outcome,
    /// The reasons to approve against the vendor's signals.
    pub(crate) against_vendor: Vec<VendorOverride>,
    pub(crate) span: Span,
}

/// The reason to approve against the vendor's signal in one input.
#[derive(Clone, Debug)]
pub(crate) struct VendorOverride {
    /// The index of the input in the document.
    pub(crate) input: usize,
    pub(crate) reason: String,
    pub(crate) span: Span,
}

/// The condition of a `when` on one input.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Condition {
    /// The index of the input in the document.
    pub(crate) input: usize,
    pub(crate) test: Test,
    /// The text in the file.
    pub(crate) text: String,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Test {
    /// For codes and flags: the classes that match. Codes have the listed values, then unknown, then missing; flags have
    /// `T`, `F`, invalid.
    Classes(Vec<usize>),
    /// For labels: any of these is present; the number after the last stands for unknown labels. An empty list matches no
    /// labels.
    Labels(Vec<usize>),
    /// The score is not a number, or out of range.
    Invalid,
    /// The score is in range, and in `[from, below)`.
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
    pub(crate) input: Vec<(Input, ExampleValue)>,
    pub(crate) verdict: Verdict,
    /// The number of the expected rule, if the file names one; the number after the last rule is `otherwise`.
    pub(crate) rule: Option<usize>,
    pub(crate) span: Span,
}

/// A value of an example.
#[derive(Clone, Debug)]
pub(crate) enum ExampleValue {
    Text(String),
    Number(f64),
    /// A JSON list of strings.
    List(String),
}
