//! Fault injection: the kinds of faults, and the selection of the fault for a call.

mod fault;
mod injection;

pub use fault::{Fault, FaultError, FaultKind, Latency};
pub(crate) use injection::{CallFacts, FaultInjector};
