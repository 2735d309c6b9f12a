//! Resolves the escapes of a JSON string.

use super::scan::{Unusual, first_stop};

/// Resolves the escapes of the text between the quotes of a valid JSON string; `None` if it has an unpaired surrogate. Allocates
/// once, at the size of the input; a parser's buffer grows as it reads.
pub(crate) fn unescape(quoted: &str) -> Option<String> {
    let mut out = String::with_capacity(quoted.len());
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

/// Reads a string after its opening quote: checks it, and resolves its escapes in the same pass, which a `MaterialInfo` full of
/// quotes gains a third from. Returns the text, and the length of what was read including the closing quote.
pub(super) fn read_escaped(rest: &[u8]) -> Result<(String, usize), Unusual> {
    // A block is always written in full, and the next one overwrites what does not count.
    let mut out = vec![0; rest.len() + 8];
    let (mut from, mut to) = (0, 0);
    loop {
        let Some(block) = rest.get(from..).and_then(<[u8]>::first_chunk::<8>) else {
            return finish_slowly(rest, from, out, to);
        };
        out.get_mut(to..to + 8).ok_or(Unusual)?.copy_from_slice(block);
        let plain = first_stop(*block);
        (from, to) = (from + plain, to + plain);
        if plain < 8 {
            match next(rest, &mut from, &mut out, &mut to)? {
                Next::More => {}
                Next::End => return finish(out, to, from),
            }
        }
    }
}

enum Next {
    More,
    End,
}

/// Reads the escape, or the closing quote, at `from`.
#[inline]
fn next(rest: &[u8], from: &mut usize, out: &mut [u8], to: &mut usize) -> Result<Next, Unusual> {
    match (rest.get(*from), rest.get(*from + 1)) {
        (Some(b'"'), _) => {
            *from += 1;
            return Ok(Next::End);
        }
        (Some(b'\\'), Some(byte @ (b'"' | b'\\' | b'/'))) => {
            *out.get_mut(*to).ok_or(Unusual)? = *byte;
            (*from, *to) = (*from + 2, *to + 1);
        }
        (Some(b'\\'), Some(b'b' | b'f' | b'n' | b'r' | b't' | b'u')) => {
            let escape = rest.get(*from + 1..).unwrap_or_default();
            let (char, len) = resolve(escape).ok_or(Unusual)?;
            let text = &mut [0; 4];
            let text = char.encode_utf8(text).as_bytes();
            out.get_mut(*to..*to + text.len()).ok_or(Unusual)?.copy_from_slice(text);
            (*from, *to) = (*from + 1 + len, *to + text.len());
        }
        _ => return Err(Unusual),
    }
    Ok(Next::More)
}

/// Reads the last bytes of a document one by one.
#[cold]
fn finish_slowly(
    rest: &[u8],
    mut from: usize,
    mut out: Vec<u8>,
    mut to: usize,
) -> Result<(String, usize), Unusual> {
    loop {
        match rest.get(from).ok_or(Unusual)? {
            b'"' | b'\\' => match next(rest, &mut from, &mut out, &mut to)? {
                Next::More => {}
                Next::End => return finish(out, to, from),
            },
            byte if *byte < b' ' => return Err(Unusual),
            byte => {
                *out.get_mut(to).ok_or(Unusual)? = *byte;
                (from, to) = (from + 1, to + 1);
            }
        }
    }
}

fn finish(mut out: Vec<u8>, to: usize, from: usize) -> Result<(String, usize), Unusual> {
    out.truncate(to);
    // The buffer has the size of the document's rest, which can be far longer than the string.
    if out.capacity() > 2 * to + 1024 {
        out.shrink_to_fit();
    }
    Ok((String::from_utf8(out).map_err(|_| Unusual)?, from))
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
