//! Type-checks the crates for other systems than this one.

use anyhow::{Context, Result};

use crate::shell::{cargo, command, run as run_command};

/// Windows and macOS.
const TARGETS: [&str; 2] = ["x86_64-pc-windows-gnu", "aarch64-apple-darwin"];

/// What builds without a C compiler for the other system: everything but SQLite, libcurl, TLS and compressed files.
const CRATES: &str = "-p cloudauth-cli -p cloudauth-files -p cloudauth-stats -p cloudauth --features \
                      cloudauth/reqwest,cloudauth/blocking,cloudauth/flow,cloudauth/flow-hosted,cloudauth/flow-postgres,cloudauth/pictures,\
                      cloudauth/policy,cloudauth/serde,cloudauth/tracing";

pub(crate) fn run() -> Result<()> {
    for target in TARGETS {
        let added = run_command(&mut command("rustup", &["target", "add", target]));
        added.with_context(|| format!("no standard library of {target} can be installed here"))?;
        cargo(&format!("check --target {target} {CRATES}"))?;
    }
    Ok(())
}
