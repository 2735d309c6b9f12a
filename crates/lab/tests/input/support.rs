//! The policy, the files and the runs of these tests.

use std::fs;
use std::path::{Path, PathBuf};

use cloudauth_lab::{Lab, RunControl, RunOutcome, Source};
use cloudauth_policy::{Policy, builtin};
use cloudauth_tests::full_text;

pub(crate) fn policy() -> Policy {
    Policy::parse(builtin::ONBOARDING).unwrap()
}

/// Writes a file, in a new folder if its name has one.
pub(crate) fn write(folder: &Path, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, bytes).unwrap();
    path
}

/// A run, or its error.
pub(crate) fn run(lab: &Lab<'_>, path: &Path) -> Result<RunOutcome, String> {
    let sources = Source::find(&[path.to_owned()]).map_err(|error| full_text(&error))?;
    lab.run(&sources, &RunControl::default()).map_err(|error| full_text(&error))
}
