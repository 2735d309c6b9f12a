//! The driver: a client, a policy and a store around the machine.

pub(crate) mod error;
pub(crate) mod flow;
pub(crate) mod ticket;
