//! The course of a session: its start and its end, with everything that follows from them.

mod act;
mod start;

pub(crate) use act::{perform, status_of};
pub(crate) use start::{Beginning, begin, is_too_long};
