//! For tests: doubles without a socket, and the suite that every transport passes.

pub mod conformance;
mod doubles;

pub use doubles::{Never, Recording, Scripted};
