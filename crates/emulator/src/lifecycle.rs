//! The start and the end of a session, with their side effects: ids, faults, callbacks, journal.

mod act;
mod start;

pub(crate) use act::{perform, status_of};
pub(crate) use start::{NewSession, start};
