//! For tests: a store in memory, samples, and the conformance suite of all stores.

pub mod conformance;
mod join;
mod memory;
pub mod samples;

pub use memory::MemoryStore;
