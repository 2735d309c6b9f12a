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

    /// The rest of the document.
    pub(super) fn rest(&self) -> &'a [u8] {
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
        if self.blank().is_none() { Ok(()) } else { Err(Unusual) }
    }

    /// Skips a string without escapes. Returns the text between its quotes.
    #[inline]
    pub(super) fn plain_string(&mut self) -> Result<&'a str, Unusual> {
        self.demand(b'"')?;
        let begin = self.at;
        if self.stop()? == b'"' { self.text.get(begin..self.at - 1).ok_or(Unusual) } else { Err(Unusual) }
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
        let mut skipped = 0;
        let (blocks, _) = rest.as_chunks::<16>();
        for block in blocks {
            // The compiler turns this into a few vector instructions.
            if block.iter().fold(false, |stops, byte| stops | is_stop(*byte)) {
                break;
            }
            skipped += 16;
        }
        let rest = rest.get(skipped..).unwrap_or_default();
        let (words, tail) = rest.as_chunks::<8>();
        let mut within = 0;
        for word in words {
            let stop = first_stop(*word);
            within += stop;
            if stop < 8 {
                break;
            }
        }
        if within == words.len() * 8 {
            within += tail.iter().position(|byte| is_stop(*byte)).ok_or(Unusual)?;
        }
        self.at += skipped + within + 1;
        match rest.get(within) {
            Some(byte @ (b'"' | b'\\')) => Ok(*byte),
            _ => Err(Unusual),
        }
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

/// Whether a byte ends the plain text of a string: a quote, a backslash, or a control character, which no string may have.
const fn is_stop(byte: u8) -> bool {
    byte == b'"' || byte == b'\\' || byte < b' '
}

const ONES: u64 = u64::MAX / 255;
const HIGH: u64 = ONES << 7;

/// The position of the first byte that ends the plain text of a string; 8 if there is none.
#[inline]
pub(super) const fn first_stop(word: [u8; 8]) -> usize {
    let word = u64::from_le_bytes(word);
    // Each marks its bytes with the high bit. A borrow can mark a byte too many only after a correct one.
    let quotes = (word ^ (ONES * b'"' as u64)).wrapping_sub(ONES) & !(word ^ (ONES * b'"' as u64));
    let backslashes = (word ^ (ONES * b'\\' as u64)).wrapping_sub(ONES) & !(word ^ (ONES * b'\\' as u64));
    let controls = word.wrapping_sub(ONES * b' ' as u64) & !word;
    ((quotes | backslashes | controls) & HIGH).trailing_zeros() as usize / 8
}
