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
    /// Whether files have a device and an inode.
    is_unix: bool,
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
            let identity =
                std::fs::metadata(folder).and_then(|about| Identity::of(folder, &about, self.is_unix));
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
        Self::search_on(paths, cfg!(unix))
    }

    fn search_on(paths: &[PathBuf], is_unix: bool) -> Result<Found, LabError> {
        let mut search = Search { is_unix, ..Search::default() };
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
            None => Ok(Found { sources, skipped, folders, is_unix }),
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
    is_unix: bool,
}

impl Search {
    fn folder(&mut self, path: &Path, about: &Metadata) -> io::Result<()> {
        if let Some(first) = self.first(path, about)? {
            self.skip(path, SkipReason::SameAs(first));
            return Ok(());
        }
        self.folders.insert(Identity::of(path, about, self.is_unix)?);
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
        match self.seen.entry(Identity::of(path, about, self.is_unix)?) {
            Entry::Occupied(first) => Ok(Some(first.get().clone())),
            Entry::Vacant(place) => {
                place.insert(path.to_owned());
                Ok(None)
            }
        }
    }
}

/// The identity of a file or folder: equal for all of its names.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Identity {
    /// Device and inode.
    #[cfg(unix)]
    File(u64, u64),
    /// The path without links, on other systems. Hard links count as two files there.
    Path(PathBuf),
}

impl Identity {
    #[cfg_attr(not(unix), expect(unused_variables, reason = "there are no inodes"))]
    fn of(path: &Path, about: &Metadata, is_unix: bool) -> io::Result<Self> {
        #[cfg(unix)]
        if is_unix {
            use std::os::unix::fs::MetadataExt;
            return Ok(Self::File(about.dev(), about.ino()));
        }
        path.canonicalize().map(Self::Path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_inodes_a_file_is_known_by_its_path_without_links() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        std::fs::create_dir(folder.join("data")).unwrap();
        let first = folder.join("data/a.csv");
        std::fs::write(&first, "").unwrap();
        std::fs::hard_link(&first, folder.join("data/b.csv")).unwrap();
        let search = |paths: &[PathBuf]| Source::search_on(paths, false);
        let found = search(&[folder.join("data")]).unwrap();
        assert_eq!(found.sources.len(), 2, "a hard link is another file");
        assert!(found.includes_output(&folder.join("data/../data/new.csv")));
        assert!(!found.includes_output(&folder.join("new.csv")));
        let refused = search(&[first.clone(), folder.join("data/../data/a.csv")]).unwrap_err().to_string();
        assert!(refused.contains("would be read twice"), "{refused}");
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(&first, folder.join("data/c.csv")).unwrap();
            std::os::unix::fs::symlink(folder.join("data"), folder.join("data/d")).unwrap();
            let data = first.parent().unwrap().to_owned();
            let skipped = search(std::slice::from_ref(&data)).unwrap().skipped;
            let skipped = skipped.into_iter().map(|skipped| skipped.reason).collect::<Vec<_>>();
            assert_eq!(skipped, [SkipReason::SameAs(first), SkipReason::SameAs(data)]);
        }
    }
}
