//! What comes back unasked: the service's callback and the browser's return. Hints only, never a decision.

pub(crate) mod keys;
pub(crate) mod query;
pub(crate) mod return_hint;
