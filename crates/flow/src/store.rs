//! The contract of a store, its errors, and the format of what it keeps.

pub(crate) mod contract;
pub(crate) mod document;
pub(crate) mod error;
pub mod integers;
pub(crate) mod logged;
pub(crate) mod outbox;
pub(crate) mod pages;
