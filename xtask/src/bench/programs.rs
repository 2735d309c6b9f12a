//! Builds and runs the benches.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, Result, bail};
use cargo_metadata::Message;

use super::list::{Source, Table};
use crate::shell::{built_as, cargo, command, is_there};

/// A built bench.
pub(crate) struct Program(String);

impl Program {
    /// Builds the program of a table as it is released.
    pub(crate) fn build(table: &Table) -> Result<Self> {
        match table.source {
            Source::Bench(package) => Ok(Self(bench(package, table.name)?)),
            Source::Instructions => {
                cargo("build --release -p cloudauth-protocol --example instructions")?;
                Ok(Self(built_as("release/examples/instructions")?))
            }
        }
    }

    /// Runs the program and returns its figures.
    pub(crate) fn figures(&self, table: &Table) -> Result<BTreeMap<String, f64>> {
        match table.source {
            Source::Bench(_) => self.printed(table.pinned),
            Source::Instructions => self.instructions(table),
        }
    }

    fn printed(&self, pinned: bool) -> Result<BTreeMap<String, f64>> {
        let last_core = (cores() - 1).to_string();
        let mut program =
            if pinned { command("taskset", &["-c", &last_core, &self.0]) } else { command(&self.0, &[]) };
        let output = program.stderr(Stdio::inherit()).output().context("cannot start the bench")?;
        if !output.status.success() {
            bail!("`{}` failed: {}", self.0, output.status);
        }
        figures(&String::from_utf8(output.stdout)?)
    }

    /// The instructions of a thousand repetitions without those of the start and of the hash.
    fn instructions(&self, table: &Table) -> Result<BTreeMap<String, f64>> {
        let mut counts = BTreeMap::new();
        for figure in table.figures().filter(|figure| !figure.key.contains('/')) {
            let count = |times| self.counted(figure.key, times);
            counts.insert(figure.key.to_owned(), (count("1100")? as f64 - count("100")? as f64) / 1000.0);
        }
        for figure in table.figures() {
            if let Some((one, other)) = figure.key.split_once('/') {
                let count =
                    |key: &str| counts.get(key).copied().with_context(|| format!("no count of `{key}`"));
                counts.insert(figure.key.to_owned(), count(one)? / count(other)?);
            }
        }
        Ok(counts)
    }

    fn counted(&self, what: &str, times: &str) -> Result<u64> {
        if !is_there("valgrind") {
            bail!("the bench `instructions` needs valgrind");
        }
        let profile = format!("{}.callgrind", self.0);
        let out = format!("--callgrind-out-file={profile}");
        let mut valgrind = command("valgrind", &["-q", "--tool=callgrind", &out, &self.0, what, times]);
        if !valgrind.stdout(Stdio::null()).stderr(Stdio::null()).status()?.success() {
            bail!("valgrind failed for `{what}`");
        }
        let text = fs::read_to_string(Path::new(&profile))?;
        fs::remove_file(&profile)?;
        Ok(without_hash(&text))
    }
}

/// Builds a bench and returns the path of its program.
fn bench(package: &str, name: &str) -> Result<String> {
    let line = format!("bench -p {package} --bench {name} --no-run --message-format json-render-diagnostics");
    let mut cargo = command("cargo", &line.split(' ').collect::<Vec<_>>());
    let output = cargo.stderr(Stdio::inherit()).output()?;
    if !output.status.success() {
        bail!("cannot build the bench {name}: {}", output.status);
    }
    for message in Message::parse_stream(output.stdout.as_slice()) {
        if let Message::CompilerArtifact(artifact) = message?
            && artifact.target.name == name
            && let Some(program) = artifact.executable
        {
            return Ok(program.into_string());
        }
    }
    bail!("cargo named no program for the bench {name}")
}

/// The lines `figure KEY VALUE` of a bench.
fn figures(text: &str) -> Result<BTreeMap<String, f64>> {
    let mut figures = BTreeMap::new();
    for line in text.lines().filter_map(|line| line.strip_prefix("figure ")) {
        let (key, value) = line.split_once(' ').with_context(|| format!("no value: {line}"))?;
        let value = value.parse().with_context(|| format!("not a number: {line}"))?;
        if figures.insert(key.to_owned(), value).is_some() {
            bail!("two figures `{key}`");
        }
    }
    Ok(figures)
}

/// The instructions in a profile of callgrind, except those of functions that hash: valgrind does not know the processor's
/// instructions for it.
fn without_hash(profile: &str) -> u64 {
    let mut names: BTreeMap<&str, bool> = BTreeMap::new();
    let (mut total, mut hashes, mut is_call) = (0, false, false);
    for line in profile.lines() {
        if let Some(function) = line.strip_prefix("fn=") {
            // `fn=(12) name` the first time, then `fn=(12)`.
            let (id, name) = function.split_once(' ').unwrap_or((function, ""));
            if !name.is_empty() {
                names.insert(id, is_hash(name));
            }
            hashes = names.get(id).copied().unwrap_or_default();
        } else if let Some(function) = line.strip_prefix("cfn=") {
            if let Some((id, name)) = function.split_once(' ') {
                names.insert(id, is_hash(name));
            }
        } else if line.starts_with("calls=") {
            // The next line has the cost of the called function.
            is_call = true;
        } else if line.starts_with(|char: char| char.is_ascii_digit() || "+-*".contains(char)) {
            let cost: u64 = line.split(' ').nth(1).and_then(|cost| cost.parse().ok()).unwrap_or_default();
            if !is_call && !hashes {
                total += cost;
            }
            is_call = false;
        }
    }
    total
}

fn is_hash(function: &str) -> bool {
    function.contains("sha1::block_api::compress") || function.contains("sha2::sha256::compress")
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// The processor, as far as the system describes it.
pub(crate) fn machine() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let field = |name: &str| {
        let line = text.lines().find(|line| line.starts_with(name))?;
        line.split_once(": ").map(|(_, value)| value.to_owned())
    };
    let model = field("model name").unwrap_or_else(|| std::env::consts::ARCH.to_owned());
    let hashes = field("flags").is_some_and(|flags| flags.split(' ').any(|flag| flag == "sha_ni"));
    let with = if hashes { "with" } else { "without" };
    format!("{} cores of {}, {with} instructions for SHA", cores(), model.replace("(R)", ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_counts_each_function_once_and_no_hash() {
        let profile = "events: Ir\n\nfn=(1) main\n10 100\ncfn=(2) sha1::block_api::compress\ncalls=3 0\n11 5000\n+1 20\n\n\
                       fn=(2)\n0 5000\n\nfn=(3) encode\n0 7\n\ntotals: 5127\n";
        assert_eq!(without_hash(profile), 127);
    }

    #[test]
    fn a_bench_prints_each_figure_once() {
        let found = figures("sign/v1 time: [1 ns]\nfigure v1 2.5\nfigure v1-over-hmac 1.5\n").unwrap();
        assert_eq!(found, BTreeMap::from([("v1".to_owned(), 2.5), ("v1-over-hmac".to_owned(), 1.5)]));
        assert!(figures("figure v1 1\nfigure v1 2").is_err());
        assert!(figures("figure v1 fast").is_err());
    }
}
