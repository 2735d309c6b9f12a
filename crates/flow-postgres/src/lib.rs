//! The store of [`cloudauth_flow`] in PostgreSQL: several machines share one database.
//!
//! | property | how |
//! | --- | --- |
//! | durable | a commit is one statement in one transaction, and `synchronous_commit` is never `off` |
//! | several machines | each commit checks the version it expects; claims use `FOR UPDATE SKIP LOCKED` and never wait for each other |
//! | clocks | a caller's clock that is ahead of the database counts as the database's: it claims and purges nothing early |
//! | events in order | a reader stops before the first place that a running transaction may still take |
//! | constraints in the database | unique identifiers, one reserved or open attempt per verification, final states, an unbroken chain of events, columns that equal the document |
//! | upgrades | numbered migrations under a lock, forward only; an older program refuses a newer schema, even while it runs |
//!
//! At log level DEBUG, tokio-postgres logs the parameters of every statement. While that level is enabled, nothing is sent: each call
//! fails with [`Unavailable`](cloudauth_flow::StoreErrorKind::Unavailable) and names the filter to set (`tokio_postgres=info`).
//!
//! | to ... | see |
//! | --- | --- |
//! | open a database | [`PostgresStore::open`], [`OpenError`] |
//! | use TLS (feature `rustls`) | `PostgresStore::open_tls` |
//! | change rows of your own in the same transaction | [`commit_in`] |

mod audit;
mod claim;
mod connect;
mod error;
mod migrate;
mod outbox;
mod pages;
mod read;
mod store;
mod write;

pub use error::{OpenError, OpenErrorKind};
#[cfg(feature = "rustls")]
pub use rustls;
pub use store::PostgresStore;
pub use tokio_postgres;
pub use write::commit_in;

/// Compiles the example of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
