//! Tables and numbers for people.

use std::fmt;

use crate::printable;
use crate::words::lab::heading;
use crate::words::{Language, width as width_of};

/// A table. Columns of numbers are aligned to the right.
pub(super) struct Table<const N: usize> {
    rows: Vec<[String; N]>,
}

impl<const N: usize> Table<N> {
    /// `header` is English, and printed in the language.
    pub(super) fn new(header: [&str; N], language: Language) -> Self {
        Self { rows: vec![header.map(|name| printable::value(heading(name, language)).into_owned())] }
    }

    /// Gives the first column a name of the user as its header, such as that of a segment: it is not translated.
    pub(super) fn named(mut self, name: &str) -> Self {
        if let Some(header) = self.rows.first_mut().and_then(|header| header.first_mut()) {
            *header = printable::value(name).into_owned();
        }
        self
    }

    /// Adds a row. A cell may hold a value from data.
    pub(super) fn row(&mut self, row: [String; N]) {
        self.rows.push(row.map(|cell| printable::value(&cell).into_owned()));
    }
}

impl<const N: usize> fmt::Display for Table<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cells = |column: usize| self.rows.iter().filter_map(move |row| row.get(column));
        let width = |column| cells(column).map(|cell| width_of(cell)).max().unwrap_or_default();
        let is_number =
            |cell: &String| cell.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | '+'));
        let right: Vec<bool> =
            (0..N).map(|column| column > 0 && cells(column).skip(1).all(is_number)).collect();
        for row in &self.rows {
            let mut line = String::new();
            // A column without any text takes no space.
            let columns = row.iter().zip(&right).enumerate().filter(|(column, _)| width(*column) > 0);
            for (column, (cell, right)) in columns {
                let spaces = " ".repeat(width(column).saturating_sub(width_of(cell)));
                line += &if *right { format!("{spaces}{cell}  ") } else { format!("{cell}{spaces}  ") };
            }
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

/// `1,234,567`
pub(super) fn thousands(number: u64) -> String {
    indicatif::HumanCount(number).to_string()
}

/// `12.30 %`
pub(super) fn percent(part: u64, of: u64) -> String {
    if of == 0 { "-".to_owned() } else { rate(part as f64 / of as f64) }
}

/// A share as percent.
pub(super) fn rate(share: f64) -> String {
    format!("{} %", cloudauth_lab::percent(share))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_and_aligned_to_the_right() {
        assert_eq!([0, 999, 1000, 1_234_567].map(thousands), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!([percent(1, 8), percent(0, 0)], ["12.50 %", "-"]);
        assert_eq!([rate(0.5), rate(0.0), rate(2.46e-5)], ["50.00 %", "0 %", "0.0025 %"]);
        assert_eq!([rate(-0.01), rate(-2.46e-5)], ["-1.00 %", "-0.0025 %"]);
        let mut table = Table::new(["rule", "rows"], Language::En);
        table.row(["otherwise".to_owned(), thousands(5)]);
        table.row(["a".to_owned(), thousands(1234)]);
        assert_eq!(table.to_string(), "rule        rows\notherwise      5\na          1,234\n");
        let mut table = Table::new(["verdict", "rows"], Language::Zh);
        table.row(["人工复核".to_owned(), thousands(1234)]);
        assert_eq!(table.to_string(), "结论       行数\n人工复核  1,234\n");
        let table = Table::new(["", "rows"], Language::Zh).named("verdict");
        assert_eq!(table.to_string(), "verdict  行数\n");
    }
}
