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

/// Which policy decided.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PolicyRef {
    /// Its id, such as `cn-onboarding`.
    pub id: String,
    /// Its version, for people.
    pub version: String,
    /// `sha256:` and 64 digits over what the file says, comments and notes left out.
    pub content_hash: String,
    /// `sha256:` and 64 digits over what it does: two files that decide alike share it.
    pub behaviour_hash: String,
}
