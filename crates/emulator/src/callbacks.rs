//! The callback: a GET on the caller's address, once the person is done.

mod delivery;
mod request;
mod schedule;

pub(crate) use delivery::{advance, run, settle};
pub(crate) use request::check;
pub(crate) use schedule::{add, schedule};
