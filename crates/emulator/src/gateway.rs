//! What the RPC gateway checks before an action runs: parameters, access key, signature, nonce, quota.

mod error;
mod keys;
mod nonces;
mod quota;
mod request;
mod signature;

pub(crate) use error::GatewayError;
pub(crate) use keys::{ACCESS_KEY_ID, ACCESS_KEY_SECRET, Key, Keys, built_in, looks_real};
pub(crate) use nonces::Nonces;
pub(crate) use quota::{Quota, USUAL};
pub(crate) use request::Incoming;
pub(crate) use signature::{EXPLAINABLE, Explanation, compare, explain, hex, verify};
