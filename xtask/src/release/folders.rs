//! The folders of the machine that builds a release. No file of the release names them.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use cargo_metadata::MetadataCommand;

use crate::shell::root;

/// Folders, and the name of each in a release.
pub(super) struct Folders(Vec<(String, &'static str)>);

impl Folders {
    /// The repository, and the folders that hold the sources of the dependencies.
    pub(super) fn of_this_machine() -> Result<Self> {
        let metadata = MetadataCommand::new().current_dir(root()).exec()?;
        let dependencies = metadata.packages.iter().filter(|package| package.source.is_some());
        // Such as `registry/src/NAME-HASH` for `registry/src/NAME-HASH/serde-1.0.0/Cargo.toml`.
        let sources: BTreeSet<_> =
            dependencies.filter_map(|package| package.manifest_path.parent()?.parent()).collect();
        let mut folders = vec![(root().display().to_string(), "cloudauth")];
        folders.extend(sources.iter().map(|folder| (folder.to_string(), "crates")));
        Ok(Self(folders))
    }

    /// The variable of cargo with the compiler's flags that replace the folders, in panic messages for example.
    pub(super) fn variable(&self) -> (&'static str, String) {
        let flags = self.0.iter().map(|(folder, name)| format!("--remap-path-prefix={folder}={name}"));
        // The separator that cargo defines for flags with spaces.
        ("CARGO_ENCODED_RUSTFLAGS", flags.collect::<Vec<_>>().join("\u{1f}"))
    }

    /// Replaces the folders in a text file.
    pub(super) fn replace_in(&self, file: &Path) -> Result<()> {
        let mut text = fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
        for (folder, name) in &self.0 {
            text = text.replace(folder, &format!("/{name}"));
        }
        Ok(fs::write(file, text)?)
    }

    /// Fails if a file names one of the folders.
    pub(super) fn are_not_in(&self, file: &Path) -> Result<()> {
        let bytes = fs::read(file)?;
        for (folder, _) in &self.0 {
            if bytes.windows(folder.len()).any(|window| window == folder.as_bytes()) {
                bail!("{} names a folder of this machine, {folder}", file.display());
            }
        }
        Ok(())
    }
}
