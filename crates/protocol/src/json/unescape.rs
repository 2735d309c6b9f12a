//! Resolves the escapes of a JSON string.

use super::scan::{Unusual, plain};
use crate::wipe::WipedString;

/// Resolves the escapes of the text between the quotes of a valid JSON string; `None` if it has an unpaired surrogate. Allocates
/// once, at the size of the input; a parser's buffer grows as it reads.
pub(crate) fn unescape(quoted: &str) -> Option<WipedString> {
    let mut out = WipedString::with_capacity(quoted.len());
    let mut rest = quoted;
    while let Some(at) = memchr::memchr(b'\\', rest.as_bytes()) {
        out.push_str(rest.get(..at)?);
        let escape = rest.get(at + 1..)?;
        let (char, len) = resolve(escape.as_bytes())?;
        out.push(char);
        rest = escape.get(len..)?;
    }
    out.push_str(rest);
    Some(out)
}

/// The capacity of a text at first. Nearly every `MaterialInfo` is shorter, so that it is allocated once.
const USUAL: usize = 4096;

/// Reads a string after its opening quote: checks it, and resolves its escapes in the same pass, because a `MaterialInfo` has one
/// for each of its quotes. Returns the text, and the length of what was read including the closing quote.
pub(super) fn read_escaped(rest: &str) -> Result<(WipedString, usize), Unusual> {
    let mut out = WipedString::with_capacity(rest.len().min(USUAL));
    let mut left = rest;
    loop {
        let len = match left.as_bytes() {
            // Most often, one of these is between two escaped quotes.
            [byte @ (b',' | b':' | b'T' | b'F'), b'\\', ..] => {
                out.push(char::from(*byte));
                1
            }
            text => {
                let len = plain(text)?;
                out.push_str(left.get(..len).ok_or(Unusual)?);
                len
            }
        };
        let stop = left.get(len..).ok_or(Unusual)?;
        let len = match stop.as_bytes() {
            [b'\\', byte @ (b'"' | b'\\' | b'/'), ..] => {
                out.push(char::from(*byte));
                1
            }
            [b'\\', escape @ ..] if matches!(escape, [b'b' | b'f' | b'n' | b'r' | b't' | b'u', ..]) => {
                let (char, len) = resolve(escape).ok_or(Unusual)?;
                out.push(char);
                len
            }
            [b'"', after @ ..] => {
                return Ok((out, rest.len() - after.len()));
            }
            _ => return Err(Unusual),
        };
        left = stop.get(1 + len..).ok_or(Unusual)?;
    }
}

/// The character of an escape, given without its backslash, and the escape's length. `None` for an unpaired surrogate or a
/// malformed number.
fn resolve(escape: &[u8]) -> Option<(char, usize)> {
    Some(match escape.first()? {
        b'b' => ('\u{8}', 1),
        b'f' => ('\u{c}', 1),
        b'n' => ('\n', 1),
        b'r' => ('\r', 1),
        b't' => ('\t', 1),
        b'u' => {
            let first = unit(escape.get(1..5)?)?;
            match char::decode_utf16([first]).next()? {
                Ok(char) => (char, 5),
                Err(_) => {
                    let second = unit(escape.get(5..11)?.strip_prefix(b"\\u")?)?;
                    (char::decode_utf16([first, second]).next()?.ok()?, 11)
                }
            }
        }
        itself => (char::from(*itself), 1),
    })
}

/// The UTF-16 unit of four hexadecimal digits.
fn unit(digits: &[u8]) -> Option<u16> {
    digits.iter().try_fold(0, |unit, digit| {
        let digit = char::from(*digit).to_digit(16).and_then(|digit| u16::try_from(digit).ok())?;
        Some(unit << 4 | digit)
    })
}
