//! Reads JSON documents. A fast reader handles the JSON that replies usually contain; serde_json handles the rest.
//!
//! The fast reader gives up on any document outside its subset, valid or not. serde_json then reads the document again, so every
//! error comes from serde_json. The fast reader must never accept a document that serde_json refuses, and must never return a
//! different value; `tests` compares the two on mutated documents. It saves a third of the time for a `DescribeFaceVerify` reply and
//! its `MaterialInfo` (`docs/performance.md`).
//!
//! These modules depend on one other module of this crate: `wipe`.

mod reader;
mod scan;
#[cfg(test)]
mod tests;
mod unescape;
mod written;

use serde::Deserialize;
use serde::de::IgnoredAny;

pub(crate) use unescape::unescape;
pub(crate) use written::{TextOrWritten, Written};

/// Reads a document.
///
/// # Errors
/// If serde_json refuses the document, even if the error is in a part that the type skips.
pub(crate) fn from_str<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, serde_json::Error> {
    match reader::read(text) {
        Ok(value) => Ok(value),
        Err(_) => {
            let value = serde_json::from_str(text)?;
            serde_json::from_str::<IgnoredAny>(text)?;
            Ok(value)
        }
    }
}
