//! The figures at a policy's own thresholds equal a count of the rows one by one, for thresholds with any number of decimals,
//! with and without a name, anywhere in the range, and for every way to read the rows.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use cloudauth_lab::{Calibration, Drift, Lab, Mapping, RunControl, Source, TARGETS, Tally};
use cloudauth_policy::{Dialect, Policy, builtin};

use crate::checkpoint;
use crate::sqlite::write_counts;

const MAPPING: &str = "format = 1\nshape = \"flat\"\ntime = \"day\"\n[label]\ncolumn = \"label\"\nattack = \"attack\"\ngenuine = [\"genuine\"]\nimpostor = [\"impostor\"]";

/// Every value that [`policy`] compares with a score: the smallest score at or above it, and how it is printed.
const VERIFY: [(f64, Option<&str>, f64, bool); 6] = [
    (60.0, Some("retry_floor"), 60.0, false),
    (73.21, Some("match_floor"), 73.21, false),
    (74.5, None, 74.5, false),
    (76.534, Some("match_auto"), 76.534, false),
    (85.000_000_000_000_01, None, 85.0, true),
    (90.0055, None, 90.0055, false),
];
const ATTACK: [f64; 2] = [0.070_05, 0.9];

fn policy() -> Policy {
    Policy::parse(&text()).unwrap_or_else(|error| panic!("{error}"))
}

fn text() -> String {
    let text = builtin::ONBOARDING.split("[[assert]]").next().unwrap();
    let replaced = [
        ("value = 75.0, far = \"1/10000\"", "value = 76.534"),
        ("value = 70.0, far = \"1/1000\"", "value = 73.21"),
        ("value = 80.0 }", "value = 80.005 }"),
        ("value = 0.50", "value = 0.07005"),
        ("\"204\", verify_score = \">= $match_floor\"", "\"204\", verify_score = \">= 74.5 and <= 85\""),
        ("\"204\", verify_score = \"valid\"", "\"204\", verify_score = \"< 90.0055\""),
        ("verify_score = \"invalid\" }", "sub_code = [\"200\", \"204\", \"210\"] }"),
    ];
    replaced.into_iter().fold(text.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "{from}");
        text.replace(from, to)
    })
}

#[derive(Clone, Copy)]
struct Row {
    label: &'static str,
    attack: &'static str,
    month: u32,
    verify: Option<f64>,
    attack_score: f64,
}

/// Ties at every threshold, the doubles around it and the hundredths around it, and invalid scores.
fn rows(count: usize) -> Vec<Row> {
    let mut scores: Vec<f64> = Vec::new();
    for (at, ..) in VERIFY {
        let near = [at, (at * 100.0).floor() / 100.0, (at * 100.0).ceil() / 100.0, at + 0.003, at - 0.003];
        scores.extend(near.into_iter().flat_map(|at| [at.next_down(), at, at.next_up()]));
    }
    scores.extend([0.0, 99.99, 100.0, 50.123, -1.0, 100.5, 33.0, 91.0]);
    let labels = ["genuine", "impostor", "impostor", ""];
    let row = |number: usize| Row {
        label: labels[number / 3 % 4],
        attack: if number % 12 == 3 { ["mask", "replay"][number / 12 % 2] } else { "" },
        month: 1 + (number / 7 % 3) as u32,
        verify: (!number.is_multiple_of(101)).then(|| scores[number * 31 % scores.len()]),
        attack_score: [0.070_05, 0.070_05_f64.next_down(), 0.07, 0.0701, 0.9, 0.5, 0.9_f64.next_down(), 1.5]
            [number % 8],
    };
    (0..count).map(row).collect()
}

fn jsonl(rows: &[Row]) -> String {
    rows.iter().fold(String::new(), |mut text, row| {
        let Row { label, attack, month, attack_score, .. } = row;
        let score = row.verify.map(|score| format!("\"verify_score\":{score},")).unwrap_or_default();
        writeln!(text, "{{\"sub_code\":\"200\",\"passed\":\"T\",\"face_attack\":\"F\",\"face_occlusion\":\"F\",{score}\"quality_score\":90,\"face_attack_score\":{attack_score},\"label\":\"{label}\",\"attack\":\"{attack}\",\"day\":\"2026-0{month}-15\"}}").unwrap();
        text
    })
}

fn csv(rows: &[Row]) -> String {
    let header = "sub_code,passed,face_attack,face_occlusion,verify_score,quality_score,face_attack_score,label,attack,day\n";
    rows.iter().fold(header.to_owned(), |mut text, row| {
        let Row { label, attack, month, attack_score, .. } = row;
        let score = row.verify.map(|score| score.to_string()).unwrap_or_default();
        writeln!(text, "200,T,F,F,{score},90,{attack_score},{label},{attack},2026-0{month}-15").unwrap();
        text
    })
}

fn lab(policy: &Policy) -> Lab<'_> {
    Lab::new(policy).mapping(Mapping::parse(MAPPING).unwrap())
}

fn written(folder: &Path, name: &str, text: &str) -> Vec<Source> {
    let path: PathBuf = folder.join(name);
    fs::write(&path, text).unwrap();
    Source::find(&[path]).unwrap()
}

/// Compares the lab's figures at every threshold with a count of the rows one by one.
fn assert_exact(tally: &Tally, rows: &[Row], way: &str) {
    let valid = |row: &&Row| row.verify.is_some_and(|score| (0.0..=100.0).contains(&score));
    let of = |label: &str| rows.iter().filter(|row| row.label == label).collect::<Vec<_>>();
    let is_impostor = |row: &&Row| row.label == "impostor" || row.label.is_empty() && !row.attack.is_empty();
    let is_genuine = |row: &&Row| row.label == "genuine" && row.attack.is_empty();
    let calibration = Calibration::of(tally, &TARGETS, 1);
    let told: Vec<_> =
        calibration.thresholds.iter().map(|at| (at.name.as_deref(), at.threshold, at.exclusive)).collect();
    assert_eq!(told, VERIFY.map(|(_, name, value, exclusive)| (name, value, exclusive)), "{way}");
    for (at, (boundary, ..)) in calibration.thresholds.iter().zip(VERIFY) {
        let reaches = |row: &&Row| row.verify.unwrap() >= boundary;
        let impostors = rows.iter().filter(is_impostor).filter(valid);
        let genuine = rows.iter().filter(is_genuine).filter(valid);
        let counts = [at.fmr.count, at.fmr.of, at.fnmr.count, at.fnmr.of];
        let by_hand = [
            impostors.clone().filter(reaches).count(),
            impostors.count(),
            genuine.clone().filter(|row| !reaches(row)).count(),
            genuine.count(),
        ];
        assert_eq!(counts, by_hand.map(|count| count as u64), "{way} {boundary}");
    }
    let attacks = calibration.attacks.unwrap();
    let of_policy: Vec<_> = attacks.at.iter().filter(|at| at.of_policy).collect();
    assert_eq!(of_policy.iter().map(|at| at.threshold).collect::<Vec<_>>(), ATTACK, "{way}");
    for at in &attacks.at {
        let misses =
            |row: &&&Row| !(0.0..=1.0).contains(&row.attack_score) || row.attack_score < at.threshold;
        for (kind, apcer) in &at.apcer {
            let missed =
                rows.iter().filter(|row| row.attack == kind && row.label != "genuine").collect::<Vec<_>>();
            let count = missed.iter().filter(misses).count();
            assert_eq!(
                (apcer.count, apcer.of),
                (count as u64, missed.len() as u64),
                "{way} {}",
                at.threshold
            );
        }
        let genuine: Vec<_> = of("genuine").into_iter().filter(|row| row.attack.is_empty()).collect();
        let flagged = genuine.iter().filter(|row| !misses(row)).count();
        assert_eq!((at.bpcer.count, at.bpcer.of), (flagged as u64, genuine.len() as u64), "{way}");
    }
    let drift = Drift::of(tally, None, None).unwrap();
    let mut edges = vec![0.0];
    edges.extend(VERIFY.map(|(boundary, ..)| boundary));
    assert_eq!(drift.scores[0].between.len(), edges.len());
    for (number, between) in drift.scores[0].between.iter().enumerate() {
        let (from, to) = (edges[number], edges.get(number + 1).copied().unwrap_or(f64::INFINITY));
        let share = |is: fn(u32) -> bool| {
            let all = rows.iter().filter(|row| is(row.month)).collect::<Vec<_>>();
            let some =
                all.iter().copied().filter(valid).filter(|row| (from..to).contains(&row.verify.unwrap()));
            some.count() as f64 / all.len() as f64
        };
        assert_eq!(between.reference, share(|month| month < 3), "{way} {from}");
        assert_eq!(between.current, share(|month| month == 3), "{way} {from}");
    }
    assert_eq!((drift.scores[1].between.len(), drift.scores[2].between.len()), (2, 3), "{way}");
}

#[test]
fn figures_at_the_policys_thresholds_are_exact_from_files() {
    let (folder, policy, rows) = (tempfile::tempdir().unwrap(), policy(), rows(30_000));
    let sources = written(folder.path(), "a.jsonl", &jsonl(&rows));
    for threads in [1, 3] {
        let ran = lab(&policy).threads(threads).run(&sources, &RunControl::default()).unwrap();
        assert_exact(&ran.tally, &rows, "json lines");
    }
    let ran =
        lab(&policy).run(&written(folder.path(), "a.csv", &csv(&rows)), &RunControl::default()).unwrap();
    assert_exact(&ran.tally, &rows, "csv");
}

#[test]
fn figures_at_the_policys_thresholds_are_exact_in_a_resumed_run() {
    let (folder, policy, rows) = (tempfile::tempdir().unwrap(), policy(), rows(30_000));
    let sources = written(folder.path(), "a.jsonl", &jsonl(&rows));
    let lab = lab(&policy).threads(1).resume(folder.path().join("state.json"));
    let watch = RunControl::default();
    watch.stop_after(2);
    assert!(!lab.run(&sources, &watch).unwrap().complete);
    let ran = lab.run(&sources, &RunControl::default()).unwrap();
    assert!(ran.complete);
    assert_exact(&ran.tally, &rows, "resumed");
}

#[test]
fn a_run_ends_however_often_it_saves_its_progress() {
    let (folder, policy, rows) = (tempfile::tempdir().unwrap(), policy(), rows(30_000));
    let sources = written(folder.path(), "a.jsonl", &jsonl(&rows));
    for (name, interval) in [("after each chunk", Duration::ZERO), ("at the end only", Duration::MAX)] {
        let lab = lab(&policy).resume(folder.path().join(name)).checkpoint_every(interval);
        let ran = lab.run(&sources, &RunControl::default()).unwrap();
        assert!(ran.complete);
        assert_exact(&ran.tally, &rows, name);
    }
}

#[test]
fn a_saved_run_is_not_resumed_with_other_promises() {
    let (folder, policy, rows) = (tempfile::tempdir().unwrap(), policy(), rows(1000));
    let sources = written(folder.path(), "a.jsonl", &jsonl(&rows));
    let run = |policy: &Policy| {
        lab(policy).resume(folder.path().join("state.json")).run(&sources, &RunControl::default())
    };
    run(&policy).unwrap();
    // A value between two hundredths adds a slot; a value on the grid adds only a threshold.
    for value in ["60.005", "61"] {
        let promise = format!(
            "\n[[assert]]\nid = \"low\"\nnever = \"approve\"\nwhen = {{ verify_score = \"< {value}\" }}"
        );
        let changed = Policy::parse(&(text() + &promise)).unwrap();
        assert_eq!(changed.reference().content_hash, policy.reference().content_hash);
        let error = run(&changed).map(|_| ()).unwrap_err().to_string();
        assert!(error.contains("counts scores at other values: a rule or a promise"), "{error}");
    }
    assert!(run(&policy).unwrap().complete);
    // A grid with other edges cannot be added to.
    let state = folder.path().join("state.json");
    let edited = checkpoint::read(&state).to_string().replace(r#""per_unit":100"#, r#""per_unit":10"#);
    checkpoint::write(&state, &edited.parse().unwrap());
    let error = run(&policy).map(|_| ()).unwrap_err().to_string();
    assert!(error.contains("counts scores at other values"), "{error}");
}

#[cfg(feature = "parquet")]
#[test]
fn figures_at_the_policys_thresholds_are_exact_from_parquet() {
    use std::sync::Arc;

    use arrow_array::{ArrayRef, Float64Array, RecordBatch, StringArray};

    let (folder, policy, rows) = (tempfile::tempdir().unwrap(), policy(), rows(30_000));
    let text =
        |of: fn(&Row) -> Option<String>| Arc::new(StringArray::from_iter(rows.iter().map(of))) as ArrayRef;
    let number =
        |of: fn(&Row) -> Option<f64>| Arc::new(Float64Array::from_iter(rows.iter().map(of))) as ArrayRef;
    let constant =
        |text: &str| Arc::new(StringArray::from_iter_values(rows.iter().map(|_| text))) as ArrayRef;
    let batch = RecordBatch::try_from_iter([
        ("sub_code", constant("200")),
        ("passed", constant("T")),
        ("face_attack", constant("F")),
        ("face_occlusion", constant("F")),
        ("verify_score", number(|row| row.verify)),
        ("quality_score", number(|_| Some(90.0))),
        ("face_attack_score", number(|row| Some(row.attack_score))),
        ("label", text(|row| Some(row.label.to_owned()).filter(|label| !label.is_empty()))),
        ("attack", text(|row| Some(row.attack.to_owned()).filter(|attack| !attack.is_empty()))),
        ("day", text(|row| Some(format!("2026-0{}-15", row.month)))),
    ])
    .unwrap();
    let path = folder.path().join("a.parquet");
    let mut writer =
        parquet::arrow::ArrowWriter::try_new(fs::File::create(&path).unwrap(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    let sources = Source::find(&[path]).unwrap();
    // In columns, and row by row.
    let ran = lab(&policy).run(&sources, &RunControl::default()).unwrap();
    assert_exact(&ran.tally, &rows, "parquet");
    let ran = lab(&policy).keep_people().run(&sources, &RunControl::default()).unwrap();
    assert_exact(&ran.tally, &rows, "parquet, row by row");
}

#[test]
fn figures_at_the_policys_thresholds_are_exact_in_counts_of_a_warehouse() {
    let (folder, policy, rows) = (tempfile::tempdir().unwrap(), policy(), rows(5_000));
    let tally = lab(&policy).finish(&counted(folder.path(), &policy, &rows)).unwrap();
    assert_exact(&tally, &rows, "sqlite");
}

/// The counts of SQLite.
fn counted(folder: &Path, policy: &Policy, rows: &[Row]) -> Vec<Source> {
    let database = rusqlite::Connection::open_in_memory().unwrap();
    database
        .execute_batch("CREATE TABLE v (sub_code TEXT, passed TEXT, face_attack TEXT, face_occlusion TEXT, verify_score REAL, quality_score REAL, face_attack_score REAL, label TEXT, attack TEXT, day TEXT)")
        .unwrap();
    let mut insert =
        database.prepare("INSERT INTO v VALUES ('200', 'T', 'F', 'F', ?, 90.0, ?, ?, ?, ?)").unwrap();
    for row in rows {
        let day = format!("2026-0{}-15", row.month);
        insert.execute(rusqlite::params![row.verify, row.attack_score, row.label, row.attack, day]).unwrap();
    }
    let sql = lab(policy).sql(Dialect::Sqlite, "v").unwrap();
    Source::find(&[write_counts(&database, &sql, &folder.join("counts.csv"))]).unwrap()
}

#[test]
fn drift_has_exact_shares_between_thresholds_off_the_grid() {
    let folder = tempfile::tempdir().unwrap();
    let row =
        |score: f64, month: u32| Row { label: "", attack: "", month, verify: Some(score), attack_score: 0.0 };
    let rows: Vec<Row> = (0..100).flat_map(|_| [row(90.0, 1), row(60.0, 2)]).collect();
    let policy = policy();
    let ran =
        lab(&policy).run(&written(folder.path(), "a.jsonl", &jsonl(&rows)), &RunControl::default()).unwrap();
    let drift = Drift::of(&ran.tally, None, None).unwrap();
    let between = &drift.scores[0].between;
    let of = |from: f64| {
        between.iter().find(|band| band.from.value == from).map(|band| (band.reference, band.current))
    };
    assert_eq!((of(60.0), of(85.0)), (Some((0.0, 1.0)), Some((1.0, 0.0))));
    // A band is written as the policy compares: `<= 85` in a rule ends one band and begins the next.
    let bands = [
        ">= 0 and < 60",
        ">= 60 and < 73.21",
        ">= 73.21 and < 74.5",
        ">= 74.5 and < 76.534",
        ">= 76.534 and <= 85",
        "> 85 and < 90.0055",
        ">= 90.0055 and <= 100",
    ];
    assert_eq!(between.iter().map(ToString::to_string).collect::<Vec<_>>(), bands);
    let json = serde_json::to_value(&between[5]).unwrap();
    assert_eq!(json["from"], serde_json::json!({"value": 85.0, "exclusive": true}));
    assert_eq!(json["to"], serde_json::json!({"value": 90.0055, "exclusive": true}));
    let page = cloudauth_lab::Report::of(&ran.tally, &cloudauth_lab::TARGETS)
        .html(cloudauth_lab::Language::En)
        .unwrap();
    assert!(page.contains("&gt; 85 and &lt; 90.0055") && !page.contains("85.00000000000001"));
}

#[test]
fn calibration_counts_impostors_just_above_a_threshold_off_the_grid() {
    let folder = tempfile::tempdir().unwrap();
    let row =
        |score: f64| Row { label: "impostor", attack: "", month: 1, verify: Some(score), attack_score: 0.0 };
    let mut rows: Vec<Row> = (0..50).map(|at| row(76.534 + f64::from(at) * 0.0001)).collect();
    rows.extend((0..950).map(|_| row(60.0)));
    let policy = policy();
    let ran =
        lab(&policy).run(&written(folder.path(), "a.jsonl", &jsonl(&rows)), &RunControl::default()).unwrap();
    let calibration = Calibration::of(&ran.tally, &TARGETS, 1);
    let auto = calibration.thresholds.iter().find(|at| at.name.as_deref() == Some("match_auto")).unwrap();
    assert_eq!((auto.threshold, auto.fmr.count, auto.fmr.rate), (76.534, 50, Some(0.05)));
    let page = cloudauth_lab::Report::of(&ran.tally, &cloudauth_lab::TARGETS)
        .html(cloudauth_lab::Language::En)
        .unwrap();
    assert!(page.contains("match_auto 76.534") && page.contains("retry_floor 60"));
}

#[test]
fn a_score_is_valid_in_the_range_of_the_policy() {
    let folder = tempfile::tempdir().unwrap();
    for (range, valid) in [("[0.0, 1000.0]", 3), ("[-10.0, 100.0]", 3), ("[50.0, 100.0]", 1)] {
        let text = builtin::ONBOARDING.split("[[example]]").next().unwrap();
        let text = text.replacen("range = [0.0, 100.0]", &format!("range = {range}"), 1);
        let policy = Policy::parse(&text).unwrap_or_else(|error| panic!("{error}"));
        let row = |score: f64| Row {
            label: "genuine",
            attack: "",
            month: 1,
            verify: Some(score),
            attack_score: 0.0,
        };
        let rows = [150.0, 80.0, 10.0, -5.0].map(row);
        let ran = lab(&policy)
            .run(&written(folder.path(), "a.jsonl", &jsonl(&rows)), &RunControl::default())
            .unwrap();
        for tally in [ran.tally, lab(&policy).finish(&counted(folder.path(), &policy, &rows)).unwrap()] {
            let calibration = Calibration::of(&tally, &TARGETS, 1);
            assert_eq!((calibration.genuine.count, calibration.genuine.of), (valid, 4), "{range}");
            let auto = calibration.thresholds.iter().find(|at| at.threshold == 75.0).unwrap();
            let refused = valid - if range.contains("1000") { 2 } else { 1 };
            assert_eq!((auto.fnmr.count, auto.fnmr.of), (refused, valid), "{range}");
        }
    }
}

#[test]
fn counts_of_another_format_or_off_every_slot_are_refused() {
    let (folder, policy, rows) = (tempfile::tempdir().unwrap(), policy(), rows(300));
    let sources = counted(folder.path(), &policy, &rows);
    let good = fs::read_to_string(sources[0].path()).unwrap();
    assert!(good.lines().any(|line| line.contains(",10004,")), "no line is of a threshold off the grid");
    for (from, to, why) in
        [(",10004,", ",10001,", "not on the grid"), (",10004,", ",10400,", "not on the grid")]
    {
        let bad = written(folder.path(), "bad.csv", &good.replace(from, to));
        let error = lab(&policy).finish(&bad).unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
    }
}
