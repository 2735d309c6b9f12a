//! For tests: synthetic operations, test doubles without sockets, and the conformance suite of all transports.

mod cancel;
pub mod conformance;
mod doubles;
mod operations;
mod server;
#[cfg(feature = "testing-tls")]
pub mod tls;

pub use doubles::{Never, Recording, Scripted};
pub use operations::{describe_face_verify, init_face_verify};
