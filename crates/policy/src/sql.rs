//! A policy as one SQL query, for the warehouse in which the rows lie: the same decisions, row by row.
//!
//! Three layers, each a subquery of the next. The innermost reads: scores become doubles once, codes and flags become
//! the words of the policy file (`unknown`, `missing` and `invalid` among them), compared byte by byte. The middle one
//! holds the rules, as they stand in the file, and gives the number of the first that holds. The outermost says whose
//! verdict that is.
//!
//! Every comparison of a score stands behind its range, and none is negated: that is false for NULL, NaN and infinities
//! in every engine, where a bare `score >= 75` is true for NaN in most.

pub(crate) mod columns;
pub(crate) mod dialect;
pub(crate) mod error;
pub(crate) mod query;
