//! The emulator's pages and the sample shop in a real browser.

use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::shell::{built_example, built_for, is_there, root, run as run_command};
use crate::tools::node;

/// The names of Chromium's program on different systems.
const NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome"];

pub(crate) fn run() -> Result<()> {
    let chromium = chromium()?;
    let folder = root().join("target/browser");
    node::install(&root().join("tests/browser"), &folder).context("cannot install playwright-core")?;
    // `cargo xtask ci` has built them, and names them.
    let programs = if std::env::var_os("CLOUDAUTH").is_some() { Vec::new() } else { programs()? };
    let mut tests = Command::new("node");
    tests.current_dir(&folder).arg("--test").env("CHROMIUM", &chromium).envs(programs);
    // No proxy: everything is on loopback.
    tests.env("SHOTS", folder.join("shots")).env("NO_PROXY", "*").env("no_proxy", "*");
    run_command(tests.stdin(Stdio::null()))?;
    println!("browser: every scenario passes; pictures in {}", folder.join("shots").display());
    Ok(())
}

/// Builds the command and the example for the scenarios, and returns the variables that name copies of them, which stay when
/// another selection is built.
pub(crate) fn programs() -> Result<Vec<(&'static str, String)>> {
    let folder = root().join("target/browser");
    std::fs::create_dir_all(&folder)?;
    let command =
        built_for("--features cloudauth-cli/lab,cloudauth-cli/audit --test lab --example start_page")?;
    [("CLOUDAUTH", "cloudauth", command), ("START_PAGE", "start_page", built_example("start_page")?)]
        .into_iter()
        .map(|(variable, name, program)| {
            std::fs::copy(program, folder.join(name))?;
            Ok((variable, folder.join(name).display().to_string()))
        })
        .collect()
}

/// The browser: `CHROMIUM`, or an installed one, or else Debian's, which this installs.
fn chromium() -> Result<String> {
    if let Ok(given) = std::env::var("CHROMIUM") {
        return Ok(given);
    }
    let there = || NAMES.into_iter().find(|name| is_there(name)).map(str::to_owned);
    if let Some(found) = there() {
        return path_of(&found);
    }
    println!("browser: there is no Chromium; installing Debian's");
    for args in [
        vec!["update", "-qq"],
        vec!["install", "-qq", "-y", "--no-install-recommends", "chromium", "fonts-noto-cjk"],
    ] {
        let mut apt = Command::new("apt-get");
        let installed =
            run_command(apt.args(args).env("DEBIAN_FRONTEND", "noninteractive").stdin(Stdio::null()));
        if installed.is_err() {
            bail!(
                "browser needs Chromium: install it, or name it in CHROMIUM; apt-get cannot (is this root on Debian?)"
            );
        }
    }
    path_of(&there().context("Chromium was installed but not found")?)
}

/// Playwright needs a path.
fn path_of(program: &str) -> Result<String> {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    let found =
        std::env::split_paths(&folders).map(|folder| folder.join(program)).find(|path| path.is_file());
    Ok(found.with_context(|| format!("{program} is not on the PATH"))?.display().to_string())
}
