//! Type-checks the crates, their tests and the command for other systems than this one.

use std::fs;

use anyhow::{Context, Result, ensure};

use crate::shell::{command, root, run as run_command};
use crate::versions::minimal::FEATURES;

/// Windows and macOS.
const TARGETS: [&str; 2] = ["x86_64-pc-windows-gnu", "aarch64-apple-darwin"];

/// The features of the tests over TLS.
const TLS: &str = "cloudauth-transport-reqwest/testing-tls,cloudauth-transport-isahc/testing-tls,\
    cloudauth-transport-blocking/testing-tls,cloudauth-flow-postgres/testing-tls";

/// In place of a C compiler and an archiver for the other system: creates the file that it should write, empty. Nothing is linked.
const STAND_IN: &str = r#"#!/bin/sh
for arg; do
  case "$before" in -o) : > "$arg" ;; esac
  case "$arg" in *.a) : > "$arg" ;; esac
  before=$arg
done
"#;

pub(crate) fn run() -> Result<()> {
    ensure!(cfg!(unix), "this runs on Unix only: it needs a shell script in place of a C compiler");
    let folder = root().join("target/platforms");
    fs::create_dir_all(&folder)?;
    let stand_in = folder.join("stand-in");
    fs::write(&stand_in, STAND_IN)?;
    run_command(command("chmod", &["+x"]).arg(&stand_in))?;
    for target in TARGETS {
        let added = run_command(&mut command("rustup", &["target", "add", target]));
        added.with_context(|| format!("no standard library of {target} can be installed here"))?;
        let mut check = command("cargo", &["check", "--locked", "--workspace", "--all-targets"]);
        check.args(["--features", &FEATURES.join(","), "--features", TLS]);
        check.args(["--target", target]).arg("--target-dir").arg(folder.join("build"));
        for tool in ["CC", "CXX", "AR"] {
            check.env(format!("{tool}_{}", target.replace('-', "_")), &stand_in);
        }
        // Where Apple's compiler looks for its headers: unused.
        run_command(check.env("SDKROOT", &folder))?;
    }
    println!("platforms: the code is valid for {}", TARGETS.join(" and "));
    Ok(())
}
