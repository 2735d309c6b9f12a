//! Reading a file of limited size.

use std::io::Read;
use std::path::Path;

use super::super::load_error::LoadError;

/// The largest file, in bytes.
const LARGEST: u64 = 1 << 20;

/// Returns the text of a file, without its byte order mark.
pub(super) fn read(file: &Path) -> Result<String, LoadError> {
    let unreadable = |error: std::io::Error| LoadError::Unreadable(file.to_owned(), error.kind());
    let mut bytes = Vec::new();
    let opened = std::fs::File::open(file).map_err(unreadable)?;
    opened.take(LARGEST + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > LARGEST {
        return Err(LoadError::Unreadable(file.to_owned(), std::io::ErrorKind::FileTooLarge));
    }
    let text = String::from_utf8(bytes).map_err(|_| LoadError::NotAProfileFile(file.to_owned()))?;
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}
