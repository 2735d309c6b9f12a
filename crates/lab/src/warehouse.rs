//! Counting where the rows are: the query for a warehouse, and the counts that it gives.

pub(crate) mod counts;
pub(crate) mod sql;
