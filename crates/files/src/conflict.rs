//! Refuses an output that is also an input or another output, by any name.

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use crate::target::{FileTarget, Target};

/// A file of a command and what the user calls it: `--decisions`, `the policy`.
#[derive(Clone, Copy, Debug)]
pub struct Named<'p> {
    /// What it is to the command.
    pub role: &'p str,
    /// Where it is.
    pub path: &'p Path,
}

impl<'p> Named<'p> {
    /// A file and what it is to the command.
    #[must_use]
    pub const fn new(role: &'p str, path: &'p Path) -> Self {
        Self { role, path }
    }
}

impl fmt::Display for Named<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.role, self.path.display())
    }
}

/// An output that cannot be written, or would take the place of another file of the same command.
#[derive(Debug)]
pub struct ConflictError(String);

impl fmt::Display for ConflictError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ConflictError {}

/// Checks that every output can be written, and that none is an input or another output. Paths are compared through
/// symbolic links. On Unix the files are compared too, so that hard links are found; elsewhere only the paths are compared,
/// in lower case. Pipes, devices and standard streams may be named more than once.
///
/// # Errors
/// If an output's folder is missing or accepts no new file, an output is a folder or read-only, or two of the files are the
/// same.
pub fn check_outputs<'p>(
    outputs: &[Named<'p>],
    inputs: impl IntoIterator<Item = Named<'p>>,
) -> Result<(), ConflictError> {
    if outputs.is_empty() {
        return Ok(());
    }
    let mut seen: HashMap<Identity, Named<'p>> = HashMap::new();
    for input in inputs {
        // The reader of an input reports that it is missing.
        if let Some(identity) = Target::of(input.path).ok().and_then(|target| Identity::of(&target)) {
            seen.entry(identity).or_insert(input);
        }
    }
    for output in outputs {
        let target = writable(output.path)
            .map_err(|error| ConflictError(format!("cannot write {}: {error}", output.path.display())))?;
        let Some(identity) = Identity::of(&target) else { continue };
        if let Some(other) = seen.insert(identity, *output) {
            return Err(ConflictError(format!(
                "{output} is the same file as {other}, which is not written over: name another file"
            )));
        }
    }
    Ok(())
}

/// The target of an output. A command can run for hours before it writes, so what can be checked is checked first.
fn writable(path: &Path) -> io::Result<Target> {
    let target = Target::of(path)?;
    if let Target::File(file) = &target {
        file.check_replaceable()?;
        file.check_folder()?;
    }
    Ok(target)
}

/// The part that two names of one file share.
#[derive(PartialEq, Eq, Hash)]
enum Identity {
    /// The device and the inode of a file that exists.
    #[cfg(unix)]
    File(u64, u64),
    /// The path of a file that does not exist yet; off Unix, of every file. In lower case, since some file systems ignore
    /// case.
    Path(PathBuf),
}

impl Identity {
    /// `None` for a stream.
    fn of(target: &Target) -> Option<Self> {
        let Target::File(FileTarget { folder, path, metadata }) = target else { return None };
        #[cfg(unix)]
        if let Some(metadata) = metadata {
            use std::os::unix::fs::MetadataExt;
            return Some(Self::File(metadata.dev(), metadata.ino()));
        }
        #[cfg(not(unix))]
        let _ = metadata;
        let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
        Some(Self::Path(folder.join(name)))
    }
}
