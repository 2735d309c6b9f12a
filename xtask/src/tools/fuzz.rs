//! Builds and runs the fuzz targets of `fuzz/`, with libFuzzer and without a sanitizer: the crates have no unsafe code.
//!
//! The flags tell the compiler to count what an input reaches; they are stable. libFuzzer is C++ and is built from source.

use std::fs::{self, File};
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};
use std::thread;

use anyhow::{Context, Result, bail};

use crate::shell::{command, is_there, root, run};

/// The instrumentation that libFuzzer reads.
const FLAGS: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares";

/// Above the 4 MiB of a call's body to the emulator, and above each limit of 1 MiB and less. Inputs do not reach the limits on a
/// request's parameters (10 MiB), a line of the lab (16 MiB) and a snapshot (512 MiB): libFuzzer is slow with inputs of that length.
/// The tests in the table of docs/quality.md reach them.
const MAX_LEN: usize = (4 << 20) + (64 << 10);

/// The target that needs the feature `parquet`. It runs only if it is named.
pub(super) const PARQUET: &str = "lab_parquet";

/// Runs the named target, or all; each for a number of seconds, or with one input.
pub(crate) fn start(args: &[&str]) -> Result<()> {
    let (named, seconds, input) = match args {
        [] => (None, "60", None),
        ["--seconds", seconds] => (None, *seconds, None),
        [target] => (Some(*target), "60", None),
        [target, "--seconds", seconds] => (Some(*target), *seconds, None),
        [target, "--input", file] => (Some(*target), "0", Some(*file)),
        _ => bail!("expected `fuzz [TARGET] [--seconds N]` or `fuzz TARGET --input FILE`"),
    };
    let seconds: u32 = seconds.parse().context("the seconds must be a whole number")?;
    let targets = match named {
        Some(target) => vec![target.to_owned()],
        None => all()?,
    };
    let program = build(named == Some(PARQUET))?;
    match (named, input) {
        (Some(target), Some(file)) => run(fuzzer(&program, target)?.arg(file)),
        _ => fuzz_all(&program, &targets, seconds, &[]),
    }
}

/// For `.ci/run`: clippy for the targets' own code, and of each 3,000 inputs, or as many as five seconds allow. They are nearly the same
/// inputs in each run, so that a change does not fail for what another one did; longer runs by hand search for new ones.
pub(crate) fn in_ci() -> Result<()> {
    // Clippy's compiler does what rustc does. `cargo clippy` would check all dependencies again, which takes as long as the targets run.
    let program = built(cargo(false)?.env("RUSTC_WORKSPACE_WRAPPER", "clippy-driver"))?;
    fuzz_all(&program, &all()?, 5, &["-seed=1", "-runs=3000"])
}

/// The targets, in order: each has a folder of seeds.
pub(super) fn all() -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(root().join("fuzz/seeds"))? {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    names.retain(|name| name != PARQUET);
    names.sort();
    Ok(names)
}

pub(super) fn build(parquet: bool) -> Result<PathBuf> {
    built(&mut cargo(parquet)?)
}

fn built(cargo: &mut Command) -> Result<PathBuf> {
    run(cargo)?;
    Ok(root().join("fuzz/target").join(host()?).join("fuzz/cloudauth-fuzz"))
}

/// A build of the targets with libFuzzer.
fn cargo(parquet: bool) -> Result<Command> {
    let compiler = std::env::var("CXX").unwrap_or_else(|_| "c++".to_owned());
    if !cfg!(unix) || !is_there(&compiler) {
        bail!("fuzzing needs Linux or macOS and a C++ compiler: `{compiler} --version` fails");
    }
    // With a named target, the flags do not apply to build scripts, which are not linked with libFuzzer.
    let mut cargo = command("cargo", &["build", "--locked", "--manifest-path", "fuzz/Cargo.toml"]);
    cargo.args(["--profile", "fuzz", "--target", &host()?]);
    if parquet {
        cargo.args(["--features", "parquet"]);
    }
    cargo.env("RUSTFLAGS", FLAGS).env("CARGO_TARGET_DIR", root().join("fuzz/target"));
    Ok(cargo)
}

fn host() -> Result<String> {
    let about = command("rustc", &["-vV"]).output().context("cannot start rustc")?;
    let about = String::from_utf8(about.stdout)?;
    let host = about.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.context("rustc names no host")?.to_owned())
}

/// Makes the program run this target. Returns the folder for the files of its runs.
pub(super) fn choose(fuzzer: &mut Command, target: &str) -> Result<PathBuf> {
    let folder = root().join("fuzz/target/found").join(target);
    fs::create_dir_all(&folder)?;
    fuzzer.env("FUZZ_TARGET", target);
    // For the target `credentials_files`: the file that the default chain reads, and no other source.
    fuzzer.env("ALIBABA_CLOUD_CREDENTIALS_FILE", folder.join("credentials.ini"));
    fuzzer
        .env("ALIBABA_CLOUD_CLI_PROFILE_DISABLED", "true")
        .env("ALIBABA_CLOUD_ECS_METADATA_DISABLED", "true");
    Ok(folder)
}

fn fuzzer(program: &Path, target: &str) -> Result<Command> {
    let mut fuzzer = command(&program.display().to_string(), &[]);
    let folder = choose(&mut fuzzer, target)?;
    fuzzer.arg(format!("-artifact_prefix={}/", folder.display()));
    // The limit of an input's time is for one that never ends: it counts the time on a busy machine too. The targets bound CPU time.
    fuzzer.args([format!("-max_len={MAX_LEN}").as_str(), "-rss_limit_mb=2048", "-timeout=120"]);
    Ok(fuzzer)
}

/// Fuzzes the targets, as many at a time as there are cores.
fn fuzz_all(program: &Path, targets: &[String], seconds: u32, options: &[&str]) -> Result<()> {
    let left = Mutex::new(targets.iter());
    let work = || -> Result<()> {
        loop {
            let next = left.lock().unwrap_or_else(PoisonError::into_inner).next();
            let Some(target) = next else { return Ok(()) };
            fuzz(program, target, seconds, options)?;
        }
    };
    thread::scope(|scope| {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let threads: Vec<_> = (0..cores).map(|_| scope.spawn(work)).collect();
        threads.into_iter().try_for_each(|thread| match thread.join() {
            Ok(result) => result,
            Err(panic) => resume_unwind(panic),
        })
    })
}

/// Fuzzes a target. Its new inputs go into `fuzz/target/corpus`, and what libFuzzer prints into a file beside them.
fn fuzz(program: &Path, target: &str, seconds: u32, options: &[&str]) -> Result<()> {
    let corpus = root().join("fuzz/target/corpus");
    let log = corpus.join(format!("{target}.log"));
    fs::create_dir_all(corpus.join(target))?;
    let mut fuzzer = fuzzer(program, target)?;
    fuzzer.args([format!("-max_total_time={seconds}").as_str(), "-print_final_stats=1"]).args(options);
    let seeds = root().join("fuzz/seeds").join(target);
    // The run fails if they do not reach what the target is for.
    fuzzer.env("FUZZ_SEEDS", &seeds).arg(corpus.join(target)).arg(seeds);
    let status = fuzzer.stdout(File::create(&log)?).stderr(File::options().append(true).open(&log)?).status();
    let text = String::from_utf8_lossy(&fs::read(&log)?).into_owned();
    if !status.context("cannot start the fuzzer")?.success() {
        let telling = |line: &str| ["panicked", "ERROR", "Test unit"].iter().any(|word| line.contains(word));
        // The message of a panic is in the line after its place.
        let lines = text.lines().zip(std::iter::once("").chain(text.lines()));
        let lines = lines.filter(|(line, before)| telling(line) || before.contains("panicked"));
        let found: Vec<_> = lines.map(|(line, _)| line).collect();
        bail!(
            "{target} fails: {}\nsee {}, and repeat it with `cargo xtask fuzz {target} --input FILE`",
            found.join("\n"),
            log.display()
        );
    }
    let number = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix("stat::")?.strip_prefix(name));
        line.and_then(|line| line.split_whitespace().last()).unwrap_or("?").to_owned()
    };
    println!(
        "fuzz: {target}: {} inputs in at most {seconds} s, {} of them new, {} MiB",
        number("number_of_executed_units:"),
        number("new_units_added:"),
        number("peak_rss_mb:")
    );
    Ok(())
}
