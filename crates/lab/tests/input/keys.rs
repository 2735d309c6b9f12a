//! Values that group or identify rows: an integer has the same text in every format, and a value without a text is an issue.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use cloudauth_lab::{Lab, Mapping, Replay, RunControl, Source, Tally};
use cloudauth_policy::{Dialect, Policy, builtin};
use rusqlite::types::Value as Stored;
use serde_json::{Value, json};

use crate::sqlite::write_counts;

const MAPPING: &str = r#"format = 1
id = "id"
subject = "subject"
segments = ["channel"]
[inputs]
sub_code = "sub_code"
passed = { column = "passed", true = ["1", "0.5"], false = ["0"] }
[label]
column = "label"
genuine = ["1", "0.5"]
impostor = ["0"]
attack = "attack"
"#;

/// Numbers in JSON, and the text of the integer.
const NUMBERS: [(&str, Option<&str>); 13] = [
    ("1001", Some("1001")),
    ("1001.0", Some("1001")),
    ("1001.00", Some("1001")),
    ("0.0", Some("0")),
    ("-5.0", Some("-5")),
    ("999999999999999.0", Some("999999999999999")),
    ("18446744073709551615", Some("18446744073709551615")),
    ("12345678901234567890123", Some("12345678901234567890123")),
    ("1000000000000000.0", None),
    ("1001.5", None),
    ("0.1", None),
    ("1e400", None),
    ("-0.0", None),
];

/// Values without a text.
const OTHERS: [&str; 3] = ["{}", "[]", "[\"a\"]"];

fn policy() -> Policy {
    Policy::parse(builtin::ONBOARDING).unwrap()
}

fn mapped(policy: &Policy) -> Lab<'_> {
    Lab::new(policy).mapping(Mapping::parse(MAPPING).unwrap())
}

fn ran(lab: &Lab<'_>, file: &Path) -> Tally {
    lab.run(&Source::find(&[file.to_owned()]).unwrap(), &RunControl::default()).unwrap().tally
}

fn issues(tally: &Tally) -> BTreeMap<String, u64> {
    let notes = Replay::of(tally).issues;
    notes
        .into_iter()
        .filter(|note| note.message.contains("1 KiB"))
        .map(|note| (note.message, note.rows))
        .collect()
}

/// The number of rows of each segment value.
fn channels(tally: &Tally) -> BTreeMap<String, u64> {
    let told = serde_json::to_value(Replay::of(tally)).unwrap();
    let rows = |verdicts: &Value| verdicts.as_object().unwrap().values().map(|n| n.as_u64().unwrap()).sum();
    let values = told["segments"]["channel"].as_object().unwrap();
    values.iter().map(|(value, verdicts)| (value.clone(), rows(verdicts))).collect()
}

fn jsonl(folder: &Path, members: impl Iterator<Item = String>) -> PathBuf {
    let file = folder.join("rows.jsonl");
    let lines: Vec<String> =
        members.map(|members| format!("{{\"sub_code\":\"200\",\"passed\":1.0,{members}}}")).collect();
    fs::write(&file, lines.join("\n")).unwrap();
    file
}

fn ids(decisions: &Path) -> Vec<String> {
    csv::Reader::from_path(decisions).unwrap().records().map(|record| record.unwrap()[2].to_owned()).collect()
}

#[test]
fn a_number_in_json_is_its_integer_or_an_issue() {
    let folder = tempfile::tempdir().unwrap();
    let policy = policy();
    let all = || NUMBERS.into_iter().chain(OTHERS.map(|other| (other, None)));
    let row = |(value, _): (&str, _)| {
        format!("\"id\":{value},\"subject\":{value},\"channel\":{value},\"label\":1.0,\"attack\":null")
    };
    let file = jsonl(folder.path(), all().map(row));
    let decisions = folder.path().join("decisions.csv");
    let tally = ran(&mapped(&policy).keep_people().decisions(decisions.clone()), &file);
    let texts: Vec<&str> = all().map(|(_, text)| text.unwrap_or_default()).collect();
    assert_eq!(ids(&decisions), texts);
    let mut counts = BTreeMap::new();
    texts.iter().for_each(|text| *counts.entry((*text).to_owned()).or_default() += 1);
    // What may be an ID number is masked where it is printed, and stays apart.
    let masks = ["[digits]", "[digits] (2)", "[digits] (3)"];
    let long: Vec<String> = counts.keys().filter(|text| text.len() > 7).cloned().collect();
    for (text, mask) in long.iter().zip(masks) {
        let rows = counts.remove(text).unwrap();
        counts.insert(mask.to_owned(), rows);
    }
    assert_eq!(channels(&tally), counts);
    assert_eq!(Vec::from_iter(issues(&tally).into_values()), [8, 8, 8]);
    let told = serde_json::to_value(&tally).unwrap();
    let people: Vec<&Value> = told["kept"].as_array().unwrap().iter().map(|kept| &kept["subject"]).collect();
    // Rows without a subject are left out. 1001 appears three times.
    assert_eq!(people.len(), 8);
    assert_eq!(people.iter().collect::<std::collections::HashSet<_>>().len(), 6);
    let places = Replay::of(&tally)
        .issues
        .into_iter()
        .find(|note| note.message.contains("subject"))
        .unwrap()
        .locations;
    assert_eq!(places[0].line, 9);
}

#[test]
fn a_kind_of_attack_without_a_text_is_neither_genuine_nor_an_attack() {
    let folder = tempfile::tempdir().unwrap();
    let policy = policy();
    let kinds = ["null", "2.0", "2.5", "{}"];
    let row = |(label, kind): (&str, &str)| format!("\"channel\":\"a\",\"label\":{label},\"attack\":{kind}");
    let all = ["1.0", "0.0", "null"].into_iter().flat_map(|label| kinds.map(|kind| (label, kind)));
    let tally = ran(&mapped(&policy), &jsonl(folder.path(), all.map(row)));
    let verdicts = serde_json::to_value(Replay::of(&tally)).unwrap()["verdicts"].clone();
    let of = |label: &str| {
        verdicts.as_object().unwrap().values().map(|rows| rows[label].as_u64().unwrap()).sum::<u64>()
    };
    assert_eq!([of("genuine"), of("impostor"), of("all")], [1, 3, 12], "{verdicts}");
    assert_eq!(issues(&tally).into_iter().next().unwrap(), (
        "has a kind of attack that is not a string or an integer, or is longer than 1 KiB; taken as unlabelled".to_owned(),
        6
    ));
}

#[test]
fn a_text_is_kept_unchanged() {
    let folder = tempfile::tempdir().unwrap();
    let policy = policy();
    let texts = ["1001.0", "2.0", "1.5", "-0", "1e3", "a"];
    let row = |text: &str| format!("\"id\":\"{text}\",\"channel\":\"{text}\"");
    let json = jsonl(folder.path(), texts.into_iter().map(row));
    let csv = folder.path().join("rows.csv");
    let lines: String = texts.map(|text| format!("200,1,{text},{text},s,1,\n")).concat();
    fs::write(&csv, format!("sub_code,passed,id,channel,subject,label,attack\n{lines}")).unwrap();
    for file in [json, csv] {
        let decisions = folder.path().join("decisions.csv");
        let tally = ran(&mapped(&policy).decisions(decisions.clone()), &file);
        assert_eq!(ids(&decisions), texts);
        assert_eq!(channels(&tally), texts.map(|text| (text.to_owned(), 1)).into());
        assert!(issues(&tally).is_empty());
    }
}

#[test]
fn a_long_text_is_an_issue() {
    let folder = tempfile::tempdir().unwrap();
    let policy = policy();
    let texts = [1024, 1025, 1 << 20].map(|length| "\u{5f20}".repeat(length / 3) + &"x".repeat(length % 3));
    let row = |text: &String| {
        format!(
            "\"id\":\"{text}\",\"subject\":\"{text}\",\"channel\":\"{text}\",\"label\":1,\"attack\":\"{text}\""
        )
    };
    let json = jsonl(folder.path(), texts.iter().map(row));
    let csv = folder.path().join("rows.csv");
    let lines: String = texts.iter().map(|text| format!("200,1,{text},{text},{text},1,{text}\n")).collect();
    fs::write(&csv, format!("sub_code,passed,id,channel,subject,label,attack\n{lines}")).unwrap();
    // Bytes that are not UTF-8.
    let broken = folder.path().join("broken.csv");
    fs::write(&broken, b"sub_code,passed,id,channel,subject,label,attack\n200,1,\xff,\xff,\xff,1,\xff\n")
        .unwrap();
    let lab = mapped(&policy).keep_people();
    for (file, bad) in [(json, 2), (csv, 2), (broken, 1)] {
        let tally = ran(&lab.clone().decisions(folder.path().join("decisions.csv")), &file);
        assert_eq!(Vec::from_iter(issues(&tally).into_values()), [bad; 4]);
        assert!(serde_json::to_string(&tally).unwrap().len() < 60_000);
        assert_eq!(channels(&tally)[""], bad);
    }
}

/// Spark prints `-0.0`, which equals 0 and has no fraction.
#[test]
fn a_negative_zero_is_no_key_in_spark() {
    let policy = policy();
    let sql = mapped(&policy).sql(Dialect::Spark, "rows").unwrap();
    let guarded = sql.matches(" % 1 = 0 AND CAST(").count();
    assert!(guarded > 0);
    assert_eq!([" % 1 = 0", " NOT LIKE '-0%'"].map(|part| sql.matches(part).count()), [guarded; 2]);
}

/// Each row in a table of SQLite, and as a line of JSON.
#[test]
fn sqlite_reads_keys_as_the_lab_does() {
    let folder = tempfile::tempdir().unwrap();
    let policy = policy();
    // SQLite does not distinguish -0.0 from 0.0.
    let numbers = NUMBERS.into_iter().filter(|(value, _)| *value != "-0.0" && value.len() < 20);
    let mut values: Vec<Value> =
        numbers.map(|(value, _)| serde_json::from_str(value).unwrap_or(json!(1e300))).collect();
    values.extend([
        json!(null),
        json!(""),
        json!("1001.0"),
        json!("x".repeat(1025)),
        json!("\u{5f20}".repeat(342)),
    ]);
    let database = rusqlite::Connection::open_in_memory().unwrap();
    database.execute_batch("CREATE TABLE rows (sub_code, passed, channel, label, attack)").unwrap();
    let stored = |value: &Value| match value {
        Value::Number(number) => number.as_i64().map_or_else(|| Stored::from(number.as_f64()), Stored::from),
        Value::String(text) => Stored::from(text.clone()),
        _ => Stored::Null,
    };
    let mut lines = String::new();
    let labels = [json!(1.0), json!(0.0), json!(0.5), json!(null)];
    let passed = [json!(1.0), json!(0), json!(0.5), json!(206.0), json!("1.0")];
    for (number, value) in (0..).zip(&values) {
        let (label, other) = (&labels[number % 4], &values[number * 7 % values.len()]);
        let row = [&json!(null), &passed[number % 5], value, label, other];
        database.execute("INSERT INTO rows VALUES (?, ?, ?, ?, ?)", row.map(stored)).unwrap();
        let [sub_code, passed, channel, label, attack] = row;
        lines += &json!({"id": "a", "subject": "a", "sub_code": sub_code, "passed": passed, "channel": channel, "label": label, "attack": attack}).to_string();
        lines += "\n";
    }
    let file = folder.path().join("rows.jsonl");
    fs::write(&file, lines).unwrap();
    let sql = mapped(&policy).sql(Dialect::Sqlite, "rows").unwrap();
    let counts = write_counts(&database, &sql, &folder.path().join("counts.csv"));
    let told = |tally: &Tally| {
        let mut told = json!({"replay": Replay::of(tally), "attacks": cloudauth_lab::Calibration::of(tally, &cloudauth_lab::TARGETS, 1).attacks});
        let notes = told["replay"]["issues"].as_array_mut().unwrap();
        notes.iter_mut().for_each(|note| drop(note.as_object_mut().unwrap().remove("locations")));
        told
    };
    let finished = mapped(&policy).finish(&Source::find(&[counts]).unwrap()).unwrap();
    assert_eq!(told(&finished), told(&ran(&mapped(&policy), &file)));
    assert_eq!(issues(&finished).len(), 2, "{:?}", issues(&finished));
}

#[cfg(feature = "parquet")]
mod columns {
    use std::sync::Arc;

    use arrow_array::*;
    use parquet::arrow::ArrowWriter;

    use super::*;

    /// Rows with one column as id, subject, segment and kind of attack.
    fn written(folder: &Path, keys: ArrayRef) -> PathBuf {
        let rows = keys.len();
        let texts = |text: &str| Arc::new(StringArray::from(vec![text; rows])) as ArrayRef;
        let ones = Arc::new(Float64Array::from(vec![1.0; rows])) as ArrayRef;
        let columns = [("sub_code", texts("200")), ("passed", ones.clone()), ("label", ones)];
        let keys = ["id", "subject", "channel", "attack"].map(|name| (name, keys.clone()));
        let all = columns.into_iter().chain(keys).map(|(name, array)| (name, array, true));
        let batch = RecordBatch::try_from_iter_with_nullable(all).unwrap();
        let file = folder.join("keys.parquet");
        let mut writer =
            ArrowWriter::try_new(fs::File::create(&file).unwrap(), batch.schema(), None).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
        file
    }

    #[test]
    fn a_column_of_numbers_reads_as_in_json() {
        let folder = tempfile::tempdir().unwrap();
        let (policy, vendor) = (policy(), Policy::parse(builtin::VENDOR).unwrap());
        let doubles = [
            Some(1001.0),
            Some(0.0),
            Some(-5.0),
            None,
            Some(1001.5),
            Some(1e15),
            Some(f64::NAN),
            Some(f64::INFINITY),
            Some(-0.0),
        ];
        let decimals =
            [Some(100_100), Some(0), Some(-500), None, Some(100_150), Some(1), Some(2), Some(-1), Some(3)];
        let decimal =
            |scale| Decimal128Array::from(decimals.to_vec()).with_precision_and_scale(30, scale).unwrap();
        let wide = |value: Option<i128>| value.map(arrow_buffer::i256::from_i128);
        let wide =
            Decimal256Array::from(decimals.map(wide).to_vec()).with_precision_and_scale(60, 2).unwrap();
        let long = "x".repeat(1025);
        let texts = [Some("1001"), Some("0"), Some("-5"), None].into_iter().chain([Some(long.as_str()); 5]);
        let arrays: [ArrayRef; 5] = [
            Arc::new(Float64Array::from(doubles.to_vec())),
            Arc::new(Float32Array::from(doubles.map(|value| value.map(|value| value as f32)).to_vec())),
            Arc::new(decimal(2)),
            Arc::new(wide),
            Arc::new(StringArray::from_iter(texts)),
        ];
        let expected = ["1001", "0", "-5", "", "", "", "", "", ""];
        for array in arrays {
            let kind = array.data_type().to_string();
            let file = written(folder.path(), array);
            let decisions = folder.path().join("decisions.csv");
            let by_row = ran(&mapped(&policy).keep_people().decisions(decisions.clone()), &file);
            assert_eq!(ids(&decisions), expected, "{kind}");
            assert_eq!(Vec::from_iter(issues(&by_row).into_values()), [5; 4], "{kind}");
            assert_eq!(serde_json::to_value(&by_row).unwrap()["kept"].as_array().unwrap().len(), 0, "{kind}");
            // In columns.
            for (lab, reads_ids) in [(mapped(&policy), false), (mapped(&policy).against(&vendor), true)] {
                let by_column = ran(&lab, &file);
                let by_row = ran(&lab.decisions(decisions.clone()), &file);
                assert_eq!(channels(&by_column), channels(&by_row), "{kind}");
                let mut issues_by_row = issues(&by_row);
                issues_by_row.retain(|what, _| reads_ids || !what.contains("an id"));
                assert_eq!(issues(&by_column), issues_by_row, "{kind}");
            }
        }
    }

    #[test]
    fn an_integer_decimal_of_any_width_is_its_text() {
        let folder = tempfile::tempdir().unwrap();
        let policy = policy();
        let decimals = Decimal128Array::from(vec![12_345_678_901_234_567_890_123, 7])
            .with_precision_and_scale(38, 0)
            .unwrap();
        let tally = ran(&mapped(&policy), &written(folder.path(), Arc::new(decimals)));
        assert_eq!(channels(&tally), [("[digits]".to_owned(), 1), ("7".to_owned(), 1)].into());
    }
}
