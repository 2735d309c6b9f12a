//! Writes a file whole or not at all.

use std::fs::{File, Permissions, TryLockError};
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use tempfile::{NamedTempFile, TempPath};

use crate::target::{Target, invalid};

/// Who may read a new file. A file that is replaced keeps its permissions and, where the system allows it, its owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Whoever the umask lets.
    Shared,
    /// The owner alone: for what holds ids or hashes of people.
    Private,
}

/// A file in the making. It is written beside its target, under a name that nothing else has, and takes the target's place
/// with [`commit`](Self::commit). Dropped before that, it is removed and the target stays as it was.
///
/// A target that is a terminal, a pipe or a device is written to directly.
#[derive(Debug)]
pub struct OutputFile {
    target: PathBuf,
    folder: PathBuf,
    file: Inner,
}

#[derive(Debug)]
enum Inner {
    Beside(BufWriter<NamedTempFile>),
    Stream(BufWriter<File>),
}

/// Writes a whole file.
///
/// # Errors
/// If the file cannot be written. Then the old one, if there was one, is in place.
pub fn write(path: &Path, bytes: impl AsRef<[u8]>, access: Access) -> io::Result<()> {
    let mut file = OutputFile::create(path, access)?;
    file.write_all(bytes.as_ref())?;
    file.commit()
}

impl OutputFile {
    /// Begins a file. Symbolic links are followed.
    ///
    /// # Errors
    /// If its folder does not exist or cannot be written to, or the path is a folder.
    pub fn create(path: &Path, access: Access) -> io::Result<Self> {
        let target = Target::of(path)?;
        let file = if target.is_stream() {
            Inner::Stream(BufWriter::new(File::options().write(true).open(&target.path)?))
        } else {
            let name = target.path.file_name().unwrap_or_default().to_string_lossy();
            // A name has at most 255 bytes; UTF-8, so that a checkpoint can hold it.
            let prefix: String = name.chars().take(40).chain(['.']).collect();
            let mut builder = tempfile::Builder::new();
            builder.prefix(&prefix).suffix(".partial");
            if access == Access::Shared {
                shared(&mut builder);
            }
            let file = builder.tempfile_in(&target.folder)?;
            if let Some(old) = &target.metadata {
                take_after(file.as_file(), old)?;
            }
            // Nobody else knows the file, so that a lock fails only where the file system has none.
            let _ = file.as_file().try_lock();
            Inner::Beside(BufWriter::new(file))
        };
        Ok(Self { target: target.path, folder: target.folder, file })
    }

    /// Goes on with a file that was [`kept`](Self::keep_when_dropped), from `length` on: what lies beyond is cut off.
    /// `None` if no file of that name lies beside the target.
    ///
    /// # Errors
    /// If the file is shorter, or another process writes it.
    pub fn reopen(path: &Path, name: &str, length: u64) -> io::Result<Option<Self>> {
        let target = Target::of(path)?;
        if Path::new(name).file_name().is_none_or(|file| file != name) {
            return Err(invalid("the checkpoint names a file in another folder"));
        }
        let partial = target.folder.join(name);
        let mut file = match File::options().read(true).write(true).open(&partial) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            file => file?,
        };
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => {
                return Err(io::Error::new(io::ErrorKind::ResourceBusy, "another process writes it"));
            }
            // A file system without locks.
            Ok(()) | Err(TryLockError::Error(_)) => {}
        }
        let found = file.metadata()?.len();
        if found < length {
            return Err(too_short(found, length));
        }
        file.set_len(length)?;
        file.seek(SeekFrom::Start(length))?;
        let mut file = NamedTempFile::from_parts(file, TempPath::try_from_path(partial)?);
        file.disable_cleanup(true);
        Ok(Some(Self {
            target: target.path,
            folder: target.folder,
            file: Inner::Beside(BufWriter::new(file)),
        }))
    }

    /// Leaves the unfinished file where it is, so that it can be [`reopen`](Self::reopen)ed; gives its path. `None` for a
    /// pipe or a device, of which nothing is left.
    pub fn keep_when_dropped(&mut self) -> Option<&Path> {
        match &mut self.file {
            Inner::Beside(file) => {
                file.get_mut().disable_cleanup(true);
                Some(file.get_ref().path())
            }
            Inner::Stream(_) => None,
        }
    }

    /// Takes [`keep_when_dropped`](Self::keep_when_dropped) back.
    pub fn remove_when_dropped(&mut self) {
        if let Inner::Beside(file) = &mut self.file {
            file.get_mut().disable_cleanup(false);
        }
    }

    /// Brings what was written to the disk, without putting it in place.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn sync(&mut self) -> io::Result<()> {
        self.flush()?;
        match &self.file {
            Inner::Beside(file) => file.get_ref().as_file().sync_all(),
            Inner::Stream(_) => Ok(()),
        }
    }

    /// Puts the file in place.
    ///
    /// # Errors
    /// If it cannot be written or put in place. Then the old one is in place.
    pub fn commit(mut self) -> io::Result<()> {
        self.sync()?;
        let Inner::Beside(file) = self.file else { return Ok(()) };
        let file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.persist(&self.target).map_err(|error| error.error)?;
        sync_folder(&self.folder)
    }
}

impl Write for OutputFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.file {
            Inner::Beside(file) => file.write(bytes),
            Inner::Stream(file) => file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.file {
            Inner::Beside(file) => file.flush(),
            Inner::Stream(file) => file.flush(),
        }
    }
}

/// The error of a file that lost something since its checkpoint.
fn too_short(found: u64, length: u64) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("it is {found} bytes, the checkpoint says {length}"))
}

#[cfg(unix)]
fn shared(builder: &mut tempfile::Builder<'_, '_>) {
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
}

#[cfg(not(unix))]
fn shared(_: &mut tempfile::Builder<'_, '_>) {}

/// Owner and permissions of the file that will be replaced. The owner first: changing it can clear bits of the permissions.
#[cfg(unix)]
fn take_after(file: &File, old: &std::fs::Metadata) -> io::Result<()> {
    use std::os::unix::fs::MetadataExt;
    let new = file.metadata()?;
    if (new.uid(), new.gid()) != (old.uid(), old.gid()) {
        // Only root may give a file away; anybody else keeps their own.
        let _ = std::os::unix::fs::fchown(file, Some(old.uid()), Some(old.gid()));
    }
    let mode: Permissions = std::os::unix::fs::PermissionsExt::from_mode(old.mode() & 0o777);
    file.set_permissions(mode)
}

#[cfg(not(unix))]
fn take_after(file: &File, old: &std::fs::Metadata) -> io::Result<()> {
    let permissions: Permissions = old.permissions();
    file.set_permissions(permissions)
}

/// Makes a new name in a folder outlive a crash.
#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    match File::open(folder)?.sync_all() {
        // A file system whose folders cannot be synchronized.
        Err(error) if matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) => {
            Ok(())
        }
        result => result,
    }
}

#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}
