//! `cloudauth lab sql` and `cloudauth lab finish`, with SQLite as the warehouse: counts give the same analyses as rows.

#![cfg(test)]

mod support;

use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::Output;

use cloudauth_tests::without_environment;
use rusqlite::Connection;
use rusqlite::types::Value as Stored;
use serde_json::{Value, json};
use support::{json, text};

const MAPPING: &str = "format = 1\ntime = \"day\"\nsegments = [\"channel\"]\n[label]\ncolumn = \"label\"\n";

fn run(folder: &Path, args: &[&str]) -> Output {
    without_environment(env!("CARGO_BIN_EXE_cloudauth")).args(args).current_dir(folder).output().unwrap()
}

/// Rows as JSON Lines, and their counts by the query of `lab sql` as JSON Lines.
fn count(folder: &Path) {
    fs::write(folder.join("mapping.toml"), MAPPING).unwrap();
    let database = stored(folder);
    let args = ["lab", "sql", "builtin:onboarding", "--candidate", "builtin:vendor", "--dialect", "sqlite"];
    let output = run(folder, &[&args[..], &["--table", "log", "--mapping", "mapping.toml"]].concat());
    assert!(output.status.success(), "{}", text(&output));
    let sql = String::from_utf8(output.stdout).unwrap();
    assert!(!sql.contains(';'), "{sql}");
    fs::write(folder.join("counts.jsonl"), counted(&database, &sql)).unwrap();
}

/// Rows in a table, and as JSON Lines in a file.
fn stored(folder: &Path) -> Connection {
    let database = Connection::open_in_memory().unwrap();
    let names = [
        "sub_code",
        "passed",
        "face_attack",
        "face_occlusion",
        "verify_score",
        "quality_score",
        "face_attack_score",
        "label",
        "day",
        "channel",
    ];
    database.execute_batch(&format!("CREATE TABLE log ({})", names.join(", "))).unwrap();
    let mut lines = String::new();
    for number in 0..900_u32 {
        let is_impostor = number % 9 == 0;
        let score = if is_impostor { 40.0 } else { 65.0 } + f64::from(number * 7919 % 3500) / 100.0;
        let label = (number % 3 == 0).then_some(if is_impostor { "impostor" } else { "genuine" });
        let row = json!([
            "200",
            "T",
            "F",
            "F",
            score,
            90.5,
            0.01,
            label,
            format!("2026-{:02}-03", 1 + number % 3),
            (["app", "web"][number as usize % 2])
        ]);
        let row = row.as_array().unwrap();
        let members = names.iter().map(|name| (*name).to_owned()).zip(row.iter().cloned());
        writeln!(lines, "{}", Value::Object(members.collect())).unwrap();
        let values = row.iter().map(|value| match value {
            Value::String(text) => Stored::Text(text.clone()),
            Value::Number(number) => Stored::Real(number.as_f64().unwrap()),
            _ => Stored::Null,
        });
        let places = vec!["?"; names.len()].join(", ");
        database
            .execute(&format!("INSERT INTO log VALUES ({places})"), rusqlite::params_from_iter(values))
            .unwrap();
    }
    fs::write(folder.join("rows.jsonl"), lines).unwrap();
    database
}

/// Returns the result of a query as JSON Lines.
fn counted(database: &Connection, sql: &str) -> String {
    let mut query = database.prepare(sql).unwrap();
    let columns: Vec<String> = query.column_names().map(str::to_owned).collect();
    let mut rows = query.query([]).unwrap();
    let mut counts = String::new();
    while let Some(row) = rows.next().unwrap() {
        let value = |at| match row.get::<_, Stored>(at).unwrap() {
            Stored::Integer(number) => json!(number),
            Stored::Text(text) => json!(text),
            other => panic!("{other:?}"),
        };
        let members = columns.iter().enumerate().map(|(at, name)| (name.clone(), value(at)));
        writeln!(counts, "{}", Value::Object(members.collect())).unwrap();
    }
    counts
}

fn without_places(mut value: Value) -> Value {
    match &mut value {
        Value::Object(members) => {
            members.remove("examples");
            members.remove("locations");
            // These describe the run, not its result.
            members.remove("sources");
            members.remove("complete");
            members.values_mut().for_each(|member| *member = without_places(member.take()));
        }
        Value::Array(values) => values.iter_mut().for_each(|value| *value = without_places(value.take())),
        _ => {}
    }
    value
}

/// The counts have no scores by segment; all other rates are those of the rows.
#[test]
fn counts_and_rows_give_the_same_rates_by_segment() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    count(folder);
    let of_rows = ["lab", "segments", "builtin:onboarding", "rows.jsonl", "--mapping", "mapping.toml"];
    let mut rows = without_places(json(&run(folder, &[&of_rows[..], &["--output", "json"]].concat())));
    let thresholds = rows["segments"]["channel"]["thresholds"].take();
    assert!(!thresholds.as_array().unwrap().is_empty(), "{rows}");
    rows["segments"]["channel"]["thresholds"] = json!([]);
    let view =
        ["lab", "finish", "counts.jsonl", "--policy", "builtin:onboarding", "--candidate", "builtin:vendor"];
    let view = [&view[..], &["--view", "segments"]].concat();
    let counts = without_places(json(&run(folder, &[&view[..], &["--output", "json"]].concat())));
    assert_eq!(rows, counts);
    assert_eq!((&counts["rests_on"], &counts["people"]), (&json!("attempts"), &Value::Null));
    assert!(counts["segments"]["channel"]["reviewed"]["largest"].is_object(), "{counts}");
    for (language, says) in [
        ("en", ["largest gap", "count attempts, not people", "need the rows: use `lab segments`"]),
        ("zh", ["最大差距", "按次数而非按人计算", "需要原始数据"]),
    ] {
        let shown = text(&run(folder, &[&view[..], &["--lang", language]].concat()));
        for word in says {
            assert!(shown.contains(word), "{word}: {shown}");
        }
    }
    // Counts without segments.
    let database = stored(folder);
    fs::write(folder.join("plain.toml"), MAPPING.replace("segments = [\"channel\"]\n", "")).unwrap();
    let args = [
        "lab",
        "sql",
        "builtin:onboarding",
        "--dialect",
        "sqlite",
        "--table",
        "log",
        "--mapping",
        "plain.toml",
    ];
    let sql = String::from_utf8(run(folder, &args).stdout).unwrap();
    fs::write(folder.join("plain.jsonl"), counted(&database, &sql)).unwrap();
    let output = run(
        folder,
        &["lab", "finish", "plain.jsonl", "--policy", "builtin:onboarding", "--view", "segments"],
    );
    assert!(
        output.status.code() == Some(2) && text(&output).contains("no segments to compare"),
        "{}",
        text(&output)
    );
}

#[test]
fn counts_and_rows_give_the_same_result() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    count(folder);
    let data = ["rows.jsonl", "--mapping", "mapping.toml", "--output", "json"];
    let of_counts =
        ["lab", "finish", "counts.jsonl", "--policy", "builtin:onboarding", "--candidate", "builtin:vendor"];
    for (view, of_rows, more) in [
        ("replay", vec!["lab", "replay", "builtin:onboarding"], vec![]),
        ("compare", vec!["lab", "compare", "builtin:onboarding", "builtin:vendor"], vec![]),
        (
            "calibrate",
            vec!["lab", "calibrate", "builtin:onboarding"],
            vec!["--target", "1/20", "--step", "50"],
        ),
        ("drift", vec!["lab", "drift", "builtin:onboarding"], vec!["--reference", "2026-01"]),
    ] {
        let rows = run(folder, &[&of_rows[..], &data, &more].concat());
        let view = [&of_counts[..], &["--view", view], &more].concat();
        let counts = run(folder, &[&view[..], &["--output", "json"]].concat());
        let (rows, counts) = (without_places(json(&rows)), without_places(json(&counts)));
        assert!(rows["policy"].is_object() && rows == counts, "{view:?}: {rows}\n{counts}");
        let shown = run(folder, &view);
        assert!(shown.status.success() && !text(&shown).contains("rows.jsonl"), "{}", text(&shown));
    }
    let to_page = ["--view", "report", "--to", "page.html", "--target", "1/20", "--output", "json"];
    let targets = &json(&run(folder, &[&of_counts[..], &to_page].concat()))["calibration"]["targets"];
    assert_eq!((targets.as_array().unwrap().len(), &targets[0]["target"]), (1, &json!("1/20")));
    let over = run(folder, &[&of_counts[..], &["--view", "report", "--to", "counts.jsonl"]].concat());
    assert!(over.status.code() == Some(2) && text(&over).contains("is not written over"), "{}", text(&over));
    assert!(fs::read_to_string(folder.join("page.html")).unwrap().contains("<svg"));
    fs::create_dir(folder.join("counted")).unwrap();
    fs::copy(folder.join("counts.jsonl"), folder.join("counted/counts.jsonl")).unwrap();
    let finish =
        ["lab", "finish", "counted", "--policy", "builtin:onboarding", "--candidate", "builtin:vendor"];
    let among = run(folder, &[&finish[..], &["--view", "report", "--to", "counted/page.json"]].concat());
    assert!(
        among.status.code() == Some(2) && text(&among).contains("is in a data folder"),
        "{}",
        text(&among)
    );
    let shown = text(&run(folder, &[&of_counts[..], &["--view", "replay"]].concat()));
    assert!(shown.contains("900 rows") && shown.contains("without examples, places"), "{shown}");
}

#[test]
fn refuses_counts_of_another_policy_and_names_it() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    count(folder);
    fs::write(folder.join("reply.toml"), "format = 1\nshape = \"reply\"\n").unwrap();
    fs::write(folder.join("path.toml"), "format = 1\ntime = \"a.b\"\n").unwrap();
    let finish = ["lab", "finish", "counts.jsonl", "--view", "replay", "--policy"];
    let sql = ["lab", "sql", "builtin:onboarding", "--dialect"];
    for (args, code, part) in [
        ([&finish[..], &["builtin:vendor"]].concat(), 2, "counts.jsonl:1: is of another policy: of sha256:"),
        ([&finish[..], &["builtin:onboarding"]].concat(), 2, "is of another candidate"),
        ([&sql[..], &["duckdb", "--mapping", "reply.toml"]].concat(), 2, "shape = \"flat\""),
        ([&sql[..], &["duckdb", "--mapping", "path.toml"]].concat(), 2, "`a.b` is a path"),
        ([&sql[..], &["oracle", "--mapping", "mapping.toml"]].concat(), 2, "invalid value '(not shown)'"),
        ([&sql[..], &["duckdb"]].concat(), 2, "--mapping"),
        ([&sql[..], &["duckdb", "--mapping", "none.toml"]].concat(), 2, "cannot read none.toml"),
    ] {
        let output = run(folder, &args);
        assert_eq!(output.status.code(), Some(code), "{args:?}: {}", text(&output));
        assert!(text(&output).contains(part), "{part}: {}", text(&output));
    }
    let counts = fs::read_to_string(folder.join("counts.jsonl")).unwrap();
    let cut: Vec<&str> = counts.lines().filter(|line| !line.contains("\"days\"")).collect();
    fs::write(folder.join("counts.jsonl"), cut.join("\n")).unwrap();
    let whole = [&finish[..], &["builtin:onboarding", "--candidate", "builtin:vendor"]].concat();
    let output = run(folder, &whole);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output).contains("do not add up"), "{}", text(&output));
}

#[test]
fn every_view_lists_the_allowed_failing_examples() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    count(folder);
    let policy =
        cloudauth::policy::builtin::ONBOARDING.replace("value = 75.0, far = \"1/10000\"", "value = 76.5");
    fs::write(folder.join("p.toml"), policy).unwrap();
    let sql =
        ["lab", "sql", "builtin:vendor", "--candidate", "p.toml", "--dialect", "sqlite", "--table", "log"];
    let sql = [&sql[..], &["--mapping", "mapping.toml"]].concat();
    let report = [
        "lab",
        "report",
        "builtin:vendor",
        "rows.jsonl",
        "--candidate",
        "p.toml",
        "--mapping",
        "mapping.toml",
    ];
    let allow = ["--allow-failing-examples"];
    for args in [&sql[..], &report] {
        let output = run(folder, args);
        assert!(
            output.status.code() == Some(1) && text(&output).contains("policy check failed"),
            "{}",
            text(&output)
        );
        let output = run(folder, &[args, &allow].concat());
        assert!(output.status.success(), "{}", text(&output));
        assert!(text(&output).contains("failing example, allowed: p.toml:"), "{}", text(&output));
        let document = json(&run(folder, &[args, &allow, &["--output", "json"]].concat()));
        assert_eq!(document["failing_examples"][0]["policy"], "p.toml", "{document}");
    }
    // Only the query is on standard output.
    let output = run(folder, &[&sql[..], &allow].concat());
    assert!(
        output.stdout.starts_with(b"WITH") && !String::from_utf8_lossy(&output.stdout).contains("failing")
    );
    let page = fs::read_to_string(folder.join("report.html")).unwrap();
    assert!(
        page.contains("Failing examples, allowed to explore: <b>") && page.contains("got review (rule"),
        "{page:.3000}"
    );

    let query = String::from_utf8(output.stdout).unwrap();
    let counts = counted(&stored(folder), &query);
    fs::write(folder.join("allowed.jsonl"), counts).unwrap();
    let finish =
        ["lab", "finish", "allowed.jsonl", "--policy", "builtin:vendor", "--candidate", "p.toml", "--view"];
    for view in ["replay", "compare", "calibrate", "drift", "report"] {
        let args = [&finish[..], &[view]].concat();
        assert_eq!(run(folder, &args).status.code(), Some(1), "{view}");
        let output = run(folder, &[&args[..], &allow].concat());
        assert!(output.status.success(), "{view}: {}", text(&output));
        assert!(text(&output).contains("failing example, allowed: p.toml:"), "{view}: {}", text(&output));
        let document = json(&run(folder, &[&args[..], &allow, &["--output", "json"]].concat()));
        assert_eq!(document["failing_examples"][0]["policy"], "p.toml", "{view}: {document}");
    }
}
