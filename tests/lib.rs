//! Test helpers that several crates share.

#![expect(clippy::expect_used, reason = "this crate is for tests alone")]

use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// The vectors of a file of `tests/vectors`.
///
/// # Panics
/// If the file is not a document with vectors.
#[must_use]
pub fn vectors(document: &str) -> Vec<Value> {
    let mut document: Value = serde_json::from_str(document).expect("a JSON document");
    match document.get_mut("vectors").map(Value::take) {
        Some(Value::Array(vectors)) if !vectors.is_empty() => vectors,
        _ => Vec::new(),
    }
}

/// The names of the files of a folder, sorted.
///
/// # Panics
/// If the folder cannot be read, or a name is not UTF-8.
#[must_use]
pub fn names(folder: &Path) -> Vec<String> {
    let files = folder.read_dir().expect("a readable folder");
    let name = |file: std::io::Result<std::fs::DirEntry>| file.expect("a file").file_name().into_string();
    let mut names: Vec<String> = files.map(|file| name(file).expect("UTF-8")).collect();
    names.sort();
    names
}

/// A program that may only write and read what the modes of files allow. Root may do more, unless it gives this right away: on
/// Linux, with `setpriv`.
#[must_use]
pub fn without_override(program: impl AsRef<OsStr>) -> Command {
    let script = r#"if [ "$(id -u)" = 0 ]; then set -- setpriv --bounding-set=-dac_override,-dac_read_search "$@"; fi;
        exec "$@""#;
    let mut command = Command::new("sh");
    command.args(["-c", script, "sh"]).arg(program);
    command
}

/// A program without the environment of this process. On Windows it keeps the system's folder, without which no socket opens.
#[must_use]
pub fn without_environment(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.env_clear().envs(std::env::var_os("SystemRoot").map(|folder| ("SystemRoot", folder)));
    command
}

/// Reproducible random numbers (SplitMix64), from a seed.
#[derive(Debug)]
pub struct Dice(pub u64);

impl Dice {
    /// Returns a number below `sides`, which is not 0.
    pub const fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut bits = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((bits ^ (bits >> 31)) % sides as u64) as usize
    }

    /// Returns one of several values.
    ///
    /// # Panics
    /// If there is no value.
    pub fn of<T: Copy>(&mut self, all: &[T]) -> T {
        *all.get(self.roll(all.len())).expect("a value")
    }
}

/// An error and all its sources, as an application logs them.
#[must_use]
pub fn full_text(error: &(dyn std::error::Error + 'static)) -> String {
    let sources = std::iter::successors(error.source(), |source| source.source());
    sources.fold(error.to_string(), |text, source| format!("{text}: {source}"))
}
