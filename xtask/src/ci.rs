//! The steps of `.ci/run` after the tests.
//!
//! Each set of features is a separate build, and most of the time goes into building. Steps that share a build select the
//! whole workspace and its tests, as `cargo test --workspace` does: `-p` or a program alone would select fewer features of
//! the dependencies, and build them again.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::time::Instant;

use anyhow::{Result, ensure};

use crate::docs::{api, codes, console};
use crate::shell::{built_example, cargo, command, root};
use crate::{browser, destructive, interop, layers, msrv, python, stores, tidy, tools, warehouses};

/// Runs the steps and prints the time of each. Cheap steps that fail often come first.
pub(crate) fn run() -> Result<()> {
    let mut steps = Steps::default();
    let result = all(&mut steps);
    steps.print();
    result
}

fn all(steps: &mut Steps) -> Result<()> {
    steps.run("fmt", || {
        cargo("fmt --all --check")?;
        cargo("fmt --manifest-path fuzz/Cargo.toml --check")
    })?;
    steps.run("tidy", tidy::run)?;
    steps.run("layers", layers::run)?;
    steps.run("msrv", msrv::run)?;
    steps.run("codes", codes::check)?;
    steps.run("deny", tools::deny)?;
    steps.run("workflows", tools::workflows)?;
    steps.run("clippy", || clippy(&[]))?;
    // The command without `lab`, with it, and with Parquet are different code.
    steps.run("clippy, with the lab", || clippy(&["--features", "cloudauth-cli/lab,cloudauth-cli/audit"]))?;
    steps.run("clippy, with Parquet", || {
        clippy(&["--features", "cloudauth-cli/parquet,cloudauth-cli/shell"])
    })?;
    steps.run("tests, with the lab", lab_tests)?;
    let programs = steps.run("browser, the programs", browser::programs)?;
    let browser = Beside::start("browser", &programs)?;
    steps.run("destructive", || destructive::run(&[]))?;
    steps.run("tests, with Parquet", parquet_tests)?;
    steps.run("browser, the rest", || browser.finish())?;
    steps.run("benches, a round of each", benches)?;
    steps.run("example", example)?;
    steps.run("postgres", stores::postgres)?;
    steps.run("warehouses", || warehouses::run(&[]))?;
    steps.run("python", || python::run(&[]))?;
    steps.run("doc, and the listings of the API", api::check)?;
    steps.run("console", console::check)?;
    steps.run("interop", interop::run)?;
    steps.run("fuzz", tools::fuzz::in_ci)?;
    steps.run("features", features)?;
    steps.run("tls", tls)
}

/// A task that mostly waits and so runs beside the next steps. Its output is printed at its end.
struct Beside {
    name: &'static str,
    task: Child,
    log: PathBuf,
}

impl Beside {
    fn start(name: &'static str, variables: &[(&str, String)]) -> Result<Self> {
        let log = root().join("target").join(name).with_extension("log");
        let output = File::create(&log)?;
        let mut task = command(&std::env::current_exe()?.display().to_string(), &[name]);
        task.envs(variables.iter().cloned()).stdout(output.try_clone()?).stderr(output);
        Ok(Self { name, task: task.spawn()?, log })
    }

    fn finish(mut self) -> Result<()> {
        let status = self.task.wait()?;
        println!("{}", fs::read_to_string(&self.log)?);
        ensure!(status.success(), "{} failed: {status}", self.name);
        Ok(())
    }
}

impl Drop for Beside {
    /// After the failure of another step.
    fn drop(&mut self) {
        let _ = self.task.kill().and_then(|()| self.task.wait());
    }
}

/// The time that each step took.
#[derive(Default)]
struct Steps(Vec<(&'static str, Took)>);

/// Seconds on the clock, and seconds of CPU time of the programs that ran.
#[derive(Clone, Copy, Default)]
struct Took {
    seconds: f64,
    cpu: f64,
}

impl Steps {
    fn run<T>(&mut self, name: &'static str, step: impl FnOnce() -> Result<T>) -> Result<T> {
        let (start, cpu) = (Instant::now(), cpu_of_programs());
        let result = step();
        let took = Took { seconds: start.elapsed().as_secs_f64(), cpu: cpu_of_programs() - cpu };
        self.0.push((name, took));
        result
    }

    fn print(&self) {
        println!("\nseconds      CPU  step");
        let mut all = Took::default();
        for (name, took) in &self.0 {
            println!("{:7.1}  {:7.1}  {name}", took.seconds, took.cpu);
            all = Took { seconds: all.seconds + took.seconds, cpu: all.cpu + took.cpu };
        }
        println!("{:7.1}  {:7.1}  in all", all.seconds, all.cpu);
    }
}

/// The CPU seconds of all programs that this one waited for, and of those that they waited for. 0 where there is no `/proc`.
fn cpu_of_programs() -> f64 {
    fs::read_to_string("/proc/self/stat").ok().and_then(|stat| cpu_in(&stat)).unwrap_or_default()
}

/// The fields `cutime` and `cstime`, which Linux gives in hundredths of a second.
fn cpu_in(stat: &str) -> Option<f64> {
    // The second field is the program's name in parentheses, which may hold spaces.
    let (_, rest) = stat.rsplit_once(')')?;
    let mut ticks = rest.split_whitespace().skip(13).map(str::parse::<f64>);
    Some((ticks.next()?.ok()? + ticks.next()?.ok()?) / 100.0)
}

fn clippy(features: &[&str]) -> Result<()> {
    let args = [&["clippy", "--workspace", "--all-targets"], features, &["--", "-D", "warnings"]].concat();
    crate::shell::run(&mut command("cargo", &args))
}

/// Without Parquet: one of the tests checks the command's error for a Parquet file.
fn lab_tests() -> Result<()> {
    cargo(
        "test --workspace --features cloudauth-cli/lab,cloudauth-cli/audit --test audit --test lab --test lab_files --test lab_sql --test outputs",
    )
}

/// The tests of what the features `parquet` and `shell` change. The others would test the same code again.
fn parquet_tests() -> Result<()> {
    let tests = "test --workspace --features cloudauth-cli/parquet,cloudauth-cli/shell";
    cargo(&format!("{tests} --test input --test lab --test lab_files"))?;
    cargo(&format!(
        "{tests} --lib --test results --test outputs -- input:: runs:: thresholds:: columns_give shell pages_of_the_manual"
    ))
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
    let all = "reqwest,isahc,blocking,flow,flow-hosted,flow-postgres,flow-sqlite,metrics,pictures,policy,rustls,serde,tracing";
    for features in [
        "",
        "reqwest",
        "isahc",
        "blocking",
        "flow",
        "flow-hosted",
        "flow-postgres",
        "flow-sqlite",
        "metrics",
        "pictures",
        "policy",
        "rustls",
        "serde",
        "tracing",
        "isahc,rustls",
        "flow-postgres,rustls",
        all,
    ] {
        let check = ["check", "-p", "cloudauth", "--no-default-features", "--features", features];
        crate::shell::run(&mut command("cargo", &check))?;
    }
    // As `cargo auditable` asks for the features of a release: each by its own name, which must not be that of a dependency.
    let all = "audit,full,lab,parquet,rustls,shell,sqlite";
    let metadata = ["metadata", "--format-version=1", "--no-default-features", "--features", all];
    let manifest = ["--manifest-path", "crates/cli/Cargo.toml"];
    crate::shell::run(command("cargo", &[&metadata[..], &manifest].concat()).stdout(Stdio::null()))?;
    cargo("check -p cloudauth-cli --features rustls")?;
    cargo("check -p cloudauth-flow-postgres --features rustls")?;
    cargo("check -p cloudauth-flow --features driver")?;
    cargo("check -p cloudauth-flow --features hosted")?;
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

/// Each transport, and the PostgreSQL store, against servers with valid and invalid certificates. A task of its own, because
/// no TLS is built for the other tests.
pub(crate) fn tls() -> Result<()> {
    let packages = ["transport-reqwest", "transport-isahc", "transport-blocking", "flow-postgres"];
    let features = packages.map(|package| format!("cloudauth-{package}/testing-tls")).join(",");
    cargo(&format!("test --workspace --features {features} --test tls"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_time_of_programs_is_read_behind_the_name() {
        let stat = "7 (a (b) 9) S 1 7 7 0 -1 0 10 20 0 0 11 12 150 25 20 0 1 0 5";
        assert_eq!(cpu_in(stat).map(f64::to_bits), Some(1.75_f64.to_bits()));
        assert_eq!(cpu_in("7 (a) S 1"), None);
    }
}
