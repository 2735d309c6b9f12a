//! Checks of the rules in CONTRIBUTING.md that no lint covers.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use crate::bench;
use crate::docs::translations;
use crate::shell::{files, root};

/// The README's first command: the main job.
const MAIN_COMMAND: &str = "cargo run -p cloudauth-cli -- demo";
/// The README's second command: the tests.
const TEST_COMMAND: &str = "cargo test --workspace";

/// The maximum number of lines of a file.
const LONGEST: usize = 500;

/// The maximum number of Rust files in one folder of a `src`.
const FULLEST: usize = 16;

/// The lints of clippy that replace checks of this file.
const LINTS: [&str; 10] = [
    "allow_attributes_without_reason",
    "expect_used",
    "ignore_without_reason",
    "indexing_slicing",
    "panic",
    "string_slice",
    "todo",
    "unimplemented",
    "unreachable",
    "unwrap_used",
];

pub(crate) fn run() -> Result<()> {
    let mut problems = Vec::new();
    let sources = files("rs")?;
    for file in &sources {
        source(file, &fs::read_to_string(file)?, &mut problems);
    }
    folders(&sources, &mut problems);
    for manifest in files("toml")?.iter().filter(|file| file.ends_with("Cargo.toml")) {
        let text = fs::read_to_string(manifest)?;
        if text.contains("[package]") && !text.contains("[lints]\nworkspace = true") {
            problems.push(format!("{}: does not take the workspace's lints", shown(manifest)));
        }
    }
    let lints = fs::read_to_string(root().join("Cargo.toml"))?;
    for lint in LINTS {
        if !lints.contains(&format!("\n{lint} = \"warn\"")) {
            problems.push(format!("Cargo.toml: the lint {lint} is off"));
        }
    }
    let of_python = fs::read_to_string(root().join("python/Cargo.toml"))?;
    if lint_tables(&of_python) != lint_tables(&lints) {
        problems.push("python/Cargo.toml: its lints are not those of Cargo.toml".to_owned());
    }
    readme(&mut problems)?;
    translations::check(&mut problems)?;
    bench::check(&mut problems)?;
    if !problems.is_empty() {
        bail!("not tidy:\n{}", problems.join("\n"));
    }
    println!("tidy: {} source files", sources.len());
    Ok(())
}

/// The lines of a workspace's tables of lints.
fn lint_tables(manifest: &str) -> Vec<&str> {
    let lines = manifest.lines().skip_while(|line| !line.starts_with("[workspace.lints."));
    let lines = lines.take_while(|line| !line.starts_with("[profile."));
    lines.filter(|line| !line.is_empty() && !line.starts_with('#')).collect()
}

fn folders(sources: &[PathBuf], problems: &mut Vec<String>) {
    let mut counts: BTreeMap<&Path, usize> = BTreeMap::new();
    for folder in sources.iter().filter_map(|file| file.parent()) {
        if folder.iter().any(|name| name == "src") {
            *counts.entry(folder).or_default() += 1;
        }
    }
    for (folder, count) in counts {
        if count > FULLEST {
            problems.push(format!("{}: {count} files, more than {FULLEST}", shown(folder)));
        }
    }
}

fn source(file: &Path, text: &str, problems: &mut Vec<String>) {
    let mut problem = |what: String| problems.push(format!("{}: {what}", shown(file)));
    let lines = text.lines().count();
    if lines > LONGEST {
        problem(format!("{lines} lines, more than {LONGEST}"));
    }
    if !text.starts_with("//!") {
        problem("does not begin with a `//!` that says what it is for".into());
    }
    let is_test = file.components().any(|part| part.as_os_str() == "tests")
        && !file.components().any(|part| part.as_os_str() == "benches");
    for (number, line) in text.lines().enumerate() {
        if is_test && line.contains("clippy::unwrap_used") {
            problem(format!("line {}: `#![cfg(test)]` at the top of the test allows this", number + 1));
        }
    }
}

/// The README's first screen has exactly the two commands, and CI runs the second, once: `cargo xtask ci` runs the rest.
fn readme(problems: &mut Vec<String>) -> Result<()> {
    let readme = fs::read_to_string(root().join("README.md"))?;
    let first_screen: String = readme.lines().take(40).collect::<Vec<_>>().join("\n");
    let block = first_screen.split("```").nth(1).unwrap_or_default();
    let commands: Vec<_> = block.lines().filter(|line| line.starts_with("cargo ")).collect();
    let commands: Vec<_> =
        commands.iter().map(|line| line.split('#').next().unwrap_or_default().trim()).collect();
    if commands != [MAIN_COMMAND, TEST_COMMAND] {
        problems.push(format!(
            "README.md: the first block must hold `{MAIN_COMMAND}` and `{TEST_COMMAND}`, and has {commands:?}"
        ));
    }
    let ci = fs::read_to_string(root().join(".ci/run"))?;
    let times = |command: &str| ci.lines().filter(|line| *line == command).count();
    if times(TEST_COMMAND) != 1 || times("cargo xtask ci") != 1 {
        problems.push(format!(".ci/run: must run `{TEST_COMMAND}` and `cargo xtask ci`, once each"));
    }
    Ok(())
}

fn shown(file: &Path) -> String {
    file.strip_prefix(root()).unwrap_or(file).display().to_string()
}
