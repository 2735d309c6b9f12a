//! The arrows between the crates: down only, proved from what cargo itself resolves.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, bail};
use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, PackageId};

use crate::shell::root;

/// Which crates of the workspace a crate may use, tests and benches left out.
const ARROWS: [(&str, &[&str]); 11] = [
    ("cloudauth-protocol", &[]),
    ("cloudauth-transport", &["cloudauth-protocol"]),
    ("cloudauth-transport-blocking", &["cloudauth-transport", "cloudauth-protocol"]),
    ("cloudauth-transport-isahc", &["cloudauth-transport", "cloudauth-protocol"]),
    ("cloudauth-transport-reqwest", &["cloudauth-transport", "cloudauth-protocol"]),
    ("cloudauth-client", &["cloudauth-transport", "cloudauth-protocol"]),
    (
        "cloudauth",
        &[
            "cloudauth-client",
            "cloudauth-transport",
            "cloudauth-transport-blocking",
            "cloudauth-transport-isahc",
            "cloudauth-transport-reqwest",
            "cloudauth-protocol",
        ],
    ),
    ("cloudauth-emulator", &["cloudauth-protocol"]),
    ("cloudauth-cli", &["cloudauth", "cloudauth-emulator"]),
    ("xtask", &["cloudauth-protocol"]),
    ("cloudauth-tests", &["cloudauth", "cloudauth-emulator", "cloudauth-transport"]),
];

/// What a sans-IO crate must not have anywhere below it.
const NO_IO: [&str; 8] = ["tokio", "reqwest", "hyper", "socket2", "mio", "getrandom", "rand", "rustls"];

/// How many crates the protocol may bring, itself included.
const PROTOCOL_CRATES: usize = 30;

pub(crate) fn run() -> Result<()> {
    let metadata = MetadataCommand::new().current_dir(root()).exec()?;
    arrows(&metadata)?;
    let below = below(&metadata, "cloudauth-protocol")?;
    if let Some(found) = NO_IO.iter().find(|name| below.contains(**name)) {
        bail!("cloudauth-protocol depends on {found}, and does no I/O");
    }
    if below.len() > PROTOCOL_CRATES {
        bail!("cloudauth-protocol builds {} crates, more than {PROTOCOL_CRATES}: {below:?}", below.len());
    }
    println!("layers: the arrows point down; cloudauth-protocol builds {} crates", below.len());
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

/// Everything that a crate builds for this platform, itself included.
fn below<'a>(metadata: &'a Metadata, crate_name: &str) -> Result<BTreeSet<&'a str>> {
    let resolve = metadata.resolve.as_ref().context("cargo resolved nothing")?;
    let nodes: BTreeMap<&PackageId, _> = resolve.nodes.iter().map(|node| (&node.id, node)).collect();
    let names: BTreeMap<&PackageId, &str> =
        metadata.packages.iter().map(|package| (&package.id, package.name.as_str())).collect();
    let start = metadata.workspace_packages().into_iter().find(|package| package.name.as_str() == crate_name);
    let mut open = vec![&start.with_context(|| format!("no crate {crate_name}"))?.id];
    let mut seen = BTreeSet::new();
    while let Some(id) = open.pop() {
        if !seen.insert(id) {
            continue;
        }
        let node = nodes.get(id).context("cargo resolved only a part")?;
        let used = node.deps.iter().filter(|dependency| {
            let builds = |kind: &cargo_metadata::DepKindInfo| {
                kind.kind != DependencyKind::Development && kind.target.as_ref().is_none_or(applies_here)
            };
            dependency.dep_kinds.iter().any(builds)
        });
        open.extend(used.map(|dependency| &dependency.pkg));
    }
    Ok(seen.into_iter().filter_map(|id| names.get(id).copied()).collect())
}

/// Whether a target-specific dependency is one of x86-64 Linux, where the count is taken.
fn applies_here(target: &cargo_metadata::cargo_platform::Platform) -> bool {
    let text = target.to_string();
    !["windows", "wasm", "aarch64", "loongarch", "redox", "hermit"].iter().any(|other| text.contains(other))
        || text.contains("x86_64")
}
