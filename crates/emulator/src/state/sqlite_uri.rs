//! The URI under which SQLite reads a file without a lock.

use std::fmt::Write as _;
use std::io;
use std::path::Path;

/// Returns the URI under which SQLite reads a file without a lock, without its log, and without writing beside it.
pub(super) fn immutable(path: &Path) -> io::Result<String> {
    let path = std::path::absolute(path)?;
    Ok(uri(path.as_os_str().as_encoded_bytes(), cfg!(windows)) + "?immutable=1")
}

/// Returns the URI of an absolute path. The authority is empty: SQLite opens files of this machine only, and reads a share of
/// Windows from a path that begins with two slashes.
fn uri(path: &[u8], is_windows: bool) -> String {
    let (begin, path) = match path {
        // The longest form of a path, which SQLite does not read.
        [b'\\', b'\\', b'?', b'\\', b'U', b'N', b'C', b'\\', share @ ..] if is_windows => ("//", share),
        [b'\\', b'\\', b'?', b'\\', drive @ ..] if is_windows => ("/", drive),
        [b'\\', b'\\', share @ ..] if is_windows => ("//", share),
        drive if is_windows => ("/", drive),
        path => ("", path),
    };
    let mut uri = format!("file://{begin}");
    for byte in path {
        match byte {
            b'\\' if is_windows => uri.push('/'),
            b'/' | b'-' | b'_' | b'.' | b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => {
                uri.push(char::from(*byte))
            }
            // Writing to a string never fails.
            _ => write!(uri, "%{byte:02x}").unwrap_or_default(),
        }
    }
    uri
}

#[cfg(test)]
mod tests {
    use super::uri;

    #[test]
    fn a_path_of_unix_is_encoded_after_an_empty_authority() {
        assert_eq!(uri(b"/tmp/a b?c%20/state.db", false), "file:///tmp/a%20b%3fc%2520/state.db");
        assert_eq!(uri(br"/tmp/a\b", false), "file:///tmp/a%5cb");
    }

    #[test]
    fn a_path_of_windows_has_a_slash_before_its_drive() {
        for (path, expected) in [
            (r"C:\Users\a b\state.db", "file:///C%3a/Users/a%20b/state.db"),
            (r"\\?\C:\state.db", "file:///C%3a/state.db"),
            (r"\\server\share\state.db", "file:////server/share/state.db"),
            (r"\\?\UNC\server\share\state.db", "file:////server/share/state.db"),
        ] {
            assert_eq!(uri(path.as_bytes(), true), expected);
        }
    }
}
