//! Percent-encoding of signed names and values: the documented one, and the wrong ones that clients use.

use cloudauth_protocol::Bilingual;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};

use crate::http::{Message, both};

/// RFC 3986: all characters except the unreserved ones.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
const BARE_STAR: &AsciiSet = &RESERVED.remove(b'*');
const ENCODED_TILDE: &AsciiSet = &RESERVED.add(b'~');
/// `encodeURIComponent` of browsers.
const BROWSER: &AsciiSet = &BARE_STAR.remove(b'!').remove(b'\'').remove(b'(').remove(b')');

/// Receives a string to sign in pieces, so that the whole string need not be in memory.
pub(super) type Sink<'s> = dyn FnMut(&[u8]) + 's;

/// A percent-encoding of names and values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    Rfc3986,
    PlusForSpace,
    BareStar,
    EncodedTilde,
    Browser,
    LowerCaseDigits,
    /// No encoding.
    None,
}

impl Encoding {
    /// Encodes `bytes` into `to`.
    pub(super) fn write(self, bytes: &[u8], to: &mut Sink<'_>) {
        let set = match self {
            Self::Rfc3986 | Self::PlusForSpace | Self::LowerCaseDigits => RESERVED,
            Self::BareStar => BARE_STAR,
            Self::EncodedTilde => ENCODED_TILDE,
            Self::Browser => BROWSER,
            Self::None => return to(bytes),
        };
        for piece in percent_encode(bytes, set) {
            match self {
                Self::PlusForSpace if piece == "%20" => to(b"+"),
                Self::LowerCaseDigits if piece.starts_with('%') => to(piece.to_ascii_lowercase().as_bytes()),
                _ => to(piece.as_bytes()),
            }
        }
    }
}

/// Formats bytes as lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from(if nibble < 10 { b'0' + nibble } else { b'a' - 10 + nibble });
    let mut text = String::with_capacity(2 * bytes.len());
    text.extend(bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]));
    text
}

/// Returns the wrong encodings that clients use, each with its hint. `part` names what is encoded.
pub(super) fn wrong_encodings(part: Bilingual) -> [(Encoding, Message); 5] {
    let Bilingual { en, zh } = part;
    let hint = |en: String, zh: String| Message { en, zh };
    [
        (
            Encoding::PlusForSpace,
            hint(
                format!("spaces are `+` in the {en}; they must be %20"),
                format!("{zh}中的空格编码成了 `+`，须为 %20"),
            ),
        ),
        (
            Encoding::BareStar,
            hint(
                format!("`*` is not encoded in the {en}; it must be %2A"),
                format!("{zh}中的 `*` 没有编码，须为 %2A"),
            ),
        ),
        (
            Encoding::EncodedTilde,
            hint(
                format!("`~` is %7E in the {en}; it must not be encoded"),
                format!("{zh}中的 `~` 编码成了 %7E，不应编码"),
            ),
        ),
        (
            Encoding::Browser,
            hint(
                format!("`!'()*` are not encoded in the {en}; they must be"),
                format!("{zh}中的 `!'()*` 没有编码，须进行编码"),
            ),
        ),
        (
            Encoding::LowerCaseDigits,
            both(
                "the hexadecimal digits of %XX are lower case; they must be upper case",
                "%XX 中的十六进制字母为小写，须为大写",
            )
            .into(),
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_has_two_lower_case_digits() {
        let all: Vec<u8> = (0..=255).collect();
        let expected: Vec<String> = all.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex(&all), expected.concat());
    }

    #[test]
    fn each_encoding_differs_from_the_documented_one_in_one_way() {
        let encoded = |encoding: Encoding| {
            let mut text = Vec::new();
            encoding.write("Ab ~*'(!)/张".as_bytes(), &mut |piece| text.extend_from_slice(piece));
            String::from_utf8(text).unwrap()
        };
        assert_eq!(encoded(Encoding::Rfc3986), "Ab%20~%2A%27%28%21%29%2F%E5%BC%A0");
        assert_eq!(encoded(Encoding::PlusForSpace), "Ab+~%2A%27%28%21%29%2F%E5%BC%A0");
        assert_eq!(encoded(Encoding::BareStar), "Ab%20~*%27%28%21%29%2F%E5%BC%A0");
        assert_eq!(encoded(Encoding::EncodedTilde), "Ab%20%7E%2A%27%28%21%29%2F%E5%BC%A0");
        assert_eq!(encoded(Encoding::Browser), "Ab%20~*'(!)%2F%E5%BC%A0");
        assert_eq!(encoded(Encoding::LowerCaseDigits), "Ab%20~%2a%27%28%21%29%2f%e5%bc%a0");
        assert_eq!(encoded(Encoding::None), "Ab ~*'(!)/张");
    }
}
