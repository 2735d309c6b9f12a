//! The report of the checker: cells, cuts, rules, thresholds, overrides.

use crate::document::problem::Problem;
use crate::document::vendor_table;
use crate::document::verdict::Verdict;
use crate::evidence::input::Input;
use crate::proof::compiled::CompiledPolicy;
use crate::proof::grid::Scale;

/// The metadata of a policy file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the file has the same names")]
pub struct About<'p> {
    pub owner: Option<&'p str>,
    pub description: Option<&'p str>,
    pub change_note: Option<&'p str>,
    pub effective: Option<&'p str>,
    pub supersedes: Option<&'p str>,
}

/// The report of the checker: the cells of the inputs, and the rules that decide them.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Report<'p> {
    /// The number of cells.
    pub cells: usize,
    /// Each input with its number of classes. Each label is one entry.
    pub dimensions: Vec<(&'static str, usize)>,
    /// The cuts of each score.
    pub cuts: Vec<(&'static str, &'p [f64])>,
    /// The number of cells that each rule decides, in the order of the file; `otherwise` last.
    pub rules: Vec<RuleReport<'p>>,
    /// The named thresholds.
    pub thresholds: Vec<ThresholdReport<'p>>,
    /// The rules that approve against the vendor's signals, with their reasons.
    pub overrides: Vec<Override<'p>>,
    /// Warnings, such as a possible spelling mistake. They do not fail the check.
    pub warnings: &'p [Problem],
}

/// The reason of a rule to approve against the vendor's signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Override<'p> {
    /// The id of the rule.
    pub rule: &'p str,
    /// The input whose signal the rule overrides.
    pub input: &'static str,
    /// The reason, from the rule's `against_vendor`.
    pub reason: &'p str,
}

/// A rule in the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RuleReport<'p> {
    /// The id of the rule.
    pub rule: &'p str,
    /// The verdict of the rule.
    pub verdict: Verdict,
    /// The reason, as a code for programs.
    pub reason: &'p str,
    /// What to tell the person, as a code.
    pub hint: Option<&'p str>,
    /// The queue of a review.
    pub queue: Option<&'p str>,
    /// The number of cells that the rule decides.
    pub cells: usize,
}

/// A named threshold.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct ThresholdReport<'p> {
    /// The name.
    pub name: &'p str,
    /// The value.
    pub value: f64,
    /// The score that rules compare with it.
    pub input: Option<&'static str>,
    /// The vendor's false-accept rate at the value, if rules compare it with `verifyScore`; see [`nominal_far`](crate::nominal_far).
    pub nominal_far: Option<f64>,
    /// The note in the file.
    pub note: Option<&'p str>,
}

impl CompiledPolicy {
    /// Returns what the checker covered.
    pub(crate) fn report(&self) -> Report<'_> {
        let count = |(rule, cells): (usize, &usize)| {
            let outcome = self.document.outcome(rule);
            RuleReport {
                rule: self.document.rule_id(rule),
                verdict: outcome.verdict,
                reason: &outcome.reason,
                hint: outcome.hint.as_deref(),
                queue: outcome.queue.as_deref(),
                cells: *cells,
            }
        };
        let thresholds = self.document.thresholds.iter().map(|threshold| ThresholdReport {
            name: &threshold.name,
            value: threshold.value,
            input: threshold.of.map(Input::name),
            nominal_far: (threshold.of == Some(Input::VerifyScore))
                .then(|| vendor_table::nominal_far(threshold.value))
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

    /// Returns the reasons of a rule to approve against the vendor's signals.
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
