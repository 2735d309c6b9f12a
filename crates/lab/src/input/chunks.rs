//! Reads the data files in chunks and hands each chunk to the next free thread.

use std::io::{self, Read};

use crate::error::LabError;
use crate::input::bounded::{Bounded, LONGEST, Quoting, read_record, too_long};
use crate::input::header;
use crate::input::source::{Format, Source};
use crate::tally::issues::RowLocation;

/// The size of a chunk: bytes of JSON Lines, and records of CSV. A chunk of CSV exceeds these bytes by at most one record.
const BYTES: usize = 1 << 20;
const RECORDS: usize = 4096;

/// A chunk of whole lines, records, or a row group.
pub(crate) enum Chunk {
    Lines {
        bytes: Vec<u8>,
        first: RowLocation,
    },
    Records {
        records: Vec<csv::ByteRecord>,
        /// The numbers of the records with text after a closing quote.
        malformed: Vec<usize>,
        source: usize,
    },
    #[cfg(feature = "parquet")]
    Group {
        source: usize,
        group: usize,
        first: RowLocation,
        table: std::sync::Arc<crate::input::parquet::Table>,
    },
}

/// The reading position: the file, the offset in its unpacked content, and the line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Position {
    pub(crate) source: usize,
    offset: u64,
    lines: u64,
}

/// Reads all files, chunk by chunk.
pub(crate) struct ChunkReader<'r> {
    sources: &'r [Source],
    /// The column names that the mapping may look for.
    paths: &'r [String],
    read: &'r (dyn Fn(u64) + Send + Sync),
    position: Position,
    open: Option<Open<'r>>,
    /// The header of each CSV file.
    headers: Vec<Option<csv::ByteRecord>>,
    spare: Vec<Vec<u8>>,
    /// The last location read of each file that changed while it was read.
    changed: Vec<RowLocation>,
    /// The files that ended without a chunk.
    empty: Vec<usize>,
}

/// An extra record after the last one. If a quote is still open there, it becomes part of a field and shows the error.
const CSV_END: &[u8] = b"\n\0\n";

enum Open<'r> {
    Json {
        from: Box<dyn Read + Send + 'r>,
        carried: Vec<u8>,
    },
    Csv(Box<csv::Reader<Bounded<Box<dyn Read + Send + 'r>>>>),
    #[cfg(feature = "parquet")]
    Parquet(crate::input::parquet::Groups),
}

impl<'r> ChunkReader<'r> {
    pub(crate) fn new(
        sources: &'r [Source],
        paths: &'r [String],
        from: Position,
        read: &'r (dyn Fn(u64) + Send + Sync),
    ) -> Self {
        Self {
            sources,
            paths,
            read,
            position: from,
            open: None,
            headers: vec![None; sources.len()],
            spare: Vec::new(),
            changed: Vec::new(),
            empty: Vec::new(),
        }
    }

    pub(crate) const fn position(&self) -> Position {
        self.position
    }

    /// Returns the header of the file that a chunk comes from, if it has one.
    pub(crate) fn header(&self, chunk: &Chunk) -> Option<csv::ByteRecord> {
        let Chunk::Records { source, .. } = chunk else { return None };
        self.headers.get(*source).cloned().flatten()
    }

    /// Takes a chunk's buffer back for reuse.
    pub(crate) fn give_back(&mut self, chunk: Chunk) {
        if let Chunk::Lines { mut bytes, .. } = chunk {
            bytes.clear();
            self.spare.push(bytes);
        }
    }

    /// Returns the last row read of each file that changed while it was read.
    pub(crate) fn take_changed(&mut self) -> Vec<RowLocation> {
        std::mem::take(&mut self.changed)
    }

    /// Returns the files without rows.
    pub(crate) fn take_empty(&mut self) -> Vec<usize> {
        std::mem::take(&mut self.empty)
    }

    /// Returns the next chunk; `None` at the end of the last file, and after an error.
    pub(crate) fn next(&mut self) -> Result<Option<Chunk>, LabError> {
        let next = self.read_on();
        if next.is_err() {
            // A thread that asks before the run has failed would begin the file again.
            self.sources = &[];
        }
        next
    }

    fn read_on(&mut self) -> Result<Option<Chunk>, LabError> {
        while let Some(source) = self.sources.get(self.position.source) {
            let wrong = |error: io::Error| LabError::file(source.path(), error);
            let mut open = match self.open.take() {
                Some(open) => open,
                None => self.begin(source).map_err(wrong)?,
            };
            let chunk = self.chunk(&mut open).map_err(wrong)?;
            if chunk.is_some() {
                self.open = Some(open);
                return Ok(chunk);
            }
            // The header of CSV counts as bytes, and a last line of JSON needs no line break.
            let is_empty = match source.format {
                Format::Json => self.position.offset == 0,
                _ => self.position.lines == 0,
            };
            if is_empty {
                self.empty.push(self.position.source);
            }
            if source.has_changed() {
                self.changed.push(RowLocation { source: self.position.source, line: self.position.lines });
            }
            self.position = Position { source: self.position.source + 1, ..Position::default() };
        }
        Ok(None)
    }

    fn begin(&mut self, source: &Source) -> io::Result<Open<'r>> {
        let at = self.position;
        #[cfg(feature = "parquet")]
        if source.format == Format::Parquet {
            use crate::input::parquet::Groups;
            return Ok(Open::Parquet(match &source.memory {
                Some(memory) => Groups::in_memory(source.path(), memory)?,
                None => Groups::open(source.path(), at.lines)?,
            }));
        }
        let mut from = source.open(self.read)?;
        let Format::Csv(delimiter) = source.format else {
            // A compressed file cannot be seeked, so the part before the position is read again and dropped.
            io::copy(&mut from.by_ref().take(at.offset), &mut io::sink())?;
            return Ok(Open::Json { from, carried: Vec::new() });
        };
        let head = header::read(&mut from)?;
        let delimiter = header::delimiter(&head, delimiter, self.paths);
        let from = Box::new(io::Cursor::new(head).chain(from).chain(CSV_END)) as Box<dyn Read + Send + 'r>;
        let mut reader = csv::ReaderBuilder::new()
            .delimiter(delimiter)
            .flexible(true)
            .buffer_capacity(1 << 18)
            .from_reader(Bounded::new(from, delimiter));
        let mut header = reader.byte_headers().map_err(of_csv)?.clone();
        if header.iter().any(|name| name.ends_with(CSV_END)) {
            return Err(open_quote(&header));
        }
        let end = reader.position().byte();
        if reader.get_mut().is_malformed_before(end) {
            let what = "the header has text after a closing quote";
            return Err(io::Error::new(io::ErrorKind::InvalidData, what));
        }
        header.trim();
        if let Some(place) = self.headers.get_mut(at.source) {
            *place = Some(header);
        }
        let mut record = csv::ByteRecord::new();
        while reader.position().byte() < at.offset
            && read_record(&mut reader, &mut record).map_err(of_csv)?.is_some()
        {}
        Ok(Open::Csv(Box::new(reader)))
    }

    fn chunk(&mut self, open: &mut Open<'r>) -> io::Result<Option<Chunk>> {
        let source = self.position.source;
        match open {
            Open::Json { from, carried } => {
                let mut bytes = self.spare.pop().unwrap_or_default();
                bytes.append(carried);
                let end = fill(from, &mut bytes, self.position.lines.saturating_add(1))?;
                let end = match end {
                    Some(end) => end,
                    None if bytes.is_empty() => return Ok(None),
                    None => bytes.len(),
                };
                carried.extend_from_slice(bytes.get(end..).unwrap_or_default());
                bytes.truncate(end);
                let first = RowLocation { source, line: self.position.lines + 1 };
                self.position.offset += end as u64;
                self.position.lines += memchr::memchr_iter(b'\n', &bytes).count() as u64;
                Ok(Some(Chunk::Lines { bytes, first }))
            }
            Open::Csv(reader) => {
                let (mut records, mut malformed) = (Vec::with_capacity(RECORDS), Vec::new());
                let mut record = csv::ByteRecord::new();
                let read = |reader: &mut _, record: &mut _| read_record(reader, record).map_err(of_csv);
                let mut bytes = 0;
                while records.len() < RECORDS
                    && bytes < BYTES
                    && let Some(quoting) = read(reader, &mut record)?
                {
                    if record.iter().next_back().is_some_and(|field| field.ends_with(CSV_END)) {
                        return Err(open_quote(&record));
                    }
                    if quoting == Quoting::Malformed {
                        malformed.push(records.len());
                    }
                    bytes += record.as_slice().len() + record.len() * size_of::<usize>();
                    records.push(std::mem::take(&mut record));
                }
                let is_end = records.last().is_some_and(|last| last.len() == 1 && last.get(0) == Some(b"\0"));
                if is_end {
                    match read(reader, &mut record)? {
                        None => drop(records.pop()),
                        Some(quoting) => {
                            if quoting == Quoting::Malformed {
                                malformed.push(records.len());
                            }
                            records.push(record);
                        }
                    }
                }
                self.position.offset = reader.position().byte();
                if let Some(last) = records.last().and_then(csv::ByteRecord::position) {
                    self.position.lines = last.line();
                }
                Ok((!records.is_empty()).then_some(Chunk::Records { records, malformed, source }))
            }
            #[cfg(feature = "parquet")]
            Open::Parquet(groups) => Ok(groups.next()?.map(|(group, rows, bytes)| {
                self.position.lines = group as u64 + 1;
                (self.read)(bytes);
                Chunk::Group {
                    source,
                    group,
                    first: RowLocation { source, line: rows + 1 },
                    table: groups.table(),
                }
            })),
        }
    }
}

/// Returns the error of the reader beneath the CSV reader.
fn of_csv(error: csv::Error) -> io::Error {
    if !error.is_io_error() {
        return io::Error::new(io::ErrorKind::InvalidData, error);
    }
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        _ => io::ErrorKind::Other.into(),
    }
}

/// Returns the error of a quote that is never closed: the rest of the file would be one field.
fn open_quote(record: &csv::ByteRecord) -> io::Error {
    let line = record.position().map_or(1, csv::Position::line);
    io::Error::new(
        io::ErrorKind::InvalidData,
        format!("a quote that the record of line {line} opens is never closed"),
    )
}

/// Reads until the buffer has enough bytes and at least one whole line. Returns where the last line ends; `None` at the end of
/// the file, where the last line may have no line break. `line` is the number of the first line.
fn fill(from: &mut dyn Read, bytes: &mut Vec<u8>, line: u64) -> io::Result<Option<usize>> {
    loop {
        let begin = bytes.len();
        let wanted = BYTES.saturating_sub(begin).max(BYTES / 4);
        bytes.resize(begin + wanted, 0);
        let mut filled = begin;
        while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match from.read(rest) {
                Ok(0) => break,
                Ok(length) => filled += length,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        let is_end = filled < bytes.len();
        bytes.truncate(filled);
        if is_end {
            return Ok(None);
        }
        // No line ends before these bytes.
        if let Some(end) = memchr::memrchr(b'\n', bytes.get(begin..).unwrap_or_default()) {
            return Ok(Some(begin + end + 1));
        }
        if bytes.len() > LONGEST {
            return Err(too_long(&format!("line {line}")));
        }
    }
}
