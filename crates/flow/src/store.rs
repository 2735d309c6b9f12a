//! The contract of a store, and its errors.

pub(crate) mod contract;
pub(crate) mod error;
