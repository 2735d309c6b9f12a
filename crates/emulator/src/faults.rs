//! Fault injection: the faults, and the choice of the one that a call meets.

mod fault;
mod injection;

pub use fault::{Fault, FaultKind, Latency};
pub(crate) use injection::{Call, Faults};
