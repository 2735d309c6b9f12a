//! Reads JSON documents. A quick reader takes what replies usually contain, and serde_json reads everything else.
//!
//! The quick reader gives up on a document that it has no quick way for, valid or not, so serde_json alone decides what is an error
//! and which one. The quick reader must therefore never accept what serde_json refuses, nor read another value; `tests` compares the
//! two on mutated documents. It exists for speed: a `DescribeFaceVerify` reply and its `MaterialInfo` take two thirds of the time
//! that serde_json takes for them (`docs/performance.md`).
//!
//! The modules here use nothing else of this crate but texts that are wiped on drop.

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
/// As serde_json, and for an invalid document of which the type ignores the error.
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
