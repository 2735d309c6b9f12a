//! A file: its format, its compression, and its bytes.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// What a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// JSON Lines.
    Json,
    /// With a header; separated by the byte.
    Csv(u8),
    Parquet,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Packing {
    Plain,
    Gzip,
    Zstd,
}

/// A file to be read.
#[derive(Clone, Debug, PartialEq)]
pub struct Source {
    path: PathBuf,
    pub(crate) format: Format,
    packing: Packing,
    length: u64,
    /// When it was last written to, where the system says so.
    changed: Option<SystemTime>,
}

impl Source {
    /// The format comes from the extension: `.jsonl`, `.ndjson`, `.json`, `.csv`, `.tsv`, each optionally followed by `.gz` or
    /// `.zst`; or `.parquet`.
    pub(crate) fn of(path: &Path) -> Option<Self> {
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
        let about = std::fs::metadata(path).ok()?;
        let (length, changed) = (about.len(), about.modified().ok());
        Some(Self { path: path.to_owned(), format, packing, length, changed })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How many bytes the file has.
    #[must_use]
    pub const fn length(&self) -> u64 {
        self.length
    }

    pub(crate) const fn changed(&self) -> Option<SystemTime> {
        self.changed
    }

    /// What is in it, unpacked; `read` counts the bytes of the file itself.
    pub(crate) fn open<'r>(
        &self,
        read: &'r (dyn Fn(u64) + Send + Sync),
    ) -> io::Result<Box<dyn Read + Send + 'r>> {
        let file = Counted { file: File::open(&self.path)?, read };
        Ok(match self.packing {
            Packing::Plain => Box::new(file),
            Packing::Gzip => {
                Box::new(flate2::bufread::MultiGzDecoder::new(BufReader::with_capacity(1 << 16, file)))
            }
            Packing::Zstd => Box::new(zstd::Decoder::with_buffer(BufReader::with_capacity(1 << 16, file))?),
        })
    }
}

struct Counted<'r> {
    file: File,
    read: &'r (dyn Fn(u64) + Send + Sync),
}

impl Read for Counted<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.file.read(buffer)?;
        (self.read)(length as u64);
        Ok(length)
    }
}
