//! Limits of lines and CSV records: their length, and the quotes of a CSV field.

use std::io::{self, BufRead, Read};

use crate::input::quotes::Quotes;

/// The maximum length of a line or a record, in bytes. A reply of the service has at most a sixteenth of that.
pub(crate) const LONGEST: usize = 16 << 20;

/// A reader that returns at most [`LONGEST`] bytes for one record and then an error. A CSV reader keeps a whole record in
/// memory. It also finds text after a closing quote, which a CSV reader takes as part of the field.
pub(crate) struct Bounded<R> {
    from: R,
    left: usize,
    quotes: Quotes,
}

impl<R: Read> Bounded<R> {
    pub(crate) const fn new(from: R, delimiter: u8) -> Self {
        Self { from, left: LONGEST, quotes: Quotes::new(delimiter) }
    }

    /// Returns whether text follows a closing quote before this offset, and forgets it.
    pub(crate) fn is_malformed_before(&mut self, offset: u64) -> bool {
        self.quotes.is_malformed_before(offset)
    }

    /// Starts the next record.
    const fn begin(&mut self) {
        self.left = LONGEST;
    }
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = buffer.len().min(self.left);
        if most == 0 && !buffer.is_empty() {
            return Err(too_long("a record"));
        }
        let length = self.from.read(buffer.get_mut(..most).unwrap_or_default())?;
        self.quotes.scan(buffer.get(..length).unwrap_or_default());
        self.left -= length.min(self.left);
        Ok(length)
    }
}

/// A record that was read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Quoting {
    WellFormed,
    /// A field has text after its closing quote.
    Malformed,
}

/// Reads a record; `None` at the end of the file. An error of a record that is too long names the line in which it begins.
pub(crate) fn read_record<R: Read>(
    reader: &mut csv::Reader<Bounded<R>>,
    record: &mut csv::ByteRecord,
) -> csv::Result<Option<Quoting>> {
    let line = reader.position().line();
    reader.get_mut().begin();
    let read = reader.read_byte_record(record);
    let is_there = read.map_err(|error| match reader.get_ref().left {
        0 => too_long(&format!("the record at line {line}")).into(),
        _ => error,
    })?;
    let end = reader.position().byte();
    let quoting = match reader.get_mut().is_malformed_before(end) {
        true => Quoting::Malformed,
        false => Quoting::WellFormed,
    };
    Ok(is_there.then_some(quoting))
}

/// Reads a line with its line break; `number` is the line's number. `false` at the end of the file.
pub(crate) fn read_line(from: &mut impl BufRead, number: u64, line: &mut Vec<u8>) -> io::Result<bool> {
    line.clear();
    from.take(LONGEST as u64 + 1).read_until(b'\n', line)?;
    if line.len() > LONGEST {
        return Err(too_long(&format!("line {number}")));
    }
    Ok(!line.is_empty())
}

/// Returns the error of a line or record longer than [`LONGEST`]; `what` names it, such as `line 7`.
pub(crate) fn too_long(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("{what} is longer than {} MiB", LONGEST >> 20))
}
