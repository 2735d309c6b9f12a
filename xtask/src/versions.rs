//! The versions that the crates declare: of Rust, and of their dependencies.

pub(crate) mod minimal;
pub(crate) mod msrv;
