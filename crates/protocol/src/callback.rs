//! The service's callback and the browser's return. Both are hints, never a decision.

pub(crate) mod keys;
pub(crate) mod query;
pub(crate) mod return_hint;
