//! Programs for Node.js, in a folder of `target/` with what they depend on, pinned.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Result, bail};

use crate::shell::{is_there, run};

/// Copies the files of `from` to `to`, and installs the packages of their lock file.
pub(crate) fn install(from: &Path, to: &Path) -> Result<()> {
    for program in ["node", "npm"] {
        if !is_there(program) {
            bail!("this needs Node.js 20 or newer: `{program}` not found");
        }
    }
    std::fs::create_dir_all(to)?;
    for file in std::fs::read_dir(from)? {
        let file = file?.path();
        if let Some(name) = file.file_name().filter(|_| file.is_file()) {
            std::fs::copy(&file, to.join(name))?;
        }
    }
    once_for(&[&from.join("package-lock.json")], &to.join("node_modules/done"), || {
        let mut npm = Command::new("npm");
        npm.current_dir(to).args(["ci", "--silent", "--no-audit", "--no-fund", "--ignore-scripts"]);
        run(npm.stdin(Stdio::null()))
    })
}

/// Installs the packages, unless these exact versions are installed.
pub(crate) fn once_for(pins: &[&Path], done: &Path, install: impl FnOnce() -> Result<()>) -> Result<()> {
    let wanted = pins.iter().map(std::fs::read_to_string).collect::<Result<String, _>>()?;
    if std::fs::read_to_string(done).is_ok_and(|found| found == wanted) {
        return Ok(());
    }
    install()?;
    Ok(std::fs::write(done, wanted)?)
}
