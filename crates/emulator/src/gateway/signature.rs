//! Signature checks, written from the vendor's documents and independent of this project's signer.

mod check;
mod claims;
mod encode;
mod explain;
mod parameters;
mod string;
mod v1;
mod v3;

pub(crate) use check::verify;
pub(crate) use encode::hex;
pub(crate) use explain::{Explanation, MAX_EXPLAINED, compare, explain};
