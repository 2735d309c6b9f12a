//! The figures of the last run of each bench, in a file of TOML's simplest form.

use std::collections::BTreeMap;
use std::fmt;

use anyhow::{Context, Result, bail, ensure};

use super::list::Table;

/// The figures by the bench's name.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Baseline(BTreeMap<String, Measured>);

/// What one bench measured.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Measured {
    pub(crate) date: String,
    pub(crate) machine: String,
    pub(crate) figures: BTreeMap<String, f64>,
}

impl Baseline {
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let mut all = BTreeMap::new();
        let mut current: Option<&mut Measured> = None;
        for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
                current = Some(all.entry(name.to_owned()).or_default());
                continue;
            }
            let (key, value) =
                line.split_once(" = ").with_context(|| format!("not a line `key = value`: {line}"))?;
            let measured = current.as_mut().with_context(|| format!("before the first table: {line}"))?;
            let text = value.trim_matches('"').to_owned();
            match key {
                "date" => measured.date = text,
                "machine" => measured.machine = text,
                _ => {
                    let value = value.parse().with_context(|| format!("not a number: {line}"))?;
                    measured.figures.insert(key.trim_matches('"').to_owned(), value);
                }
            }
        }
        Ok(Self(all))
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Measured> {
        self.0.get(name)
    }

    pub(crate) fn set(&mut self, name: &str, measured: Measured) {
        self.0.insert(name.to_owned(), measured);
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

impl fmt::Display for Baseline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "# Written by `cargo xtask bench`: ratios, nanoseconds, numbers a second, instructions."
        )?;
        for (name, measured) in &self.0 {
            writeln!(f, "\n[{name}]\ndate = \"{}\"\nmachine = \"{}\"", measured.date, measured.machine)?;
            for (key, value) in &measured.figures {
                writeln!(f, "\"{key}\" = {value}")?;
            }
        }
        Ok(())
    }
}

impl Measured {
    /// Fails unless these are exactly the table's figures.
    pub(crate) fn must_fit(&self, table: &Table) -> Result<()> {
        for figure in table.figures() {
            ensure!(
                self.figures.contains_key(figure.key),
                "bench {}: no figure `{}`",
                table.name,
                figure.key
            );
        }
        for (key, value) in &self.figures {
            if !table.figures().any(|figure| figure.key == key) {
                bail!("bench {}: the figure `{key}` has no row in the page", table.name);
            }
            ensure!(value.is_finite() && *value > 0.0, "bench {}: `{key}` is {value}", table.name);
        }
        Ok(())
    }
}

/// The value to four digits.
pub(crate) fn rounded(value: f64) -> f64 {
    format!("{value:.3e}").parse().unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_baseline_reads_what_it_writes() {
        let figures = [("V3/V1".to_owned(), rounded(1.234_567)), ("V1".to_owned(), rounded(17_204.2))].into();
        let measured =
            Measured { date: "2026-11-28".to_owned(), machine: "2 cores = few".to_owned(), figures };
        let mut baseline = Baseline::default();
        baseline.set("sign", measured);
        let read = Baseline::parse(&baseline.to_string()).unwrap();
        assert_eq!(read, baseline);
        assert_eq!(
            read.get("sign").unwrap().figures.values().copied().collect::<Vec<_>>(),
            [17_200.0, 1.235]
        );
    }

    #[test]
    fn a_line_without_a_number_is_refused() {
        assert!(Baseline::parse("[sign]\nv1 = fast").unwrap_err().to_string().contains("v1 = fast"));
        assert!(Baseline::parse("v1 = 1").unwrap_err().to_string().contains("before the first table"));
    }
}
