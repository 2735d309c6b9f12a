//! Everything that `.ci/run` runs.

use anyhow::Result;

use crate::docs::{codes, console};
use crate::shell::{cargo, command, root};
use crate::{browser, destructive, interop, layers, msrv, tidy, warehouses};

/// The README's test command comes first, then what needs more than Rust.
pub(crate) fn run() -> Result<()> {
    tidy::run()?;
    layers::run()?;
    msrv::run()?;
    codes::check()?;
    cargo("fmt --all --check")?;
    cargo("clippy --workspace --all-targets -- -D warnings")?;
    cargo("clippy -p cloudauth-lab --features parquet --all-targets -- -D warnings")?;
    cargo(tidy::TEST_COMMAND.trim_start_matches("cargo "))?;
    cargo("test -p cloudauth-lab --features parquet")?;
    console::check()?;
    features()?;
    if destructive::is_possible() {
        destructive::run()?;
    } else {
        println!("destructive: NOT RUN, a file system cannot be mounted here");
    }
    tls()?;
    let mut doc = command("cargo", &["doc", "--workspace", "--no-deps"]);
    crate::shell::run(doc.env("RUSTDOCFLAGS", "-D warnings"))?;
    cargo("run -p cloudauth --features reqwest --example verify")?;
    // A round of each, to see that they work; their figures are taken by `cargo bench`.
    cargo(
        "test -p cloudauth-protocol -p cloudauth-policy -p cloudauth-stats -p cloudauth-tests --benches -- --test",
    )?;
    interop::run()?;
    browser::run()?;
    warehouses::run(&[])?;
    deny()
}

/// Features are additive, and any combination builds.
fn features() -> Result<()> {
    let all = "reqwest,isahc,blocking,pictures,policy,rustls,serde,tracing";
    for features in [
        "",
        "reqwest",
        "isahc",
        "blocking",
        "pictures",
        "policy",
        "rustls",
        "serde",
        "tracing",
        "isahc,rustls",
        all,
    ] {
        let check = ["check", "-p", "cloudauth", "--no-default-features", "--features", features];
        crate::shell::run(&mut command("cargo", &check))?;
    }
    cargo("check -p cloudauth-cli --features rustls")?;
    for lab in ["lab", "parquet"] {
        cargo(&format!("clippy -p cloudauth-cli --features {lab} --all-targets -- -D warnings"))?;
        cargo(&format!(
            "test -p cloudauth-cli --features {lab} --test lab --test lab_files --test lab_sql --test outputs"
        ))?;
    }
    // Each library builds alone, without what its neighbours switch on.
    for library in [
        "cloudauth-protocol",
        "cloudauth-policy",
        "cloudauth-transport",
        "cloudauth-client",
        "cloudauth-emulator",
        "cloudauth-stats",
        "cloudauth-lab",
    ] {
        cargo(&format!("check -p {library}"))?;
    }
    Ok(())
}

/// Each transport against servers whose certificates are good and otherwise. Its own task, since no TLS is built for the
/// other tests.
pub(crate) fn tls() -> Result<()> {
    for transport in ["reqwest", "isahc", "blocking"] {
        cargo(&format!("test -p cloudauth-transport-{transport} --features testing-tls --test tls"))?;
    }
    Ok(())
}

const DENY: &str = "cargo-deny@0.20.2";
const MUTANTS: &str = "cargo-mutants@27.1.0";

/// Licences, sources and bans. The advisories need a database from the network and are left to whoever has one.
pub(crate) fn deny() -> Result<()> {
    let program = installed(DENY)?;
    crate::shell::run(&mut command(&program, &["check", "bans", "licenses", "sources"]))
}

/// By hand: it takes long.
pub(crate) fn mutants(shard: &[&str]) -> Result<()> {
    let program = installed(MUTANTS)?;
    let mut args = vec!["mutants", "--package", "cloudauth-policy", "--timeout", "60", "--baseline", "skip"];
    args.extend(["--output", "target/mutants"]);
    if let [shard] = shard {
        args.extend(["--sharding", "round-robin", "--shard", shard]);
    }
    crate::shell::run(&mut command(&program, &args))
}

/// A tool of this version in `target/tools`; gives its path.
fn installed(tool: &str) -> Result<String> {
    let folder = root().join("target/tools");
    let name = tool.split('@').next().unwrap_or(tool);
    let program = folder.join("bin").join(name);
    if !program.exists() {
        let folder = folder.display().to_string();
        crate::shell::run(&mut command("cargo", &["install", tool, "--locked", "--root", &folder]))?;
    }
    Ok(program.display().to_string())
}
