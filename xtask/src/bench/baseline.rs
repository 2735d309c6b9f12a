//! The figures of the last run of each bench, in a TOML file.

use std::collections::BTreeMap;
use std::fmt;

use anyhow::{Result, bail, ensure};
use serde::Deserialize;

use super::list::Table;

/// The figures by the bench's name.
#[derive(Debug, Default, Deserialize, PartialEq)]
pub(crate) struct Baseline(BTreeMap<String, Measured>);

/// What one bench measured.
#[derive(Debug, Default, Deserialize, PartialEq)]
pub(crate) struct Measured {
    pub(crate) date: String,
    pub(crate) machine: String,
    #[serde(flatten)]
    pub(crate) figures: BTreeMap<String, f64>,
}

impl Baseline {
    pub(crate) fn parse(text: &str) -> Result<Self> {
        Ok(toml::from_str(text)?)
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

/// Fails unless these are exactly the table's figures.
pub(crate) fn must_fit(figures: &BTreeMap<String, f64>, table: &Table) -> Result<()> {
    for figure in table.figures() {
        ensure!(figures.contains_key(figure.key), "bench {}: no figure `{}`", table.name, figure.key);
    }
    for key in figures.keys() {
        if !table.figures().any(|figure| figure.key == key) {
            bail!("bench {}: the figure `{key}` has no row in the page", table.name);
        }
    }
    Ok(())
}

impl Measured {
    /// Returns a figure that cannot be: other programs on the machine can make a difference of two times negative.
    pub(crate) fn noise(&self) -> Option<(&str, f64)> {
        let figures = self.figures.iter().map(|(key, &value)| (key.as_str(), value));
        figures.into_iter().find(|(_, value)| !(value.is_finite() && *value > 0.0))
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
    fn text_for_a_figure_and_a_figure_outside_a_bench_are_refused() {
        for text in ["[sign]\ndate = \"d\"\nmachine = \"m\"\nv1 = \"fast\"", "v1 = 1", "[sign]\nv1 = 1"] {
            assert!(Baseline::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_negative_difference_is_noise() {
        let with = |value| {
            let figures = [("call".to_owned(), 9.0), ("rest".to_owned(), value)].into();
            Measured { figures, ..Measured::default() }.noise().map(|(key, _)| key.to_owned())
        };
        assert_eq!(with(1.0), None);
        for value in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert_eq!(with(value).as_deref(), Some("rest"), "{value}");
        }
    }
}
