//! Checks that dependencies between the crates, as cargo resolves them, and between the modules of a crate point down only.

mod circles;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use cargo_metadata::{DependencyKind, Metadata, MetadataCommand};

use crate::shell::{command, files, root};

/// The crates of the workspace that a crate may use, except in tests and benches.
const ARROWS: [(&str, &[&str]); 18] = [
    ("cloudauth-protocol", &[]),
    ("cloudauth-transport", &["cloudauth-protocol"]),
    ("cloudauth-transport-blocking", &["cloudauth-transport", "cloudauth-protocol"]),
    ("cloudauth-transport-isahc", &["cloudauth-transport", "cloudauth-protocol"]),
    ("cloudauth-transport-reqwest", &["cloudauth-transport", "cloudauth-protocol"]),
    ("cloudauth-policy", &["cloudauth-protocol"]),
    ("cloudauth-client", &["cloudauth-policy", "cloudauth-transport", "cloudauth-protocol"]),
    (
        "cloudauth",
        &[
            "cloudauth-client",
            "cloudauth-flow",
            "cloudauth-flow-postgres",
            "cloudauth-flow-sqlite",
            "cloudauth-policy",
            "cloudauth-transport",
            "cloudauth-transport-blocking",
            "cloudauth-transport-isahc",
            "cloudauth-transport-reqwest",
            "cloudauth-protocol",
        ],
    ),
    ("cloudauth-emulator", &["cloudauth-protocol"]),
    ("cloudauth-files", &[]),
    (
        "cloudauth-flow",
        &["cloudauth-client", "cloudauth-policy", "cloudauth-protocol", "cloudauth-transport"],
    ),
    ("cloudauth-flow-postgres", &["cloudauth-flow", "cloudauth-protocol"]),
    ("cloudauth-flow-sqlite", &["cloudauth-flow", "cloudauth-protocol"]),
    ("cloudauth-stats", &[]),
    ("cloudauth-lab", &["cloudauth-files", "cloudauth-policy", "cloudauth-protocol", "cloudauth-stats"]),
    ("cloudauth-cli", &["cloudauth", "cloudauth-emulator", "cloudauth-files", "cloudauth-lab"]),
    ("xtask", &["cloudauth-protocol"]),
    ("cloudauth-tests", &["cloudauth", "cloudauth-emulator", "cloudauth-transport"]),
];

/// The crates that a sans-IO crate must not depend on, directly or indirectly.
const NO_IO: [&str; 8] = ["tokio", "reqwest", "hyper", "socket2", "mio", "getrandom", "rand", "rustls"];

/// The crates that do no I/O, or only with files, and the number of crates that each may build, itself included.
const SANS_IO: [(&str, usize); 5] = [
    ("cloudauth-protocol", 30),
    ("cloudauth-policy", 35),
    ("cloudauth-flow", 37),
    ("cloudauth-stats", 12),
    ("cloudauth-lab", 76),
];

pub(crate) fn run() -> Result<()> {
    let metadata = MetadataCommand::new().current_dir(root()).exec()?;
    arrows(&metadata)?;
    modules(&metadata)?;
    let mut counts = Vec::new();
    for (name, most) in SANS_IO {
        let below = below(name)?;
        if let Some(found) = NO_IO.iter().find(|name| below.contains(&***name)) {
            bail!("{name} depends on {found}, and does no I/O");
        }
        if below.len() > most {
            bail!("{name} builds {} crates, more than {most}: {below:?}", below.len());
        }
        counts.push(format!("{name} builds {} crates", below.len()));
    }
    println!("layers: the arrows point down; {}", counts.join(", "));
    Ok(())
}

fn arrows(metadata: &Metadata) -> Result<()> {
    let members = metadata.workspace_packages();
    let names: BTreeSet<&str> = members.iter().map(|package| package.name.as_str()).collect();
    for package in &members {
        let (_, allowed) = ARROWS
            .iter()
            .find(|(name, _)| *name == package.name.as_str())
            .with_context(|| format!("{} has no place among the layers", package.name))?;
        for dependency in &package.dependencies {
            let name = dependency.name.as_str();
            let counts = dependency.kind != DependencyKind::Development && names.contains(name);
            if counts && !allowed.contains(&name) {
                bail!("{} must not depend on {name}", package.name);
            }
        }
    }
    Ok(())
}

fn modules(metadata: &Metadata) -> Result<()> {
    let sources = files("rs")?;
    for package in metadata.workspace_packages() {
        let name = package.name.as_str();
        let folder = package.manifest_path.with_file_name("src");
        let mut modules = circles::Modules::new();
        for file in &sources {
            if let Ok(path) = file.strip_prefix(&folder) {
                modules.insert(module(path), fs::read_to_string(file)?);
            }
        }
        if let Some(circle) = circles::find(&modules) {
            bail!("{name} has a circle of modules: {}", circle.join(" -> "));
        }
    }
    Ok(())
}

/// The path of the module in a file: `sign::v1` for `sign/v1.rs`, empty for the root of the crate.
fn module(file: &Path) -> String {
    let path = file.with_extension("");
    let names: Vec<_> = path.iter().map(|name| name.to_string_lossy()).collect();
    let names = match names.as_slice() {
        [root] if root == "lib" || root == "main" => &[],
        [folder @ .., last] if last == "mod" => folder,
        names => names,
    };
    names.join("::")
}

/// The names of the crates that a crate builds alone on this platform, itself included, from `cargo tree`. Features that other
/// members of the workspace enable do not count.
fn below(name: &str) -> Result<BTreeSet<String>> {
    let args = ["tree", "--package", name, "--edges", "normal,build", "--prefix", "none"];
    let output = command("cargo", &args).output()?;
    if !output.status.success() {
        bail!("`cargo tree` fails: {}", String::from_utf8_lossy(&output.stderr));
    }
    let text = String::from_utf8(output.stdout)?;
    Ok(text
        .lines()
        .filter_map(|line| line.split(' ').next())
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect())
}
