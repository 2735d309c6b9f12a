//! Fault injection: the kinds of faults, and the selection of the fault for a call.

mod check;
mod fault;
mod injection;

pub use check::FaultError;
pub use fault::{Fault, FaultKind, Latency};
pub(crate) use injection::{CallFacts, FaultInjector, MAX_FAULTS};
