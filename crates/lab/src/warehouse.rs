//! Counting in a warehouse: the query, and the reader of its result.

pub(crate) mod counts;
pub(crate) mod sql;
