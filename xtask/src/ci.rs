//! The steps of `.ci/run` after the tests.
//!
//! Each set of features is a separate build. Steps that share a build select the whole workspace, as the tests do: `-p`
//! alone would select fewer features of the dependencies, and build them again.

use std::time::{Duration, Instant};

use anyhow::Result;

use crate::docs::{codes, console};
use crate::shell::{built_example, cargo, command};
use crate::{browser, destructive, interop, layers, msrv, stores, tidy, tools, warehouses};

/// Runs the steps and prints the time of each. Cheap steps that fail often come first.
pub(crate) fn run() -> Result<()> {
    let mut steps = Steps::default();
    let result = all(&mut steps);
    steps.print();
    result
}

fn all(steps: &mut Steps) -> Result<()> {
    steps.run("fmt", || cargo("fmt --all --check"))?;
    steps.run("tidy", tidy::run)?;
    steps.run("layers", layers::run)?;
    steps.run("msrv", msrv::run)?;
    steps.run("codes", codes::check)?;
    steps.run("deny", tools::deny)?;
    steps.run("clippy", || clippy(&[]))?;
    // The command without `lab`, with it, and with Parquet are different code.
    steps.run("clippy, with the lab", || clippy(&["--features", "cloudauth-cli/lab"]))?;
    steps.run("clippy, with Parquet", || clippy(&["--features", "cloudauth-cli/parquet"]))?;
    steps.run("tests, with the lab", lab_tests)?;
    steps.run("browser", browser::run)?;
    if destructive::is_possible() {
        steps.run("destructive", destructive::run)?;
    } else {
        println!("destructive: NOT RUN, a file system cannot be mounted here");
    }
    steps.run("tests, with Parquet", parquet_tests)?;
    steps.run("benches, a round of each", benches)?;
    steps.run("example", example)?;
    steps.run("postgres", stores::postgres)?;
    steps.run("warehouses", || warehouses::run(&[]))?;
    steps.run("doc", || {
        let mut doc = command("cargo", &["doc", "--workspace", "--no-deps"]);
        crate::shell::run(doc.env("RUSTDOCFLAGS", "-D warnings"))
    })?;
    // The command alone, as in the README.
    steps.run("console", console::check)?;
    steps.run("interop", interop::run)?;
    steps.run("features", features)?;
    steps.run("tls", tls)
}

/// The times of the steps.
#[derive(Default)]
struct Steps(Vec<(&'static str, Duration)>);

impl Steps {
    fn run(&mut self, name: &'static str, step: impl FnOnce() -> Result<()>) -> Result<()> {
        let start = Instant::now();
        let result = step();
        self.0.push((name, start.elapsed()));
        result
    }

    fn print(&self) {
        println!("\nseconds  step");
        for (name, took) in &self.0 {
            println!("{:7.1}  {name}", took.as_secs_f64());
        }
        println!("{:7.1}  in all", self.0.iter().map(|(_, took)| took.as_secs_f64()).sum::<f64>());
    }
}

/// The command's tests that need the lab.
const COMMAND_TESTS: &str = "--test lab --test lab_files --test lab_sql --test outputs";
/// The lab's tests.
const LAB_TESTS: &str = "--test input --test results";

fn clippy(features: &[&str]) -> Result<()> {
    let args = [&["clippy", "--workspace", "--all-targets"], features, &["--", "-D", "warnings"]].concat();
    crate::shell::run(&mut command("cargo", &args))
}

/// Without Parquet: one of the tests checks the command's error for a Parquet file.
fn lab_tests() -> Result<()> {
    cargo(&format!("test --workspace --features cloudauth-cli/lab {COMMAND_TESTS}"))
}

/// The code that the feature `parquet` changes: the lab, and the command's tests of it.
fn parquet_tests() -> Result<()> {
    cargo(&format!("test --workspace --features cloudauth-cli/parquet --lib {LAB_TESTS} {COMMAND_TESTS}"))
}

/// Runs each once, to check that it works; `cargo bench` measures.
fn benches() -> Result<()> {
    cargo("test --workspace --benches -- --test")
}

/// An example that the tests built.
fn example() -> Result<()> {
    cargo("build --workspace --examples")?;
    crate::shell::run(&mut command(&built_example("verify")?, &[]))
}

/// Features are additive, and any combination builds.
fn features() -> Result<()> {
    let all = "reqwest,isahc,blocking,flow,flow-postgres,flow-sqlite,pictures,policy,rustls,serde,tracing";
    for features in [
        "",
        "reqwest",
        "isahc",
        "blocking",
        "flow",
        "flow-postgres",
        "flow-sqlite",
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
    cargo("check -p cloudauth-flow-postgres --features rustls")?;
    cargo("check -p cloudauth-flow --features driver")?;
    cargo("check -p cloudauth-flow --features driver,metrics,tracing")?;
    // Each library builds alone, without the features that other crates enable.
    for library in [
        "cloudauth-protocol",
        "cloudauth-policy",
        "cloudauth-transport",
        "cloudauth-client",
        "cloudauth-emulator",
        "cloudauth-flow",
        "cloudauth-flow-postgres",
        "cloudauth-flow-sqlite",
        "cloudauth-stats",
        "cloudauth-lab",
    ] {
        cargo(&format!("check -p {library}"))?;
    }
    Ok(())
}

/// Each transport, and the PostgreSQL store, against servers with valid and invalid certificates. A task of its own, because no TLS is built for the
/// other tests.
pub(crate) fn tls() -> Result<()> {
    for package in ["transport-reqwest", "transport-isahc", "transport-blocking", "flow-postgres"] {
        cargo(&format!("test -p cloudauth-{package} --features testing-tls --test tls"))?;
    }
    Ok(())
}
