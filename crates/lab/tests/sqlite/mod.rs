//! SQLite as a warehouse.

use std::path::{Path, PathBuf};

use rusqlite::Connection;
use rusqlite::types::Value;

/// Writes the counts that a query returns to a CSV file.
pub(crate) fn write_counts(database: &Connection, sql: &str, to: &Path) -> PathBuf {
    let mut query = database.prepare(sql).unwrap();
    let names: Vec<String> = query.column_names().map(str::to_owned).collect();
    let mut csv = csv::Writer::from_path(to).unwrap();
    csv.write_record(&names).unwrap();
    let mut rows = query.query([]).unwrap();
    while let Some(row) = rows.next().unwrap() {
        let field = |at: usize| match row.get::<_, Value>(at).unwrap() {
            Value::Integer(number) => number.to_string(),
            Value::Text(text) => text,
            other => panic!("{} is {other:?}", names[at]),
        };
        csv.write_record((0..names.len()).map(field)).unwrap();
    }
    csv.flush().unwrap();
    to.to_owned()
}
