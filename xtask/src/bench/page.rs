//! The tables of `docs/performance.md`: each is between the markers `<!-- bench NAME -->` and `<!-- end -->`.

use std::fmt::Write;

use anyhow::{Context, Result, bail, ensure};

use super::baseline::{Baseline, Measured, must_fit};
use super::list::{Source, TABLES, Table};

const START: &str = "<!-- bench ";
const END: &str = "<!-- end -->\n";

/// Returns the page with the tables that the baseline gives. Fails unless the page and the baseline have every table exactly
/// once.
pub(crate) fn with_tables(page: &str, baseline: &Baseline) -> Result<String> {
    if let Some(name) = baseline.names().find(|name| table(name).is_none()) {
        bail!("the baseline has the unknown bench `{name}`");
    }
    let mut parts = page.split(START);
    let mut text = parts.next().unwrap_or_default().to_owned();
    let mut written = Vec::new();
    for part in parts {
        let (name, rest) = part.split_once(" -->\n").context("a marker does not end its line")?;
        let (_, rest) = rest.split_once(END).with_context(|| format!("no end of the table `{name}`"))?;
        let table = table(name).with_context(|| format!("a marker of the unknown bench `{name}`"))?;
        ensure!(!written.contains(&table.name), "two tables of the bench `{name}`");
        let measured = baseline.get(name).with_context(|| format!("no baseline of the bench `{name}`"))?;
        must_fit(&measured.figures, table)?;
        if let Some((key, value)) = measured.noise() {
            bail!("bench {name}: `{key}` is {value}");
        }
        written.push(table.name);
        write!(text, "{START}{name} -->\n{}{END}{rest}", rendered(table, measured))?;
    }
    if let Some(table) = TABLES.iter().find(|table| !written.contains(&table.name)) {
        bail!("no marker `{START}{} -->`", table.name);
    }
    Ok(text)
}

fn table(name: &str) -> Option<&'static Table> {
    TABLES.iter().find(|table| table.name == name)
}

fn rendered(table: &Table, measured: &Measured) -> String {
    let row = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    let mut text = row(table.columns.iter().map(|&column| column.to_owned()).collect());
    text += &row(vec!["---".to_owned(); table.columns.len()]);
    for list in table.rows {
        let figures = list.1.iter().map(|figure| {
            measured.figures.get(figure.key).map(|value| figure.unit.shown(*value)).unwrap_or_default()
        });
        text += &row(std::iter::once(list.0.to_owned()).chain(figures).collect());
    }
    let how = match (table.source, table.pinned) {
        (Source::Instructions, _) => "",
        (_, true) => ", bound to one of them, median of five runs",
        (_, false) => ", median of five runs",
    };
    let _ =
        writeln!(text, "\n{}, {}{how}: `cargo xtask bench {}`", measured.date, measured.machine, table.name);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A baseline in which every figure is `value`.
    fn baseline(value: f64) -> Baseline {
        let mut baseline = Baseline::default();
        for table in TABLES {
            let figures = table.figures().map(|figure| (figure.key.to_owned(), value)).collect();
            baseline.set(table.name, Measured { figures, ..Measured::default() });
        }
        baseline
    }

    fn page() -> String {
        TABLES.iter().map(|table| format!("## A\n\n{START}{} -->\n{END}\nText.\n", table.name)).collect()
    }

    #[test]
    fn tables_are_replaced_and_the_text_stays() {
        let one = with_tables(&page(), &baseline(1.5)).unwrap();
        let row = "| the same over HMAC-SHA1 alone, keyed once | 1.50 times |\n";
        assert!(one.contains(row) && one.contains("| reqwest | 1.50 times | 1.50 times |\n"), "{one}");
        assert_eq!(with_tables(&one, &baseline(1.5)).unwrap(), one);
        let other = with_tables(&one, &baseline(2.5)).unwrap();
        assert_eq!(other, with_tables(&page(), &baseline(2.5)).unwrap());
        assert_eq!(other.matches("\nText.\n").count(), TABLES.len());
    }

    #[test]
    fn a_missing_a_second_and_an_unknown_table_are_errors() {
        let error = |page: &str| with_tables(page, &baseline(1.0)).unwrap_err().to_string();
        let marker = format!("{START}cpu -->\n");
        assert_eq!(error(&page().replace(&marker, "")), "no marker `<!-- bench cpu -->`");
        let twice = format!("{}{marker}{END}", page());
        assert_eq!(error(&twice), "two tables of the bench `cpu`");
        assert_eq!(
            error(&page().replace(&marker, "<!-- bench gpu -->\n")),
            "a marker of the unknown bench `gpu`"
        );
    }

    #[test]
    fn a_baseline_without_a_figure_or_with_another_is_refused() {
        let mut baseline = baseline(1.0);
        baseline
            .set("parse", Measured { figures: [("parse".to_owned(), 1.0)].into(), ..Measured::default() });
        let error = with_tables(&page(), &baseline).unwrap_err();
        assert_eq!(error.to_string(), "bench parse: no figure `parse-over-serde`");
        baseline.set("other", Measured::default());
        let error = with_tables(&page(), &baseline).unwrap_err();
        assert_eq!(error.to_string(), "the baseline has the unknown bench `other`");
    }
}
