//! The file that a path stands for: symbolic links followed, whether or not the file exists.

use std::fs::Metadata;
use std::io;
use std::path::{Path, PathBuf};

/// As many links as Linux follows.
const MOST_LINKS: usize = 40;

/// Where a write to a path ends up.
pub(crate) struct Target {
    /// The folder, canonical.
    pub(crate) folder: PathBuf,
    /// The file in the folder. It is not a symbolic link.
    pub(crate) path: PathBuf,
    /// `None` where the file does not exist yet.
    pub(crate) metadata: Option<Metadata>,
}

impl Target {
    /// Follows symbolic links, also one whose target is missing: a write creates that target.
    pub(crate) fn of(path: &Path) -> io::Result<Self> {
        let mut path = path.to_owned();
        for _ in 0..MOST_LINKS {
            let name = path.file_name().ok_or_else(|| invalid("not the name of a file"))?;
            let folder = match path.parent() {
                Some(folder) if !folder.as_os_str().is_empty() => folder.canonicalize(),
                _ => Path::new(".").canonicalize(),
            };
            let folder =
                folder.map_err(|error| io::Error::new(error.kind(), format!("its folder: {error}")))?;
            let file = folder.join(name);
            match file.symlink_metadata() {
                Ok(metadata) if metadata.is_symlink() => path = folder.join(file.read_link()?),
                Ok(metadata) if metadata.is_dir() => return Err(invalid("it is a folder")),
                Ok(metadata) => return Ok(Self { folder, path: file, metadata: Some(metadata) }),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    return Ok(Self { folder, path: file, metadata: None });
                }
                Err(error) => return Err(error),
            }
        }
        Err(invalid("too many symbolic links"))
    }

    /// Whether it is a terminal, a pipe or a device, which is written to directly.
    pub(crate) fn is_stream(&self) -> bool {
        self.metadata.as_ref().is_some_and(|metadata| !metadata.is_file())
    }
}

pub(crate) fn invalid(what: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, what.into())
}
