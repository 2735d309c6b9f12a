//! Skips the parts of a JSON document: blanks, strings, numbers, words, lists, objects.

use std::fmt;

/// The deepest nesting that is skipped. Deeper documents are left to serde_json.
pub(super) const DEEPEST: u8 = 16;

/// The quick reader gave up: the document is invalid, or unusual.
#[derive(Debug)]
pub(super) struct Unusual;

impl fmt::Display for Unusual {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not for the quick reader")
    }
}

impl std::error::Error for Unusual {}

/// A position in a document.
pub(super) struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Scanner<'a> {
    pub(super) const fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// The rest of the document as text; empty within a character.
    pub(super) fn rest_text(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn rest(&self) -> &'a [u8] {
        self.text.as_bytes().get(self.at..).unwrap_or_default()
    }

    pub(super) fn advance(&mut self, bytes: usize) {
        self.at += bytes;
    }

    #[inline]
    pub(super) fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// Skips blanks. Returns the byte after them, which stays.
    #[inline]
    pub(super) fn blank(&mut self) -> Option<u8> {
        loop {
            match self.peek() {
                Some(b' ' | b'\t' | b'\n' | b'\r') => self.at += 1,
                other => return other,
            }
        }
    }

    /// Skips blanks and this byte.
    #[inline]
    pub(super) fn demand(&mut self, byte: u8) -> Result<(), Unusual> {
        if self.blank() == Some(byte) {
            self.at += 1;
            Ok(())
        } else {
            Err(Unusual)
        }
    }

    /// Checks that only blanks are left.
    pub(super) fn end(&mut self) -> Result<(), Unusual> {
        self.blank();
        if self.at == self.text.len() { Ok(()) } else { Err(Unusual) }
    }

    /// Moves beyond the end, where nothing can be read and the document does not end.
    pub(super) fn give_up(&mut self) {
        self.at = usize::MAX;
    }

    /// Skips a string without escapes. Returns the text between its quotes; `None` if it has escapes, without skipping it.
    #[inline]
    pub(super) fn plain_string(&mut self) -> Result<Option<&'a str>, Unusual> {
        let rest = self.rest_text();
        let text = rest.strip_prefix('"').ok_or(Unusual)?;
        let (text, stop) = text.split_at_checked(plain(text.as_bytes())?).ok_or(Unusual)?;
        if stop.starts_with('\\') {
            return Ok(None);
        }
        self.at += text.len() + 2;
        Ok(Some(text))
    }

    /// Skips a value. Returns it as written.
    #[inline]
    pub(super) fn value(&mut self) -> Result<&'a str, Unusual> {
        self.blank();
        let begin = self.at;
        self.skip(DEEPEST)?;
        self.text.get(begin..self.at).ok_or(Unusual)
    }

    /// Skips a value whose lists and objects are nested at most `depth` times.
    fn skip(&mut self, depth: u8) -> Result<(), Unusual> {
        match self.blank().ok_or(Unusual)? {
            b'"' => self.string(),
            b'-' | b'0'..=b'9' => self.number(),
            b't' => self.word("true"),
            b'f' => self.word("false"),
            b'n' => self.word("null"),
            b'{' => self.members(b'}', depth.checked_sub(1).ok_or(Unusual)?),
            b'[' => self.members(b']', depth.checked_sub(1).ok_or(Unusual)?),
            _ => Err(Unusual),
        }
    }

    /// Skips a list or an object.
    fn members(&mut self, end: u8, depth: u8) -> Result<(), Unusual> {
        self.at += 1;
        if self.blank() == Some(end) {
            self.at += 1;
            return Ok(());
        }
        loop {
            if end == b'}' {
                if self.blank() != Some(b'"') {
                    return Err(Unusual);
                }
                self.string()?;
                self.demand(b':')?;
            }
            self.skip(depth)?;
            match self.blank() {
                Some(b',') => self.at += 1,
                Some(byte) if byte == end => {
                    self.at += 1;
                    return Ok(());
                }
                _ => return Err(Unusual),
            }
        }
    }

    pub(super) fn word(&mut self, word: &str) -> Result<(), Unusual> {
        if self.rest().starts_with(word.as_bytes()) {
            self.at += word.len();
            Ok(())
        } else {
            Err(Unusual)
        }
    }

    /// Skips a string, which is known to begin here. Its escapes are checked as serde_json does where it skips a string: an
    /// unpaired surrogate is accepted.
    fn string(&mut self) -> Result<(), Unusual> {
        self.at += 1;
        while self.stop()? == b'\\' {
            match self.peek() {
                Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 1,
                Some(b'u') => match self.rest().get(1..5) {
                    Some(digits) if digits.iter().all(u8::is_ascii_hexdigit) => self.at += 5,
                    _ => return Err(Unusual),
                },
                _ => return Err(Unusual),
            }
        }
        Ok(())
    }

    /// Skips the text of a string and the quote or backslash after it, which is returned.
    #[inline]
    fn stop(&mut self) -> Result<u8, Unusual> {
        let rest = self.rest();
        let plain = plain(rest)?;
        self.at += plain + 1;
        rest.get(plain).copied().ok_or(Unusual)
    }

    fn digits(&mut self) -> Result<(), Unusual> {
        let begin = self.at;
        while let Some(b'0'..=b'9') = self.peek() {
            self.at += 1;
        }
        if self.at > begin { Ok(()) } else { Err(Unusual) }
    }

    fn number(&mut self) -> Result<(), Unusual> {
        self.at += usize::from(self.peek() == Some(b'-'));
        match self.peek() {
            Some(b'0') => self.at += 1,
            _ => self.digits()?,
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            self.at += usize::from(matches!(self.peek(), Some(b'+' | b'-')));
            self.digits()?;
        }
        Ok(())
    }
}

/// The length of the text before the next quote or backslash.
#[inline]
pub(super) fn plain(text: &[u8]) -> Result<usize, Unusual> {
    // Most texts are short, and searching eight bytes at a time is quicker for them than a call.
    let (words, _) = text.as_chunks::<8>();
    let mut length = 0;
    for word in words.iter().take(4) {
        let stop = first_stop(*word);
        length += stop;
        if stop < 8 {
            return match text.get(length) {
                Some(b'"' | b'\\') => Ok(length),
                _ => Err(Unusual),
            };
        }
    }
    long_plain(text, length)
}

/// The same for a text whose first `length` bytes are plain.
#[inline(never)]
fn long_plain(text: &[u8], length: usize) -> Result<usize, Unusual> {
    let rest = text.get(length..).unwrap_or_default();
    let run = memchr::memchr2(b'"', b'\\', rest).ok_or(Unusual)?;
    let rest = rest.get(..run).unwrap_or_default();
    // Without an early return, the compiler compares many bytes in one instruction.
    let least = rest.iter().fold(u8::MAX, |least, byte| least.min(*byte));
    if least < b' ' { Err(Unusual) } else { Ok(length + run) }
}

const ONES: u64 = u64::MAX / 255;
const HIGH: u64 = ONES << 7;

/// The position of the first byte that is a quote, a backslash or a control character, which no string may have; 8 if there is
/// none.
#[inline]
const fn first_stop(word: [u8; 8]) -> usize {
    let word = u64::from_le_bytes(word);
    // Each marks its bytes with the high bit. A borrow can mark a byte too many only after a correct one.
    let (quotes, backslashes) = (word ^ (ONES * b'"' as u64), word ^ (ONES * b'\\' as u64));
    let quotes = quotes.wrapping_sub(ONES) & !quotes;
    let backslashes = backslashes.wrapping_sub(ONES) & !backslashes;
    let controls = word.wrapping_sub(ONES * b' ' as u64) & !word;
    ((quotes | backslashes | controls) & HIGH).trailing_zeros() as usize / 8
}
