//! Python packages of pinned versions in a folder of their own.

use std::path::{Path, PathBuf};

use anyhow::Result;

use super::node::once_for;
use crate::shell::{command, run};

/// Creates a virtual environment below `folder` with the pinned packages, and returns its Python.
pub(crate) fn install(pins: &[PathBuf], folder: &Path) -> Result<String> {
    let venv = folder.join("venv");
    let python = venv.join("bin/python").display().to_string();
    let pins: Vec<&Path> = pins.iter().map(PathBuf::as_path).collect();
    once_for(&pins, &venv.join("done"), || {
        run(&mut command("python3", &["-m", "venv", "--clear", &venv.display().to_string()]))?;
        let install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
        let mut install = command(&python, &install);
        for file in &pins {
            install.arg("-r").arg(file);
        }
        run(&mut install)
    })?;
    Ok(python)
}
