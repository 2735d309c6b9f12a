//! The arrows between the crates, proved from what cargo itself resolves, and between the modules of a crate: down only.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use cargo_metadata::{DependencyKind, Metadata, MetadataCommand};

use crate::circles;
use crate::shell::{command, files, root};

/// Which crates of the workspace a crate may use, tests and benches left out.
const ARROWS: [(&str, &[&str]); 17] = [
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
    ("cloudauth-flow", &["cloudauth-policy", "cloudauth-protocol"]),
    ("cloudauth-flow-sqlite", &["cloudauth-flow", "cloudauth-protocol"]),
    ("cloudauth-stats", &[]),
    ("cloudauth-lab", &["cloudauth-files", "cloudauth-policy", "cloudauth-protocol", "cloudauth-stats"]),
    ("cloudauth-cli", &["cloudauth", "cloudauth-emulator", "cloudauth-files", "cloudauth-lab"]),
    ("xtask", &["cloudauth-protocol"]),
    ("cloudauth-tests", &["cloudauth", "cloudauth-emulator", "cloudauth-transport"]),
];

/// What a sans-IO crate must not have anywhere below it.
const NO_IO: [&str; 8] = ["tokio", "reqwest", "hyper", "socket2", "mio", "getrandom", "rand", "rustls"];

/// What must do no I/O, or none but with files, and how many crates it may bring, itself included.
const SANS_IO: [(&str, usize); 5] = [
    ("cloudauth-protocol", 30),
    ("cloudauth-policy", 35),
    ("cloudauth-flow", 37),
    ("cloudauth-stats", 12),
    ("cloudauth-lab", 73),
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

/// The path of the module in a file: `sign::v1` for `sign/v1.rs`, nothing for the root of the crate.
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

/// Everything that a crate builds for this platform by itself, itself included: the names, by `cargo tree`. What other
/// members of the workspace switch on does not count.
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
