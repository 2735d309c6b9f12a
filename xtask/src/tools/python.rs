//! Python packages of pinned versions in a folder of their own.

use std::path::{Path, PathBuf};

use anyhow::Result;

use super::node::once_for;
use crate::shell::{command, run};

/// Python by the name that the system gives it.
pub(crate) const PYTHON: &str = if cfg!(windows) { "python" } else { "python3" };

/// The Python of a virtual environment.
pub(crate) fn of_environment(venv: &Path) -> String {
    venv.join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" }).display().to_string()
}

/// Creates a virtual environment below `folder` with the pinned packages, and returns its Python.
pub(crate) fn install(pins: &[PathBuf], folder: &Path) -> Result<String> {
    let venv = folder.join("venv");
    let python = of_environment(&venv);
    let pins: Vec<&Path> = pins.iter().map(PathBuf::as_path).collect();
    once_for(&pins, &venv.join("done"), || {
        run(&mut command(PYTHON, &["-m", "venv", "--clear", &venv.display().to_string()]))?;
        let install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
        let mut install = command(&python, &install);
        for file in &pins {
            install.arg("-r").arg(file);
        }
        run(&mut install)
    })?;
    Ok(python)
}
