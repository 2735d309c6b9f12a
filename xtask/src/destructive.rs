//! Tests that need a full disk run on a file system of 600 KB in memory. `unshare` mounts it only for them, so it disappears
//! with the tests. This needs Linux.

use std::process::Stdio;

use anyhow::{Result, ensure};

use crate::shell::{command, root};

const MOUNT: &str = r#"mount -t tmpfs -o size=600k tmpfs "$1""#;

/// Runs the tests, with more kills than usual.
pub(crate) fn run() -> Result<()> {
    ensure!(
        is_possible(),
        "a file system cannot be mounted here: this needs Linux, `unshare` and user namespaces"
    );
    let folder = root().join("target/small-disk");
    std::fs::create_dir_all(&folder)?;
    let folder = folder.display().to_string();
    // The whole workspace, to reuse the builds of `cargo xtask ci`.
    let tests = "cargo test --workspace --features cloudauth-cli/lab,cloudauth-cli/audit --test outputs --test commits -- --include-ignored small_disk killed";
    let script = format!("{MOUNT} && exec {tests}");
    let mut tests = unshare(&script, &folder);
    crate::shell::run(tests.env("CLOUDAUTH_SMALL_DISK", &folder).env("CLOUDAUTH_KILLS", "100"))
}

/// Returns whether this machine allows the mount.
fn is_possible() -> bool {
    let mut mount = unshare(MOUNT, "/mnt");
    mount.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}

fn unshare(script: &str, folder: &str) -> std::process::Command {
    command("unshare", &["--map-root-user", "--mount", "sh", "-c", script, "sh", folder])
}
