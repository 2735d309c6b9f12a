//! The Python package: builds the wheel, and tests it in an environment of its own beside pandas, Polars, PyArrow and DuckDB.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use crate::shell::{command, is_there, root, run as run_command};
use crate::tools::{self, python};

const MANIFEST: &str = "python/Cargo.toml";

pub(crate) fn run(args: &[&str]) -> Result<()> {
    let (profile, rows) = match args {
        [] => ("dev", None),
        ["--release"] => ("release", None),
        ["--bench"] => ("release", Some("10000000")),
        ["--bench", rows] if rows.parse::<u32>().is_ok() => ("release", Some(*rows)),
        _ => bail!("python takes `--release`, or `--bench` with a number of rows"),
    };
    is_needed()?;
    let folder = root().join("target/python");
    let tools = tools(&folder)?;
    let wheel = build(&tools, &folder, profile, &[])?;
    let fresh = install(&tools, &folder, &wheel)?;
    let tests = root().join("python/tests");
    let python = |args: &[&str]| {
        let mut python = Command::new(&fresh);
        python.args(args).current_dir(&tests).env("PYTHONDONTWRITEBYTECODE", "1");
        python
    };
    if let Some(rows) = rows {
        crate::shell::cargo("build --release -p cloudauth-cli --features parquet")?;
        let command = crate::shell::built_as("release/cloudauth")?;
        let mut bench = python(&["bench.py", rows]);
        return run_command(bench.env("DATA", folder.join("bench")).env("CLOUDAUTH", command));
    }
    for check in [
        vec!["fmt", "--manifest-path", MANIFEST, "--check"],
        vec!["clippy", "--manifest-path", MANIFEST, "--all-targets", "--locked", "--", "-D", "warnings"],
    ] {
        run_command(command("cargo", &check).env("CARGO_TARGET_DIR", root().join("target")))?;
    }
    tools::deny_in(MANIFEST)?;
    let cache = folder.join("mypy").display().to_string();
    run_command(&mut python(&[
        "-m",
        "mypy",
        "--cache-dir",
        &cache,
        "--config-file",
        "../pyproject.toml",
        ".",
    ]))?;
    run_command(&mut python(&["-m", "mypy.stubtest", "cloudauth", "--ignore-missing-stub"]))?;
    run_command(&mut python(&["-m", "pytest", "-q", "--durations", "5"]))?;
    println!("python: {} decides as the command does", wheel.display());
    Ok(())
}

/// Builds the wheel of a release with variables for its build, and lets `finish` replace it, with a Python that has the tools. Returns
/// its path, and the Python of an environment that has it.
pub(crate) fn release(
    variables: &[(&str, String)],
    finish: impl FnOnce(&str, &Path) -> Result<PathBuf>,
) -> Result<(PathBuf, PathBuf)> {
    let folder = root().join("target/python");
    let tools = tools(&folder)?;
    let wheel = finish(&tools, &build(&tools, &folder, "release", variables)?)?;
    let fresh = install(&tools, &folder, &wheel)?;
    Ok((wheel, fresh.into()))
}

/// Fails if there is no Python.
pub(crate) fn is_needed() -> Result<()> {
    ensure!(
        is_there(python::PYTHON),
        "this needs Python 3.9 or newer with venv: `{}` not found",
        python::PYTHON
    );
    Ok(())
}

/// Installs what builds and tests the wheel, and returns the Python that has it.
fn tools(folder: &Path) -> Result<String> {
    python::install(&[root().join("python/requirements.txt")], folder)
        .context("cannot install maturin, pandas, Polars, PyArrow and DuckDB")
}

/// Builds the wheel, and returns its path. The workspace of the root has built most of the dependencies, with the same features and
/// profile.
fn build(tools: &str, folder: &Path, profile: &str, variables: &[(&str, String)]) -> Result<PathBuf> {
    let wheels = folder.join("wheels");
    if wheels.exists() {
        fs::remove_dir_all(&wheels)?;
    }
    let mut maturin =
        command(tools, &["-m", "maturin", "build", "--locked", "-m", MANIFEST, "--profile", profile]);
    maturin.arg("--target-dir").arg(root().join("target")).arg("--out").arg(&wheels);
    // Where the interpreter is not named, maturin takes the first `python3` of the system.
    run_command(maturin.arg("--interpreter").arg(tools).envs(variables.iter().cloned()))?;
    let built = fs::read_dir(&wheels)?.next().context("maturin has built no wheel")??;
    Ok(built.path())
}

/// Installs the wheel into an environment that has nothing else, and returns its Python. Only then it sees the libraries.
fn install(tools: &str, folder: &Path, wheel: &Path) -> Result<String> {
    let venv = folder.join("fresh");
    let shown = venv.display().to_string();
    run_command(&mut command(tools, &["-m", "venv", "--clear", &shown]))?;
    let python = python::of_environment(&venv);
    let wheel = wheel.display().to_string();
    let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-index", &wheel];
    run_command(&mut command(&python, &pip))?;
    let alone = "import cloudauth; assert cloudauth.Policy.load('builtin:onboarding').check()['holds']";
    run_command(&mut command(&python, &["-c", alone]))?;
    let libraries = "import sysconfig; print(sysconfig.get_path('purelib'))";
    let path = |python: &str| -> Result<String> {
        let found = command(python, &["-c", libraries]).output()?;
        Ok(String::from_utf8(found.stdout)?.trim().to_owned())
    };
    fs::write(Path::new(&path(&python)?).join("libraries.pth"), path(tools)?)?;
    Ok(python)
}
