//! The file of changed verdicts has the rows on which the decisions of two policies differ.

use std::fs;
use std::path::{Path, PathBuf};

use cloudauth_lab::{Compare, Lab, Mapping, RunControl, RunOutcome, Source};
use cloudauth_policy::{Policy, builtin};
use serde_json::{Value, json};

const MAPPING: &str = "format = 1\nid = \"id\"\n[label]\ncolumn = \"label\"\n";

fn policies() -> [Policy; 2] {
    [builtin::ONBOARDING, builtin::VENDOR].map(|policy| Policy::parse(policy).unwrap())
}

/// Ids have the characters that formats quote. 4,500 rows are about a megabyte, one chunk.
fn rows(rows: u64) -> String {
    let row = |number: u64| {
        json!({
            "id": format!("a,\"{number}"), "sub_code": (["200", "204", "210"][(number % 3) as usize]), "passed": "T",
            "face_attack": "F", "face_occlusion": "F", "verify_score": (50 + number % 50) as f64 + 0.25, "quality_score": 90.0,
            "face_attack_score": 0.01, "label": (["genuine", "impostor", ""][(number / 7 % 3) as usize]),
        })
    };
    (0..rows).map(|number| format!("{}\n", row(number))).collect()
}

fn run(lab: Lab<'_>, data: &Path, control: &RunControl) -> RunOutcome {
    let sources = Source::find(&[data.to_owned()]).unwrap();
    lab.mapping(Mapping::parse(MAPPING).unwrap()).run(&sources, control).unwrap()
}

fn whole(lab: Lab<'_>, data: &Path) -> RunOutcome {
    run(lab, data, &RunControl::default())
}

fn records(file: &Path) -> Vec<csv::StringRecord> {
    csv::Reader::from_path(file).unwrap().records().map(Result::unwrap).collect()
}

/// The changed rows, from the decisions of one run for each policy: the columns of the file, without its first.
fn joined(folder: &Path, data: &Path) -> Vec<Vec<String>> {
    let [a, b] = policies().map(|policy| {
        let file = folder.join("decisions.csv");
        whole(Lab::new(&policy).decisions(file.clone()), data);
        records(&file)
    });
    let labels: Vec<String> = fs::read_to_string(data)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["label"].as_str().unwrap().to_owned())
        .collect();
    let row = |((a, b), label): ((&csv::StringRecord, &csv::StringRecord), &String)| {
        let columns = [&a[1], &a[2], label, &a[3], &b[3], &a[4], &b[4], &a[5], &b[5]];
        (a[3] != b[3]).then(|| columns.map(str::to_owned).to_vec())
    };
    a.iter().zip(&b).zip(&labels).filter_map(row).collect()
}

fn flips(data: &Path, to: PathBuf, threads: usize) -> RunOutcome {
    let [policy, candidate] = &policies();
    whole(Lab::new(policy).against(candidate).threads(threads).flips(to), data)
}

#[test]
fn each_changed_verdict_is_a_row_with_both_rules() {
    let folder = tempfile::tempdir().unwrap();
    let (data, file) = (folder.path().join("rows.jsonl"), folder.path().join("flips.csv"));
    fs::write(&data, rows(1500)).unwrap();
    let expected = joined(folder.path(), &data);
    let compare = Compare::of(&flips(&data, file.clone(), 4).tally).unwrap();
    let header = "file,line,id,label,from,to,from_rule,to_rule,from_reason,to_reason\n";
    let text = fs::read_to_string(&file).unwrap();
    assert!(text.starts_with(header), "{text:.100}");
    let found: Vec<Vec<String>> =
        records(&file).iter().map(|row| row.iter().skip(1).map(str::to_owned).collect()).collect();
    assert!(expected.len() > 100 && compare.changed == expected.len() as u64, "{}", compare.changed);
    assert!(found == expected);
    flips(&data, file.clone(), 1);
    assert!(fs::read_to_string(&file).unwrap() == text, "on one thread");
}

#[test]
fn json_lines_have_the_rows_of_the_csv() {
    let folder = tempfile::tempdir().unwrap();
    let (data, file) = (folder.path().join("rows.jsonl"), folder.path().join("flips.JSONL"));
    fs::write(&data, rows(1500)).unwrap();
    flips(&data, file.clone(), 2);
    let text = fs::read_to_string(&file).unwrap();
    let expected = joined(folder.path(), &data);
    assert_eq!(text.lines().count(), expected.len());
    let names = ["line", "id", "label", "from", "to", "from_rule", "to_rule", "from_reason", "to_reason"];
    for (line, expected) in text.lines().zip(&expected) {
        let row: Value = serde_json::from_str(line).unwrap();
        assert_eq!(row.as_object().unwrap().len(), names.len() + 1, "{line}");
        for (name, expected) in names.iter().zip(expected) {
            let found = match &row[*name] {
                Value::Null => String::new(),
                Value::Number(number) => number.to_string(),
                text => text.as_str().unwrap().to_owned(),
            };
            assert_eq!(&found, expected, "{name}: {line}");
        }
    }
}

#[test]
fn a_stopped_run_resumes_its_flips() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::write(at("rows.jsonl"), rows(12_000)).unwrap();
    flips(&at("rows.jsonl"), at("whole.jsonl"), 1);
    let [policy, candidate] = &policies();
    let lab =
        |file: &str| Lab::new(policy).against(candidate).threads(1).flips(at(file)).resume(at("state.json"));
    let mut stops = 0;
    loop {
        let control = RunControl::default();
        control.stop_after(1);
        if run(lab("flips.jsonl"), &at("rows.jsonl"), &control).complete {
            break;
        }
        stops += 1;
    }
    let read = |file: &str| fs::read_to_string(at(file)).unwrap();
    assert!(stops > 1 && read("flips.jsonl") == read("whole.jsonl"));
    // The format is a part of the run.
    let other = lab("flips.csv").mapping(Mapping::parse(MAPPING).unwrap());
    let sources = Source::find(&[at("rows.jsonl")]).unwrap();
    let error = other.run(&sources, &RunControl::default()).unwrap_err();
    assert!(error.to_string().contains("of another command"), "{error}");
}

/// The same rows in columns, which batches decide.
#[cfg(feature = "parquet")]
#[test]
fn columns_give_the_flips_of_rows() {
    use std::sync::Arc;

    use arrow_array::{ArrayRef, Float64Array, RecordBatch, StringArray};

    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::write(at("rows.jsonl"), rows(1500)).unwrap();
    let rows: Vec<Value> = rows(1500).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let column = |name: &String| {
        let array: ArrayRef = if name.ends_with("score") {
            Arc::new(Float64Array::from_iter(rows.iter().map(|row| row[name].as_f64())))
        } else {
            Arc::new(StringArray::from_iter(rows.iter().map(|row| row[name].as_str())))
        };
        (name.clone(), array, true)
    };
    let columns = rows[0].as_object().unwrap().keys().map(column);
    let batch = RecordBatch::try_from_iter_with_nullable(columns).unwrap();
    let to = fs::File::create(at("rows.parquet")).unwrap();
    let mut writer = parquet::arrow::ArrowWriter::try_new(to, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    flips(&at("rows.jsonl"), at("a.csv"), 1);
    flips(&at("rows.parquet"), at("b.csv"), 1);
    let columns = fs::read_to_string(at("b.csv")).unwrap();
    assert!(columns.replace("rows.parquet", "rows.jsonl") == fs::read_to_string(at("a.csv")).unwrap());
}
