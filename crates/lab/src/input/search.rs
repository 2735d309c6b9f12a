//! Finds data files: named files, and the files inside folders. Files that a run does not read are listed.

use std::collections::{HashMap, HashSet};
use std::fs::Metadata;
use std::io;
use std::path::{Path, PathBuf};

use crate::error::{LabError, LabProblem};
use crate::input::skipped::{SkipReason, Skipped};
use crate::input::source::{Format, STANDARD_INPUT, Source, is_data};

/// The files to read, and the skipped files and folders.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Found {
    /// The files, in the order of their names.
    pub sources: Vec<Source>,
    /// Files and folders inside the given folders that are not read.
    pub skipped: Vec<Skipped>,
    /// The folders that were searched.
    folders: HashSet<Identity>,
}

impl Found {
    /// Returns whether another search of the same paths reads a file that a command writes to this path: one in a searched
    /// folder, with the name of a data file. Such an output changes the data of the next run.
    #[must_use]
    pub fn includes_output(&self, path: &Path) -> bool {
        let is_read = |path: &Path| {
            let name = path.file_name().unwrap_or_default().as_encoded_bytes();
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
            let folder = folder.unwrap_or_else(|| Path::new("."));
            let identity = std::fs::metadata(folder).and_then(|about| identity(folder, &about));
            is_data(path) && !is_hidden(name) && identity.is_ok_and(|folder| self.folders.contains(&folder))
        };
        // A link is read under its own name, and the file that it leads to under another.
        is_read(path) || path.canonicalize().is_ok_and(|target| is_read(&target))
    }
}

/// Returns whether the name of a file marks it as temporary or internal.
fn is_hidden(name: &[u8]) -> bool {
    name.starts_with(b".") || name.starts_with(b"_")
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
                    return Err(LabProblem::StandardInputTwice.into_error());
                }
                let failed = |error| LabError::file(path, error);
                let file = cloudauth_files::standard_input().filter(Metadata::is_file);
                if let Some(about) = file
                    && let Some(first) = search.first(path, &about).map_err(failed)?
                {
                    return Err(LabProblem::ReadTwice(path.clone(), first).into_error());
                }
                search.sources.push(Self::standard_input().map_err(failed)?);
                continue;
            }
            let about = std::fs::metadata(path).map_err(|error| LabError::file(path, error))?;
            if about.is_dir() {
                let (before, skipped) = (search.sources.len(), search.skipped.len());
                search.folder(path, &about).map_err(|error| LabError::file(path, error))?;
                if search.sources.len() == before {
                    return Err(LabProblem::NothingToRead(
                        path.clone(),
                        search.skipped.get(skipped..).unwrap_or_default().to_vec(),
                    )
                    .into_error());
                }
            } else {
                let source =
                    Self::of(path).ok_or_else(|| LabProblem::UnknownFormat(path.clone()).into_error())?;
                if let Some(first) =
                    search.first(path, &about).map_err(|error| LabError::file(path, error))?
                {
                    return Err(LabProblem::ReadTwice(path.clone(), first).into_error());
                }
                search.sources.push(source);
            }
        }
        let Search { sources, skipped, folders, .. } = search;
        let parquet = sources.iter().find(|source| source.format == Format::Parquet);
        match parquet.filter(|_| !cfg!(feature = "parquet")) {
            Some(parquet) => Err(LabProblem::NeedsParquet(parquet.path().to_owned()).into_error()),
            None => Ok(Found { sources, skipped, folders }),
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
    folders: HashSet<Identity>,
    /// The first path of each file and folder.
    seen: HashMap<Identity, PathBuf>,
}

impl Search {
    fn folder(&mut self, path: &Path, about: &Metadata) -> io::Result<()> {
        if let Some(first) = self.first(path, about)? {
            self.skip(path, SkipReason::SameAs(first));
            return Ok(());
        }
        self.folders.insert(identity(path, about)?);
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
        if is_hidden(name) && !(is_partition && name.starts_with(b"_")) {
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
