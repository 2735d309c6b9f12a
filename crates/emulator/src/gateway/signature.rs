//! Checks signatures. Written from the vendor's documents, with encoder and canonicalizer of its own.

mod check;
mod claim;
mod encode;
mod explain;
mod parameters;
mod string;
mod v1;
mod v3;

pub(crate) use check::verify;
pub(crate) use encode::hex;
pub(crate) use explain::{EXPLAINABLE, Explanation, compare, explain};
