//! The same rows as JSON Lines and as Parquet give the same tally, row by row or in columns, for every kind of value.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::*;
use cloudauth_lab::{Lab, Mapping, RunControl, Source, Tally};
use cloudauth_policy::{Policy, builtin};
use parquet::arrow::ArrowWriter;
use parquet::file::properties::WriterProperties;
use proptest::prelude::*;
use serde_json::{Map, Value as Json, json};

pub(crate) const TEXTS: [&str; 9] =
    ["sub_code", "passed", "face_attack", "face_occlusion", "label", "attack", "time", "channel", "subject"];
pub(crate) const SCORES: [&str; 3] = ["verify_score", "quality_score", "face_attack_score"];

pub(crate) type Rows = Vec<([Option<&'static str>; 9], [Option<f64>; 3])>;

fn text(
    usual: &'static [&'static str],
    odd: &'static [&'static str],
) -> impl Strategy<Value = Option<&'static str>> {
    prop_oneof![
        12 => prop::sample::select(usual).prop_map(Some),
        1 => Just(None),
        1 => prop::sample::select(odd).prop_map(Some),
    ]
}

fn score(factor: f64) -> impl Strategy<Value = Option<f64>> {
    let odd = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.0, -1.0, 100.000_001, 1e300, 5e-324];
    prop_oneof![
        12 => (0_u32..10_001).prop_map(move |score| Some(f64::from(score) / 100.0 * factor)),
        2 => Just(None),
        1 => prop::sample::select(odd.to_vec()).prop_map(Some),
    ]
}

pub(crate) fn rows() -> impl Strategy<Value = Rows> {
    let odd: &[&str] =
        &["", "null", "张三", "true", "T ", "75", "200", "NaN", "-1", " ", "200.0", "200 ", "2e2", "206"];
    let texts = (
        text(&["200", "201", "204", "205", "210"], odd),
        text(&["T", "F"], odd),
        text(&["F", "T"], odd),
        text(&["F"], odd),
        text(&["genuine", "impostor"], odd),
        prop_oneof![8 => Just(None), 1 => text(&["mask", "replay"], odd)],
        text(&["2026-01-31T08:00:00+08:00", "2026-02-01", "1767225600", "2025-12-31T23:59:60Z"], odd),
        text(&["app", "web"], odd),
        text(&["s1", "s2", "s3"], odd),
    );
    let row = (texts, [score(1.0), score(1.0), score(0.01)])
        .prop_map(|((a, b, c, d, e, f, g, h, i), scores)| ([a, b, c, d, e, f, g, h, i], scores));
    prop::collection::vec(row, 1..120)
}

fn as_json(rows: &Rows) -> String {
    let line = |(texts, scores): &([Option<&str>; 9], [Option<f64>; 3])| {
        let mut line: Map<String, Json> =
            TEXTS.iter().map(|name| (*name).to_owned()).zip(texts.iter().map(|text| json!(text))).collect();
        for (name, score) in SCORES.iter().zip(scores) {
            let shown = match score {
                Some(score) if !score.is_finite() => json!(score.to_string()),
                other => json!(other),
            };
            line.insert((*name).to_owned(), shown);
        }
        format!("{}\n", Json::from(line))
    };
    rows.iter().map(line).collect()
}

fn write(path: &Path, columns: Vec<(&str, ArrayRef)>, is_coded: bool, group: usize) -> PathBuf {
    let batch = RecordBatch::try_from_iter_with_nullable(
        columns.into_iter().map(|(name, array)| (name, array, true)),
    )
    .unwrap();
    let how =
        WriterProperties::builder().set_dictionary_enabled(is_coded).set_max_row_group_row_count(Some(group));
    let mut writer =
        ArrowWriter::try_new(File::create(path).unwrap(), batch.schema(), Some(how.build())).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    path.to_owned()
}

pub(crate) fn as_parquet(path: &Path, rows: &Rows, is_coded: bool, group: usize) -> PathBuf {
    let texts = TEXTS.iter().enumerate().map(|(number, name)| {
        let texts: StringArray = rows.iter().map(|(texts, _)| texts[number]).collect();
        (*name, Arc::new(texts) as ArrayRef)
    });
    let scores = SCORES.iter().enumerate().map(|(number, name)| {
        let scores: Float64Array = rows.iter().map(|(_, scores)| scores[number]).collect();
        (*name, Arc::new(scores) as ArrayRef)
    });
    write(path, texts.chain(scores).collect(), is_coded, group)
}

pub(crate) fn told(lab: &Lab<'_>, path: &Path) -> String {
    let sources = Source::find(&[path.to_owned()]).unwrap();
    shown(&lab.run(&sources, &RunControl::default()).unwrap().tally)
}

pub(crate) fn shown(tally: &Tally) -> String {
    let mut tally = serde_json::to_value(tally).unwrap();
    // A column without values exists; a JSON member that is null in every row does not.
    assert!(tally.as_object_mut().unwrap().remove("seen").is_some());
    tally.to_string()
}

pub(crate) fn mapping() -> Mapping {
    Mapping::parse(
        "format = 1\nid = \"subject\"\ntime = \"time\"\nsubject = \"subject\"\nsegments = [\"channel\"]\n[label]\ncolumn = \"label\"\nattack = \"attack\"",
    )
    .unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn the_same_rows_give_the_same_tally(rows in rows(), is_coded in any::<bool>(), group in 1_usize..130) {
        let folder = tempfile::tempdir().unwrap();
        let json = folder.path().join("a.jsonl");
        fs::write(&json, as_json(&rows)).unwrap();
        let parquet = as_parquet(&folder.path().join("a.parquet"), &rows, is_coded, group);
        let (policy, vendor) = (Policy::parse(builtin::ONBOARDING).unwrap(), Policy::parse(builtin::VENDOR).unwrap());
        let labs = [
            Lab::new(&policy),
            Lab::new(&policy).mapping(mapping()),
            Lab::new(&vendor).against(&policy).mapping(mapping()),
            Lab::new(&policy).mapping(mapping()).keep_people(),
            Lab::new(&policy).mapping(mapping()).keep_segment_people(),
        ];
        for lab in labs {
            let lab = lab.threads(1);
            prop_assert_eq!(told(&lab, &json), told(&lab, &parquet));
            // A run that writes decisions decides row by row.
            let by_row = lab.clone().decisions(folder.path().join("decisions.csv"));
            prop_assert_eq!(told(&by_row, &parquet), told(&lab.threads(3), &parquet));
        }
    }
}

/// More rows than one batch holds, with and without gaps, and with rows that are decided one by one.
#[test]
fn a_large_group_reads_as_its_lines() {
    let folder = tempfile::tempdir().unwrap();
    let json = folder.path().join("a.jsonl");
    let (policy, vendor) =
        (Policy::parse(builtin::ONBOARDING).unwrap(), Policy::parse(builtin::VENDOR).unwrap());
    for gaps in [false, true] {
        let row = |number: usize| {
            let is_callback = gaps && number % 1000 < 7;
            let pick = |of: &[&'static str], step: usize| Some(of[number / step % of.len()]);
            let or_none = |text, every: usize| if gaps && number.is_multiple_of(every) { None } else { text };
            let texts = [
                if is_callback { None } else { pick(&["200", "201", "205", "999"], 3) },
                if is_callback { Some("205") } else { pick(&["T", "F", "T"], 5) },
                or_none(pick(&["F", "T", "F"], 7), 11),
                or_none(pick(&["F", "F", "T"], 13), 17),
                or_none(pick(&["genuine", "impostor"], 2), 3),
                None,
                or_none(pick(&["2026-01-31", "2026-02-01T08:00:00Z"], 9000), 19),
                or_none(pick(&["app", "web", "shop"], 4000), 23),
                pick(&["s1", "s2"], 1),
            ];
            let score = (number * 37 % 10_001) as f64 / 100.0;
            let verify = if gaps && number.is_multiple_of(29) { None } else { Some(score) };
            (texts, [verify, Some(100.0 - score), Some(score / 1000.0)])
        };
        let rows: Rows = (0..20_000).map(row).collect();
        fs::write(&json, as_json(&rows)).unwrap();
        for is_coded in [false, true] {
            let parquet = as_parquet(&folder.path().join("a.parquet"), &rows, is_coded, 20_000);
            for lab in [Lab::new(&policy), Lab::new(&vendor).against(&policy)] {
                let lab = lab.mapping(mapping()).threads(1);
                let (lines, group) = (told(&lab, &json), told(&lab, &parquet));
                assert!(lines == group, "gaps {gaps}, coded {is_coded}");
            }
        }
    }
}

/// In columns, the policies seem to differ on the first five rows; these are callbacks, on which they agree.
#[test]
fn examples_are_rows_with_a_changed_decision() {
    let folder = tempfile::tempdir().unwrap();
    let row = |code, passed| {
        let texts = [code, Some(passed), Some("F"), Some("T"), None, None, None, None, None];
        (texts, [None, None, Some(0.01)])
    };
    let rows: Rows = [[row(None, "205"); 5], [row(Some("999"), "T"); 5]].concat();
    let json = folder.path().join("a.jsonl");
    fs::write(&json, as_json(&rows)).unwrap();
    let parquet = as_parquet(&folder.path().join("a.parquet"), &rows, true, 100);
    let (policy, vendor) =
        (Policy::parse(builtin::ONBOARDING).unwrap(), Policy::parse(builtin::VENDOR).unwrap());
    let lab = Lab::new(&vendor).against(&policy).threads(1);
    let lines = told(&lab, &json);
    assert!(lines.contains("\"line\":6") && !lines.contains("\"line\":11"), "{lines}");
    assert_eq!(lines, told(&lab, &parquet));
}

#[test]
fn every_type_reads_as_in_json() {
    let folder = tempfile::tempdir().unwrap();
    let json = folder.path().join("a.jsonl");
    let line = |code: Json, flag: Json, time: &str, verify: Json, quality: Json, channel: Json| json!({"sub_code": code, "face_occlusion": flag, "time": time, "verify_score": verify, "quality_score": quality, "channel": channel, "passed": "T", "label": 1});
    let lines = [
        line(json!(200), json!(true), "2026-01-31", json!(74.989_997_863_769_53), json!(75.01), json!(7)),
        line(json!(201), json!(false), "1969-12-31", json!(null), json!(-0.05), json!(null)),
        line(
            json!(null),
            json!(null),
            "2262-04-11",
            json!(80.0),
            json!(null),
            json!(18_446_744_073_709_551_615_u64),
        ),
    ];
    fs::write(&json, lines.map(|line| format!("{line}\n")).concat()).unwrap();
    let mapping = Mapping::parse("format = 1\ntime = \"time\"\ntimezone = \"UTC\"\nsegments = [\"channel\"]\n[label]\ncolumn = \"label\"\ngenuine = [\"1\"]").unwrap();
    let policy = Policy::parse(builtin::ONBOARDING).unwrap();
    let lab = Lab::new(&policy).mapping(mapping);
    // The last nanosecond of each day, which a double cannot represent.
    let nanoseconds = vec![1_769_903_999_999_999_999, -1, 9_223_372_036_854_775_807];
    let days = vec![20_484, -1, 106_751];
    let times: [ArrayRef; 4] = [
        Arc::new(TimestampNanosecondArray::from(nanoseconds.clone())),
        Arc::new(
            TimestampMicrosecondArray::from_iter_values(nanoseconds.iter().map(|at| at.div_euclid(1000)))
                .with_timezone("UTC"),
        ),
        Arc::new(TimestampMillisecondArray::from_iter_values(
            nanoseconds.iter().map(|at| at.div_euclid(1_000_000)),
        )),
        Arc::new(Date32Array::from(days)),
    ];
    for time in times {
        let columns: Vec<(&str, ArrayRef)> = vec![
            ("sub_code", Arc::new(Int32Array::from(vec![Some(200), Some(201), None]))),
            ("face_occlusion", Arc::new(BooleanArray::from(vec![Some(true), Some(false), None]))),
            ("time", time),
            ("verify_score", Arc::new(Float32Array::from(vec![Some(74.99), None, Some(80.0)]))),
            (
                "quality_score",
                Arc::new(
                    Decimal128Array::from(vec![Some(7501), Some(-5), None])
                        .with_precision_and_scale(9, 2)
                        .unwrap(),
                ),
            ),
            ("channel", Arc::new(UInt64Array::from(vec![Some(7), None, Some(u64::MAX)]))),
            ("passed", Arc::new(StringArray::from(vec!["T"; 3]))),
            ("label", Arc::new(Int8Array::from(vec![1; 3]))),
        ];
        let parquet = write(&folder.path().join("a.parquet"), columns, true, 100);
        assert_eq!(told(&lab, &json), told(&lab, &parquet));
    }
}

#[test]
fn refuses_unsupported_types_and_names_them() {
    let folder = tempfile::tempdir().unwrap();
    let policy = Policy::parse(builtin::ONBOARDING).unwrap();
    let columns: [(&str, ArrayRef); 3] = [
        ("sub_code", Arc::new(BinaryArray::from(vec![b"200".as_slice()]))),
        ("verify_score", Arc::new(Date32Array::from(vec![1]))),
        ("label", Arc::new(Time64MicrosecondArray::from(vec![1]))),
    ];
    for (name, column) in columns {
        let input: ArrayRef = Arc::new(StringArray::from(vec!["T"]));
        let columns = vec![("passed", input), (name, column)];
        let path = write(&folder.path().join("a.parquet"), columns, true, 100);
        let error = Lab::new(&policy)
            .run(&Source::find(&[path]).unwrap(), &RunControl::default())
            .unwrap_err()
            .to_string();
        assert!(
            error.contains(&format!("column `{name}` is of the type")) && error.contains("cast"),
            "{error}"
        );
    }
    fs::write(folder.path().join("b.parquet"), "no parquet").unwrap();
    let sources = Source::find(&[folder.path().join("b.parquet")]).unwrap();
    assert!(
        Lab::new(&policy)
            .run(&sources, &RunControl::default())
            .unwrap_err()
            .to_string()
            .contains("b.parquet")
    );
}

#[test]
fn a_stopped_run_over_groups_resumes() {
    let folder = tempfile::tempdir().unwrap();
    let rows: Rows = (0..500)
        .map(|number| {
            (
                [Some("200"), Some("T"), Some("F"), Some("F"), None, None, None, None, None],
                [Some(f64::from(number % 100)), None, None],
            )
        })
        .collect();
    let path = as_parquet(&folder.path().join("a.parquet"), &rows, true, 100);
    let policy = Policy::parse(builtin::ONBOARDING).unwrap();
    let lab = Lab::new(&policy).resume(folder.path().join("state.json")).threads(1);
    let sources = Source::find(std::slice::from_ref(&path)).unwrap();
    let mut parts = 0;
    let tally = loop {
        let watch = RunControl::default();
        watch.stop_after(1);
        let ran = lab.run(&sources, &watch).unwrap();
        parts += 1;
        if ran.complete {
            break ran.tally;
        }
    };
    assert!(parts >= 5, "{parts}");
    assert_eq!(shown(&tally), told(&Lab::new(&policy), &path));
}
