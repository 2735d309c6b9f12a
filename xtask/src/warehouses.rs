//! Runs a policy's SQL in real engines and compares it with the policy's decisions row by row; and the lab's SQL, whose counts
//! must give the same results as a run over the same rows.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::shell::{built_example, cargo, command, is_there, root, run as run_command};
use crate::tools::postgres::Postgres;
use crate::tools::python;

/// The number of rows in CI.
const ROWS: &str = "20000";

/// The engines, in this order. Each runs in its own process, because they have their own allocators and signal handlers.
const ENGINES: [&str; 5] = ["duckdb", "datafusion", "clickhouse", "sqlite", "postgres"];

pub(crate) fn run(args: &[&str]) -> Result<()> {
    let (mut rows, mut spark) = (ROWS, false);
    let mut left = args.iter();
    while let Some(arg) = left.next() {
        match *arg {
            "--spark" => spark = true,
            "--rows" => rows = left.next().context("--rows needs a number")?,
            other => bail!("unknown argument `{other}`; warehouses takes `--rows N` and `--spark`"),
        }
    }
    if rows.parse::<u32>().is_err() {
        bail!("`{rows}` is not a number of rows");
    }
    if !is_there("python3") {
        bail!("warehouses needs Python 3 with venv: `python3` not found");
    }
    if spark && !is_there("java") {
        bail!("warehouses --spark needs Java 17: `java` not found");
    }
    let scripts = root().join("tests/warehouses");
    let folder = root().join("target/warehouses");
    let mut pins = vec![scripts.join("requirements.txt")];
    if spark {
        pins.push(scripts.join("spark.txt"));
    }
    // A folder for each, so that adding Spark does not install the others again.
    let python = python::install(&pins, &folder.join(if spark { "spark" } else { "engines" }))
        .context("cannot install the engines")?;

    let (decided, counted) = (emptied(&folder.join("rows"))?, emptied(&folder.join("counts"))?);
    // Built in the same way as for the tests.
    cargo("build --workspace --examples")?;
    run_command(&mut command(&built_example("warehouses")?, &[&decided, rows]))?;
    let counts = built_example("counts")?;
    run_command(&mut command(&counts, &["make", &counted, rows]))?;

    let postgres = Postgres::start()?;
    for engine in ENGINES.into_iter().chain(spark.then_some("spark")) {
        for (script, rows) in [("compare.py", &decided), ("counts.py", &counted)] {
            let mut ask = command(&python, &[script, rows, engine]);
            // No bytecode beside the sources, no proxy to a server on this machine.
            ask.current_dir(&scripts).env("PYTHONDONTWRITEBYTECODE", "1").env("NO_PROXY", "*");
            run_command(ask.env("POSTGRES", postgres.address()))?;
        }
        run_command(&mut command(&counts, &["check", &counted, engine]))?;
    }
    println!("warehouses: every engine decides as the policy does, and counts as the lab does");
    Ok(())
}

/// An empty folder.
fn emptied(folder: &Path) -> Result<String> {
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    fs::create_dir_all(folder)?;
    Ok(folder.display().to_string())
}
