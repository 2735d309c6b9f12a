//! For tests: doubles without a socket, and the suite that every transport passes.

mod cancel;
pub mod conformance;
mod doubles;
mod server;
#[cfg(feature = "testing-tls")]
pub mod tls;

pub use doubles::{Never, Recording, Scripted};
