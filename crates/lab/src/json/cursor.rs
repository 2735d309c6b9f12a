//! Goes through JSON byte by byte, and eight at a time where a text is long.

use std::ops::Range;

use super::{Bad, DEEPEST};

/// A place in a document.
pub(super) struct Cursor<'b> {
    pub(super) bytes: &'b [u8],
    pub(super) at: usize,
}

impl Cursor<'_> {
    #[inline]
    pub(super) fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    #[inline]
    pub(super) fn next(&mut self) -> Option<u8> {
        let byte = self.peek();
        self.at += usize::from(byte.is_some());
        byte
    }

    #[inline]
    pub(super) fn blank(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    /// Passes over blanks and this byte.
    #[inline]
    pub(super) fn demand(&mut self, byte: u8) -> Result<(), Bad> {
        if self.peek() != Some(byte) {
            self.blank();
        }
        if self.next() == Some(byte) { Ok(()) } else { Err(Bad::NotJson) }
    }

    /// Passes over the comma before the next member, or the end after the last one: whether there is a next one.
    #[inline]
    pub(super) fn goes_on(&mut self, end: u8) -> Result<bool, Bad> {
        if !matches!(self.peek(), Some(b',')) {
            self.blank();
        }
        match self.next() {
            Some(b',') => Ok(true),
            Some(byte) if byte == end => Ok(false),
            _ => Err(Bad::NotJson),
        }
    }

    /// Passes over the rest of a name, if it is this one, which has nothing to escape.
    #[inline]
    pub(super) fn is_name(&mut self, name: &[u8]) -> bool {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let is = rest.get(name.len()) == Some(&b'"') && rest.starts_with(name);
        self.at += if is { name.len() + 1 } else { 0 };
        is
    }

    pub(super) fn word(&mut self, word: &str) -> Result<(), Bad> {
        let end = self.at + word.len();
        let is = self.bytes.get(self.at..end) == Some(word.as_bytes());
        self.at = end;
        if is { Ok(()) } else { Err(Bad::NotJson) }
    }

    /// The rest of a text whose quote is read: where it stands, and whether it has escapes. Eight bytes at a time.
    pub(super) fn string(&mut self) -> Result<(Range<usize>, bool), Bad> {
        let (begin, mut escaped) = (self.at, false);
        loop {
            let mut plain = 0;
            while let Some(eight) = self.bytes.get(self.at..).and_then(<[u8]>::first_chunk::<8>) {
                let stops = special(u64::from_le_bytes(*eight));
                if stops != 0 {
                    self.at += stops.trailing_zeros() as usize / 8;
                    break;
                }
                self.at += 8;
                plain += 1;
                if plain == 2 {
                    self.long_plain();
                }
            }
            match self.next() {
                Some(b'"') => return Ok((begin..self.at - 1, escaped)),
                Some(b'\\') => {
                    escaped = true;
                    match self.next() {
                        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => {}
                        Some(b'u') => {
                            let digits = self.bytes.get(self.at..self.at + 4).unwrap_or_default();
                            if digits.len() < 4 || !digits.iter().all(u8::is_ascii_hexdigit) {
                                return Err(Bad::NotJson);
                            }
                            self.at += 4;
                        }
                        _ => return Err(Bad::NotJson),
                    }
                }
                Some(b' '..) => {}
                _ => return Err(Bad::NotJson),
            }
        }
    }

    /// Passes over what is plain in a long text, as many bytes at a time as the processor compares.
    fn long_plain(&mut self) {
        while let Some(chunk) = self.bytes.get(self.at..).and_then(<[u8]>::first_chunk::<32>) {
            let stops = chunk
                .iter()
                .fold(false, |any, byte| any | (*byte < b' ') | (*byte == b'"') | (*byte == b'\\'));
            if stops {
                return;
            }
            self.at += 32;
        }
    }

    fn digits(&mut self) -> Result<(), Bad> {
        let begin = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        if self.at > begin { Ok(()) } else { Err(Bad::NotJson) }
    }

    pub(super) fn number(&mut self) -> Result<(), Bad> {
        self.at += usize::from(self.peek() == Some(b'-'));
        if self.peek() == Some(b'0') {
            self.at += 1;
        } else {
            self.digits()?;
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

    /// A number, as the nearest double; `None` if it is beyond all of them.
    pub(super) fn value(&mut self) -> Result<Option<f64>, Bad> {
        let begin = self.at;
        if let Some(number) = self.short() {
            return Ok(Some(number));
        }
        self.at = begin;
        self.number()?;
        let text = self.bytes.get(begin..self.at).and_then(|text| std::str::from_utf8(text).ok());
        Ok(text.and_then(|text| text.parse::<f64>().ok()).filter(|number| number.is_finite()))
    }

    /// A number of at most 15 digits and without an exponent: both sides of the division are exact, and so its result is the
    /// nearest double. `None` for what is longer, or no number.
    fn short(&mut self) -> Option<f64> {
        const TENS: [f64; 16] =
            [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15];
        let is_negative = self.peek() == Some(b'-');
        self.at += usize::from(is_negative);
        let (begin, mut value) = (self.at, 0_u64);
        let whole = self.count(&mut value);
        let is_led_by_zero = whole > 1 && self.bytes.get(begin) == Some(&b'0');
        let mut decimals = 0;
        if self.peek() == Some(b'.') {
            self.at += 1;
            decimals = self.count(&mut value);
            if decimals == 0 {
                return None;
            }
        }
        if whole == 0 || whole + decimals > 15 || is_led_by_zero || matches!(self.peek(), Some(b'e' | b'E')) {
            return None;
        }
        let number = value as f64 / TENS.get(decimals)?;
        Some(if is_negative { -number } else { number })
    }

    /// Passes over digits, and adds them to a number; gives how many.
    #[inline]
    fn count(&mut self, value: &mut u64) -> usize {
        let begin = self.at;
        while let Some(digit @ b'0'..=b'9') = self.peek() {
            *value = value.wrapping_mul(10).wrapping_add(u64::from(digit - b'0'));
            self.at += 1;
        }
        self.at - begin
    }

    /// Passes over a value.
    pub(super) fn pass(&mut self, deep: usize) -> Result<(), Bad> {
        let (is_object, end) = match self.peek() {
            Some(b'"') => {
                self.at += 1;
                return self.string().map(drop);
            }
            Some(b'-' | b'0'..=b'9') => return self.number(),
            Some(b't') => return self.word("true"),
            Some(b'f') => return self.word("false"),
            Some(b'n') => return self.word("null"),
            Some(b'{') => (true, b'}'),
            Some(b'[') => (false, b']'),
            _ => return Err(Bad::NotJson),
        };
        if deep >= DEEPEST {
            return Err(Bad::NotJson);
        }
        self.at += 1;
        self.blank();
        if self.peek() == Some(end) {
            self.at += 1;
            return Ok(());
        }
        loop {
            if is_object {
                self.demand(b'"')?;
                self.string()?;
                self.demand(b':')?;
            }
            self.blank();
            self.pass(deep + 1)?;
            if !self.goes_on(end)? {
                return Ok(());
            }
        }
    }
}

const ONES: u64 = u64::MAX / 255;
const HIGH: u64 = ONES << 7;

const fn zero(eight: u64) -> u64 {
    eight.wrapping_sub(ONES) & !eight
}

/// The high bit of each byte that ends the plain part of a text: a quote, a backslash, a control character. What lies above
/// the first of them may be wrong.
const fn special(eight: u64) -> u64 {
    let below_blank = eight.wrapping_sub(ONES * 0x20) & !eight;
    (zero(eight ^ (ONES * b'"' as u64)) | zero(eight ^ (ONES * b'\\' as u64)) | below_blank) & HIGH
}

/// Resolves escapes that are known to be well formed; `None` where half a surrogate pair stands.
pub(super) fn unescape(escaped: &[u8], to: &mut Vec<u8>) -> Option<()> {
    let mut rest = escaped;
    to.reserve(escaped.len());
    loop {
        // Most stretches are short: eight bytes at a time, and what was too many goes again.
        while let Some(eight) = rest.first_chunk::<8>() {
            to.extend_from_slice(eight);
            let stops = zero(u64::from_le_bytes(*eight) ^ (ONES * b'\\' as u64)) & HIGH;
            if stops != 0 {
                let plain = stops.trailing_zeros() as usize / 8;
                to.truncate(to.len() - 8 + plain);
                rest = rest.get(plain..)?;
                break;
            }
            rest = rest.get(8..)?;
        }
        let Some(at) = rest.iter().position(|byte| *byte == b'\\') else { break };
        to.extend_from_slice(rest.get(..at)?);
        let escape = rest.get(at + 1..)?;
        let byte = match escape.first()? {
            b'b' => 8,
            b'f' => 12,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'u' => {
                // Seldom, and not worth a reader of our own: the rest, as a text.
                let text = [b"\"", rest.get(at..)?, b"\""].concat();
                to.extend_from_slice(serde_json::from_slice::<String>(&text).ok()?.as_bytes());
                return Some(());
            }
            itself => *itself,
        };
        to.push(byte);
        rest = escape.get(1..)?;
    }
    to.extend_from_slice(rest);
    Some(())
}
