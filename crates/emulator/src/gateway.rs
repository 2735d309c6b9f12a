//! The checks of the RPC gateway before an action runs: parameters, access key, signature, nonce and quota.

mod error;
mod keys;
mod nonces;
mod quota;
mod request;
mod signature;

pub(crate) use error::GatewayError;
pub(crate) use keys::{
    ACCESS_KEY_ID, ACCESS_KEY_SECRET, AccessKey, AccessKeys, built_in_keys, looks_like_real_key,
};
pub(crate) use nonces::Nonces;
pub(crate) use quota::{DEFAULT_CALLS_PER_SECOND, Quota};
pub(crate) use request::ApiRequest;
pub(crate) use signature::{Explanation, MAX_EXPLAINED, compare, explain, hex, verify};
