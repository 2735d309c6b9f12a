//! A policy as one SQL query for a warehouse: the same decisions, row by row.
//!
//! The query has three layers, each a subquery of the next. The innermost layer reads the columns: scores become doubles, codes
//! and flags become the words of the policy file (including `unknown`, `missing` and `invalid`), compared byte by byte. The
//! middle layer has the rules in the order of the file, and returns the number of the first that matches. The outermost layer
//! adds the outcome of that rule.
//!
//! Every comparison of a score follows a check of its range, and no comparison is negated. This is false for NULL, NaN and
//! infinities in every engine, while a bare `score >= 75` is true for NaN in most engines.

pub(crate) mod columns;
pub(crate) mod dialect;
pub(crate) mod error;
pub(crate) mod query;
