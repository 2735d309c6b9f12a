//! For tests: test doubles without sockets, and the conformance suite of all transports.

mod cancel;
pub mod conformance;
mod doubles;
mod server;
#[cfg(feature = "testing-tls")]
pub mod tls;

pub use doubles::{Never, Recording, Scripted};
