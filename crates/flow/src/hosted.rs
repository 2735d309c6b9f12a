//! The hosted start page: your server gives the identity, the browser brings its MetaInfo, and the flow makes the call.
//!
//! Between the two, the store has the identity sealed by a key that it does not have, for ten minutes at most.

pub(crate) mod begin;
pub(crate) mod html;
pub(crate) mod seal;
pub(crate) mod serve;
pub(crate) mod settings;
