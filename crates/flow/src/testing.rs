//! For tests: a store in memory, samples, and the conformance suite of all stores.

pub mod conformance;
mod memory;
pub mod samples;

pub use memory::MemoryStore;

pub use crate::join::join_all;
