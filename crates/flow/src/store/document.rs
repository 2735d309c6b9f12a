//! The JSON of a verification, as stores keep it, and the number of its format.

use crate::machine::ids::VerificationId;
use crate::machine::state::Verification;
use crate::store::error::{StoreError, StoreErrorKind};

/// The format of the JSON that [`write_document`] writes. A store keeps the number beside the document, and claims no document with
/// a greater number.
pub const DOCUMENT_FORMAT: u32 = 1;

/// The longest document that is read, in bytes. One has a few KiB for each attempt.
const LONGEST: usize = 16 << 20;

/// Writes a verification as JSON.
///
/// # Errors
/// Never, as far as is known.
pub fn write_document(verification: &Verification) -> Result<String, StoreError> {
    serde_json::to_string(verification)
        .map_err(|error| StoreError::with_source(StoreErrorKind::Corrupt, error))
}

/// Reads the verification with this id. The error never quotes the document.
///
/// # Errors
/// If a newer version wrote the document, if it is invalid or longer than 16 MiB, or if it belongs to another verification.
pub fn read_document(format: u32, id: &VerificationId, document: &str) -> Result<Verification, StoreError> {
    let corrupt = |problem: String| StoreError::with_source(StoreErrorKind::Corrupt, problem);
    if format > DOCUMENT_FORMAT {
        return Err(corrupt(format!("the document has format {format}: update this program")));
    }
    if document.len() > LONGEST {
        return Err(corrupt("the document is longer than 16 MiB".to_owned()));
    }
    // The error of the parser may quote the document.
    let verification: Verification = serde_json::from_str(document)
        .map_err(|error| corrupt(format!("the document is invalid at column {}", error.column())))?;
    if verification.id != *id {
        return Err(corrupt("the document belongs to another verification".to_owned()));
    }
    Ok(verification)
}
