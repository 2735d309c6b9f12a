//! Tests that need a full disk: on a file system of 300 KB in memory, mounted for them alone. By `unshare`, so that it vanishes
//! with the tests, and only Linux has it.

use std::process::Stdio;

use anyhow::{Result, ensure};

use crate::shell::{command, root};

const MOUNT: &str = r#"mount -t tmpfs -o size=300k tmpfs "$1""#;

/// Runs them, with more kills than the usual tests have.
pub(crate) fn run() -> Result<()> {
    ensure!(is_possible(), "a file system cannot be mounted here: it takes Linux and `unshare`");
    let folder = root().join("target/small-disk");
    std::fs::create_dir_all(&folder)?;
    let folder = folder.display().to_string();
    // The whole workspace, so that the builds of `cargo xtask ci` serve.
    let tests = "cargo test --workspace --features cloudauth-cli/lab --test outputs -- --include-ignored small_disk killed";
    let script = format!("{MOUNT} && exec {tests}");
    let mut tests = unshare(&script, &folder);
    crate::shell::run(tests.env("CLOUDAUTH_SMALL_DISK", &folder).env("CLOUDAUTH_KILLS", "100"))
}

/// Whether this machine lets us mount one.
pub(crate) fn is_possible() -> bool {
    let mut mount = unshare(MOUNT, "/mnt");
    mount.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}

fn unshare(script: &str, folder: &str) -> std::process::Command {
    command("unshare", &["--map-root-user", "--mount", "sh", "-c", script, "sh", folder])
}
