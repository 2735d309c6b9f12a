//! Runs the lab's replay and DuckDB over the same data in turns, and compares counts and times. Then measures a sweep and the
//! rates of segments beside a replay, and compares the lab's statistics with scikit-learn's.

use std::fs::{self, File};
use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::shell::{command, is_there, root, run as run_command};
use crate::tools::python;

const ROWS: &str = "1000000";
const ROUNDS: &str = "3";

pub(crate) fn run(args: &[&str]) -> Result<()> {
    let (mut rows, mut rounds, mut only_analyses) = (ROWS, ROUNDS, false);
    let mut left = args.iter();
    while let Some(arg) = left.next() {
        match *arg {
            "--rows" => rows = left.next().context("--rows needs a number")?,
            "--rounds" => rounds = left.next().context("--rounds needs a number")?,
            "--analyses" => only_analyses = true,
            other => {
                bail!("unknown argument `{other}`; replay takes `--rows N`, `--rounds N` and `--analyses`")
            }
        }
    }
    if rows.parse::<u32>().is_err() || rounds.parse::<u32>().is_err() {
        bail!("`{rows}` or `{rounds}` is not a number");
    }
    if !is_there("python3") {
        bail!("replay needs Python 3 with venv: `python3` not found");
    }
    let scripts = root().join("tests/replay");
    let folder = root().join("target/replay");
    let python = python::install(&[scripts.join("requirements.txt")], &folder)
        .context("cannot install DuckDB and scikit-learn")?;
    crate::shell::cargo("build --release -p cloudauth-cli --features parquet")?;
    crate::shell::cargo("build --release -p cloudauth-lab --example history")?;
    let history = crate::shell::built_as("release/examples/history")?;
    for shape in if only_analyses { &["flat"][..] } else { &["flat", "reply"] } {
        make(&history, rows, shape, &folder.join(format!("{shape}-{rows}.jsonl")))?;
    }
    let (folder, cloudauth) = (folder.display().to_string(), crate::shell::built_as("release/cloudauth")?);
    let script = |args: &[&str]| {
        let mut script = command(&python, args);
        run_command(script.current_dir(&scripts).env("PYTHONDONTWRITEBYTECODE", "1"))
    };
    if !only_analyses {
        script(&["compare.py", &folder, rows, rounds, &cloudauth])?;
    }
    script(&["analyses.py", &folder, rows, rounds, &cloudauth])?;
    if only_analyses {
        return Ok(());
    }
    script(&["compare.py", "roc"])?;
    crate::shell::cargo("bench -p cloudauth-stats --bench stats -- labelled.scores/grid,")
}

/// Writes a temporary file first, so that the file is complete or missing.
fn make(history: &str, rows: &str, shape: &str, path: &Path) -> Result<()> {
    if path.exists() {
        return Ok(());
    }
    let beside = path.with_extension("part");
    run_command(command(history, &[rows, shape]).stdout(File::create(&beside)?))?;
    Ok(fs::rename(beside, path)?)
}
