//! Output files of the command and the lab. [`OutputFile`] writes a file whole or not at all; [`check_outputs`] refuses an
//! output that is also an input or another output.
//!
//! ```
//! use cloudauth_files::{Access, OutputFile};
//! use std::io::Write;
//!
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("report.html");
//! let mut file = OutputFile::create(&path, Access::Shared)?;
//! file.write_all(b"<p>Every row was read.</p>")?;
//! file.commit()?; // Until here, the old file is in place.
//! # Ok::<(), std::io::Error>(())
//! ```

mod conflict;
mod output;
mod target;

pub use conflict::{ConflictError, Named, check_outputs, standard_input};
pub use output::{Access, OutputFile, write};

/// The example of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
