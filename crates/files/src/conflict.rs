//! Refuses an output that is also an input or another output, by any name.

use std::collections::HashMap;
use std::fmt;
use std::fs::Metadata;
use std::io;
use std::path::{Path, PathBuf};

use crate::target::{FileTarget, Target};

/// A file of a command and what the user calls it: `--decisions`, `the policy`.
#[derive(Clone, Copy, Debug)]
pub struct Named<'p> {
    /// Its role in the command.
    pub role: &'p str,
    /// Its path.
    pub path: &'p Path,
}

impl<'p> Named<'p> {
    /// Names a file by its role and path.
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

/// The error of an output that cannot be written, or that would replace another file of the same command. Exhaustive on
/// purpose: a program that explains it in another language must handle every case.
#[derive(Debug)]
pub enum ConflictError {
    /// An output cannot be written.
    CannotWrite(PathBuf, io::Error),
    /// An output is the same file as another one. Each has its role and its path.
    SameFile([(String, PathBuf); 2]),
}

impl fmt::Display for ConflictError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CannotWrite(path, _) => write!(f, "cannot write {}", path.display()),
            Self::SameFile([(role, path), (other_role, other)]) => write!(
                f,
                "{role} {} is the same file as {other_role} {}, which is not written over: name another file",
                path.display(),
                other.display()
            ),
        }
    }
}

impl std::error::Error for ConflictError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::CannotWrite(_, error) => Some(error),
            Self::SameFile(_) => None,
        }
    }
}

/// Checks that every output can be written, and that none is an input or another output. Paths are compared through
/// symbolic links. On Unix the files are compared too, so that hard links are found; elsewhere only the paths are compared,
/// in lower case. Pipes, devices and standard streams may be named more than once.
///
/// The input `-` is standard input. If the shell redirected standard output or standard error to a file, that file is an
/// output too. Both are checked on Unix only.
///
/// # Errors
/// If an output's folder is missing or accepts no new file, an output is a folder, read-only or standard input, or two of
/// the files are the same.
pub fn check_outputs<'p>(
    outputs: &[Named<'p>],
    inputs: impl IntoIterator<Item = Named<'p>>,
) -> Result<(), ConflictError> {
    check_outputs_on(outputs, inputs, cfg!(unix))
}

fn check_outputs_on<'p>(
    outputs: &[Named<'p>],
    inputs: impl IntoIterator<Item = Named<'p>>,
    is_unix: bool,
) -> Result<(), ConflictError> {
    let redirected = if is_unix { redirected() } else { Vec::new() };
    if outputs.is_empty() && redirected.is_empty() {
        return Ok(());
    }
    let mut seen: HashMap<Identity, Named<'p>> = HashMap::new();
    for input in inputs {
        // The reader of an input reports that it is missing.
        if let Some(identity) = Identity::of_input(input.path, is_unix) {
            seen.entry(identity).or_insert(input);
        }
    }
    for output in outputs {
        let target = writable(output.path)
            .map_err(|error| ConflictError::CannotWrite(output.path.to_owned(), error))?;
        let Some(identity) = Identity::of(&target, is_unix) else { continue };
        if let Some(other) = seen.insert(identity, *output) {
            return Err(same_file(output, &other));
        }
    }
    for (output, identity) in &redirected {
        if let Some(other) = seen.get(identity) {
            return Err(same_file(output, other));
        }
    }
    Ok(())
}

fn same_file(output: &Named<'_>, other: &Named<'_>) -> ConflictError {
    let named = |file: &Named<'_>| (file.role.to_owned(), file.path.to_owned());
    ConflictError::SameFile([named(output), named(other)])
}

/// Returns the target of an output. A command can run for hours before it writes, so every possible check comes first.
fn writable(path: &Path) -> io::Result<Target> {
    let target = Target::of(path)?;
    if let Target::File(file) = &target {
        file.check_replaceable()?;
        file.check_folder()?;
    }
    Ok(target)
}

/// The identity of a file: equal for all of its names.
#[derive(PartialEq, Eq, Hash)]
enum Identity {
    /// The device and the inode of a file that exists.
    #[cfg(unix)]
    File(u64, u64),
    /// The path, in lower case because some file systems ignore case: of a file that does not exist yet, and of every file on
    /// other systems than Unix.
    Path(PathBuf),
}

impl Identity {
    /// Returns the identity of a target; `None` for a stream.
    fn of(target: &Target, is_unix: bool) -> Option<Self> {
        let Target::File(FileTarget { folder, path, metadata }) = target else { return None };
        if let Some(metadata) = metadata.as_ref().filter(|_| is_unix) {
            return Self::of_file(metadata);
        }
        let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
        Some(Self::Path(folder.join(name)))
    }

    /// Returns the identity of an input; `None` for a stream or a missing file.
    fn of_input(path: &Path, is_unix: bool) -> Option<Self> {
        let is_standard = path == Path::new(STANDARD_INPUT);
        if !is_unix {
            return Target::of(path)
                .ok()
                .filter(|_| !is_standard)
                .and_then(|target| Self::of(&target, false));
        }
        let metadata = if is_standard { standard_input() } else { std::fs::metadata(path).ok() };
        Self::of_file(&metadata?)
    }

    #[cfg(unix)]
    fn of_file(metadata: &Metadata) -> Option<Self> {
        use std::os::unix::fs::MetadataExt;
        metadata.is_file().then(|| Self::File(metadata.dev(), metadata.ino()))
    }

    #[cfg(not(unix))]
    fn of_file(_: &Metadata) -> Option<Self> {
        None
    }
}

/// The path that names standard input.
const STANDARD_INPUT: &str = "-";

/// Returns the metadata of the file or stream behind standard input. `None` if it is closed, and on systems other than Unix.
#[must_use]
pub fn standard_input() -> Option<Metadata> {
    metadata_of(&io::stdin())
}

/// The files to which the shell redirected the standard streams, on Unix.
fn redirected() -> Vec<(Named<'static>, Identity)> {
    let streams = [
        ("standard output", "/dev/stdout", metadata_of(&io::stdout())),
        ("standard error", "/dev/stderr", metadata_of(&io::stderr())),
    ];
    let file = |(role, path, metadata): (_, _, Option<Metadata>)| {
        Some((Named::new(role, Path::new(path)), Identity::of_file(&metadata?)?))
    };
    streams.into_iter().filter_map(file).collect()
}

#[cfg(unix)]
fn metadata_of(stream: &impl std::os::fd::AsFd) -> Option<Metadata> {
    let descriptor = stream.as_fd().try_clone_to_owned().ok()?;
    std::fs::File::from(descriptor).metadata().ok()
}

#[cfg(not(unix))]
fn metadata_of<S>(_: &S) -> Option<Metadata> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_inodes_an_output_is_known_by_its_path_in_any_case_of_letters() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let [data, link] = ["data.csv", "link.csv"].map(|name| folder.join(name));
        std::fs::write(&data, "").unwrap();
        std::fs::hard_link(&data, &link).unwrap();
        let is_refused = |output: &Path, input: &Path| {
            let result = check_outputs_on(&[Named::new("--to", output)], [Named::new("data", input)], false);
            matches!(result, Err(ConflictError::SameFile(_)))
        };
        for same in ["data.csv", "DATA.csv", "./Data.CSV"] {
            assert!(is_refused(&folder.join(same), &data), "{same}");
        }
        assert!(!is_refused(&link, &data), "a hard link is another file");
        assert!(!is_refused(Path::new("-"), Path::new("-")), "standard input is no file");
        assert!(!is_refused(&folder.join("new.csv"), &folder.join("missing.csv")));
        #[cfg(unix)]
        {
            std::fs::remove_file(&link).unwrap();
            std::os::unix::fs::symlink(&data, &link).unwrap();
            assert!(is_refused(&link, &data), "a symbolic link is the same file");
        }
    }
}
