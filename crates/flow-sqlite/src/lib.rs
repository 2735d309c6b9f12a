//! The store of [`cloudauth_flow`] in one SQLite file: for one machine, without a database server.
//!
//! | property | how |
//! | --- | --- |
//! | durable | write-ahead log, flushed at each commit: what was acknowledged survives `kill -9` and a power failure |
//! | fast under load | one thread writes, and concurrent callers share a transaction and its flush |
//! | several processes | `BEGIN IMMEDIATE`; each commit checks the version it expects |
//! | constraints in the database | unique identifiers, one reserved or open attempt per verification, final states, an unbroken chain of events, columns that equal the document |
//! | erasure | what a redaction or a purge deletes, and the sealed identity of a start page, is overwritten, and the log is emptied; counts and blocks keep salted digests only |
//! | upgrades | numbered migrations, forward only; an older program refuses a newer file, even while it runs |
//!
//! | to ... | see |
//! | --- | --- |
//! | open a file | [`SqliteStore::open`], [`OpenError`] |
//! | change rows of your own in the same transaction | [`SqliteStore::connect`], [`commit_in`] |
//! | check the chains of events of a file | [`audit()`] |

mod audit;
mod cached;
mod calls;
mod claim;
mod error;
mod open;
mod outbox;
mod pages;
mod read;
mod read_only;
mod readers;
mod salt;
mod store;
mod write;
mod writer;

pub use audit::audit;
pub use error::{OpenError, OpenErrorKind};
pub use rusqlite;
pub use store::SqliteStore;
pub use write::commit_in;

/// Compiles the example of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
