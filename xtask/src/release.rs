//! What a release consists of, made on this machine: packages of the crates, and for this system the command as an archive and the
//! wheel of the Python package, with their checksums.
//!
//! Nothing is published here. `.github/workflows/release.yml` publishes what this makes on each system.

mod folders;

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use cargo_metadata::MetadataCommand;
use flate2::{Compression, GzBuilder};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use folders::Folders;

use crate::shell::{built_as, command, root, run as run_command};
use crate::versions::minimal::FEATURES;
use crate::{python, tools};

/// The crates that are not published.
const PRIVATE: [&str; 2] = ["xtask", "cloudauth-tests"];

/// As `--version` lists them.
const ALL_FEATURES: &str = "features: audit, lab, parquet, rustls, shell, sqlite";

/// The files of the repository that the archive holds.
const TEXTS: [&str; 5] = ["README.md", "README.zh-CN.md", "CHANGELOG.md", "LICENSE-APACHE", "LICENSE-MIT"];

/// What a newcomer runs first, beside the commands of the README, and the exit codes.
const FIRST_COMMANDS: [(&str, i32); 7] = [
    ("--version", 0),
    ("codes 204 --lang zh", 0),
    ("policy check builtin:onboarding", 0),
    ("policy sql builtin:onboarding --dialect duckdb", 0),
    ("lab replay --help", 0),
    ("emulator --help", 0),
    ("audit verify --help", 0),
];

pub(crate) fn run(args: &[&str]) -> Result<()> {
    let with_packages = match args {
        ["--dry-run"] => true,
        ["--files"] => false,
        _ => bail!("a release is published by its workflow; this takes `--dry-run` or `--files`"),
    };
    python::is_needed()?;
    let version = version()?;
    if with_packages {
        packages()?;
    }
    let time = output("git", &["log", "-1", "--format=%ct"])?;
    let commit = output("git", &["rev-parse", "--short=12", "HEAD"])?;
    let folders = Folders::of_this_machine()?;
    let variables = [("CLOUDAUTH_BUILD", commit.clone()), folders.variable()];
    let build = build(&variables)?;
    let folder = root().join("target/release-files");
    let _ = fs::remove_dir_all(&folder);
    let name = format!("cloudauth-{version}-{}-{}", std::env::consts::ARCH, std::env::consts::OS);
    let staged = folder.join(&name);
    stage(&build, &staged)?;
    bill_of_materials(&staged, &time)?;
    folders.replace_in(&staged.join(MATERIALS))?;
    for file in files_in(&staged)? {
        folders.are_not_in(&file)?;
    }
    let archive = pack(&folder, &name)?;
    let about = [&version, &commit, ALL_FEATURES].map(str::to_owned);
    try_out(&archive, &name, &about)?;
    let wheel = wheel(&folder, &variables, &folders, &about)?;
    fs::remove_dir_all(staged)?;
    sums(&[archive, wheel], &folder.join(format!("{name}.sha256")))?;
    println!("release: the files in {} are ready", folder.display());
    Ok(())
}

/// The first line that a program prints.
fn output(program: &str, args: &[&str]) -> Result<String> {
    let output = command(program, args).output()?;
    ensure!(output.status.success(), "`{program} {}` failed: {}", args.join(" "), output.status);
    Ok(String::from_utf8(output.stdout)?.lines().next().unwrap_or_default().to_owned())
}

/// The version, which all crates share and the changelog describes.
fn version() -> Result<String> {
    let metadata = MetadataCommand::new().current_dir(root()).no_deps().exec()?;
    let mut versions: Vec<_> =
        metadata.workspace_packages().iter().map(|package| package.version.to_string()).collect();
    versions.dedup();
    let [version] = versions.as_slice() else { bail!("the crates have several versions: {versions:?}") };
    let changes = fs::read_to_string(root().join("CHANGELOG.md"))?;
    let heading = changes.lines().find_map(|line| line.strip_prefix(&format!("## {version}, ")));
    let date = heading.with_context(|| format!("CHANGELOG.md has no section `## {version}, DATE`"))?;
    if date == "unreleased" {
        println!("release: the section of {version} in CHANGELOG.md has no date yet");
    }
    Ok(version.clone())
}

/// Packages the crates, and builds each with its features from its package against the packages of the others, in a folder where no
/// file of the repository is found.
fn packages() -> Result<()> {
    let (outside, features) = (tempfile::tempdir()?, FEATURES.join(","));
    let mut args = vec!["package", "--workspace", "--locked", "--features", &features];
    args.extend(PRIVATE.iter().flat_map(|name| ["--exclude", *name]));
    run_command(command("cargo", &args).arg("--target-dir").arg(outside.path()))
}

/// The section of a program that lists its dependencies.
const DEPENDENCIES: &[u8] = b".dep-v0";

/// Builds the command with all features, and returns its path. The program lists its dependencies, for `cargo audit bin` and scanners of
/// images.
fn build(variables: &[(&str, String)]) -> Result<PathBuf> {
    let args = ["auditable", "build", "--release", "--locked", "-p", "cloudauth-cli", "--features", "full"];
    let mut build = command(&tools::auditable()?, &args);
    run_command(build.env("CARGO_PROFILE_RELEASE_STRIP", "symbols").envs(variables.iter().cloned()))?;
    let program = PathBuf::from(built_as(&format!("release/{}", program()))?);
    let lists = |bytes: &[u8]| bytes.windows(DEPENDENCIES.len()).any(|window| window == DEPENDENCIES);
    ensure!(lists(&fs::read(&program)?), "{} does not list its dependencies", program.display());
    Ok(program)
}

/// The file name of the command on this system.
fn program() -> String {
    format!("cloudauth{}", std::env::consts::EXE_SUFFIX)
}

/// Copies everything that the archive holds into a folder.
fn stage(build: &Path, folder: &Path) -> Result<()> {
    let (manual, completions) = (folder.join("man"), folder.join("completions"));
    fs::create_dir_all(&manual)?;
    fs::create_dir_all(&completions)?;
    for text in TEXTS {
        fs::copy(root().join(text), folder.join(text))?;
    }
    let program = folder.join(program());
    fs::copy(build, &program)?;
    let program = program.display().to_string();
    run_command(&mut command(&program, &["man", &manual.display().to_string()]))?;
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = File::create(completions.join(format!("cloudauth.{shell}")))?;
        run_command(command(&program, &["completions", shell]).stdout(script))?;
    }
    Ok(())
}

/// The file name of the bill of materials.
const MATERIALS: &str = "cloudauth.cdx.json";

/// What is checked of it.
#[derive(Deserialize)]
struct Materials {
    #[serde(rename = "bomFormat")]
    bom_format: String,
    metadata: Metadata,
    components: Vec<Component>,
}

#[derive(Deserialize)]
struct Metadata {
    component: Component,
}

#[derive(Deserialize)]
struct Component {
    name: String,
}

/// Writes the software bill of materials of the command, in CycloneDX's JSON, with the time of the commit.
fn bill_of_materials(folder: &Path, time: &str) -> Result<()> {
    let name = "cloudauth.cdx";
    let args = ["cyclonedx", "--format", "json", "--features", "full", "--override-filename", name];
    let manifest = root().join("crates/cli/Cargo.toml").display().to_string();
    let mut write = command(&tools::cyclonedx()?, &[&args[..], &["--manifest-path", &manifest]].concat());
    run_command(write.env("SOURCE_DATE_EPOCH", time))?;
    // The tool writes one beside the manifest of each crate of the workspace.
    for package in MetadataCommand::new().current_dir(root()).no_deps().exec()?.workspace_packages() {
        let written = package.manifest_path.with_file_name(format!("{name}.json"));
        if package.name.as_str() == "cloudauth-cli" {
            fs::copy(&written, folder.join(MATERIALS)).context("no bill of materials was written")?;
        }
        let _ = fs::remove_file(written);
    }
    let materials: Materials = serde_json::from_slice(&fs::read(folder.join(MATERIALS))?)?;
    ensure!(materials.bom_format == "CycloneDX", "{MATERIALS} is not in CycloneDX's format");
    ensure!(materials.metadata.component.name == "cloudauth-cli", "{MATERIALS} is not the command's");
    for name in ["parquet", "rusqlite", "rustls"] {
        let is_listed = materials.components.iter().any(|component| component.name == name);
        ensure!(is_listed, "{MATERIALS} does not list {name}");
    }
    Ok(())
}

/// Packs the folder, with equal bytes for equal files.
fn pack(folder: &Path, name: &str) -> Result<PathBuf> {
    let archive = folder.join(format!("{name}.tar.gz"));
    // Without a time and the name of a file in its header.
    let gzip = GzBuilder::new().write(File::create(&archive)?, Compression::best());
    let mut tar = tar::Builder::new(gzip);
    tar.mode(tar::HeaderMode::Deterministic);
    for file in files_in(&folder.join(name))? {
        tar.append_path_with_name(&file, file.strip_prefix(folder)?)?;
    }
    tar.into_inner()?.finish()?.sync_all()?;
    Ok(archive)
}

/// The files below a folder, sorted.
fn files_in(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            files.extend(files_in(&path)?);
        } else {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// Unpacks the archive in an empty folder, and runs the first commands of the README there.
fn try_out(archive: &Path, name: &str, about: &[String; 3]) -> Result<()> {
    let folder = tempfile::tempdir()?;
    tar::Archive::new(flate2::read::GzDecoder::new(File::open(archive)?)).unpack(folder.path())?;
    first_commands(&folder.path().join(name).join(program()), folder.path(), about)
}

/// Builds the wheel with all features, installs it in an empty environment, and runs the first commands with its command.
fn wheel(
    folder: &Path,
    variables: &[(&str, String)],
    folders: &Folders,
    about: &[String; 3],
) -> Result<PathBuf> {
    let finish = |tools: &str, built: &Path| without_folders(tools, built, folder, folders);
    let (wheel, python) = python::release(variables, finish)?;
    let name = wheel.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let [version, ..] = about;
    ensure!(name.starts_with(&format!("cloudauth-{version}-")), "{name} is not of version {version}");
    let empty = tempfile::tempdir()?;
    first_commands(&python.with_file_name(program()), empty.path(), about)?;
    Ok(wheel)
}

/// Packs a wheel again, whose bill of materials names no folder of this machine.
fn without_folders(tools: &str, built: &Path, folder: &Path, folders: &Folders) -> Result<PathBuf> {
    let empty = tempfile::tempdir()?;
    let wheel = |args: &[&str], of: &Path, to: &Path| {
        run_command(command(tools, &["-m", "wheel"]).args(args).arg(of).arg("-d").arg(to))
    };
    wheel(&["unpack"], built, empty.path())?;
    let files = files_in(empty.path())?;
    for file in files.iter().filter(|file| file.ends_with("cloudauth-python.cyclonedx.json")) {
        folders.replace_in(file)?;
    }
    for file in &files {
        folders.are_not_in(file)?;
    }
    let unpacked = fs::read_dir(empty.path())?.next().context("the wheel is empty")??.path();
    wheel(&["pack"], &unpacked, folder)?;
    Ok(folder.join(built.file_name().unwrap_or_default()))
}

/// Writes the checksums of the files, in the format of `sha256sum`.
fn sums(files: &[PathBuf], to: &Path) -> Result<()> {
    let mut lines = String::new();
    for file in files {
        let digest = Sha256::digest(fs::read(file)?);
        let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        lines.push_str(&format!("{digest}  {name}\n"));
    }
    Ok(fs::write(to, lines)?)
}

/// Runs what a newcomer runs first with a program, in a folder. Its `--version` must say the version, the commit and the features.
fn first_commands(program: &Path, folder: &Path, about: &[String; 3]) -> Result<()> {
    let program = program.display().to_string();
    let readme = fs::read_to_string(root().join("README.md"))?;
    let first = FIRST_COMMANDS.map(|(line, code)| (line.to_owned(), code));
    for (line, code) in of_the_readme(&readme)?.into_iter().chain(first) {
        let output = command(&program, &line.split(' ').collect::<Vec<_>>()).current_dir(folder).output()?;
        ensure!(
            output.status.code() == Some(code),
            "`{program} {line}` ends with {}, not with {code}: {}",
            output.status,
            String::from_utf8_lossy(&output.stderr)
        );
        let printed = String::from_utf8_lossy(&output.stdout);
        if let Some(part) = about.iter().find(|part| line == "--version" && !printed.contains(part.as_str()))
        {
            bail!("`{program} --version` does not say {part}: {printed}");
        }
        println!("release: `{program} {line}` works");
    }
    Ok(())
}

/// The commands of the README's first screen with their exit codes: the one that runs from a checkout, and the one that ends with a
/// rejection.
fn of_the_readme(readme: &str) -> Result<[(String, i32); 2]> {
    let behind = |start: &str, end: &str| {
        let (command, _) = readme.split_once(start)?.1.split_once(end)?;
        Some(command.trim_end().to_owned())
    };
    let demo = behind("\ncargo run -p cloudauth-cli -- ", "#").context("README.md runs no command first")?;
    let rejected = behind("\n`demo --identity ", "`").context("README.md names no magic identity")?;
    Ok([(demo, 0), (format!("demo --identity {rejected}"), 3)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_commands_of_the_readme_are_run() {
        let readme =
            "\n```sh\ncargo run -p cloudauth-cli -- demo   # a whole one\n```\n\n`demo --identity 99` has\n";
        let expected = [("demo".to_owned(), 0), ("demo --identity 99".to_owned(), 3)];
        assert_eq!(of_the_readme(readme).ok(), Some(expected));
        assert!(of_the_readme("nothing").is_err());
    }
}
