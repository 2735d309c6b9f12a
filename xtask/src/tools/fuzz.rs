//! Builds and runs the fuzz targets of `fuzz/`, with libFuzzer and without a sanitizer: the crates have no unsafe code.
//!
//! The flags tell the compiler to count what an input reaches; they are stable. libFuzzer is C++ and is built from source.

mod keep;

use std::fs::{self, File};
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};
use std::thread;

use anyhow::{Context, Result, bail};

use self::keep::Folders;
use crate::shell::{command, is_there, root, run};

/// The instrumentation that libFuzzer reads.
const FLAGS: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares";

/// The target that needs the feature `parquet`. It runs only if it is named.
pub(super) const PARQUET: &str = "lab_parquet";

/// Runs the named target, or all; each for a number of seconds, or with one input. With `--keep`, inputs that reach more go into
/// `fuzz/corpus`.
pub(crate) fn start(args: &[&str]) -> Result<()> {
    let keeps = args.contains(&"--keep");
    let args: Vec<_> = args.iter().copied().filter(|arg| *arg != "--keep").collect();
    let (named, seconds, input) = match *args {
        [] => (None, "60", None),
        ["--seconds", seconds] => (None, seconds, None),
        [target] => (Some(target), "60", None),
        [target, "--seconds", seconds] => (Some(target), seconds, None),
        [target, "--input", file] if !keeps => (Some(target), "0", Some(file)),
        _ => bail!("expected `fuzz [TARGET] [--seconds N] [--keep]` or `fuzz TARGET --input FILE`"),
    };
    let seconds: u32 = seconds.parse().context("the seconds must be a whole number")?;
    let targets = match named {
        Some(target) if target == PARQUET || all()?.iter().any(|name| name == target) => {
            vec![target.to_owned()]
        }
        Some(target) => bail!("no target `{target}`: the targets are {PARQUET}, {}", all()?.join(", ")),
        None => all()?,
    };
    let program = build(named == Some(PARQUET))?;
    if let (Some(target), Some(file)) = (named, input) {
        return run(fuzzer(&program, target)?.arg(file));
    }
    fuzz_all(&program, &targets, seconds, &[], &found(""))?;
    if keeps {
        for target in &targets {
            let folders = Folders { seeds: seeds(target), corpus: corpus(target), found: found(target) };
            keep::keep(fuzzer(&program, target)?, target, &folders)?;
        }
    }
    Ok(())
}

/// For `.ci/run`: clippy for the targets' own code, and five seconds of each target. The inputs are nearly the same in each run on one machine, so that
/// a change does not fail for what another one did; longer runs by hand search for new ones.
pub(crate) fn in_ci() -> Result<()> {
    // Clippy's compiler does what rustc does. `cargo clippy` would check all dependencies again, which takes as long as the targets run.
    let program = built(cargo(false)?.env("RUSTC_WORKSPACE_WRAPPER", "clippy-driver"))?;
    let new = root().join("fuzz/target/in_ci");
    if new.exists() {
        fs::remove_dir_all(&new)?;
    }
    // An input of 16 MiB may take longer than the run.
    let longest = format!("-max_len={}", max_len(""));
    fuzz_all(&program, &all()?, 5, &["-seed=1", &longest], &new)
}

/// The targets, in order: each has a folder of seeds.
pub(super) fn all() -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(seeds(""))? {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    names.retain(|name| name != PARQUET);
    names.sort();
    Ok(names)
}

/// The inputs of a target that were written by hand.
fn seeds(target: &str) -> PathBuf {
    root().join("fuzz/seeds").join(target)
}

/// The inputs of a target that were kept of runs.
fn corpus(target: &str) -> PathBuf {
    root().join("fuzz/corpus").join(target)
}

/// The new inputs of a target's runs by hand.
fn found(target: &str) -> PathBuf {
    root().join("fuzz/target/corpus").join(target)
}

/// The longest input of a target, above the limit of what it reads.
fn max_len(target: &str) -> usize {
    let mebibytes = match target {
        // A line, a record, or a stored verification has at most 16 MiB, and the parameters of a request 10 MiB.
        "lab_json" | "lab_csv" | "flow_document" => 16,
        "signing" => 10,
        // Fifty readers get each of these, and no value is long.
        "values" => 1,
        // The body of a call to the emulator; the others' limits are 1 MiB and less. Not those of a snapshot (512 MiB) and of the footer of
        // Parquet (256 MiB): libFuzzer is slow with inputs of that length.
        _ => 4,
    };
    (mebibytes << 20) + (64 << 10)
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
    fuzzer.args([format!("-max_len={}", max_len(target)).as_str(), "-rss_limit_mb=4096", "-timeout=120"]);
    Ok(fuzzer)
}

/// Fuzzes the targets, as many at a time as there are cores.
fn fuzz_all(program: &Path, targets: &[String], seconds: u32, options: &[&str], new: &Path) -> Result<()> {
    let left = Mutex::new(targets.iter());
    let work = || -> Result<()> {
        loop {
            let next = left.lock().unwrap_or_else(PoisonError::into_inner).next();
            let Some(target) = next else { return Ok(()) };
            fuzz(program, target, seconds, options, new)?;
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

/// Fuzzes a target. Its new inputs go into a folder of the folder `new`, and what libFuzzer prints into a file beside them.
fn fuzz(program: &Path, target: &str, seconds: u32, options: &[&str], new: &Path) -> Result<()> {
    let log = new.join(format!("{target}.log"));
    fs::create_dir_all(new.join(target))?;
    let mut fuzzer = fuzzer(program, target)?;
    fuzzer.args([format!("-max_total_time={seconds}").as_str(), "-print_final_stats=1"]).args(options);
    // The run fails if the seeds do not reach what the target is for.
    fuzzer.env("FUZZ_SEEDS", seeds(target)).arg(new.join(target)).arg(seeds(target));
    if corpus(target).exists() {
        fuzzer.arg(corpus(target));
    }
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
