//! Finds the file or the stream that a path leads to, through symbolic links.

use std::fs::{File, Metadata};
use std::io;
use std::path::{Path, PathBuf};

/// The most links that are followed, as in Linux.
const MOST_LINKS: usize = 40;

/// The target of a path.
pub(crate) enum Target {
    /// A terminal, a pipe, a device, or a standard stream of this process. It is written to directly, by this path.
    Stream(PathBuf),
    /// A file, which exists or not.
    File(FileTarget),
}

/// A file that exists or can be created.
pub(crate) struct FileTarget {
    /// The folder, canonical.
    pub(crate) folder: PathBuf,
    /// The file in the folder. It is not a symbolic link.
    pub(crate) path: PathBuf,
    /// `None` if the file does not exist yet.
    pub(crate) metadata: Option<Metadata>,
}

impl Target {
    /// Finds the target of a path through symbolic links. A link to a missing file leads to that file, which a write creates.
    pub(crate) fn of(path: &Path) -> io::Result<Self> {
        check_not_input(path)?;
        // The system follows the links first: the link of an open pipe (`/dev/fd/63`) names no path.
        if std::fs::metadata(path).is_ok_and(|found| !found.is_file() && !found.is_dir()) {
            return Ok(Self::Stream(path.to_owned()));
        }
        let mut path = path.to_owned();
        for _ in 0..MOST_LINKS {
            check_not_input(&path)?;
            if Standard::of(&path, cfg!(unix)).is_some() {
                return Ok(Self::Stream(path));
            }
            let name = path.file_name().ok_or_else(|| invalid("not the name of a file"))?;
            let folder = match path.parent() {
                Some(folder) if !folder.as_os_str().is_empty() => folder.canonicalize(),
                _ => Path::new(".").canonicalize(),
            };
            let folder = folder.map_err(in_folder)?;
            let file = folder.join(name);
            let metadata = match file.symlink_metadata() {
                Ok(metadata) if metadata.is_symlink() => {
                    path = folder.join(file.read_link()?);
                    continue;
                }
                Ok(metadata) if metadata.is_dir() => return Err(invalid("it is a folder")),
                Ok(metadata) => Some(metadata),
                Err(error) if error.kind() == io::ErrorKind::NotFound => None,
                Err(error) => return Err(error),
            };
            return Ok(Self::File(FileTarget { folder, path: file, metadata }));
        }
        Err(invalid("too many symbolic links"))
    }
}

impl FileTarget {
    /// Refuses a read-only file. Only its permissions show that: a rename would replace the file, and root may write to any
    /// file.
    pub(crate) fn check_replaceable(&self) -> io::Result<()> {
        if self.metadata.as_ref().is_some_and(|metadata| metadata.permissions().readonly()) {
            let what = "it is read-only: make it writable or name another file";
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, what));
        }
        Ok(())
    }

    /// Checks that the folder accepts a new file. A file without a name is created and dropped.
    pub(crate) fn check_folder(&self) -> io::Result<()> {
        tempfile::tempfile_in(&self.folder).map(drop).map_err(in_folder)
    }
}

/// Opens a [`Target::Stream`] for writing.
pub(crate) fn open_stream(path: &Path) -> io::Result<File> {
    match Standard::of(path, cfg!(unix)) {
        Some(standard) => standard.duplicate(),
        None => File::options().write(true).open(path),
    }
}

/// A standard stream of this process. Its descriptor is duplicated instead of opened by name: a file that the shell
/// redirected it to then receives this output and everything else on the stream, in order, and a socket works too.
#[derive(Clone, Copy)]
enum Standard {
    Output,
    Error,
}

impl Standard {
    /// Returns the stream that a path names, on Unix alone: elsewhere these are paths like any other.
    fn of(path: &Path, is_unix: bool) -> Option<Self> {
        match path.to_str().filter(|_| is_unix)? {
            "/dev/stdout" | "/dev/fd/1" | "/proc/self/fd/1" => Some(Self::Output),
            "/dev/stderr" | "/dev/fd/2" | "/proc/self/fd/2" => Some(Self::Error),
            _ => None,
        }
    }

    #[cfg(unix)]
    fn duplicate(self) -> io::Result<File> {
        use std::os::fd::AsFd;
        let descriptor = match self {
            Self::Output => io::stdout().as_fd().try_clone_to_owned(),
            Self::Error => io::stderr().as_fd().try_clone_to_owned(),
        };
        descriptor.map(File::from)
    }

    #[cfg(not(unix))]
    fn duplicate(self) -> io::Result<File> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

/// Refuses standard input as an output: the file behind it is data.
fn check_not_input(path: &Path) -> io::Result<()> {
    if is_input(path, cfg!(unix)) {
        Err(invalid("standard input is not an output: name a file"))
    } else {
        Ok(())
    }
}

fn is_input(path: &Path, is_unix: bool) -> bool {
    is_unix && matches!(path.to_str(), Some("/dev/stdin" | "/dev/fd/0" | "/proc/self/fd/0"))
}

/// An error of the folder instead of the file.
pub(crate) fn in_folder(error: io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("its folder: {error}"))
}

pub(crate) fn invalid(what: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, what.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_of_the_standard_streams_are_paths_like_any_other_elsewhere_than_on_unix() {
        for is_unix in [true, false] {
            assert_eq!(is_input(Path::new("/dev/stdin"), is_unix), is_unix);
            for name in ["/dev/stdout", "/dev/fd/2"] {
                assert_eq!(Standard::of(Path::new(name), is_unix).is_some(), is_unix, "{name}");
            }
        }
    }
}
