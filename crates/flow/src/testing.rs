//! For tests: a store in memory, samples, and the conformance suite of all stores.

pub mod conformance;
pub mod lives;
mod memory;
pub mod samples;

pub use memory::MemoryStore;

pub use crate::join::{Boxed, join_all};
