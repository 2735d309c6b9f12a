//! Counts from SQLite and a run over the same rows give the same results; invalid counts are refused by name.

use std::fs;
use std::path::{Path, PathBuf};

use cloudauth_lab::{Drift, Lab, Mapping, Replay, Shape, Source};
use cloudauth_policy::{Dialect, Policy, builtin};
use rusqlite::types::Value as Stored;
use rusqlite::{Connection, params_from_iter};
use serde_json::Value;

use crate::history::{self, Case, Dice, Kind, cases, difference};
use crate::sqlite::write_counts;

/// Rows in a table and, as JSON Lines, in a file. SQLite has no NaN and stores it as NULL, and so does the file.
fn stored(case: &Case, count: usize, folder: &Path) -> (Connection, PathBuf) {
    let database = Connection::open_in_memory().unwrap();
    let quoted = |name: &str| format!("\"{}\"", name.replace('"', "\"\""));
    // Columns with careless type declarations.
    let columns = case.columns.iter().map(|(name, kind)| {
        quoted(name) + if matches!(kind, Kind::Double | Kind::Float) { "" } else { " COLLATE NOCASE" }
    });
    let columns = columns.collect::<Vec<_>>().join(", ");
    database.execute_batch(&format!("CREATE TABLE verifications ({columns}); BEGIN")).unwrap();
    let places = vec!["?"; case.columns.len()].join(", ");
    let mut insert = database.prepare(&format!("INSERT INTO verifications VALUES ({places})")).unwrap();
    let (mut dice, mut lines) = (Dice(5), String::new());
    for number in 0..count {
        let mut row = case.row(&mut dice, number);
        for value in &mut row {
            if value == "NaN" {
                *value = Value::Null;
            }
        }
        lines += &case.line(&row);
        let values = row.into_iter().zip(&case.columns).map(|(value, (_, kind))| match value {
            Value::Number(number) => Stored::Real(number.as_f64().unwrap()),
            Value::String(text) if matches!(kind, Kind::Double | Kind::Float) => {
                Stored::Real(text.parse().unwrap())
            }
            Value::String(text) => Stored::Text(text),
            _ => Stored::Null,
        });
        insert.execute(params_from_iter(values)).unwrap();
    }
    drop(insert);
    database.execute_batch("COMMIT").unwrap();
    let file = folder.join(format!("{}.jsonl", case.name));
    fs::write(&file, lines).unwrap();
    (database, file)
}

#[test]
fn counts_of_sqlite_equal_those_of_a_run() {
    let folder = tempfile::tempdir().unwrap();
    for case in cases() {
        let (database, rows) = stored(&case, 3000, folder.path());
        let sql = case.lab().sql(Dialect::Sqlite, "verifications").unwrap();
        let counts = write_counts(&database, &sql, &folder.path().join(format!("{}.csv", case.name)));
        let (finished, ran) = (case.finished(counts, true), case.ran(&rows, true));
        assert_eq!(difference(&finished, &ran), None, "{}", case.name);
        assert_eq!(ran["replay"]["rows"], 3000);
        assert_eq!(ran["compare"].is_null(), case.candidate.is_none());
        let has_time = case.name != "bare";
        assert_eq!(ran["drift"].is_object(), has_time, "{}", case.name);
        if case.name == "all" {
            let notes = ran["replay"]["issues"].to_string();
            for part in [
                "SubCode in `passed`",
                "label that",
                "genuine and an attack",
                "invalid time",
                "malformed `verify_score`",
            ] {
                assert!(notes.contains(part), "{part}: {notes}");
            }
            assert!(ran["calibration"]["attacks"].is_object());
            assert!(ran["compare"]["fraud_approved"].is_object());
        }
    }
}

/// With a copy of the layers in each part, SQLite's program would have up to 745,000 instructions.
#[test]
fn sqlite_does_not_copy_the_layers_into_each_part() {
    for case in cases() {
        let sql = case.lab().sql(Dialect::Sqlite, "verifications").unwrap();
        let database = Connection::open_in_memory().unwrap();
        let columns = case.columns.iter().map(|(name, _)| format!("\"{}\"", name.replace('"', "\"\"")));
        let columns = columns.collect::<Vec<_>>().join(", ");
        database.execute_batch(&format!("CREATE TABLE verifications ({columns})")).unwrap();
        let mut program = database.prepare(&format!("EXPLAIN {sql}")).unwrap();
        let instructions = program.query_map([], |_| Ok(())).unwrap().count();
        assert!(instructions < 80_000, "{}: {instructions}", case.name);
    }
}

#[test]
fn an_empty_table_is_not_a_missing_table() {
    let folder = tempfile::tempdir().unwrap();
    for case in cases() {
        let (database, rows) = stored(&case, 0, folder.path());
        let sql = case.lab().sql(Dialect::Sqlite, "verifications").unwrap();
        let counts = write_counts(&database, &sql, &folder.path().join("empty.csv"));
        assert_eq!(difference(&case.finished(counts, true), &case.ran(&rows, true)), None, "{}", case.name);
    }
}

/// Each guard in the SQL is necessary: without it, the counts differ.
#[test]
fn every_guard_of_the_query_changes_the_counts() {
    let folder = tempfile::tempdir().unwrap();
    let case = cases().remove(0);
    let (database, rows) = stored(&case, 3000, folder.path());
    let sql = case.lab().sql(Dialect::Sqlite, "verifications").unwrap();
    let ran = case.ran(&rows, true);
    for (number, (guard, without)) in [
        // The two edges around the guess.
        (
            "WHEN guessed.score >= (guessed.guess + CAST(1 AS REAL))",
            "WHEN 1 = 0 AND guessed.score >= (guessed.guess + CAST(1 AS REAL))",
        ),
        ("WHEN guessed.score < guessed.guess", "WHEN 1 = 0 AND guessed.score < guessed.guess"),
        ("NOT IN ('', 'null')", "NOT IN ('')"),
        ("'[Tt ]2[0-3]:[0-5][0-9]'", "'[Tt ]2[0-9]:[0-5][0-9]'"),
        (">= '1901'", ">= '1900'"),
        ("THEN 1 ELSE -1 END *", "THEN -1 ELSE 1 END *"),
        ("+ 480", "+ 0"),
        ("946684800000", "946684799000"),
        ("'00' AND ", "'00' OR "),
        ("COLLATE BINARY", "COLLATE NOCASE"),
        ("ELSE '(no code)'", "ELSE '(missing)'"),
        ("THEN cloudauth_lab_raw.raw_passed ELSE", "THEN '' ELSE"),
    ]
    .into_iter()
    .enumerate()
    {
        assert!(sql.contains(guard), "{guard}: {sql}");
        let file = folder.path().join(format!("{number}.csv"));
        let counted = write_counts(&database, &sql.replace(guard, without), &file);
        let finished = case.lab().finish(&Source::find(&[counted]).unwrap());
        let is_other =
            finished.map_or(true, |tally| difference(&history::told(&tally, true), &ran).is_some());
        assert!(is_other, "nothing notices that `{guard}` is missing");
    }
}

/// A file of counts, for the worked policy and the vendor's.
fn counted(folder: &Path) -> (Case, String) {
    let case = cases().remove(0);
    let (database, _) = stored(&case, 500, folder);
    let sql = case.lab().sql(Dialect::Sqlite, "verifications").unwrap();
    let counts = write_counts(&database, &sql, &folder.join("counts.csv"));
    let text = fs::read_to_string(counts).unwrap();
    (case, text)
}

#[test]
fn reads_counts_in_any_order_and_as_json() {
    let folder = tempfile::tempdir().unwrap();
    let (case, text) = counted(folder.path());
    let whole = case.finished(folder.path().join("counts.csv"), true);
    let mut csv = csv::Reader::from_reader(text.as_bytes());
    let names: Vec<String> = csv.headers().unwrap().iter().map(str::to_uppercase).collect();
    let mut lines: Vec<String> = csv
        .records()
        .map(|record| {
            let record = record.unwrap();
            let member = |(name, field): (&String, &str)| {
                let number = field.parse::<i64>().ok().filter(|_| name != "ROW_COUNT" && name != "VALUE");
                (name.clone(), number.map_or_else(|| Value::from(field), Value::from))
            };
            Value::Object(names.iter().zip(&record).map(member).collect()).to_string()
        })
        .collect();
    lines.reverse();
    let file = folder.path().join("counts.jsonl");
    fs::write(&file, lines.join("\n")).unwrap();
    assert_eq!(difference(&case.finished(file.clone(), true), &whole), None);
    // Two tables without a common row.
    let (database, _) = stored(&case, 300, folder.path());
    let sql = case.lab().sql(Dialect::Sqlite, "verifications").unwrap();
    let other = write_counts(&database, &sql, &folder.path().join("other.csv"));
    let both = Source::find(&[file.clone(), other]).unwrap();
    assert_eq!(Replay::of(&case.lab().finish(&both).unwrap()).rows, 800);
}

#[test]
fn a_count_with_a_member_twice_is_refused_with_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let (case, _) = counted(folder.path());
    let file = folder.path().join("counts.jsonl");
    for twice in [r#""row_count":1,"row_count":2"#, r#""row_count":1,"Row_Count":2"#] {
        let line = r#"{"part":"a","policy":"","candidate":"","rule":0,"candidate_rule":0,"verdict":"","candidate_verdict":"","label":"","name":"","value":"","hundredth":0,"#;
        fs::write(&file, format!("{line}{twice}}}\n")).unwrap();
        let error =
            case.lab().finish(&Source::find(std::slice::from_ref(&file)).unwrap()).unwrap_err().to_string();
        assert!(error.contains("counts.jsonl:1: has `row_count` twice"), "{error}");
    }
}

#[test]
fn same_counts_under_two_names_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (case, text) = counted(folder.path());
    let mut csv = csv::Reader::from_reader(text.as_bytes());
    let mut records: Vec<csv::StringRecord> = csv.records().map(Result::unwrap).collect();
    records.reverse();
    let copy = folder.path().join("copy.csv");
    let mut to = csv::Writer::from_path(&copy).unwrap();
    to.write_record(csv.headers().unwrap()).unwrap();
    records.iter().for_each(|record| to.write_record(record).unwrap());
    to.flush().unwrap();
    let twice = Source::find(&[folder.path().join("counts.csv"), copy]).unwrap();
    let error = case.lab().finish(&twice).unwrap_err().to_string();
    assert!(error.contains("copy.csv holds the same counts as") && error.contains("counts.csv"), "{error}");
    // Two empty tables have the same counts, and add nothing.
    let (database, _) = stored(&case, 0, folder.path());
    let sql = case.lab().sql(Dialect::Sqlite, "verifications").unwrap();
    let empty = ["a.csv", "b.csv"].map(|name| write_counts(&database, &sql, &folder.path().join(name)));
    assert_eq!(Replay::of(&case.lab().finish(&Source::find(&empty).unwrap()).unwrap()).rows, 0);
}

/// DuckDB's `SUM` returns a HUGEINT, which pandas reads as a float.
#[test]
fn counts_written_as_doubles_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let (case, text) = counted(folder.path());
    let whole = case.finished(folder.path().join("counts.csv"), true);
    let doubles = |suffix: &str| {
        let mut csv = csv::Reader::from_reader(text.as_bytes());
        let names = csv.headers().unwrap().clone();
        let file = folder.path().join("doubles.csv");
        let mut to = csv::Writer::from_path(&file).unwrap();
        to.write_record(&names).unwrap();
        for record in csv.records().map(Result::unwrap) {
            let double = |(name, field): (&str, &str)| match name {
                "rule" | "candidate_rule" | "hundredth" | "row_count" => format!("{field}{suffix}"),
                _ => field.to_owned(),
            };
            to.write_record(names.iter().zip(&record).map(double)).unwrap();
        }
        to.flush().unwrap();
        file
    };
    assert_eq!(difference(&case.finished(doubles(".0"), true), &whole), None);
    for suffix in [".5", ".", ".0x", "0000000000000000.0", "e1"] {
        let error = case.lab().finish(&Source::find(&[doubles(suffix)]).unwrap()).unwrap_err().to_string();
        assert!(error.contains("has no integer in `"), "{suffix}: {error}");
    }
}

#[test]
fn more_rows_than_a_double_holds_exactly_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (case, text) = counted(folder.path());
    let times = |factor: u64| {
        let mut csv = csv::Reader::from_reader(text.as_bytes());
        let names = csv.headers().unwrap().clone();
        let file = folder.path().join("times.csv");
        let mut to = csv::Writer::from_path(&file).unwrap();
        to.write_record(&names).unwrap();
        for record in csv.records().map(Result::unwrap) {
            let times = |(name, field): (&str, &str)| match name {
                "row_count" => (field.parse::<u64>().unwrap() * factor).to_string(),
                _ => field.to_owned(),
            };
            to.write_record(names.iter().zip(&record).map(times)).unwrap();
        }
        to.flush().unwrap();
        case.lab().finish(&Source::find(&[file]).unwrap()).map(|tally| Drift::of(&tally, None, None).unwrap())
    };
    let (once, many) = (times(1).unwrap(), times(1 << 36).unwrap());
    let shown = |drift: &Drift| {
        drift.months.iter().map(|month| (month.p10, month.median, month.p90)).collect::<Vec<_>>()
    };
    assert_eq!(shown(&many), shown(&once));
    for factor in [1 << 45, 1 << 50] {
        let error = times(factor).unwrap_err().to_string();
        assert!(error.contains("takes the number of rows over 2^53"), "{error}");
    }
}

#[test]
fn numbers_of_rows_are_counted_as_64_bit_integers() {
    let case = cases().pop().unwrap();
    for dialect in Dialect::ALL {
        let sql = case.lab().sql(dialect, "verifications").unwrap();
        assert!(sql.contains("COUNT(CASE WHEN") && !sql.contains("SUM("), "{dialect:?}");
    }
}

#[test]
fn refuses_counts_that_are_incomplete_or_of_another_run() {
    let folder = tempfile::tempdir().unwrap();
    let (case, text) = counted(folder.path());
    let finish = |lab: &Lab<'_>, text: &str| {
        let file = folder.path().join("wrong.csv");
        fs::write(&file, text).unwrap();
        lab.finish(&Source::find(&[file]).unwrap()).unwrap_err().to_string()
    };
    let without = |part: &str| {
        let mut csv = csv::Reader::from_reader(text.as_bytes());
        let mut to = csv::Writer::from_writer(Vec::new());
        to.write_record(csv.headers().unwrap()).unwrap();
        let mut left_out = 0;
        for record in csv.records().map(Result::unwrap) {
            if record.iter().next() == Some(part) && left_out == 0 {
                left_out += 1;
            } else {
                to.write_record(&record).unwrap();
            }
        }
        assert_eq!(left_out, 1, "{part}");
        String::from_utf8(to.into_inner().unwrap()).unwrap()
    };
    for part in
        ["decisions", "days", "segments", "scores", "months", "attacks", "bona_fide", "others", "notes"]
    {
        let error = finish(&case.lab(), &without(part));
        assert!(error.contains("do not add up"), "{part}: {error}");
    }
    // All lines of a part are missing, as in a truncated export.
    for part in ["days", "attacks", "notes"] {
        let left = |line: &&str| !line.starts_with(part);
        let error = finish(&case.lab(), &text.lines().filter(left).collect::<Vec<_>>().join("\n"));
        assert!(error.contains("do not add up"), "{part}: {error}");
    }
    assert!(finish(&case.lab(), &without("about")).contains("holds no counts, or not all of them"));
    let threshold = Policy::parse(builtin::THRESHOLD).unwrap();
    for (lab, part) in [
        (Lab::new(&threshold).against(&threshold), "is of another policy: of sha256:"),
        (Lab::new(&case.policy).against(&threshold), "is of another candidate: of sha256:"),
        (Lab::new(&case.policy), "but the run uses none"),
    ] {
        let error = finish(&lab, &text);
        assert!(error.contains(part) && error.contains("wrong.csv:2"), "{part}: {error}");
    }
    for (from, to, part) in [
        ("row_count", "rows", "there is no column `row_count`"),
        ("row_count", "row_count,ROW_COUNT", "there are two columns `row_count`"),
        (",genuine,", ",\u{5f20}\u{4e09},", "has an unknown label"),
        ("decisions,", "\u{5f20}\u{4e09},", "has an unknown part"),
        (",approve,", ",let in,", "has an unknown verdict"),
        ("months,", "months", "not CSV with a header"),
        ("sha256:", "\u{5f20}\u{4e09}:", "is of another policy: of something else"),
        (",,4,-1,0", ",,2,-1,0", "has a format other than 4"),
        ("Asia/Shanghai", "\u{5f20}\u{4e09}", "has an unknown time zone"),
    ] {
        assert!(text.contains(from), "{from}");
        let error = finish(&case.lab(), &text.replacen(from, to, 1));
        assert!(error.contains(part) && !error.contains('\u{5f20}'), "{part}: {error}");
    }
}

#[test]
fn counts_at_the_values_of_other_promises_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (mut case, _) = counted(folder.path());
    let counts = Source::find(&[folder.path().join("counts.csv")]).unwrap();
    let promise = "\n[[assert]]\nid = \"low\"\nnever = \"approve\"\nwhen = { verify_score = \"< 60.005\" }\n";
    let changed = Policy::parse(&format!("{}{promise}", builtin::ONBOARDING)).unwrap();
    // It does not include promises.
    assert_eq!(changed.reference().content_hash, case.policy.reference().content_hash);
    case.policy = changed;
    let error = case.lab().finish(&counts).unwrap_err().to_string();
    assert!(error.contains("counts.csv:2: counts scores at other values: a rule or a promise"), "{error}");
}

#[test]
fn numbers_of_notes_out_of_range_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (case, text) = counted(folder.path());
    let about = text.lines().nth(1).unwrap();
    let columns: Vec<&str> = about.split(',').collect();
    for notes in ["-1", "9223372036854775807"] {
        let mut columns = columns.clone();
        columns[3] = notes;
        let file = folder.path().join("wrong.csv");
        fs::write(&file, text.replacen(about, &columns.join(","), 1)).unwrap();
        let error = case.lab().finish(&Source::find(&[file]).unwrap()).unwrap_err().to_string();
        assert!(error.contains("has a number of notes that is out of range"), "{notes}: {error}");
    }
}

#[test]
fn counts_of_two_time_zones_do_not_add_up() {
    let folder = tempfile::tempdir().unwrap();
    let (case, text) = counted(folder.path());
    let files =
        [("a.csv", text.clone()), ("b.csv", text.replace("Asia/Shanghai", "UTC"))].map(|(name, text)| {
            let file = folder.path().join(name);
            fs::write(&file, text).unwrap();
            file
        });
    let error = case.lab().finish(&Source::find(&files).unwrap()).unwrap_err().to_string();
    assert!(error.contains("is of another mapping"), "{error}");
}

#[test]
fn refuses_and_names_what_has_no_exact_form() {
    let policy = Policy::parse(builtin::ONBOARDING).unwrap();
    let refused = |lab: &Lab<'_>, dialect, part: &str| {
        let error = lab.sql(dialect, "verifications").unwrap_err().to_string();
        assert!(error.contains(part), "{part}: {error}");
    };
    refused(&Lab::new(&policy), Dialect::DuckDb, "needs a mapping");
    refused(&Lab::new(&policy).mapping(Mapping::of(Shape::Reply)), Dialect::DuckDb, "shape = \"flat\"");
    let with =
        |text: &str| Lab::new(&policy).mapping(Mapping::parse(&format!("format = 1\n{text}")).unwrap());
    refused(&with("time = \"a.b\""), Dialect::DuckDb, "`a.b` is a path");
    refused(&with("time = \"a b\""), Dialect::MaxCompute, "\"a b\" cannot be used in maxcompute");
    refused(
        &with("[label]\ncolumn = \"l\"\ngenuine = [\"it's\"]"),
        Dialect::Spark,
        "\"it's\" cannot be used",
    );
    let rooted = "[[rule]]\nid = \"rooted\"\nwhen = { device_risk = [\"root\", \"unknown\"] }\nthen = { decision = \"reject\", reason = \"rooted\" }\n\n[[rule]]\n";
    let text = builtin::THRESHOLD.replacen("[[rule]]\n", rooted, 1).replacen(
        "[inputs]\n",
        "[inputs]\ndevice_risk = { type = \"labels\", values = [\"root\"] }\n",
        1,
    );
    let policy = Policy::parse(&text).unwrap();
    let lab = Lab::new(&policy).mapping(Mapping::parse("format = 1").unwrap());
    refused(&lab, Dialect::DuckDb, "looks at `device_risk`");
}

/// A value that is not a number is not a score in SQLite either, and is reported.
#[test]
fn reports_texts_in_a_score_column_of_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let case = cases().pop().unwrap();
    let (database, _) = stored(&case, 0, folder.path());
    database
        .execute_batch("INSERT INTO verifications VALUES ('200', 'T', 'F', '99'), ('200', 'T', 'F', ''), ('200', 'T', 'F', NULL), ('200', 'T', 'F', 99), (200, 'T', 'F', x'00')")
        .unwrap();
    let sql = case.lab().sql(Dialect::Sqlite, "verifications").unwrap();
    let counts = write_counts(&database, &sql, &folder.path().join("texts.csv"));
    let told = case.finished(counts, true);
    assert_eq!(told["replay"]["verdicts"]["approve"]["all"], 1, "{told}");
    let notes = told["replay"]["issues"].to_string();
    assert!(notes.contains(r#"has a malformed `verify_score`; taken as invalid or unknown"#), "{notes}");
}

/// A month takes a quarter of a megabyte, and a file can name every month of ten thousand years.
#[test]
fn refuses_counts_over_the_limits_and_names_the_line() {
    let folder = tempfile::tempdir().unwrap();
    let (case, text) = counted(folder.path());
    let add = |line: &dyn Fn(usize) -> String| {
        let file = folder.path().join("large.csv");
        fs::write(&file, text.clone() + &(0..20_000).map(line).collect::<String>()).unwrap();
        case.lab().finish(&Source::find(&[file]).unwrap()).unwrap_err().to_string()
    };
    let month = |number: usize| {
        format!("months,,,-1,-1,,,,verify_score,{:04}-{:02},-1,0\n", 1 + number / 12, 1 + number % 12)
    };
    let day = |number: usize| {
        let (year, month, day) = (1 + number / 336, 1 + number / 28 % 12, 1 + number % 28);
        format!("days,,,-1,-1,reject,reject,genuine,,{year:04}-{month:02}-{day:02},-1,0\n")
    };
    let code = |number: usize| format!("decisions,,,0,0,,,genuine,,c{number},-1,0\n");
    let long = |_: usize| format!("attacks,,,-1,-1,,,,,{},-1,0\n", "x".repeat(1025));
    let [policy, candidate] =
        [1, 2].map(|column| text.lines().nth(1).unwrap().split(',').nth(column).unwrap());
    let segment = |number: usize| format!("about,{policy},{candidate},{},-1,,,,s,,-1,0\n", number + 16);
    for (error, part) in [
        (add(&month), "the times are in more than 400 months"),
        (add(&day), "the times are in more than 400 months"),
        (add(&code), "has a SubCode that no run counts"),
        (add(&long), "has a value longer than 1 KiB"),
        (add(&segment), "has a segment without its number"),
    ] {
        assert!(error.contains(part) && error.contains("large.csv:"), "{part}: {error}");
    }
}
