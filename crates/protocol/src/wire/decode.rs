//! Percent-decoding, for callbacks and the browser's return. Every decoded text is wiped on drop: it may be a token.

use crate::wipe::{WipedBytes, WipedString};

/// Decodes percent-encoding; `+` becomes a space if `plus_is_space`. A `%` without two hexadecimal digits is kept; bytes that
/// are not UTF-8 become U+FFFD.
pub(crate) fn decode(text: &str, plus_is_space: bool) -> WipedString {
    let mut out = WipedBytes::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        match (first, tail) {
            (b'+', _) if plus_is_space => out.push(b' '),
            (b'%', [high, low, after @ ..]) => match (from_hex(*high), from_hex(*low)) {
                (Some(high), Some(low)) => {
                    out.push(high << 4 | low);
                    rest = after;
                }
                _ => out.push(b'%'),
            },
            _ => out.push(*first),
        }
    }
    let mut decoded = WipedString::with_capacity(out.len());
    for chunk in out.utf8_chunks() {
        decoded.push_str(chunk.valid());
        if !chunk.invalid().is_empty() {
            decoded.push(char::REPLACEMENT_CHARACTER);
        }
    }
    decoded
}

fn from_hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

/// The decoded pairs of a query or form: `a=b&c` gives `("a", "b")` and `("c", "")`.
pub(crate) fn decoded_pairs(query: &str) -> impl Iterator<Item = (WipedString, WipedString)> + '_ {
    query.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decode(name, true), decode(value, true))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::wire::encode::push_encoded;

    #[test]
    fn keeps_a_lone_percent_sign() {
        assert_eq!(&*decode("100%", true), "100%");
        assert_eq!(&*decode("%zz%4", true), "%zz%4");
        assert_eq!(&*decode("a+b%20c", true), "a b c");
        assert_eq!(&*decode("a+b", false), "a+b");
    }

    #[test]
    fn replaces_bytes_that_are_not_utf_8() {
        assert_eq!(&*decode("a%ffb%e6%ac", true), "a\u{fffd}b\u{fffd}");
    }

    proptest! {
        #[test]
        fn decoding_undoes_encoding(text in "\\PC*") {
            let mut encoded = Vec::new();
            push_encoded(&mut encoded, &text);
            let encoded = String::from_utf8(encoded).unwrap();
            prop_assert_eq!(&*decode(&encoded, true), text);
        }
    }
}
