//! The proof of a policy: the cells of the inputs, the rule that decides each cell, and the checks and comparisons over them.

mod approvals;
pub(crate) mod check;
pub(crate) mod compiled;
pub(crate) mod cuts;
pub(crate) mod diff;
pub(crate) mod grid;
pub(crate) mod hash;
pub(crate) mod report;
pub(crate) mod table;
