//! The callback: a GET of the CallbackUrl after a session has ended.

mod delivery;
mod request;
mod schedule;

pub(crate) use delivery::{advance, run, settle};
pub(crate) use request::check;
pub(crate) use schedule::{add, schedule};
