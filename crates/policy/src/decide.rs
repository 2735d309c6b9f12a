//! Decisions: one, many at once, and explained.

pub(crate) mod batch;
pub(crate) mod decision;
pub(crate) mod trace;
