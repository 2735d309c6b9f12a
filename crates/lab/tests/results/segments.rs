//! Segments and kinds of attack with too many values are dropped with a data issue, and the run continues. Rows without a
//! value.

mod crossed;

use std::fs;
use std::path::{Path, PathBuf};

use cloudauth_lab::{Calibration, Lab, Mapping, Replay, RunControl, Source, Tally};
use cloudauth_policy::{Dialect, Policy, builtin};
use serde_json::{Value, json};

use crate::sqlite::write_counts;

const MAPPING: &str = r#"format = 1
segments = ["channel", "shop"]
[inputs]
sub_code = "sub_code"
passed = "passed"
face_attack = "face_attack"
face_occlusion = "face_occlusion"
verify_score = "verify_score"
quality_score = "quality_score"
face_attack_score = "face_attack_score"
[label]
column = "label"
attack = "attack"
"#;

/// Rows with this number of channels and kinds of attack, each twice and far apart, and as many rows without them.
fn rows(channels: usize, kinds: usize) -> Vec<[String; 3]> {
    let name = |letter: &str, number: usize, of: usize| {
        if number < of { format!("{letter}{}", spelled(number)) } else { String::new() }
    };
    let row = |number| {
        [name("c", number, channels), name("k", number, kinds), ["a", "(none)", ""][number % 3].to_owned()]
    };
    (0..1100).chain((0..1100).rev()).map(row).collect()
}

/// A number in letters, because digits are masked in kinds of attack.
fn spelled(number: usize) -> String {
    number.to_string().bytes().map(|digit| char::from(digit - b'0' + b'a')).collect()
}

fn written(folder: &Path, rows: &[[String; 3]]) -> PathBuf {
    let line = |[channel, attack, shop]: &[String; 3]| {
        json!({
            "sub_code": "200", "passed": "T", "face_attack": "F", "face_occlusion": "F", "verify_score": 90.0,
            "quality_score": 90.0, "face_attack_score": 0.5, "label": "", "channel": channel, "attack": attack, "shop": shop,
        })
        .to_string()
    };
    let file = folder.join("rows.jsonl");
    fs::write(&file, rows.iter().map(line).collect::<Vec<_>>().join("\n")).unwrap();
    file
}

fn mapped(policy: &Policy) -> Lab<'_> {
    Lab::new(policy).mapping(Mapping::parse(MAPPING).unwrap())
}

fn seen(tally: &Tally) -> Value {
    json!({ "replay": Replay::of(tally), "attacks": Calibration::of(tally, &cloudauth_lab::TARGETS, 1).attacks })
}

/// The counts of the same rows, by SQLite.
fn counted(folder: &Path, policy: &Policy, rows: &[[String; 3]]) -> Tally {
    let database = rusqlite::Connection::open_in_memory().unwrap();
    database
        .execute_batch("CREATE TABLE verifications (sub_code TEXT, passed TEXT, face_attack TEXT, face_occlusion TEXT, verify_score REAL, quality_score REAL, face_attack_score REAL, label TEXT, channel TEXT, attack TEXT, shop TEXT)")
        .unwrap();
    let mut insert = database
        .prepare("INSERT INTO verifications VALUES ('200', 'T', 'F', 'F', 90.0, 90.0, 0.5, '', ?, ?, ?)")
        .unwrap();
    for row in rows {
        insert.execute(rusqlite::params_from_iter(row)).unwrap();
    }
    let sql = mapped(policy).sql(Dialect::Sqlite, "verifications").unwrap();
    let counts = write_counts(&database, &sql, &folder.join("counts.csv"));
    mapped(policy).finish(&Source::find(&[counts]).unwrap()).unwrap()
}

#[test]
fn columns_with_too_many_values_are_dropped_and_the_run_continues() {
    let folder = tempfile::tempdir().unwrap();
    let policy = Policy::parse(builtin::ONBOARDING).unwrap();
    for (channels, kinds) in [(1000, 1000), (1001, 1000), (1000, 1001), (1100, 1100)] {
        let rows = rows(channels, kinds);
        let sources = Source::find(&[written(folder.path(), &rows)]).unwrap();
        let run = |lab: Lab<'_>| lab.run(&sources, &RunControl::default()).unwrap().tally;
        let whole = run(mapped(&policy).threads(1));
        let told = seen(&whole);
        assert_eq!(told["replay"]["rows"], 2200);
        let channel = &told["replay"]["segments"]["channel"];
        let notes = told["replay"]["issues"].to_string();
        let says = notes.contains("is not counted by segment `channel`, which has more than 1000 values");
        assert_eq!((channel.is_null(), says), (channels > 1000, channels > 1000), "{notes}");
        assert!(channels > 1000 || channel.as_object().unwrap().len() == 1001);
        let says = notes.contains("is not counted by kind of attack: there are more than 1000 kinds");
        assert_eq!((told["attacks"].is_null(), says), (kinds > 1000, kinds > 1000), "{notes}");
        assert_eq!(run(mapped(&policy).threads(4)), whole);
        assert_eq!(seen(&counted(folder.path(), &policy, &rows)), told);
        // Stopped after each piece, and resumed.
        let state = folder.path().join(format!("{channels}-{kinds}.json"));
        let resumed = loop {
            let watch = RunControl::default();
            watch.stop_after(1);
            let ran = mapped(&policy).threads(1).resume(state.clone()).run(&sources, &watch).unwrap();
            if ran.complete {
                break ran.tally;
            }
        };
        assert_eq!(resumed, whole);
        let page = cloudauth_lab::Report::of(&whole, &cloudauth_lab::TARGETS)
            .html(cloudauth_lab::Language::En)
            .unwrap();
        assert_eq!(page.contains("is not counted by segment `channel`"), channels > 1000);
    }
}

#[test]
fn a_value_named_like_a_missing_one_is_separate() {
    let folder = tempfile::tempdir().unwrap();
    let policy = Policy::parse(builtin::ONBOARDING).unwrap();
    let rows = rows(10, 10);
    let sources = Source::find(&[written(folder.path(), &rows)]).unwrap();
    let told = seen(&mapped(&policy).run(&sources, &RunControl::default()).unwrap().tally);
    let of = |value: &str| {
        told["replay"]["segments"]["shop"][value]
            .as_object()
            .unwrap()
            .values()
            .map(|rows| rows.as_u64().unwrap())
            .sum::<u64>()
    };
    assert_eq!([of("a"), of("(none)"), of("")], [734, 734, 732]);
    assert_eq!(seen(&counted(folder.path(), &policy, &rows)), told);
}
