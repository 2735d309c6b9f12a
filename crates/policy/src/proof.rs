//! The proof: the cells of the inputs, the table of rules over them, and what is checked and compared there.

mod approvals;
pub(crate) mod check;
pub(crate) mod compiled;
pub(crate) mod cuts;
pub(crate) mod diff;
pub(crate) mod grid;
pub(crate) mod hash;
pub(crate) mod report;
pub(crate) mod table;
