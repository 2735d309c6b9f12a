//! A proved policy as data: the document and its table.

use crate::document::Document;
use crate::document::problem::Problem;
use crate::evidence::Evidence;
use crate::proof::table::Table;

/// A proved policy: the document, and the rule that decides each cell.
#[derive(Clone, Debug)]
pub(crate) struct CompiledPolicy {
    pub(crate) reference: PolicyRef,
    pub(crate) document: Document,
    pub(crate) table: Table,
    pub(crate) warnings: Vec<Problem>,
}

impl CompiledPolicy {
    /// Returns the number of the rule that decides the evidence; the number after the last rule is `otherwise`.
    pub(crate) fn rule_for(&self, evidence: &Evidence<'_>) -> usize {
        self.table.rule(self.table.grid.cell(evidence))
    }
}

/// The identity of a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PolicyRef {
    /// The id, such as `cn-onboarding`.
    pub id: String,
    /// The version, for people.
    pub version: String,
    /// The hash of the content, without comments and notes: `sha256:` and 64 hexadecimal digits.
    pub content_hash: String,
    /// The hash of the behaviour: `sha256:` and 64 hexadecimal digits. Equivalent policies have the same hash.
    pub behaviour_hash: String,
}
