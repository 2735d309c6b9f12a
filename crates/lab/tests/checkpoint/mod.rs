//! Checkpoints that a test edits: they get the SHA-256 of what they are now.

use std::fs;
use std::path::Path;

use serde_json::Value;
use sha2::{Digest, Sha256};

/// Reads the document of a checkpoint.
pub(crate) fn read(path: &Path) -> Value {
    serde_json::from_str(fs::read_to_string(path).unwrap().lines().next().unwrap()).unwrap()
}

/// Writes a document as a checkpoint.
pub(crate) fn write(path: &Path, document: &Value) {
    let document = format!("{document}\n");
    let hash: String = Sha256::digest(&document).iter().map(|byte| format!("{byte:02x}")).collect();
    fs::write(path, format!("{document}sha256 {hash}\n")).unwrap();
}
