//! A file: its format, its compression, and its bytes.

use std::fs::{File, Metadata};
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

#[cfg(feature = "parquet")]
use arrow_array::RecordBatch;
#[cfg(feature = "parquet")]
use arrow_schema::SchemaRef;
use encoding_rs_io::DecodeReaderBytesBuilder;
use flate2::bufread::GzDecoder;

#[cfg(feature = "parquet")]
use crate::error::LabError;
#[cfg(feature = "parquet")]
use crate::input::parquet::Memory;

/// The path that names standard input.
pub(crate) const STANDARD_INPUT: &str = "-";
/// The number of bytes of standard input that are read to detect its format.
const HEAD: u64 = 1 << 20;

/// The format of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// JSON Lines.
    Json,
    /// CSV with a header, and its delimiter.
    Csv(u8),
    Parquet,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Packing {
    Plain,
    Gzip,
    Zstd,
}

/// Returns the format that the name of a file stands for.
fn format(path: &Path) -> Option<(Format, Packing)> {
    let name = path.file_name()?.to_str()?.to_ascii_lowercase();
    let unpacked = |end: &str| name.strip_suffix(end).map(str::to_owned);
    let (name, packing) = match (unpacked(".gz"), unpacked(".zst")) {
        (Some(name), _) => (name, Packing::Gzip),
        (_, Some(name)) => (name, Packing::Zstd),
        _ => (name, Packing::Plain),
    };
    let format = match name.rsplit_once('.')?.1 {
        "jsonl" | "ndjson" | "json" => Format::Json,
        "csv" => Format::Csv(b','),
        "tsv" => Format::Csv(b'\t'),
        "parquet" if packing == Packing::Plain => Format::Parquet,
        _ => return None,
    };
    Some((format, packing))
}

/// Returns whether the name of a file is that of a data file.
pub(crate) fn is_data(path: &Path) -> bool {
    format(path).is_some()
}

/// A data file, a table in memory, or a stream.
#[derive(Clone, Debug, PartialEq)]
pub struct Source {
    path: PathBuf,
    pub(crate) format: Format,
    packing: Packing,
    length: u64,
    /// The time of its last change, if the system reports one.
    changed: Option<SystemTime>,
    /// The bytes of standard input that were read to detect its format; the rest follows them.
    head: Option<Arc<[u8]>>,
    /// The rows of a table in memory, whose format counts as Parquet.
    #[cfg(feature = "parquet")]
    pub(crate) memory: Option<Memory>,
}

impl Source {
    /// The format comes from the extension: `.jsonl`, `.ndjson`, `.json`, `.csv`, `.tsv`, each optionally followed by `.gz` or
    /// `.zst`; or `.parquet`.
    pub(crate) fn of(path: &Path) -> Option<Self> {
        let (format, packing) = format(path)?;
        let about = std::fs::metadata(path).ok()?;
        let (length, changed) = (about.len(), about.modified().ok());
        Some(Self {
            path: path.to_owned(),
            format,
            packing,
            length,
            changed,
            head: None,
            #[cfg(feature = "parquet")]
            memory: None,
        })
    }

    /// An Arrow table in memory, which errors call by this name. Its buffers are not copied. A run over it cannot be resumed.
    ///
    /// # Errors
    /// If the batches have different columns.
    #[cfg(feature = "parquet")]
    pub fn table(name: &str, batches: &[RecordBatch]) -> Result<Self, LabError> {
        let path = PathBuf::from(name);
        let memory = Memory::new(batches).map_err(|error| LabError::file(&path, error))?;
        Ok(Self::of_memory(path, memory))
    }

    /// A stream of Arrow batches, which errors call by this name. A run takes each batch when a thread is free, and drops it when it is
    /// decided. A source of a stream can be read once, also by its copies: a second run is an error. After its end or its first error,
    /// it is not asked for another batch.
    #[cfg(feature = "parquet")]
    pub fn stream(
        name: &str,
        schema: SchemaRef,
        batches: impl Iterator<Item = io::Result<RecordBatch>> + Send + 'static,
    ) -> Self {
        Self::of_memory(PathBuf::from(name), Memory::stream(schema, batches))
    }

    #[cfg(feature = "parquet")]
    const fn of_memory(path: PathBuf, memory: Memory) -> Self {
        Self {
            path,
            format: Format::Parquet,
            packing: Packing::Plain,
            length: 0,
            changed: None,
            head: None,
            memory: Some(memory),
        }
    }

    /// Returns whether it is a table in memory.
    #[cfg(feature = "parquet")]
    pub(crate) const fn is_in_memory(&self) -> bool {
        self.memory.is_some()
    }

    /// Returns whether it is a table in memory.
    #[cfg(not(feature = "parquet"))]
    pub(crate) const fn is_in_memory(&self) -> bool {
        false
    }

    /// Standard input, which the path `-` names. Its first bytes show its compression, and whether it is JSON Lines or CSV.
    ///
    /// # Errors
    /// If it cannot be read, or is Parquet, which needs random access.
    pub(crate) fn standard_input() -> io::Result<Self> {
        let file = cloudauth_files::standard_input().filter(Metadata::is_file);
        let mut head = Vec::new();
        io::stdin().take(HEAD).read_to_end(&mut head)?;
        let packing = match &*head {
            [0x1f, 0x8b, ..] => Packing::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Packing::Zstd,
            [b'P', b'A', b'R', b'1', ..] => {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidData,
                    "Parquet can only be read from a file",
                ));
            }
            _ => Packing::Plain,
        };
        let mut source = Self {
            path: PathBuf::from(STANDARD_INPUT),
            format: Format::Csv(b','),
            packing,
            length: file.as_ref().map_or(0, Metadata::len),
            changed: file.and_then(|file| file.modified().ok()),
            head: Some(head.into()),
            #[cfg(feature = "parquet")]
            memory: None,
        };
        let first = BufReader::new(source.peek()?)
            .bytes()
            .map_while(Result::ok)
            .find(|byte| !byte.is_ascii_whitespace());
        if first == Some(b'{') {
            source.format = Format::Json;
        }
        Ok(source)
    }

    /// Returns whether it can be read only once.
    pub(crate) const fn is_standard_input(&self) -> bool {
        self.head.is_some()
    }

    /// Returns the start of its text. A later [`Source::open`] still starts at the beginning.
    pub(crate) fn peek(&self) -> io::Result<Box<dyn Read + Send + '_>> {
        match &self.head {
            Some(head) => self.unpacked(Box::new(&**head)),
            None => self.unpacked(Box::new(File::open(&self.path)?)),
        }
    }

    /// Returns its path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the length of the file, in bytes.
    #[must_use]
    pub const fn length(&self) -> u64 {
        self.length
    }

    pub(crate) const fn changed(&self) -> Option<SystemTime> {
        self.changed
    }

    /// Returns whether the length or the time of change of the file, also of one behind standard input, differs from when it
    /// was found. Pipes are not compared.
    pub(crate) fn has_changed(&self) -> bool {
        if self.is_in_memory() {
            return false;
        }
        let same =
            |now: Metadata| !now.is_file() || now.len() == self.length && now.modified().ok() == self.changed;
        if self.is_standard_input() {
            return !cloudauth_files::standard_input().is_none_or(same);
        }
        !std::fs::metadata(&self.path).is_ok_and(same)
    }

    /// Returns its text: decompressed, and converted to UTF-8 if it begins with a UTF-16 byte order mark. `read` counts the
    /// bytes of the file itself.
    pub(crate) fn open<'r>(
        &self,
        read: &'r (dyn Fn(u64) + Send + Sync),
    ) -> io::Result<Box<dyn Read + Send + 'r>> {
        let file: Box<dyn Read + Send> = match &self.head {
            Some(head) => Box::new(io::Cursor::new(Arc::clone(head)).chain(io::stdin())),
            None => Box::new(File::open(&self.path)?),
        };
        self.unpacked(Box::new(Counted { file, read }))
    }

    fn unpacked<'r>(&self, file: Box<dyn Read + Send + 'r>) -> io::Result<Box<dyn Read + Send + 'r>> {
        let unpacked: Box<dyn Read + Send + 'r> = match self.packing {
            Packing::Plain => file,
            Packing::Gzip => Box::new(Members(Some(GzDecoder::new(BufReader::with_capacity(1 << 16, file))))),
            Packing::Zstd => Box::new(zstd::Decoder::with_buffer(BufReader::with_capacity(1 << 16, file))?),
        };
        let mut decoder = DecodeReaderBytesBuilder::new();
        Ok(Box::new(decoder.utf8_passthru(true).strip_bom(true).build(unpacked)))
    }
}

/// Reads the members of a gzip file in order. Zeros after the last one are padding of tapes and disks.
struct Members<R>(Option<GzDecoder<R>>);

impl<R: BufRead> Read for Members<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while let Some(member) = &mut self.0 {
            let length = member.read(buffer)?;
            if length > 0 || buffer.is_empty() {
                return Ok(length);
            }
            self.0 = match self.0.take() {
                Some(member) => next_member(member.into_inner())?,
                None => None,
            };
        }
        Ok(0)
    }
}

fn next_member<R: BufRead>(mut rest: R) -> io::Result<Option<GzDecoder<R>>> {
    let mut is_padded = false;
    loop {
        let bytes = rest.fill_buf()?;
        let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
        match (bytes.len(), zeros) {
            (0, _) => return Ok(None),
            (_, 0) if !is_padded => return Ok(Some(GzDecoder::new(rest))),
            (_, 0) => {
                let what = "something other than zeros follows the end of the gzip data";
                return Err(io::Error::new(io::ErrorKind::InvalidData, what));
            }
            (_, zeros) => rest.consume(zeros),
        }
        is_padded = true;
    }
}

struct Counted<'r> {
    file: Box<dyn Read + Send>,
    read: &'r (dyn Fn(u64) + Send + Sync),
}

impl Read for Counted<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.file.read(buffer)?;
        (self.read)(length as u64);
        Ok(length)
    }
}
