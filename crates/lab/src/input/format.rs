//! The version of the format of a TOML file.

use serde::Deserialize;

/// What a file of any version has.
#[derive(Deserialize)]
struct Header {
    format: u32,
}

/// Returns the version of a file if it is not `supported`. It is read before the rest, because a file of a newer version may have keys
/// that this one does not know. `None` for a file without a version, which its own reader refuses.
pub(crate) fn other_format(text: &str, supported: u32) -> Option<u32> {
    let header: Header = toml::from_str(text).ok()?;
    Some(header.format).filter(|format| *format != supported)
}
