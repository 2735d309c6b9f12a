//! Decisions: single, in batches, and explained.

pub(crate) mod batch;
pub(crate) mod decision;
pub(crate) mod trace;
