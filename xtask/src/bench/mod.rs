//! Measures the figures of `docs/performance.md` that compare two programs, and writes its tables.
//!
//! Every bench runs several times, in turns with the others, and the median counts. The figures go to
//! `bench/baseline.toml`, and the tables of the page are made from that file.

mod baseline;
mod list;
mod page;
mod programs;
pub(crate) mod replay;
pub(crate) mod slowest;

use std::collections::BTreeMap;
use std::fs;
use std::io::IsTerminal;
use std::time::SystemTime;

use anyhow::{Context, Result, ensure};
use cloudauth_protocol::UnixTime;

use crate::shell::{command, root};
use baseline::{Baseline, Measured};
use list::{Figure, TABLES, Table};
use programs::Program;

const BASELINE: &str = "xtask/src/bench/baseline.toml";
const PAGE: &str = "docs/performance.md";

/// The number of times that each bench runs.
const RUNS: usize = 5;

/// A figure that is worse than the baseline by more than this factor is a regression.
const TOLERATED: f64 = 1.15;

/// Runs the named benches, or all, and writes the baseline and the page.
pub(crate) fn run(names: &[&str]) -> Result<()> {
    let tables = chosen(names)?;
    let programs = tables.iter().map(|table| Program::build(table)).collect::<Result<Vec<_>>>()?;
    let mut runs: Vec<BTreeMap<String, Vec<f64>>> = vec![BTreeMap::new(); tables.len()];
    for run in 0..RUNS {
        for ((table, program), values) in tables.iter().zip(&programs).zip(&mut runs) {
            // Instructions are the same in every run.
            if run > 0 && table.is_exact() {
                continue;
            }
            println!("{} ({}/{RUNS})", table.name, run + 1);
            let figures = program.figures(table)?;
            baseline::must_fit(&figures, table)?;
            for (key, value) in figures {
                values.entry(key).or_default().push(value);
            }
        }
    }
    let (date, machine) = (today(), programs::machine());
    let mut baseline = Baseline::parse(&fs::read_to_string(root().join(BASELINE)).unwrap_or_default())?;
    let committed = committed()?;
    let mut noisy = Vec::new();
    for (table, values) in tables.iter().zip(runs) {
        let figures = values.into_iter().map(|(key, values)| (key, baseline::rounded(median(values))));
        let measured = Measured { date: date.clone(), machine: machine.clone(), figures: figures.collect() };
        report(table, &measured, committed.get(table.name));
        match measured.noise() {
            Some((key, value)) => noisy.push(format!("{}: `{key}` is {value}", table.name)),
            None => baseline.set(table.name, measured),
        }
    }
    fs::write(root().join(BASELINE), baseline.to_string())?;
    let text = fs::read_to_string(root().join(PAGE))?;
    fs::write(root().join(PAGE), page::with_tables(&text, &baseline)?)?;
    println!("\nwrote {BASELINE} and the tables of {PAGE}");
    ensure!(
        noisy.is_empty(),
        "other programs disturbed these benches, which keep their old figures: {}",
        noisy.join(", ")
    );
    Ok(())
}

/// Adds a problem if the list of benches, the baseline and the page do not agree.
pub(crate) fn check(problems: &mut Vec<String>) -> Result<()> {
    let text = fs::read_to_string(root().join(PAGE))?;
    let baseline = Baseline::parse(&fs::read_to_string(root().join(BASELINE))?)?;
    match page::with_tables(&text, &baseline) {
        Ok(fresh) if fresh == text => {}
        Ok(_) => problems.push(format!("{PAGE}: a table differs from {BASELINE}; run `cargo xtask bench`")),
        Err(error) => problems.push(format!("{PAGE}: {error:#}")),
    }
    Ok(())
}

fn chosen(names: &[&str]) -> Result<Vec<&'static Table>> {
    if names.is_empty() {
        return Ok(TABLES.iter().collect());
    }
    let known = || TABLES.iter().map(|table| table.name).collect::<Vec<_>>().join(", ");
    let find = |name: &&str| TABLES.iter().find(|table| table.name == *name);
    names
        .iter()
        .map(|name| find(name).with_context(|| format!("no bench `{name}`; there are {}", known())))
        .collect()
}

/// The baseline of the last commit, so that a regression stays visible until it is committed.
fn committed() -> Result<Baseline> {
    let shown = command("git", &["show", &format!("HEAD:{BASELINE}")]).output()?;
    if !shown.status.success() {
        return Ok(Baseline::default());
    }
    Baseline::parse(&String::from_utf8(shown.stdout)?)
}

fn today() -> String {
    let now = UnixTime::from(SystemTime::now()).to_string();
    now.split('T').next().unwrap_or_default().to_owned()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Prints each figure with its baseline and its requirement.
fn report(table: &Table, measured: &Measured, before: Option<&Measured>) {
    println!("\n{}", table.name);
    for figure in table.figures() {
        let Some(now) = measured.figures.get(figure.key) else { continue };
        let comparable =
            before.filter(|before| !figure.unit.is_of_a_machine() || before.machine == measured.machine);
        let was = comparable.and_then(|before| before.figures.get(figure.key));
        println!("{}", line(figure, *now, was.copied()));
    }
}

fn line(figure: &Figure, now: f64, was: Option<f64>) -> String {
    let mut line = format!("  {:28} {}", figure.key, figure.unit.shown(now));
    if let Some(was) = was {
        line += &format!("; baseline {}", figure.unit.shown(was));
        if is_regression(figure, now, was) {
            line = red(&format!("{line}: REGRESSION"));
        }
    }
    match figure.required {
        Some(bound) if figure.unit.is_worse(now, bound) => {
            line + &format!("; misses the required {}", figure.unit.shown(bound))
        }
        _ => line,
    }
}

fn is_regression(figure: &Figure, now: f64, was: f64) -> bool {
    figure.unit.is_worse(now / if figure.unit.more_is_better() { 1.0 / TOLERATED } else { TOLERATED }, was)
}

/// Red on a terminal, unless `NO_COLOR` is set.
fn red(text: &str) -> String {
    if std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()) {
        format!("\x1b[31m{text}\x1b[0m")
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::list::Unit;
    use super::*;

    fn figure(unit: Unit) -> Figure {
        Figure { key: "k", unit, required: Some(1.3) }
    }

    #[test]
    fn more_than_fifteen_percent_worse_is_a_regression() {
        let is = |unit, now, was| is_regression(&figure(unit), now, was);
        assert!(!is(Unit::Times, 1.14, 1.0) && is(Unit::Times, 1.16, 1.0) && !is(Unit::Times, 0.5, 1.0));
        assert!(!is(Unit::PerSecond, 88.0, 100.0) && is(Unit::PerSecond, 86.0, 100.0));
        assert!(!is(Unit::PerSecond, 200.0, 100.0));
    }

    #[test]
    fn a_line_names_the_regression_and_the_missed_requirement() {
        let line =
            |now, was| line(&figure(Unit::Times), now, was).split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(line(1.2, Some(1.1)), "k 1.20 times; baseline 1.10 times");
        assert_eq!(line(1.31, None), "k 1.31 times; misses the required 1.30 times");
        assert!(line(1.31, Some(1.0)).contains("baseline 1.00 times: REGRESSION"));
    }

    #[test]
    fn the_median_ignores_an_outlier() {
        assert_eq!(median(vec![9.0, 1.0, 1.1]).to_bits(), 1.1_f64.to_bits());
    }
}
