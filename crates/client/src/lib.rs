//! A typed Cloudauth client over any [`Transport`](cloudauth_transport::Transport).
//!
//! [`Client`] and [`BlockingClient`] are thin loops around [`Exchange`], a state machine that does no I/O and reads no
//! clock: it is told the time, given entropy and fed responses, and says what to do next. What is repeated, and where,
//! is decided there and nowhere else.

mod blocking;
mod breaker;
mod builder;
mod client;
pub mod credentials;
#[cfg(feature = "policy")]
mod decided;
mod endpoints;
mod error;
mod exchange;
mod memory;
#[cfg(feature = "pictures")]
pub mod pictures;
mod settings;
mod verdict;
mod wait;
mod watch;

pub use blocking::BlockingClient;
pub use builder::ClientBuilder;
pub use client::Client;
#[cfg(feature = "policy")]
pub use decided::Decided;
pub use endpoints::{Endpoints, NoEndpoints};
pub use error::{Error, ErrorKind, Executed};
pub use exchange::{Entropy, Exchange, Now, Step};
pub use memory::Memory;
pub use settings::Settings;
pub use wait::WaitPlan;
