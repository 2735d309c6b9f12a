//! Finds malformed quotes of CSV: text after a closing quote, such as `"8"8`. The CSV reader would read it as `88`.

use std::collections::VecDeque;

/// Follows the quotes of a file, as the CSV reader does.
pub(crate) struct Quotes {
    delimiter: u8,
    state: State,
    /// The number of bytes scanned.
    offset: u64,
    /// The offsets of text after a closing quote. The CSV reader buffers a part of the file, so they are few.
    malformed: VecDeque<u64>,
}

#[derive(Clone, Copy)]
enum State {
    /// At the start of a field, where a quote opens.
    Start,
    /// In a field without quotes, or after the text that follows a closing quote.
    Plain,
    Quoted,
    /// Directly after a quote in a quoted field. It closes the field, unless another quote follows.
    Closed,
}

impl Quotes {
    pub(crate) const fn new(delimiter: u8) -> Self {
        Self { delimiter, state: State::Start, offset: 0, malformed: VecDeque::new() }
    }

    /// Scans the next bytes of the file.
    pub(crate) fn scan(&mut self, bytes: &[u8]) {
        let mut at = 0;
        while let Some((first, _)) = bytes.get(at..).and_then(<[u8]>::split_first) {
            match self.state {
                State::Closed => {
                    self.state = match *first {
                        b'"' => State::Quoted,
                        byte if self.ends_field(byte) => State::Start,
                        _ => {
                            self.malformed.push_back(self.offset + at as u64);
                            State::Plain
                        }
                    };
                    at += 1;
                }
                State::Quoted => {
                    let quote = next_quote(bytes, at);
                    at = quote.map_or(bytes.len(), |quote| quote + 1);
                    self.state = if quote.is_some() { State::Closed } else { State::Quoted };
                }
                State::Start | State::Plain => {
                    let quote = next_quote(bytes, at);
                    let end = quote.unwrap_or(bytes.len());
                    if let Some(last) = bytes.get(at..end).and_then(<[u8]>::last) {
                        self.state = if self.ends_field(*last) { State::Start } else { State::Plain };
                    }
                    at = end;
                    if quote.is_some() {
                        at += 1;
                        self.state =
                            if matches!(self.state, State::Start) { State::Quoted } else { State::Plain };
                    }
                }
            }
        }
        self.offset += bytes.len() as u64;
    }

    /// Returns whether text follows a closing quote before this offset, and forgets it.
    pub(crate) fn is_malformed_before(&mut self, offset: u64) -> bool {
        let count = self.malformed.partition_point(|at| *at < offset);
        self.malformed.drain(..count);
        count > 0
    }

    const fn ends_field(&self, byte: u8) -> bool {
        byte == self.delimiter || byte == b'\n' || byte == b'\r'
    }
}

fn next_quote(bytes: &[u8], at: usize) -> Option<usize> {
    memchr::memchr(b'"', bytes.get(at..)?).map(|found| at + found)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The offsets of text after a closing quote, however the bytes are split.
    #[test]
    fn text_after_a_closing_quote_is_found() {
        for (text, expected) in [
            ("a,b\n1,2\n", &[][..]),
            ("\"a\",\"b\"\r\n\"1\",\"\"\n", &[]),
            ("\"a\"\"b\",1\n", &[]),
            ("a\"b\"c,size (5\")\n", &[]),
            ("\"a,b\nc\",1\n", &[]),
            ("1,\"8\"8,90\n", &[5]),
            ("\"8\" ,1\n\"a\"\"\"b,\"c\"d", &[3, 12, 17]),
            ("\"8\"8\"9\",1\n", &[3]),
        ] {
            for size in 1..=text.len() {
                let mut quotes = Quotes::new(b',');
                text.as_bytes().chunks(size).for_each(|chunk| quotes.scan(chunk));
                assert_eq!(quotes.malformed, expected, "{text} by {size}");
            }
        }
    }
}
