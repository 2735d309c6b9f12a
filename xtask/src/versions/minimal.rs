//! Builds the crates with the lowest version of each direct dependency that `Cargo.toml` declares.
//!
//! The copy in `target/minimal` has its own lock file and its own target folder. Cargo calls this resolution unstable, so it runs
//! as if it were a nightly cargo; the compiler stays the stable one.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use crate::shell::{command, root, run as run_command, tracked};

/// Every feature, except those for tests and `native-tls`, which needs the system's OpenSSL.
pub(crate) const FEATURES: [&str; 5] = [
    "cloudauth-cli/full",
    "cloudauth/reqwest,cloudauth/isahc,cloudauth/blocking,cloudauth/rustls",
    "cloudauth/flow,cloudauth/flow-hosted,cloudauth/flow-sqlite,cloudauth/flow-postgres",
    "cloudauth/pictures,cloudauth/policy,cloudauth/serde,cloudauth/tracing",
    "cloudauth-flow/metrics,cloudauth-flow-postgres/rustls",
];

/// Resolves the lowest versions in a copy of the tree, and checks all libraries and the command.
pub(crate) fn run() -> Result<()> {
    let copy = root().join("target/minimal/tree");
    copy_tree(&copy)?;
    let cargo = |args: &[&str]| {
        let mut cargo = command("cargo", args);
        cargo.current_dir(&copy).env("CARGO_TARGET_DIR", root().join("target/minimal/build"));
        cargo
    };
    let resolve = ["-Z", "direct-minimal-versions", "generate-lockfile"];
    run_command(cargo(&resolve).env("RUSTC_BOOTSTRAP", "1"))?;
    // Tests may need newer versions: a user does not build them.
    let check = ["check", "--locked", "--workspace", "--lib", "--bins", "--keep-going"];
    run_command(&mut cargo(&check))?;
    run_command(cargo(&check).args(["--features", &FEATURES.join(",")]))?;
    println!("minimal: the crates are valid with the lowest versions that they declare");
    Ok(())
}

/// Copies the files that git knows, without the lock file, into an empty folder.
fn copy_tree(copy: &Path) -> Result<()> {
    let _ = fs::remove_dir_all(copy);
    for name in tracked()?.iter().filter(|name| *name != "Cargo.lock") {
        let to = copy.join(name);
        fs::create_dir_all(to.parent().context("a file has a folder")?)?;
        fs::copy(root().join(name), &to).with_context(|| format!("cannot copy {name}"))?;
    }
    Ok(())
}
