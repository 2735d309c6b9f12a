//! The state machine of a verification: inputs in, commits out.

pub(crate) mod chain;
pub(crate) mod close;
pub(crate) mod commit;
pub(crate) mod draft;
pub(crate) mod event;
pub(crate) mod finding;
pub(crate) mod ids;
pub(crate) mod input;
pub(crate) mod look;
pub(crate) mod ref_key;
pub(crate) mod refusal;
pub(crate) mod rules;
pub(crate) mod start;
pub(crate) mod state;
pub(crate) mod step;
pub(crate) mod time;
