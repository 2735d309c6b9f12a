//! Running other programs, and finding the repository.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use cargo_metadata::MetadataCommand;

/// The repository's root.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_owned()
}

/// A command that runs in the root.
pub(crate) fn command(program: &str, args: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(args).current_dir(root()).stdin(Stdio::null());
    command
}

/// Runs a command, and fails if it fails.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let line = line(command);
    println!("$ {line}");
    let status = command.status().with_context(|| format!("cannot start `{line}`"))?;
    if !status.success() {
        bail!("`{line}` failed: {status}");
    }
    Ok(())
}

/// Runs cargo with a line of arguments.
pub(crate) fn cargo(args: &str) -> Result<()> {
    run(&mut command("cargo", &args.split(' ').collect::<Vec<_>>()))
}

/// Builds the `cloudauth` command as the tests of a selection build it, and returns its path. Valid until another selection is
/// built: each build of the command has the same path.
pub(crate) fn built_for(tests: &str) -> Result<String> {
    cargo(&format!("test --workspace --no-run {tests}"))?;
    built_as("debug/cloudauth")
}

/// An example that `cargo build` built.
pub(crate) fn built_example(name: &str) -> Result<String> {
    built_as(&format!("debug/examples/{name}"))
}

/// A file that `cargo build` built, by its path in cargo's target folder.
pub(crate) fn built_as(path: &str) -> Result<String> {
    let target = MetadataCommand::new().current_dir(root()).no_deps().exec()?.target_directory;
    Ok(target.join(path).to_string())
}

/// Returns whether a program exists and accepts `--version`.
pub(crate) fn is_there(program: &str) -> bool {
    let mut command = command(program, &["--version"]);
    command.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}

/// Returns the files that git tracks or would track, by their paths from the root.
pub(crate) fn tracked() -> Result<Vec<String>> {
    let listed = command("git", &["ls-files", "--cached", "--others", "--exclude-standard"]).output()?;
    if !listed.status.success() {
        bail!("`git ls-files` failed: {}", listed.status);
    }
    let names = String::from_utf8(listed.stdout)?;
    Ok(names.lines().filter(|name| root().join(name).is_file()).map(str::to_owned).collect())
}

/// Returns the tracked files with an extension.
pub(crate) fn files(extension: &str) -> Result<Vec<PathBuf>> {
    let all = tracked()?.into_iter().map(|name| root().join(name));
    let files: Vec<_> = all.filter(|file| file.extension().is_some_and(|found| found == extension)).collect();
    if files.is_empty() {
        bail!("no .{extension} files found; is this a git checkout?");
    }
    Ok(files)
}

fn line(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}
