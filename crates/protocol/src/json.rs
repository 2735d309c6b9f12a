//! Reads JSON documents. A fast reader handles the JSON that replies usually contain; serde_json handles the rest.
//!
//! The fast reader gives up on any document outside its subset, valid or not. serde_json then reads the document again, so every
//! error comes from serde_json. The fast reader must never accept a document that serde_json refuses, and must never return a
//! different value; `tests` compares the two on mutated documents. It saves a third of the time for a `DescribeFaceVerify` reply and
//! its `MaterialInfo` (`docs/performance.md`).
//!
//! These modules depend on two other modules of this crate: `grammar` and `wipe`.

mod reader;
mod scan;
#[cfg(test)]
mod tests;
mod unescape;
mod written;

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::grammar;

pub(crate) use unescape::unescape;
pub(crate) use written::{TextOrWritten, Written};

/// The reason why a document cannot be read.
#[derive(Debug)]
pub(crate) enum Unreadable {
    /// Its lists and objects are nested deeper than [`grammar::DEEPEST`].
    TooDeep,
    /// serde_json refuses it.
    Invalid(serde_json::Error),
}

/// Reads a document.
///
/// # Errors
/// If the document is nested too deep, or serde_json refuses it, even if the error is in a part that the type skips.
pub(crate) fn from_str<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, Unreadable> {
    if let Ok(value) = reader::read(text) {
        return Ok(value);
    }
    // The fast reader refuses deep documents. serde_json skips values at any depth, so the depth is checked here.
    const { assert!(2 * scan::DEEPEST as usize <= grammar::DEEPEST) };
    if grammar::is_too_deep(text) {
        return Err(Unreadable::TooDeep);
    }
    let value = serde_json::from_str(text).map_err(Unreadable::Invalid)?;
    serde_json::from_str::<IgnoredAny>(text).map_err(Unreadable::Invalid)?;
    Ok(value)
}
