//! What the tests of this package share.

#![expect(clippy::expect_used, reason = "this crate is for tests alone")]

use serde_json::Value;

/// The vectors of a file of `tests/vectors`.
///
/// # Panics
/// If the file is not a document with vectors.
#[must_use]
pub fn vectors(document: &str) -> Vec<Value> {
    let mut document: Value = serde_json::from_str(document).expect("a JSON document");
    match document.get_mut("vectors").map(Value::take) {
        Some(Value::Array(vectors)) if !vectors.is_empty() => vectors,
        _ => Vec::new(),
    }
}
