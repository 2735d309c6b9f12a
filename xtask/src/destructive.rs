//! Tests that need a full disk run on a file system of 600 KB in memory. `unshare` mounts it only for them, so it disappears
//! with the tests. This needs Linux.

use std::num::NonZeroU32;
use std::process::Stdio;

use anyhow::{Result, bail, ensure};

use crate::shell::{command, root};

const MOUNT: &str = r#"mount -t tmpfs -o size=600k tmpfs "$1""#;

/// Runs the tests, with more kills than usual. With a number of times, it includes the tests that `.ci/run` runs a few times
/// only: so many kills of each command that writes a file.
pub(crate) fn run(args: &[&str]) -> Result<()> {
    let (features, tests, kills) = match args {
        [] => ("", "", "100"),
        ["--times", kills] if kills.parse::<NonZeroU32>().is_ok() => {
            (",cloudauth-cli/shell", " kill_at_any_point two_commands --nocapture", *kills)
        }
        _ => bail!("`cargo xtask destructive` takes `--times N` alone, N from 1"),
    };
    ensure!(
        is_possible(),
        "a file system cannot be mounted here: this needs Linux, `unshare` and user namespaces"
    );
    let folder = root().join("target/small-disk");
    std::fs::create_dir_all(&folder)?;
    let folder = folder.display().to_string();
    // The whole workspace, to reuse the builds of `cargo xtask ci`.
    let tests = format!(
        "cargo test --workspace --features cloudauth-cli/lab,cloudauth-cli/audit{features} --test outputs --test commits -- --include-ignored small_disk killed{tests}"
    );
    let script = format!("{MOUNT} && exec {tests}");
    let mut tests = unshare(&script, &folder);
    crate::shell::run(tests.env("CLOUDAUTH_SMALL_DISK", &folder).env("CLOUDAUTH_KILLS", kills))
}

/// Returns whether this machine allows the mount.
fn is_possible() -> bool {
    let mut mount = unshare(MOUNT, "/mnt");
    mount.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}

fn unshare(script: &str, folder: &str) -> std::process::Command {
    command("unshare", &["--map-root-user", "--mount", "sh", "-c", script, "sh", folder])
}
