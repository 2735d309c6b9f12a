//! The driver: a client, a policy and a store around the machine.

pub(crate) mod apply;
pub(crate) mod blocking;
pub(crate) mod calls;
pub(crate) mod clock;
pub(crate) mod error;
pub(crate) mod flow;
pub(crate) mod quota;
pub(crate) mod rate;
pub(crate) mod region;
pub(crate) mod run;
pub(crate) mod settings;
pub(crate) mod signals;
pub(crate) mod sweep;
pub(crate) mod ticket;
mod unreadable;
