//! Atomic output: a file is written completely or not at all.

use std::fs::{File, TryLockError};
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use tempfile::{NamedTempFile, PersistError, TempPath};

use crate::target::{FileTarget, Target, in_folder, invalid, open_stream};

/// Who may read a new file. A replaced file keeps its permissions and, where the system allows it, its owner and group.
/// If the group cannot be kept, the new group gets no access. Exhaustive: callers choose it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// All users, within the umask.
    Shared,
    /// Only the owner: for ids or hashes of people.
    Private,
}

/// An unfinished output file. It has a unique name next to its target, and replaces the target on [`commit`](Self::commit).
/// If it is dropped before that, it is removed and the target stays unchanged.
///
/// A target that is a terminal, a pipe, a device or a standard stream (`/dev/stdout`) is written to directly.
#[derive(Debug)]
pub struct OutputFile(Inner);

#[derive(Debug)]
enum Inner {
    Beside { file: BufWriter<NamedTempFile>, target: PathBuf, folder: PathBuf },
    Stream(BufWriter<File>),
}

/// Writes a whole file.
///
/// # Errors
/// If the file cannot be written. An old file stays unchanged.
pub fn write(path: &Path, bytes: impl AsRef<[u8]>, access: Access) -> io::Result<()> {
    let mut file = OutputFile::create(path, access)?;
    file.write_all(bytes.as_ref())?;
    file.commit()
}

impl OutputFile {
    /// Creates an unfinished file. Symbolic links are followed.
    ///
    /// # Errors
    /// If its folder does not exist or cannot be written to, the path is a folder, or the file is read-only.
    pub fn create(path: &Path, access: Access) -> io::Result<Self> {
        let target = match Target::of(path)? {
            Target::Stream(path) => return Ok(Self(Inner::Stream(BufWriter::new(open_stream(&path)?)))),
            Target::File(target) => target,
        };
        target.check_replaceable()?;
        let FileTarget { folder, path, metadata } = target;
        let prefix = prefix_of(&path);
        let mut builder = tempfile::Builder::new();
        builder.prefix(&prefix).suffix(SUFFIX).rand_bytes(RANDOM);
        // A file that replaces another one is private until it gets the permissions of the old one.
        if access == Access::Shared && metadata.is_none() {
            shared(&mut builder);
        }
        let file = builder.tempfile_in(&folder).map_err(in_folder)?;
        if let Some(old) = &metadata {
            take_after(file.as_file(), old)?;
        }
        // No other process knows the file yet, so a lock fails only where the file system has none.
        let _ = file.as_file().try_lock();
        Ok(Self(Inner::Beside { file: BufWriter::new(file), target: path, folder }))
    }

    /// Reopens an unfinished file that was kept with [`keep_when_dropped`](Self::keep_when_dropped), and truncates it to
    /// `length` bytes. `None` if the folder of the target has no such file.
    ///
    /// # Errors
    /// If the name is not one that [`create`](Self::create) gives to an unfinished file of this target, the file is shorter or
    /// not a regular file, another process writes it, or the target is read-only.
    pub fn reopen(path: &Path, name: &str, length: u64) -> io::Result<Option<Self>> {
        let Target::File(target) = Target::of(path)? else { return Ok(None) };
        target.check_replaceable()?;
        let FileTarget { folder, path, .. } = target;
        if Path::new(name).file_name().is_none_or(|file| file != name) {
            return Err(invalid("the checkpoint names a file in another folder"));
        }
        // The file is cut to its length, so it must be one that an earlier run left.
        let random = name.strip_prefix(&prefix_of(&path)).and_then(|rest| rest.strip_suffix(SUFFIX));
        let is_unfinished = random.is_some_and(|random| {
            random.len() == RANDOM && random.bytes().all(|b| b.is_ascii_alphanumeric())
        });
        if !is_unfinished || path.file_name().is_some_and(|target| target == name) {
            return Err(invalid("the checkpoint names a file that is not an unfinished one of this output"));
        }
        let partial = folder.join(name);
        match partial.symlink_metadata() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Ok(metadata) if !metadata.is_file() => return Err(invalid("it is not a regular file")),
            _ => {}
        }
        let mut file = File::options().read(true).write(true).open(&partial)?;
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => {
                return Err(io::Error::new(io::ErrorKind::ResourceBusy, "another process writes it"));
            }
            // Some file systems have no locks.
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
        Ok(Some(Self(Inner::Beside { file: BufWriter::new(file), target: path, folder })))
    }

    /// Keeps the unfinished file on drop, for [`reopen`](Self::reopen). Returns its path; `None` for a pipe or a device.
    pub fn keep_when_dropped(&mut self) -> Option<&Path> {
        match &mut self.0 {
            Inner::Beside { file, .. } => {
                file.get_mut().disable_cleanup(true);
                Some(file.get_ref().path())
            }
            Inner::Stream(_) => None,
        }
    }

    /// Removes the unfinished file on drop, as it does without [`keep_when_dropped`](Self::keep_when_dropped).
    pub fn remove_when_dropped(&mut self) {
        if let Inner::Beside { file, .. } = &mut self.0 {
            file.get_mut().disable_cleanup(false);
        }
    }

    /// Synchronizes the written bytes to the disk. The target stays unchanged.
    ///
    /// # Errors
    /// If the disk cannot be written.
    pub fn sync(&mut self) -> io::Result<()> {
        self.flush()?;
        match &self.0 {
            Inner::Beside { file, .. } => file.get_ref().as_file().sync_all(),
            Inner::Stream(_) => Ok(()),
        }
    }

    /// Replaces the target with the file.
    ///
    /// # Errors
    /// If the file cannot be written or renamed; the old file then stays unchanged. There is one exception: if only the
    /// folder cannot be synchronized, the new file is in place but may not survive a power failure.
    pub fn commit(self) -> io::Result<()> {
        self.commit_by(NamedTempFile::persist)
    }

    /// Gives the file the name of its target, and never replaces a file: of several that commit to one target, one succeeds.
    ///
    /// # Errors
    /// As for [`commit`](Self::commit); of the kind [`AlreadyExists`](io::ErrorKind::AlreadyExists) if the target exists.
    pub fn commit_new(self) -> io::Result<()> {
        self.commit_by(NamedTempFile::persist_noclobber)
    }

    fn commit_by(
        mut self,
        persist: impl FnOnce(NamedTempFile, PathBuf) -> Result<File, PersistError>,
    ) -> io::Result<()> {
        self.sync()?;
        let Inner::Beside { file, target, folder } = self.0 else { return Ok(()) };
        let file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
        // Opened before the file is in place, so that a failure leaves the old one.
        let folder = open_folder(&folder)?;
        persist(file, target).map_err(|error| error.error)?;
        folder.map_or(Ok(()), |folder| sync_folder(&folder))
    }
}

impl Write for OutputFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.0 {
            Inner::Beside { file, .. } => file.write(bytes),
            Inner::Stream(file) => file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.0 {
            Inner::Beside { file, .. } => file.flush(),
            Inner::Stream(file) => file.flush(),
        }
    }
}

/// The number of random letters and digits in the name of an unfinished file.
const RANDOM: usize = 6;

/// The end of the name of an unfinished file.
const SUFFIX: &str = ".partial";

/// Returns the start of the name of a target's unfinished file: at most 255 bytes with the rest of the name, and UTF-8, so
/// that a checkpoint can hold it.
fn prefix_of(target: &Path) -> String {
    target.file_name().unwrap_or_default().to_string_lossy().chars().take(40).chain(['.']).collect()
}

/// Returns the error of a file that is shorter than at its checkpoint.
fn too_short(found: u64, length: u64) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("it is {found} bytes, the checkpoint says {length}"))
}

#[cfg(unix)]
fn shared(builder: &mut tempfile::Builder<'_, '_>) {
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
}

#[cfg(not(unix))]
fn shared(_: &mut tempfile::Builder<'_, '_>) {}

/// Gives the file the owner, the group and the permissions of the file that it will replace.
#[cfg(unix)]
fn take_after(file: &File, old: &std::fs::Metadata) -> io::Result<()> {
    use std::fs::Permissions;
    use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};
    let new = file.metadata()?;
    let keeps_group =
        keep_owner((old.uid(), old.gid()), (new.uid(), new.gid()), |owner, group| fchown(file, owner, group));
    // After the owner, because a change of owner can clear permission bits.
    let kept = if keeps_group { 0o777 } else { 0o707 };
    file.set_permissions(Permissions::from_mode(old.mode() & kept))
}

/// Restores owner and group, or the group alone, and returns whether the file has the old group.
#[cfg(unix)]
fn keep_owner(
    old: (u32, u32),
    new: (u32, u32),
    chown: impl Fn(Option<u32>, Option<u32>) -> io::Result<()>,
) -> bool {
    // Only root may give a file to another owner. A group can be kept by each of its members.
    old == new
        || chown(Some(old.0), Some(old.1)).is_ok()
        || old.1 == new.1
        || chown(None, Some(old.1)).is_ok()
}

/// There is nothing to give: [`FileTarget::check_replaceable`] refuses a read-only file.
#[cfg(not(unix))]
fn take_after(_: &File, _: &std::fs::Metadata) -> io::Result<()> {
    Ok(())
}

/// Opens a folder for [`sync_folder`]. `None` for a folder that this process may write to but not read.
#[cfg(unix)]
fn open_folder(folder: &Path) -> io::Result<Option<File>> {
    match File::open(folder) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(None),
        opened => opened.map(Some),
    }
}

#[cfg(not(unix))]
fn open_folder(_: &Path) -> io::Result<Option<File>> {
    Ok(None)
}

/// Makes a new name in a folder survive a power failure.
fn sync_folder(folder: &File) -> io::Result<()> {
    match folder.sync_all() {
        // Some file systems cannot synchronize folders.
        Err(error) if matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) => {
            Ok(())
        }
        result => result,
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_group_without_the_owner() {
        let denied = || Err(io::ErrorKind::PermissionDenied.into());
        let member = |owner: Option<u32>, _| if owner.is_some() { denied() } else { Ok(()) };
        assert!(keep_owner((1, 20), (2, 30), member), "a member of the group keeps it");
        assert!(!keep_owner((1, 20), (2, 30), |_, _| denied()), "others do not have it");
        assert!(keep_owner((1, 20), (2, 20), |_, _| denied()), "the same group needs no change");
        assert!(keep_owner((1, 20), (2, 30), |_, _| Ok(())), "root keeps both");
    }
}
