//! `cloudauth audit`.

use std::path::PathBuf;

use clap::Subcommand;

/// A command of `audit`.
#[derive(Subcommand)]
pub(crate) enum Audit {
    /// Check every chain of events of a SQLite store, and that each state and decision follows from it: exit code 0 intact, 1 broken or
    /// different from the checkpoint, 2 unreadable.
    ///
    /// A person with write access can replace a chain or delete a verification. Only a checkpoint stored elsewhere reveals it.
    Verify {
        /// The SQLite file of the store. It is not changed, and the service may run meanwhile.
        store: PathBuf,
        /// A checkpoint of an earlier day, to compare with.
        #[arg(long, value_name = "FILE")]
        checkpoint: Option<PathBuf>,
        /// Write a checkpoint to a new file, if the chains are intact.
        #[arg(long, value_name = "FILE")]
        write_checkpoint: Option<PathBuf>,
        /// The service's retention: a purge may have deleted chains that began before. A day with purged chains is not compared: a
        /// changed chain of that day is not found.
        #[arg(long, value_name = "DAYS", requires = "checkpoint")]
        retention: Option<u64>,
    },
}
