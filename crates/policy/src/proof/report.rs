//! What the checker covered: cells, cuts, rules, thresholds, overrides.

use crate::document::problem::Problem;
use crate::document::vendor_table;
use crate::document::verdict::Verdict;
use crate::evidence::input::Input;
use crate::proof::compiled::CompiledPolicy;
use crate::proof::grid::Scale;

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

impl CompiledPolicy {
    /// Returns what the checker covered.
    pub(crate) fn report(&self) -> Report<'_> {
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
