//! Scans JSON byte by byte, and strings many bytes at a time.

use std::ops::Range;

use cloudauth_protocol::grammar::DEEPEST;

use super::scan::end_of_text;

/// The reason why a line is not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bad {
    /// Not a JSON object, or more than one.
    NotJson,
    /// A wanted member, or one that the client reads, appears twice.
    Twice,
    /// A response is larger than the client reads.
    TooLarge,
}

/// A position in a document. With `IN_TEXT` the document is inside a string of another document, with a backslash before each
/// quote. Any other backslash is an error, and such a string has to be unescaped first.
pub(super) struct Cursor<'b, const IN_TEXT: bool> {
    pub(super) bytes: &'b [u8],
    pub(super) at: usize,
}

impl<const IN_TEXT: bool> Cursor<'_, IN_TEXT> {
    /// The first byte of a quote, and the length of a quote.
    pub(super) const QUOTE: u8 = if IN_TEXT { b'\\' } else { b'"' };
    const QUOTE_LENGTH: usize = if IN_TEXT { 2 } else { 1 };

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
        while let Some(byte @ (b' ' | b'\t' | b'\n' | b'\r')) = self.peek()
            && (!IN_TEXT || byte == b' ')
        {
            self.at += 1;
        }
    }

    /// Skips blanks and this byte.
    #[inline]
    pub(super) fn demand(&mut self, byte: u8) -> Result<(), Bad> {
        if self.peek() != Some(byte) {
            self.blank();
        }
        if self.next() == Some(byte) { Ok(()) } else { Err(Bad::NotJson) }
    }

    /// Skips a quote, which is known to begin here.
    #[inline]
    pub(super) fn quote(&mut self) -> Result<(), Bad> {
        self.at += 1;
        if !IN_TEXT || self.next() == Some(b'"') { Ok(()) } else { Err(Bad::NotJson) }
    }

    /// Skips the comma before the next member, or the end after the last one. Returns whether there is a next member.
    #[inline]
    pub(super) fn goes_on(&mut self, end: u8) -> Result<bool, Bad> {
        if self.peek() == Some(b',') {
            self.at += 1;
            return Ok(true);
        }
        self.blank();
        match self.next() {
            Some(b',') => Ok(true),
            Some(byte) if byte == end => Ok(false),
            _ => Err(Bad::NotJson),
        }
    }

    /// Skips a name and its colon. Returns its range, and whether it has escapes.
    pub(super) fn name(&mut self) -> Result<(Range<usize>, bool), Bad> {
        if self.peek() != Some(Self::QUOTE) {
            return Err(Bad::NotJson);
        }
        self.quote()?;
        let name = self.text()?;
        self.demand(b':')?;
        Ok(name)
    }

    pub(super) fn word(&mut self, word: &str) -> Result<(), Bad> {
        let end = self.at + word.len();
        let is = self.bytes.get(self.at..end) == Some(word.as_bytes());
        self.at = end;
        if is { Ok(()) } else { Err(Bad::NotJson) }
    }

    /// Skips the rest of a string after its opening quote. Returns its range, and whether it has escapes.
    #[inline]
    pub(super) fn text(&mut self) -> Result<(Range<usize>, bool), Bad> {
        let begin = self.at;
        let escaped = self.string()?;
        Ok((begin..self.at - Self::QUOTE_LENGTH, escaped))
    }

    /// Skips the rest of a string and its closing quote. Returns whether it has escapes.
    #[inline]
    fn string(&mut self) -> Result<bool, Bad> {
        let mut escaped = false;
        loop {
            self.at = end_of_text(self.bytes, self.at).ok_or(Bad::NotJson)?;
            match (self.next(), IN_TEXT) {
                (Some(b'"'), false) => return Ok(escaped),
                (Some(b'\\'), false) => self.escape()?,
                (Some(b'\\'), true) if self.next() == Some(b'"') => return Ok(escaped),
                _ => return Err(Bad::NotJson),
            }
            escaped = true;
        }
    }

    /// Skips the escape after a backslash.
    fn escape(&mut self) -> Result<(), Bad> {
        match self.next() {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(()),
            Some(b'u') => {
                let digits = self.bytes.get(self.at..self.at + 4).unwrap_or_default();
                self.at += 4;
                let are = digits.len() == 4 && digits.iter().all(u8::is_ascii_hexdigit);
                if are { Ok(()) } else { Err(Bad::NotJson) }
            }
            _ => Err(Bad::NotJson),
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

    /// Reads a number as the nearest double, which is infinite if the number is out of range.
    pub(super) fn value(&mut self) -> Result<f64, Bad> {
        let begin = self.at;
        if let Some(number) = self.short() {
            return Ok(number);
        }
        self.at = begin;
        self.number()?;
        let text = self.bytes.get(begin..self.at).and_then(|text| std::str::from_utf8(text).ok());
        text.and_then(|text| text.parse().ok()).ok_or(Bad::NotJson)
    }

    /// Reads a number of at most 15 digits without an exponent. Both sides of the division are exact, so the result is the
    /// nearest double. `None` for a longer number, or for anything else.
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

    /// Skips digits and adds them to a number. Returns how many there are.
    #[inline]
    fn count(&mut self, value: &mut u64) -> usize {
        let begin = self.at;
        while let Some(eight) = self.bytes.get(self.at..).and_then(<[u8]>::first_chunk::<8>) {
            let (digits, number) = first_digits(*eight);
            let ten = TENS_OF_COUNT.get(digits).copied().unwrap_or_default();
            *value = value.wrapping_mul(ten).wrapping_add(number);
            self.at += digits;
            if digits < 8 {
                return self.at - begin;
            }
        }
        while let Some(digit @ b'0'..=b'9') = self.peek() {
            *value = value.wrapping_mul(10).wrapping_add(u64::from(digit - b'0'));
            self.at += 1;
        }
        self.at - begin
    }

    /// Skips a value.
    pub(super) fn pass(&mut self, deep: usize) -> Result<(), Bad> {
        let (is_object, end) = match self.peek() {
            Some(quote) if quote == Self::QUOTE => {
                self.quote()?;
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
            self.blank();
            if is_object {
                self.name()?;
                self.blank();
            }
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

const TENS_OF_COUNT: [u64; 9] = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000];

/// Returns how many of these bytes are digits before the first other byte, and their number.
#[inline]
fn first_digits(eight: [u8; 8]) -> (usize, u64) {
    // The value of each digit; any other byte is above 9.
    let values = u64::from_le_bytes(eight) ^ (ONES * u64::from(b'0'));
    let others = (((values & !HIGH) + ONES * (0x80 - 10)) | values) & HIGH;
    let digits = others.trailing_zeros() as usize / 8;
    // Zeros take the place of missing digits. Then pairs, fours and all eight are added up.
    let values = values.checked_shl(64 - 8 * digits as u32).unwrap_or_default();
    let pairs = values.wrapping_mul(10).wrapping_add(values >> 8) & 0x00FF_00FF_00FF_00FF;
    let fours = pairs.wrapping_mul(100).wrapping_add(pairs >> 16) & 0x0000_FFFF_0000_FFFF;
    let number = fours.wrapping_mul(10_000).wrapping_add(fours >> 32) & 0xFFFF_FFFF;
    (digits, number)
}

/// Resolves escapes that are known to be well formed; `None` for an unpaired surrogate.
pub(super) fn unescape(escaped: &[u8], to: &mut Vec<u8>) -> Option<()> {
    let mut rest = escaped;
    to.reserve(escaped.len());
    loop {
        // Most runs are short: eight bytes are copied at a time, and the excess is truncated.
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
                // This is rare and not worth a parser of our own.
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
