//! Checks the counts of warehouses, for `cargo xtask warehouses`: writes rows and queries, and compares the results.
//!
//! `counts make FOLDER ROWS` writes a folder for each case, with its rows as JSON Lines and the results of a run over them;
//! `cases.json` has the columns and the queries. `counts check FOLDER ENGINE` compares the results from the engine's counts,
//! `ENGINE.csv` in each folder, with the run's.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test's other half may panic"
)]

#[path = "../tests/history/mod.rs"]
mod history;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;

use cloudauth_policy::Dialect;
use history::{Case, Dice, cases, difference};
use serde_json::{Value, json};

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let folder = Path::new(&args[1]);
    if args[0] == "check" {
        return check(folder, &args[2]);
    }
    let rows: usize = args[2].parse().unwrap();
    let mut dice = Dice(7);
    let written = cases().into_iter().enumerate().map(|(number, case)| {
        let count = if number == 0 { rows } else { (rows / 10).max(1000) };
        write(&folder.join(case.name), &case, count, &mut dice)
    });
    let written: Vec<Value> = written.collect();
    fs::write(folder.join("cases.json"), Value::from(written).to_string()).unwrap();
}

fn write(folder: &Path, case: &Case, count: usize, dice: &mut Dice) -> Value {
    fs::create_dir_all(folder).unwrap();
    let rows = folder.join("rows.jsonl");
    let mut file = BufWriter::new(File::create(&rows).unwrap());
    for number in 0..count {
        file.write_all(case.line(&case.row(dice, number)).as_bytes()).unwrap();
    }
    file.into_inner().unwrap().sync_all().unwrap();
    fs::write(folder.join("told.json"), case.ran(&rows, true).to_string()).unwrap();
    // Some engines refuse names that need quotes; such a case has nothing to run.
    let sql: BTreeMap<&str, String> = Dialect::ALL
        .into_iter()
        .filter_map(|dialect| Some((dialect.as_str(), case.lab().sql(dialect, "face_rows").ok()?)))
        .collect();
    let columns = case.columns.iter().map(|(name, kind)| json!({ "column": name, "kind": kind.as_str() }));
    json!({ "folder": case.name, "rows": count, "columns": columns.collect::<Vec<_>>(), "sql": sql })
}

fn check(folder: &Path, engine: &str) {
    // SQLite stores NaN as NULL, so the value is missing instead of malformed.
    let has_notes = engine != "sqlite";
    let mut seen = 0;
    for case in cases() {
        let counts = folder.join(case.name).join(format!("{engine}.csv"));
        let mut told: Value =
            serde_json::from_str(&fs::read_to_string(folder.join(case.name).join("told.json")).unwrap())
                .unwrap();
        history::without(&mut told, has_notes);
        let finished = case.finished(counts, has_notes);
        let rows = &told["replay"]["rows"];
        if let Some(difference) = difference(&finished, &told) {
            panic!("{engine}, {}: {difference}", case.name);
        }
        seen += rows.as_u64().unwrap();
    }
    println!("{engine}: the counts of {seen} rows tell what a run over them tells");
}
