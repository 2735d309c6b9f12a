//! How names and values are encoded in what is signed, rightly and in the usual wrong ways.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// RFC 3986: all but unreserved characters are encoded.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

pub(super) fn encoded(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

/// In hexadecimal digits, lower case.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// An encoding and what to say of it.
type Wrong = (fn(&str) -> String, String);

/// What clients get wrong, with the hint. `part` is what is encoded so.
pub(super) fn wrong_encodings(part: &str) -> [Wrong; 5] {
    [
        (|text| encoded(text).replace("%20", "+"), format!("spaces are `+` in the {part}; they must be %20")),
        (|text| encoded(text).replace("%2A", "*"), format!("`*` stands bare in the {part}; it must be %2A")),
        (|text| encoded(text).replace('~', "%7E"), format!("`~` is %7E in the {part}; it must stand bare")),
        (as_browsers_do, format!("`!'()*` stand bare in the {part}; they must be encoded")),
        (lower_case, "the hexadecimal digits of %XX are lower case; they must be upper case".into()),
    ]
}

/// `encodeURIComponent`.
fn as_browsers_do(text: &str) -> String {
    let bare = [("%21", "!"), ("%27", "'"), ("%28", "("), ("%29", ")"), ("%2A", "*")];
    bare.into_iter().fold(encoded(text), |text, (code, bare)| text.replace(code, bare))
}

fn lower_case(text: &str) -> String {
    let mut left = 0;
    encoded(text)
        .chars()
        .map(|c| {
            left = if c == '%' { 2 } else { i32::max(left - 1, -1) };
            if left >= 0 && c != '%' { c.to_ascii_lowercase() } else { c }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_digits_of_an_escape_become_lower_case() {
        assert_eq!(lower_case("ABC/张D"), "ABC%2f%e5%bc%a0D");
        assert_eq!(as_browsers_do("a*'(b)!/"), "a*'(b)!%2F");
    }
}
