//! Finds data files: named files, and the files inside folders. Files that a run does not read are listed.

use std::collections::HashMap;
use std::fmt;
use std::fs::Metadata;
use std::io;
use std::path::{Path, PathBuf};

use crate::error::LabError;
use crate::input::source::{Format, STANDARD_INPUT, Source};

/// The files to read, and the skipped files and folders.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Found {
    /// The files, in the order of their names.
    pub sources: Vec<Source>,
    /// Files and folders inside the given folders that are not read.
    pub skipped: Vec<Skipped>,
}

/// A file or folder that is not read.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Skipped {
    /// Its path.
    pub path: PathBuf,
    /// The reason.
    pub reason: SkipReason,
}

/// The reason why a file or folder is not read. Exhaustive on purpose: a program that explains it in another language must
/// handle every reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SkipReason {
    /// Its name begins with `.` or `_`: hidden, temporary or uncommitted. Partition folders such as `_x=1` are read.
    Hidden,
    /// Its name has no extension of a format that can be read.
    UnknownFormat,
    /// The same file or folder was found before, under this path.
    SameAs(PathBuf),
    /// A symbolic link whose target does not exist, or that leads back to itself.
    BrokenLink,
    /// A pipe, socket or device.
    NotAFile,
}

impl fmt::Display for Skipped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path.display(), self.reason)
    }
}

impl fmt::Display for SkipReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hidden => f.write_str("the name begins with `.` or `_`"),
            Self::UnknownFormat => f.write_str("unknown format"),
            Self::SameAs(first) => write!(f, "the same as {}", first.display()),
            Self::BrokenLink => f.write_str("broken link"),
            Self::NotAFile => f.write_str("not a regular file"),
        }
    }
}

impl Source {
    /// Finds the files that paths name (`-` is standard input), and the files inside the folders that paths name.
    ///
    /// A file that a path names itself is always read. Inside folders, each file is read once,
    /// however many links lead to it.
    ///
    /// # Errors
    /// If a path does not exist, a folder has nothing to read, a path names a file that is already found, or the format is
    /// unknown.
    pub fn search(paths: &[PathBuf]) -> Result<Found, LabError> {
        let mut search = Search::default();
        for path in paths {
            if path.as_os_str() == STANDARD_INPUT {
                if search.sources.iter().any(Self::is_standard_input) {
                    return Err(LabError::new("standard input would be read twice".to_owned()));
                }
                let failed = |error| LabError::file(path, &error);
                let file = cloudauth_files::standard_input().filter(Metadata::is_file);
                if let Some(about) = file
                    && let Some(first) = search.first(path, &about).map_err(failed)?
                {
                    return Err(LabError::read_twice(path, &first));
                }
                search.sources.push(Self::standard_input().map_err(failed)?);
                continue;
            }
            let about = std::fs::metadata(path).map_err(|error| LabError::file(path, &error))?;
            if about.is_dir() {
                let (before, skipped) = (search.sources.len(), search.skipped.len());
                search.folder(path, &about).map_err(|error| LabError::file(path, &error))?;
                if search.sources.len() == before {
                    return Err(LabError::nothing_in(
                        path,
                        search.skipped.get(skipped..).unwrap_or_default(),
                    ));
                }
            } else {
                let source = Self::of(path).ok_or_else(|| LabError::unknown_format(path))?;
                if let Some(first) =
                    search.first(path, &about).map_err(|error| LabError::file(path, &error))?
                {
                    return Err(LabError::read_twice(path, &first));
                }
                search.sources.push(source);
            }
        }
        let Search { sources, skipped, .. } = search;
        let parquet = sources.iter().find(|source| source.format == Format::Parquet);
        match parquet.filter(|_| !cfg!(feature = "parquet")) {
            Some(parquet) => Err(LabError::without_parquet(parquet.path())),
            None => Ok(Found { sources, skipped }),
        }
    }

    /// The files of [`Source::search`] alone.
    ///
    /// # Errors
    /// Those of [`Source::search`].
    pub fn find(paths: &[PathBuf]) -> Result<Vec<Self>, LabError> {
        Ok(Self::search(paths)?.sources)
    }
}

#[derive(Default)]
struct Search {
    sources: Vec<Source>,
    skipped: Vec<Skipped>,
    /// The first path of each file and folder.
    seen: HashMap<Identity, PathBuf>,
}

impl Search {
    fn folder(&mut self, path: &Path, about: &Metadata) -> io::Result<()> {
        if let Some(first) = self.first(path, about)? {
            self.skip(path, SkipReason::SameAs(first));
            return Ok(());
        }
        let mut entries = std::fs::read_dir(path)?.collect::<io::Result<Vec<_>>>()?;
        entries.sort_by_key(std::fs::DirEntry::file_name);
        for entry in entries {
            self.entry(&entry.path(), entry.file_name().as_encoded_bytes())?;
        }
        Ok(())
    }

    fn entry(&mut self, path: &Path, name: &[u8]) -> io::Result<()> {
        let about = match std::fs::metadata(path) {
            Ok(about) => about,
            // The entry is there, so only what it links to can be missing.
            Err(_) if path.is_symlink() => {
                self.skip(path, SkipReason::BrokenLink);
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        let is_partition = about.is_dir() && name.contains(&b'=');
        let is_hidden = name.starts_with(b".") || name.starts_with(b"_") && !is_partition;
        if is_hidden {
            self.skip(path, SkipReason::Hidden);
        } else if about.is_dir() {
            return self.folder(path, &about);
        } else if let Some(source) = Source::of(path) {
            if !about.is_file() {
                self.skip(path, SkipReason::NotAFile);
            } else if let Some(first) = self.first(path, &about)? {
                self.skip(path, SkipReason::SameAs(first));
            } else {
                self.sources.push(source);
            }
        } else {
            self.skip(path, SkipReason::UnknownFormat);
        }
        Ok(())
    }

    fn skip(&mut self, path: &Path, reason: SkipReason) {
        self.skipped.push(Skipped { path: path.to_owned(), reason });
    }

    /// Remembers a file or folder. Returns the path under which it was found before, if it was.
    fn first(&mut self, path: &Path, about: &Metadata) -> io::Result<Option<PathBuf>> {
        use std::collections::hash_map::Entry;
        match self.seen.entry(identity(path, about)?) {
            Entry::Occupied(first) => Ok(Some(first.get().clone())),
            Entry::Vacant(place) => {
                place.insert(path.to_owned());
                Ok(None)
            }
        }
    }
}

/// The identity of a file: device and inode.
#[cfg(unix)]
type Identity = (u64, u64);
/// The identity of a file: its path. Hard links count as two files here.
#[cfg(not(unix))]
type Identity = PathBuf;

#[cfg(unix)]
#[expect(clippy::unnecessary_wraps, reason = "other systems can fail")]
fn identity(_path: &Path, about: &Metadata) -> io::Result<Identity> {
    use std::os::unix::fs::MetadataExt;
    Ok((about.dev(), about.ino()))
}

#[cfg(not(unix))]
fn identity(path: &Path, _about: &Metadata) -> io::Result<Identity> {
    path.canonicalize()
}
