//! Checks of the rules in CONTRIBUTING.md that no lint covers.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

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

/// Calls that panic, spelled so that this file does not match.
const PANICS: [&str; 6] = [
    concat!(".unwrap", "()"),
    concat!(".expect", "("),
    concat!("panic", "!("),
    concat!("todo", "!("),
    concat!("unreachable", "!("),
    concat!("unimplemented", "!("),
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
    for lint in ["expect_used", "indexing_slicing", "panic", "string_slice", "todo", "unwrap_used"] {
        if !lints.contains(&format!("\n{lint} = \"warn\"")) {
            problems.push(format!("Cargo.toml: the lint {lint} is off"));
        }
    }
    readme(&mut problems)?;
    translations::check(&mut problems)?;
    if !problems.is_empty() {
        bail!("not tidy:\n{}", problems.join("\n"));
    }
    println!("tidy: {} source files", sources.len());
    Ok(())
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
    // Clippy denies the calls in library code. This finds them without a run of clippy, and denies exceptions without a
    // reason.
    let is_test = ["tests", "benches", "examples"]
        .iter()
        .any(|folder| file.components().any(|part| part.as_os_str() == *folder))
        || file.ends_with("tests.rs");
    let in_tests_folder = file.components().any(|part| part.as_os_str() == "tests")
        && !file.components().any(|part| part.as_os_str() == "benches");
    let mut expected_above = 0;
    let mut in_tests = is_test;
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        in_tests |= line == "#[cfg(test)]";
        expected_above =
            if line.contains("[expect(clippy::") { 4_usize } else { expected_above.saturating_sub(1) };
        let panics = PANICS.iter().any(|call| line.contains(call)) && !line.starts_with("//");
        if panics && !in_tests && expected_above == 0 {
            problem(format!("line {}: a call that panics, without an `#[expect(.., reason)]`", number + 1));
        }
        if line.starts_with("#[allow(") || line.starts_with("#![allow(") {
            let attribute: Vec<_> =
                text.lines().skip(number).take_while(|line| !line.ends_with(")]")).collect();
            let last = text.lines().nth(number + attribute.len()).unwrap_or_default();
            if !attribute.iter().any(|line| line.contains("reason")) && !last.contains("reason") {
                problem(format!("line {}: an allow without a reason", number + 1));
            }
        }
        if in_tests_folder && line.contains("clippy::unwrap_used") {
            problem(format!("line {}: `#![cfg(test)]` at the top of the test allows this", number + 1));
        }
        if line.starts_with("#[ignore]") {
            problem(format!("line {}: a test that is ignored without a reason", number + 1));
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
    if !ci.lines().any(|line| line == TEST_COMMAND) || !ci.lines().any(|line| line == "cargo xtask ci") {
        problems.push(format!(".ci/run: must run `{TEST_COMMAND}` and `cargo xtask ci`"));
    }
    Ok(())
}

fn shown(file: &Path) -> String {
    file.strip_prefix(root()).unwrap_or(file).display().to_string()
}
