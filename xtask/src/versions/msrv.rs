//! Checks the declared Rust versions: no locked dependency of a crate requires a newer one. This needs no other toolchain;
//! clippy's `incompatible_msrv` checks our own code. `--build` checks the code with the compilers of these versions.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fs;

use anyhow::{Context, Result, bail, ensure};
use cargo_metadata::semver::Version;
use cargo_metadata::{CargoOpt, DependencyKind, Metadata, MetadataCommand, Package, PackageId};

use crate::shell::{command, root, run as run_command};

/// Optional dependencies that need a newer Rust than the crate, as the documentation of its features says.
const NEWER: [(&str, &str); 1] = [("cloudauth", "cloudauth-flow-sqlite")];

/// What the oldest version builds: the libraries without SQLite.
const LIBRARIES: &str = "--package cloudauth --package cloudauth-stats --features \
                         cloudauth/reqwest,cloudauth/isahc,cloudauth/blocking,cloudauth/rustls,cloudauth/flow,\
                         cloudauth/flow-postgres,cloudauth/flow-hosted,cloudauth/metrics,cloudauth/pictures,cloudauth/policy,\
                         cloudauth/serde,cloudauth/tracing";

/// The workspaces whose crates declare a version.
const MANIFESTS: [&str; 2] = ["Cargo.toml", "python/Cargo.toml"];

/// What the newest version builds.
const EVERYTHING: &str = "--workspace --features cloudauth-cli/full";

/// Checks each published crate with all of its features, and that the README names the version that the whole workspace needs.
pub(crate) fn run() -> Result<()> {
    declared().map(drop)
}

/// Checks the declarations, and then the code with the compilers of the oldest and of the newest declared version.
pub(crate) fn build() -> Result<()> {
    let mut failed = Vec::new();
    for (version, what) in declared()?.into_iter().zip([LIBRARIES, EVERYTHING]) {
        let installed = run_command(&mut command(
            "rustup",
            &["toolchain", "install", &version, "--profile", "minimal", "--no-self-update"],
        ));
        installed.with_context(|| format!("Rust {version} cannot be installed here"))?;
        let mut check = command("rustup", &["run", &version, "cargo", "check", "--locked"]);
        check.args(what.split(' ')).env("CARGO_TARGET_DIR", root().join("target/msrv"));
        // The failure of one version does not hide that of the other.
        failed.extend(run_command(&mut check).is_err().then_some(version));
    }
    ensure!(failed.is_empty(), "the code is not valid with Rust {}", failed.join(" and "));
    Ok(())
}

/// Returns the oldest and the newest declared version.
fn declared() -> Result<[String; 2]> {
    let all = MANIFESTS.map(|manifest| {
        let mut metadata = MetadataCommand::new();
        metadata.manifest_path(root().join(manifest)).features(CargoOpt::AllFeatures);
        metadata.other_options(["--locked".to_owned()]).exec()
    });
    let mut declared = Vec::new();
    let all = all.into_iter().collect::<Result<Vec<_>, _>>()?;
    for (metadata, package) in
        all.iter().flat_map(|metadata| metadata.workspace_packages().into_iter().map(move |p| (metadata, p)))
    {
        let is_private = package.publish.as_ref().is_some_and(Vec::is_empty);
        let Some(own) = &package.rust_version else {
            ensure!(is_private, "{} is published and declares no Rust version", package.name);
            continue;
        };
        let newest = newest_below(metadata, package)?;
        if newest.rust_version.as_ref().is_some_and(|needed| needed > own) {
            let needed = newest.rust_version.as_ref().map(ToString::to_string).unwrap_or_default();
            bail!(
                "{} declares Rust {own}, and {} {} needs {needed}",
                package.name,
                newest.name,
                newest.version
            );
        }
        declared.push(own);
    }
    let most = declared.iter().max().context("no crate declares a Rust version")?;
    let least = declared.iter().min().context("no crate declares a Rust version")?;
    let said = format!("({}.{} or newer)", most.major, most.minor);
    if !fs::read_to_string(root().join("README.md"))?.contains(&said) {
        bail!("the README must name the Rust version that its commands need: {said}");
    }
    println!("msrv: {} crates, Rust {least} to {most}, hold with the locked dependencies", declared.len());
    Ok([least.to_string(), most.to_string()])
}

/// The package that requires the newest Rust, among this one and all packages that it builds with.
fn newest_below<'m>(metadata: &'m Metadata, package: &'m Package) -> Result<&'m Package> {
    let resolve = metadata.resolve.as_ref().context("cargo resolved nothing")?;
    let nodes: BTreeMap<&PackageId, _> = resolve.nodes.iter().map(|node| (&node.id, node)).collect();
    let packages: BTreeMap<&PackageId, &Package> = metadata.packages.iter().map(|p| (&p.id, p)).collect();
    let mut seen: BTreeMap<&PackageId, &Package> = BTreeMap::new();
    let mut open = vec![&package.id];
    while let Some(id) = open.pop() {
        let Entry::Vacant(new) = seen.entry(id) else { continue };
        new.insert(packages.get(id).with_context(|| format!("{id} is not among the packages"))?);
        let node = nodes.get(id).with_context(|| format!("{id} is not resolved"))?;
        let built = node.deps.iter().filter(|dependency| {
            let name = packages.get(&dependency.pkg).map_or("", |package| package.name.as_str());
            dependency.dep_kinds.iter().any(|kind| kind.kind != DependencyKind::Development)
                && !NEWER.contains(&(package.name.as_str(), name))
        });
        open.extend(built.map(|dependency| &dependency.pkg));
    }
    let oldest = Version::new(0, 0, 0);
    let newest =
        seen.into_values().max_by_key(|package| package.rust_version.clone().unwrap_or(oldest.clone()));
    newest.context("a package is among its own")
}
