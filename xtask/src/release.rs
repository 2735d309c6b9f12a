//! What a release consists of, made on this machine: packages of the crates, and the command as an archive.
//!
//! Nothing is published here. `.github/workflows/release.yml` publishes.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use cargo_metadata::MetadataCommand;
use sha2::{Digest, Sha256};

use crate::shell::{built_as, command, root, run as run_command};
use crate::tools;

/// The crates that are not published.
const PRIVATE: [&str; 2] = ["xtask", "cloudauth-tests"];

/// The files of the repository that the archive holds.
const TEXTS: [&str; 5] = ["README.md", "README.zh-CN.md", "CHANGELOG.md", "LICENSE-APACHE", "LICENSE-MIT"];

/// What a newcomer runs first, and the exit codes.
const FIRST_COMMANDS: [(&str, i32); 5] = [
    ("--version", 0),
    ("demo", 0),
    ("demo --identity 999999199001012046", 3),
    ("codes 204 --lang zh", 0),
    ("policy check builtin:onboarding", 0),
];

pub(crate) fn run(args: &[&str]) -> Result<()> {
    ensure!(args == ["--dry-run"], "a release is published by its workflow; this takes `--dry-run` only");
    let version = version()?;
    packages()?;
    let build = build()?;
    let folder = root().join("target/release-files");
    let _ = fs::remove_dir_all(&folder);
    let name = format!("cloudauth-{version}-{}-{}", std::env::consts::ARCH, std::env::consts::OS);
    let staged = folder.join(&name);
    stage(&build, &staged)?;
    bill_of_materials(&staged)?;
    let archive = pack(&folder, &name)?;
    try_out(&archive, &name)?;
    println!("release: {} and the packages in target/package are ready", archive.display());
    Ok(())
}

/// The version, which all crates share and the changelog describes.
fn version() -> Result<String> {
    let metadata = MetadataCommand::new().current_dir(root()).no_deps().exec()?;
    let mut versions: Vec<_> =
        metadata.workspace_packages().iter().map(|package| package.version.to_string()).collect();
    versions.dedup();
    let [version] = versions.as_slice() else { bail!("the crates have several versions: {versions:?}") };
    let changes = fs::read_to_string(root().join("CHANGELOG.md"))?;
    let heading = changes.lines().find(|line| line.starts_with(&format!("## {version}")));
    let heading = heading.with_context(|| format!("CHANGELOG.md has no section `## {version}`"))?;
    if heading.ends_with("unreleased") {
        println!("release: the section of {version} in CHANGELOG.md has no date yet");
    }
    Ok(version.clone())
}

/// Packages the crates, and builds each from its package, outside the tree, against the packages of the others.
fn packages() -> Result<()> {
    let mut args = vec!["package", "--workspace", "--locked"];
    args.extend(PRIVATE.iter().flat_map(|name| ["--exclude", *name]));
    run_command(&mut command("cargo", &args))
}

/// The section of a program that lists its dependencies.
const DEPENDENCIES: &[u8] = b".dep-v0";

/// Builds the command with all features, and returns its path. The program lists its dependencies, for `cargo audit bin` and scanners of
/// images.
fn build() -> Result<PathBuf> {
    let commit = command("git", &["rev-parse", "--short=12", "HEAD"]).output()?;
    let commit = String::from_utf8(commit.stdout)?;
    let args = ["auditable", "build", "--release", "--locked", "-p", "cloudauth-cli", "--features", "full"];
    let mut build = command(&tools::auditable()?, &args);
    run_command(build.env("CLOUDAUTH_BUILD", commit.trim()).env("CARGO_PROFILE_RELEASE_STRIP", "symbols"))?;
    let program = PathBuf::from(built_as("release/cloudauth")?);
    let lists = |bytes: &[u8]| bytes.windows(DEPENDENCIES.len()).any(|window| window == DEPENDENCIES);
    ensure!(lists(&fs::read(&program)?), "{} does not list its dependencies", program.display());
    Ok(program)
}

/// Copies everything that the archive holds into a folder.
fn stage(build: &Path, folder: &Path) -> Result<()> {
    let (manual, completions) = (folder.join("man"), folder.join("completions"));
    fs::create_dir_all(&manual)?;
    fs::create_dir_all(&completions)?;
    for text in TEXTS {
        fs::copy(root().join(text), folder.join(text))?;
    }
    let program = folder.join("cloudauth");
    fs::copy(build, &program)?;
    let program = program.display().to_string();
    run_command(&mut command(&program, &["man", &manual.display().to_string()]))?;
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = File::create(completions.join(format!("cloudauth.{shell}")))?;
        run_command(command(&program, &["completions", shell]).stdout(script))?;
    }
    Ok(())
}

/// Writes the software bill of materials of the command, in CycloneDX's JSON.
fn bill_of_materials(folder: &Path) -> Result<()> {
    let name = "cloudauth.cdx";
    let args = ["cyclonedx", "--format", "json", "--features", "full", "--override-filename", name];
    let manifest = root().join("crates/cli/Cargo.toml").display().to_string();
    run_command(&mut command(&tools::cyclonedx()?, &[&args[..], &["--manifest-path", &manifest]].concat()))?;
    // The tool writes one beside the manifest of each crate of the workspace.
    for package in MetadataCommand::new().current_dir(root()).no_deps().exec()?.workspace_packages() {
        let written = package.manifest_path.with_file_name(format!("{name}.json"));
        if package.name.as_str() == "cloudauth-cli" {
            fs::copy(&written, folder.join("cloudauth.cdx.json"))
                .context("no bill of materials was written")?;
        }
        let _ = fs::remove_file(written);
    }
    Ok(())
}

/// Packs the folder, with equal bytes for equal files, and writes the checksum beside the archive.
fn pack(folder: &Path, name: &str) -> Result<PathBuf> {
    let archive = folder.join(format!("{name}.tar.gz"));
    let time = command("git", &["log", "-1", "--format=@%ct"]).output()?;
    let time = format!("--mtime={}", String::from_utf8(time.stdout)?.trim());
    let fixed = ["--sort=name", "--owner=0", "--group=0", "--numeric-owner", &time];
    let file = archive.display().to_string();
    let args = [&fixed[..], &["--use-compress-program=gzip -n9", "-cf", &file, name]].concat();
    run_command(command("tar", &args).current_dir(folder))?;
    let digest = Sha256::digest(fs::read(&archive)?);
    let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    fs::write(folder.join("SHA256SUMS"), format!("{digest}  {name}.tar.gz\n"))?;
    Ok(archive)
}

/// Unpacks the archive in an empty folder, and runs the first commands of the README there.
fn try_out(archive: &Path, name: &str) -> Result<()> {
    let folder = std::env::temp_dir().join(format!("cloudauth-release-{}", std::process::id()));
    fs::create_dir_all(&folder)?;
    let tried = try_out_in(&folder, archive, name);
    fs::remove_dir_all(&folder)?;
    tried
}

fn try_out_in(folder: &Path, archive: &Path, name: &str) -> Result<()> {
    run_command(command("tar", &["-xzf", &archive.display().to_string()]).current_dir(folder))?;
    let program = folder.join(name).join("cloudauth").display().to_string();
    for (line, code) in FIRST_COMMANDS {
        let output = command(&program, &line.split(' ').collect::<Vec<_>>()).current_dir(folder).output()?;
        ensure!(
            output.status.code() == Some(code),
            "`cloudauth {line}` ends with {}, not with {code}: {}",
            output.status,
            String::from_utf8_lossy(&output.stderr)
        );
        println!("release: `cloudauth {line}` works");
    }
    Ok(())
}
