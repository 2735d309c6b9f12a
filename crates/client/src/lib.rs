//! A typed Cloudauth client over any [`Transport`](cloudauth_transport::Transport).
//!
//! [`Client`] is async; [`BlockingClient`] blocks the calling thread. Both are thin loops around
//! [`Exchange`], a state machine that does no I/O and reads no clock. The caller passes in the time, random
//! bytes and responses. The exchange returns the next step. Only the exchange decides whether a request is
//! retried, and at which endpoint.
//!
//! | module | contents |
//! | --- | --- |
//! | [`credentials`] | credentials providers: environment, profile files, ECS metadata, STS roles, the default chain |
//! | `pictures` (feature `pictures`) | downloads the face picture of a finished verification |

// docs.rs shows the feature of each item.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod client;
pub mod credentials;
mod endpoints;
mod error;
mod exchange;
mod inputs;
#[cfg(feature = "pictures")]
pub mod pictures;
mod retry;
mod settings;
mod timeout;

#[cfg(feature = "policy")]
pub use client::DecidedReply;
pub use client::{BlockingClient, CallReport, Client, ClientBuilder, WaitPlan};
pub use endpoints::{Endpoints, NoEndpoints};
pub use error::{Error, ErrorKind, Executed};
pub use exchange::{Exchange, SharedState, Step};
pub use inputs::{Entropy, Now};
pub use settings::Settings;

/// Compiles the example of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
