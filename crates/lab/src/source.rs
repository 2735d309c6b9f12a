//! Files: what they hold, how they are packed, and the bytes in them.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::error::LabError;

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
    /// Of what the name says it is: `.jsonl`, `.ndjson`, `.json`, `.csv`, `.tsv`, each with `.gz` or `.zst` behind it, or
    /// `.parquet`.
    fn of(path: &Path) -> Option<Self> {
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

    /// All files that paths name, of a folder those that can be read, in the order of their names.
    ///
    /// # Errors
    /// If a path does not exist, or nothing in it can be read, or a file is named twice.
    pub fn find(paths: &[PathBuf]) -> Result<Vec<Self>, LabError> {
        let mut found = Vec::new();
        for path in paths {
            let about = std::fs::metadata(path).map_err(|error| LabError::file(path, &error))?;
            if about.is_dir() {
                let before = found.len();
                folder(path, &mut found).map_err(|error| LabError::file(path, &error))?;
                if found.len() == before {
                    return Err(LabError::nothing_in(path));
                }
            } else {
                found.push(Self::of(path).ok_or_else(|| LabError::unknown_format(path))?);
            }
        }
        if let Some(parquet) =
            found.iter().find(|source| source.format == Format::Parquet && !cfg!(feature = "parquet"))
        {
            return Err(LabError::without_parquet(&parquet.path));
        }
        let mut files = BTreeSet::new();
        for Self { path, .. } in &found {
            let file = path.canonicalize().map_err(|error| LabError::file(path, &error))?;
            if !files.insert(file) {
                return Err(LabError::new(format!("{} would be read twice", path.display())));
            }
        }
        Ok(found)
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

fn folder(path: &Path, found: &mut Vec<Source>) -> io::Result<()> {
    let mut entries = std::fs::read_dir(path)?.collect::<io::Result<Vec<_>>>()?;
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        if std::fs::metadata(&path)?.is_dir() {
            folder(&path, found)?;
        } else {
            found.extend(Source::of(&path));
        }
    }
    Ok(())
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
