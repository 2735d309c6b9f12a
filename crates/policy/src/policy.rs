//! A policy that was proved, and what it decides.

use crate::batch::{Batch, BatchError};
use crate::check;
use crate::decision::{Decision, PolicyRef, Verdict};
use crate::document::Document;
use crate::evidence::Evidence;
use crate::far;
use crate::grid::Scale;
use crate::hash;
use crate::input::Input;
use crate::problem::{PolicyError, Problem, Problems};
use crate::read;
use crate::table::Table;
use crate::trace::Trace;

/// A policy: read, proved over every possible input, and compiled to a table. One that is not proved is not made.
#[derive(Clone, Debug)]
pub struct Policy {
    pub(crate) reference: PolicyRef,
    pub(crate) document: Document,
    pub(crate) table: Table,
    warnings: Vec<Problem>,
}

impl Policy {
    /// Reads a policy file and proves it.
    ///
    /// # Errors
    /// All that is wrong with it, each with its place.
    pub fn parse(text: &str) -> Result<Self, PolicyError> {
        Self::read(Problems::new(text), text)
    }

    /// Reads a policy file to explore it, such as another value of a threshold: everything is proved as by
    /// [`parse`](Self::parse), except that examples may fail. [`failing_examples`](Self::failing_examples) lists those.
    ///
    /// # Errors
    /// All other problems, each with its place.
    pub fn parse_allowing_failing_examples(text: &str) -> Result<Self, PolicyError> {
        Self::read(Problems::new(text).allow_failing_examples(), text)
    }

    /// The examples that fail. Only [`parse_allowing_failing_examples`](Self::parse_allowing_failing_examples) gives such a
    /// policy.
    pub fn failing_examples(&self) -> impl Iterator<Item = &Problem> {
        self.warnings.iter().filter(|warning| warning.rule == "V9")
    }

    fn read(mut problems: Problems<'_>, text: &str) -> Result<Self, PolicyError> {
        let document = read::document(text, &mut problems);
        // What was not read as it was meant is not worth proving.
        let document = document.filter(|_| problems.is_empty());
        let table = document.as_ref().and_then(|document| Table::of(document, &mut problems));
        if let (Some(document), Some(table)) = (&document, &table) {
            check::check(document, table, &mut problems);
        }
        match (document, table) {
            (Some(document), Some(table)) if problems.is_empty() => {
                let reference = PolicyRef {
                    id: document.id.clone(),
                    version: document.version.clone(),
                    content_hash: hash::content(&document),
                    behaviour_hash: hash::behaviour(&document, &table),
                };
                Ok(Self { reference, document, table, warnings: problems.take_warnings() })
            }
            _ => Err(PolicyError::new(problems.into_problems())),
        }
    }

    /// Decides. There is a decision for everything: what is missing, malformed or unknown is never an approval by
    /// accident, which is proved. No allocation. Evidence can be filled in by hand, so the decision has no
    /// [`Approval`](crate::Approval): that takes a reply, see [`LivePolicy::decide_reply`](crate::LivePolicy::decide_reply).
    pub fn decide<'p>(&'p self, evidence: &Evidence<'_>) -> Decision<'p> {
        self.decision(self.table.rule(self.table.grid.cell(evidence)))
    }

    pub(crate) const fn decision(&self, rule: usize) -> Decision<'_> {
        Decision { by: self, rule, verification: None }
    }

    /// Decides and tells why: for each rule the first condition that failed and the value that it read, and the nearest
    /// change that would decide otherwise.
    #[must_use]
    pub fn explain(&self, evidence: &Evidence<'_>) -> Trace<'_> {
        Trace::of(self, evidence)
    }

    /// Decides many at once, over coded columns.
    ///
    /// # Errors
    /// If the columns are not those of the policy's inputs, or not of one length.
    pub fn batch<'p>(&'p self, columns: &'p [crate::Column<'p>]) -> Result<Batch<'p>, BatchError> {
        Batch::new(self, columns)
    }

    /// Which policy this is.
    #[must_use]
    pub const fn reference(&self) -> &PolicyRef {
        &self.reference
    }

    /// Who is responsible for it, what changed, and since when it holds, where the file says so.
    #[must_use]
    pub fn about(&self) -> About<'_> {
        About {
            owner: self.document.owner.as_deref(),
            description: self.document.description.as_deref(),
            change_note: self.document.change_note.as_deref(),
            effective: self.document.effective.as_deref(),
            supersedes: self.document.supersedes.as_deref(),
        }
    }

    /// What the checker has looked at.
    #[must_use]
    pub fn report(&self) -> Report<'_> {
        let count = |(rule, cells): (usize, &usize)| RuleReport {
            rule: self.document.rule_id(rule),
            verdict: self.document.outcome(rule).verdict,
            cells: *cells,
        };
        let thresholds = self.document.thresholds.iter().map(|threshold| ThresholdReport {
            name: &threshold.name,
            value: threshold.value,
            input: threshold.of.map(Input::name),
            nominal_far: (threshold.of == Some(Input::VerifyScore))
                .then(|| far::nominal_far(threshold.value))
                .flatten(),
            note: threshold.note.as_deref(),
        });
        Report {
            cells: self.table.grid.cells,
            dimensions: self.table.grid.axes.iter().map(|axis| (axis.name(), axis.size)).collect(),
            cuts: self
                .table
                .grid
                .axes
                .iter()
                .filter_map(|axis| match &axis.scale {
                    Scale::Score { cuts, .. } => Some((axis.name(), cuts.as_slice())),
                    _ => None,
                })
                .collect(),
            rules: self.table.counts.iter().enumerate().map(count).collect(),
            thresholds: thresholds.collect(),
            overrides: (0..self.document.rules.len()).flat_map(|rule| self.overrides(rule)).collect(),
            warnings: &self.warnings,
        }
    }

    /// The reasons that a rule gives to approve against the vendor's signals.
    pub(crate) fn overrides(&self, rule: usize) -> impl Iterator<Item = Override<'_>> {
        let found = self.document.rules.get(rule);
        found.into_iter().flat_map(|rule| {
            rule.against_vendor.iter().filter_map(|reason| {
                let input = self.document.inputs.get(reason.input)?.name();
                Some(Override { rule: &rule.id, input, reason: &reason.reason })
            })
        })
    }
}

/// What a policy file says about itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the names are those of the file")]
pub struct About<'p> {
    pub owner: Option<&'p str>,
    pub description: Option<&'p str>,
    pub change_note: Option<&'p str>,
    pub effective: Option<&'p str>,
    pub supersedes: Option<&'p str>,
}

/// What the checker has looked at: every cell of the inputs, and who decides there.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Report<'p> {
    /// How many cells there are.
    pub cells: usize,
    /// Each input, and how many classes it has; labels have an entry each.
    pub dimensions: Vec<(&'static str, usize)>,
    /// Where each score is cut.
    pub cuts: Vec<(&'static str, &'p [f64])>,
    /// How many cells each rule decides, in the order of the file; `otherwise` last.
    pub rules: Vec<RuleReport<'p>>,
    /// The named thresholds.
    pub thresholds: Vec<ThresholdReport<'p>>,
    /// The rules that approve against a signal of the vendor, each with its reason.
    pub overrides: Vec<Override<'p>>,
    /// What may be a slip, although the policy holds.
    pub warnings: &'p [Problem],
}

/// The reason of a rule to approve against a signal of the vendor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Override<'p> {
    /// The rule's id.
    pub rule: &'p str,
    /// The input whose signal it overrides.
    pub input: &'static str,
    /// The reason, from the rule's `against_vendor`.
    pub reason: &'p str,
}

/// A rule's part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RuleReport<'p> {
    /// Its id.
    pub rule: &'p str,
    /// What it says.
    pub verdict: Verdict,
    /// How many cells it decides.
    pub cells: usize,
}

/// A named threshold.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct ThresholdReport<'p> {
    /// Its name.
    pub name: &'p str,
    /// Its value.
    pub value: f64,
    /// The score that rules compare with it.
    pub input: Option<&'static str>,
    /// The vendor's false-accept rate there, if it is one of `verifyScore`; see [`nominal_far`](crate::nominal_far).
    pub nominal_far: Option<f64>,
    /// What the file says of it.
    pub note: Option<&'p str>,
}
