//! The files that the command reads or writes whole: policies, mappings, people, parameters, rules, reports.

use std::fs::File;
use std::io::Read;
#[cfg(feature = "audit")]
use std::io::Write;
use std::path::Path;

#[cfg(feature = "audit")]
use cloudauth_files::OutputFile;
use cloudauth_files::{Access, Named, check_outputs};

use crate::failure::Failure;
use crate::words::{Said, calls};

/// The largest text, in bytes.
const LARGEST: u64 = 16 << 20;

/// Reads a text file, or standard input for `-`. A UTF-8 byte order mark is dropped. Errors name the file and never quote
/// its content. A file to which the shell redirected standard output or standard error is refused.
pub(crate) fn read(file: &Path) -> Result<String, Failure> {
    let is_stdin = file == Path::new("-");
    let failed =
        |reason: Said| Failure::usage(calls::cannot_read(named(file), reason)).about(path_named(file));
    check_outputs(&[], [Named::new("the file", file)])
        .map_err(|error| Failure::usage(error).about(path_named(file)))?;
    let mut bytes = Vec::new();
    let read = match is_stdin {
        true => std::io::stdin().take(LARGEST + 1).read_to_end(&mut bytes),
        false => File::open(file).and_then(|file| file.take(LARGEST + 1).read_to_end(&mut bytes)),
    };
    read.map_err(|error| failed(error.into()))?;
    if bytes.len() as u64 > LARGEST {
        return Err(failed(calls::TOO_LARGE.into()));
    }
    let text = String::from_utf8(bytes).map_err(|_| failed(calls::NOT_TEXT.into()))?;
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}

/// Writes a file completely or not at all.
pub(crate) fn write(file: &Path, bytes: impl AsRef<[u8]>) -> Result<(), Failure> {
    cloudauth_files::write(file, bytes, Access::Shared)
        .map_err(|error| Failure::other(calls::cannot_write(file.display(), error)))
}

/// Writes a new file completely or not at all.
///
/// # Errors
/// Of the kind `AlreadyExists` if the file exists by now.
#[cfg(feature = "audit")]
pub(crate) fn write_new(file: &Path, bytes: impl AsRef<[u8]>) -> std::io::Result<()> {
    let mut output = OutputFile::create(file, Access::Shared)?;
    output.write_all(bytes.as_ref())?;
    output.commit_new()
}

/// Returns the name of a file for a message. A file that does not exist is named only if the text looks like a path: it may
/// be the person's name, number or JSON in the wrong place.
pub(crate) fn named(file: &Path) -> Said {
    let text = file.to_string_lossy();
    match &*text {
        "-" => calls::STANDARD_INPUT.into(),
        text if text.contains(['{', '"']) => calls::LOOKS_LIKE_JSON.into(),
        _ => path_named(file).map_or_else(|| calls::NOT_A_PATH.into(), |file| Said::same(file.display())),
    }
}

/// Returns the path of a file if [`named`] shows it.
pub(crate) fn path_named(file: &Path) -> Option<&Path> {
    let text = file.to_string_lossy();
    let is_shown = text != "-" && !text.contains(['{', '"']) && (looks_like_a_path(&text) || file.exists());
    is_shown.then_some(file)
}

/// The digits of the shortest phone number. A date in a file's name has fewer.
const PHONE: usize = 11;

fn looks_like_a_path(text: &str) -> bool {
    let is_short = |digits: &str| digits.len() < PHONE;
    text.contains(['/', '\\', '.']) && text.split(|c: char| !c.is_ascii_digit()).all(is_short)
}
