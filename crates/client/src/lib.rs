//! A typed Cloudauth client over any [`Transport`](cloudauth_transport::Transport).
//!
//! [`Client`] is a thin loop around [`Exchange`], a state machine that does no I/O and reads no clock: it is
//! told the time, given entropy and fed responses, and says what to do next.

mod client;
pub mod credentials;
mod error;
mod exchange;

pub use client::{Client, ClientBuilder};
pub use error::{Error, ErrorKind, Executed};
pub use exchange::{Entropy, Exchange, Now, Settings, Step};
