//! Runs over files: every format gives the same counts, data issues are reported, and no row is lost.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use cloudauth_lab::{
    Calibration, Compare, Drift, Lab, Mapping, Replay, RunControl, RunOutcome, Shape, Source,
};
use cloudauth_policy::{Policy, Verdict, builtin};
use cloudauth_tests::full_text;
use serde_json::{Value, json};

fn policy() -> Policy {
    Policy::parse(builtin::ONBOARDING).unwrap()
}

fn write(folder: &Path, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, bytes).unwrap();
    path
}

fn run(lab: &Lab<'_>, paths: &[PathBuf]) -> RunOutcome {
    lab.run(&Source::find(paths).unwrap(), &RunControl::default()).unwrap()
}

/// Results of every kind: the score, the code and the other values of row `number`.
fn row(number: u64) -> Value {
    let codes = ["200", "200", "200", "201", "204", "205", "210"];
    let code = codes[(number % 7) as usize];
    let is_impostor = number.is_multiple_of(11);
    let score =
        if is_impostor { 40 + number % 37 } else { 60 + number % 40 } as f64 + (number % 100) as f64 / 100.0;
    json!({
        "id": format!("id{number}"),
        "time": format!("2026-{:02}-{:02}T08:00:00+08:00", 1 + number % 3, 1 + number % 28),
        "channel": (["app", "web"][(number % 2) as usize]),
        "sub_code": code,
        "passed": if code == "200" || code == "210" { "T" } else { "F" },
        "face_attack": if number.is_multiple_of(50) { "T" } else { "F" },
        "face_occlusion": "F",
        "verify_score": (code != "201").then_some(score),
        "quality_score": 90.5,
        "face_attack_score": 0.01,
        "label": number.is_multiple_of(3).then_some(if is_impostor { "impostor" } else { "genuine" }),
        "subject": format!("s{}", number / 2),
    })
}

fn flat(rows: u64) -> String {
    (0..rows).map(|number| format!("{}\n", row(number))).collect()
}

fn replies(rows: u64) -> String {
    let reply = |number| {
        let row = row(number);
        let material = json!({
            "faceAttack": row["face_attack"], "faceOcclusion": "F",
            "facialPictureFront": {"verifyScore": row["verify_score"], "qualityScore": 90.5, "faceAttackScore": 0.01, "pictureUrl": "https://x"},
        });
        let result = json!({"Passed": row["passed"], "SubCode": row["sub_code"], "MaterialInfo": material.to_string()});
        let line = json!({
            "body": {"RequestId": "r", "Code": "200", "ResultObject": result},
            "id": row["id"], "time": row["time"], "channel": row["channel"], "label": row["label"], "subject": row["subject"],
        });
        format!("{line}\n")
    };
    (0..rows).map(reply).collect()
}

fn csv_of(rows: u64) -> String {
    let names = [
        "id",
        "time",
        "channel",
        "sub_code",
        "passed",
        "face_attack",
        "face_occlusion",
        "verify_score",
        "quality_score",
        "face_attack_score",
        "label",
        "subject",
    ];
    let field = |value: &Value| match value {
        Value::Null => String::new(),
        Value::String(text) => format!("\"{text}\""),
        other => other.to_string(),
    };
    let line = |number| {
        let row = row(number);
        names.map(|name| field(&row[name])).join(",") + "\n"
    };
    names.join(",") + "\n" + &(0..rows).map(line).collect::<String>()
}

fn with_segments() -> Mapping {
    Mapping::parse("format = 1\nid = \"id\"\ntime = \"time\"\nsubject = \"subject\"\nsegments = [\"channel\"]\n[label]\ncolumn = \"label\"").unwrap()
}

#[test]
fn every_format_gives_the_same_counts() {
    let (folder, policy) = (tempfile::tempdir().unwrap(), policy());
    let folder = folder.path();
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gz.write_all(flat(500).as_bytes()).unwrap();
    let zst = [flat(200), flat(500).split_off(flat(200).len())]
        .map(|part| zstd::encode_all(part.as_bytes(), 1).unwrap());
    let files = [
        write(folder, "a.jsonl", flat(500)),
        write(folder, "b.jsonl.gz", gz.finish().unwrap()),
        // Two frames, as in concatenated files.
        write(folder, "c.ndjson.zst", zst.concat()),
        write(folder, "d.csv", csv_of(500)),
        write(folder, "e.tsv", csv_of(500).replace(',', "\t")),
        write(folder, "f.jsonl", flat(500).trim_end().replace('\n', "\r\n\n")),
    ];
    let reference = Replay::of(&run(&Lab::new(&policy).mapping(with_segments()), &files[..1]).tally);
    assert_eq!((reference.rows, reference.segments["channel"].len()), (500, 2));
    for file in &files[1..] {
        let replay =
            Replay::of(&run(&Lab::new(&policy).mapping(with_segments()), std::slice::from_ref(file)).tally);
        assert_eq!(replay, reference, "{}", file.display());
    }
    let as_replies = Mapping::parse("format = 1\nshape = \"reply\"\nreply = \"body\"\nid = \"id\"\ntime = \"time\"\nsubject = \"subject\"\nsegments = [\"channel\"]\n[label]\ncolumn = \"label\"").unwrap();
    let file = write(folder, "g.jsonl", replies(500));
    let replay = Replay::of(&run(&Lab::new(&policy).mapping(as_replies), &[file]).tally);
    assert_eq!(replay, reference);
}

#[test]
fn writes_the_decisions_of_the_policy_in_the_order_of_the_rows() {
    let (folder, policy) = (tempfile::tempdir().unwrap(), policy());
    let folder = folder.path();
    let data = write(folder, "a.jsonl", flat(3000));
    for threads in [1, 3] {
        let decisions = folder.join(format!("{threads}.csv"));
        run(&Lab::new(&policy).threads(threads).decisions(decisions.clone()), std::slice::from_ref(&data));
        let mut lines = csv::Reader::from_path(&decisions).unwrap();
        let mut read = 0;
        for (number, line) in lines.records().enumerate() {
            let (line, row) = (line.unwrap(), row(number as u64));
            let mut evidence = cloudauth_policy::Evidence::default();
            let flag = |name: &str| cloudauth_policy::Flag::from_wire(row[name].as_str().unwrap());
            (evidence.sub_code, evidence.passed) = (row["sub_code"].as_str(), flag("passed"));
            (evidence.face_attack, evidence.face_occlusion) = (flag("face_attack"), flag("face_occlusion"));
            (evidence.verify_score, evidence.quality_score) = (row["verify_score"].as_f64(), Some(90.5));
            evidence.face_attack_score = Some(0.01);
            let decision = policy.decide(&evidence);
            assert_eq!(line[1], (number + 1).to_string());
            assert_eq!(line[2], *row["id"].as_str().unwrap());
            assert_eq!((&line[3], &line[4]), (decision.verdict().as_str(), decision.rule()));
            read += 1;
        }
        assert_eq!(read, 3000);
    }
    assert_eq!(fs::read(folder.join("1.csv")).unwrap(), fs::read(folder.join("3.csv")).unwrap());
}

#[test]
fn any_number_of_threads_gives_the_same_bytes() {
    let (folder, policy) = (tempfile::tempdir().unwrap(), policy());
    let strict = Policy::parse(builtin::VENDOR).unwrap();
    // Several chunks of a megabyte.
    let data = [write(folder.path(), "a.jsonl", flat(12_000)), write(folder.path(), "b.csv", csv_of(12_000))];
    let told = |threads| {
        let lab = Lab::new(&policy).against(&strict).keep_people().keep_segment_people();
        let lab = lab.mapping(with_segments()).threads(threads);
        serde_json::to_string(&run(&lab, &data).tally).unwrap()
    };
    let alone = told(1);
    assert!(alone.len() > 10_000);
    for threads in [2, 5] {
        assert_eq!(told(threads), alone, "{threads}");
    }
}

#[test]
fn a_stopped_run_resumes_at_its_position() {
    let (folder, policy) = (tempfile::tempdir().unwrap(), policy());
    let folder = folder.path();
    let data = [write(folder, "a.jsonl", flat(9000)), write(folder, "b.csv", csv_of(9000))];
    let sources = Source::find(&data).unwrap();
    let whole = run(&Lab::new(&policy), &data);
    for name in ["none", "all"] {
        let (state, decisions) = (folder.join(format!("{name}.json")), folder.join(format!("{name}.csv")));
        let lab = Lab::new(&policy).resume(state).decisions(decisions.clone()).threads(1);
        let mut parts = 0;
        loop {
            // The run is stopped after one chunk.
            let watch = RunControl::default();
            if name == "none" && parts < 6 {
                watch.stop_after(1);
            }
            let ran = lab.run(&sources, &watch).unwrap();
            parts += 1;
            if ran.complete {
                assert_eq!(Replay::of(&ran.tally), Replay::of(&whole.tally));
                break;
            }
        }
        assert!(parts > 3 || name == "all", "{parts}");
        assert_eq!(csv::Reader::from_path(&decisions).unwrap().records().count(), 18_000);
    }
    assert_eq!(fs::read(folder.join("none.csv")).unwrap(), fs::read(folder.join("all.csv")).unwrap());

    // A checkpoint of other data or of another policy is not resumed.
    fs::write(&data[0], flat(10)).unwrap();
    let error = Lab::new(&policy)
        .resume(folder.join("all.json"))
        .run(&Source::find(&data).unwrap(), &RunControl::default());
    assert!(error.unwrap_err().to_string().contains("another command, policy, mapping or data"));
}

#[test]
fn counts_malformed_values_with_their_location_and_never_quotes_them() {
    let (folder, policy) = (tempfile::tempdir().unwrap(), policy());
    let lines = [
        r#"{"sub_code": "200", "passed": "T", "verify_score": "张三", "label": "maybe"}"#,
        "not json at all 张三",
        r#"{"sub_code": "200", "sub_code": "201"}"#,
        r#"{"sub_code": "张三", "passed": "yes", "time": "long ago"}"#,
        r#"{"passed": "200", "verify_score": 99}"#,
        r#"{"sub_code": "200", "label": "genuine", "attack": "mask"}"#,
    ];
    let mut bytes = lines.join("\n").into_bytes();
    bytes.extend_from_slice(b"\n{\"sub_code\": \"\xFF\"}\n");
    let ran = run(&Lab::new(&policy), &[write(folder.path(), "a.jsonl", bytes)]);
    let replay = Replay::of(&ran.tally);
    assert_eq!((replay.rows, replay.verdicts.approve.all), (4, 0));
    let told = |part: &str| {
        let found = replay.issues.iter().find(|note| note.message.contains(part));
        found.map(|note| (note.rows, note.left_out, note.locations.first().map_or(0, |point| point.line)))
    };
    assert_eq!(told("not a JSON object"), Some((1, true, 2)));
    assert_eq!(told("not UTF-8"), Some((1, true, 7)));
    assert_eq!(told("repeated member"), Some((1, true, 3)));
    assert_eq!(told("malformed `verify_score`"), Some((1, false, 1)));
    assert_eq!(told("malformed `passed`"), Some((1, false, 4)));
    assert_eq!(told("SubCode in `passed`"), Some((1, false, 5)));
    assert_eq!(told("label that the mapping"), Some((1, false, 1)));
    assert_eq!(told("genuine and an attack"), Some((1, false, 6)));
    assert_eq!(told("invalid time"), Some((1, false, 4)));
    let all = format!("{replay:?} {}", serde_json::to_string(&ran.tally).unwrap());
    assert!(!all.contains("张三") && !all.contains("long ago") && !all.contains("maybe"), "{all}");
}

#[test]
fn refused_and_pending_calls_are_not_decided() {
    let (folder, policy) = (tempfile::tempdir().unwrap(), policy());
    let lines = [
        r#"{"Code": "424", "Message": "x"}"#,
        r#"{"Code": "401", "Message": "张三"}"#,
        r#"{"Code": "200"}"#,
        r#"{"Message": "no code"}"#,
        r#"{"Code": "200", "ResultObject": {"SubCode": "200", "Passed": "T", "MaterialInfo": "{cut"}}"#,
    ];
    let replay =
        Replay::of(&run(&Lab::new(&policy), &[write(folder.path(), "a.jsonl", lines.join("\n"))]).tally);
    assert_eq!((replay.rows, replay.verdicts.approve.all), (1, 0));
    let left_out: u64 = replay.issues.iter().filter(|note| note.left_out).map(|note| note.rows).sum();
    assert_eq!(left_out, 4, "{:?}", replay.issues);
    assert!(replay.issues.iter().any(|note| note.message.contains("should hold a JSON object")));
}

#[test]
fn unreadable_data_is_an_error_with_a_next_step() {
    let (folder, policy) = (tempfile::tempdir().unwrap(), policy());
    let folder = folder.path();
    let find = |path: PathBuf| full_text(&Source::find(&[path]).unwrap_err());
    let error = Source::find(&[folder.join("nowhere.jsonl")]).unwrap_err();
    let source = std::error::Error::source(&error).unwrap().downcast_ref::<std::io::Error>().unwrap();
    assert_eq!(source.kind(), std::io::ErrorKind::NotFound);
    assert!(full_text(&error).ends_with(&format!("nowhere.jsonl: {source}")), "{error}");
    assert!(find(folder.to_owned()).contains("has no file that can be read"));
    assert!(find(write(folder, "a.xlsx", "")).contains(".parquet"));
    if !cfg!(feature = "parquet") {
        assert!(find(write(folder, "a.parquet", "")).contains("feature `parquet`"));
    }
    let error = |lab: Lab<'_>, path: PathBuf| {
        lab.run(&Source::find(&[path]).unwrap(), &RunControl::default()).unwrap_err().to_string()
    };
    let mapping = Mapping::parse("format = 1\n[inputs]\nsub_code = \"kod\"").unwrap();
    let text = error(Lab::new(&policy).mapping(mapping), write(folder, "b.csv", "code,score\n200,1\n"));
    assert!(text.contains("no column `kod`") && text.contains("code, score"), "{text}");
    let text =
        error(Lab::new(&policy).mapping(Mapping::of(Shape::Reply)), write(folder, "c.csv", "code\n200\n"));
    assert!(text.contains("shape = \"flat\""), "{text}");
    assert!(error(Lab::new(&policy), write(folder, "e.jsonl.gz", "no gzip")).contains("e.jsonl.gz"));
}

#[test]
fn an_invalid_mapping_names_the_line() {
    for (text, part) in [
        ("format = 2", "format 2"),
        // A newer version may have other keys.
        ("format = 2\nthird_score = \"t\"\nsegments = 7", "unknown format 2; the supported format is 1"),
        ("segments = []", "missing field `format`"),
        ("format = 1\nsecond_score = \"\"", "`second_score` names no column"),
        ("format = 1\nsegment = []", "segment"),
        ("format = 1\n[inputs]\nscore = \"s\"", "score"),
        ("format = 1\n[inputs]\nverify_score = { column = \"s\", true = [], false = [] }", "not a flag"),
        ("format = 1\n[inputs]\npassed = { value = \"T\" }", "same in every row"),
        ("format = 1\nshape = \"reply\"\n[inputs]\npassed = \"p\"", "remove [inputs]"),
        (
            "format = 1\n[label]\ncolumn = \"l\"\ngenuine = [\"x\"]\nimpostor = [\"x\"]",
            "genuine and impostor",
        ),
    ] {
        let error = Mapping::parse(text).unwrap_err().to_string();
        assert!(error.contains(part), "{text}: {error}");
    }
}

#[test]
fn a_candidate_is_compared_row_by_row() {
    let (folder, policy) = (tempfile::tempdir().unwrap(), policy());
    let vendor = Policy::parse(builtin::VENDOR).unwrap();
    let data = [write(folder.path(), "a.jsonl", flat(2000))];
    let ran = run(&Lab::new(&policy).against(&vendor).mapping(with_segments()), &data);
    let compare = Compare::of(&ran.tally).unwrap();
    let all: u64 = compare.flips.iter().map(|flip| flip.rows.all).sum();
    let changed: u64 =
        compare.flips.iter().filter(|flip| flip.from != flip.to).map(|flip| flip.rows.all).sum();
    assert_eq!((all, changed), (2000, compare.changed));
    let in_segments: u64 = compare.segments["channel"].values().map(|change| change.changed).sum();
    assert!(changed > 0 && in_segments == changed);
    // The vendor's rule approves a pass with a low score; the examples locate each flip.
    let flip = compare
        .flips
        .iter()
        .find(|flip| (flip.from, flip.to) == (Verdict::Review, Verdict::Approve))
        .unwrap();
    assert_eq!((flip.examples.len(), flip.examples[0].from_rule.as_str()), (5, "grey-zone"));
    let fraud = compare.fraud_approved.unwrap();
    assert!(fraud.candidate.count > fraud.policy.count && fraud.only_policy == 0, "{fraud:?}");
    assert_eq!(fraud.candidate.count - fraud.policy.count, fraud.only_candidate);
    assert!(Compare::of(&run(&Lab::new(&policy), &data).tally).is_none());
}

#[test]
fn labelled_history_gives_the_reference_figures() {
    let golden = |name: &str| fs::read_to_string(format!("../stats/tests/golden/{name}")).unwrap();
    let metrics: Value = serde_json::from_str(&golden("metrics.json")).unwrap();
    let (folder, policy) = (tempfile::tempdir().unwrap(), policy());
    let mapping = Mapping::parse(
        "format = 1\nsubject = \"subject\"\n[inputs]\nverify_score = \"score\"\n[label]\ncolumn = \"label\"",
    )
    .unwrap();
    let mut seen = 0;
    for name in ["continuous", "ties", "tiny", "separable", "inverted", "constant", "impostor_max_top"] {
        let data = [write(folder.path(), &format!("{name}.csv"), golden(&format!("scores_{name}.csv")))];
        let lab = Lab::new(&policy).mapping(mapping.clone()).keep_people();
        let calibration = Calibration::of(&run(&lab, &data).tally, &[1e-3, 1e-5, 0.5], 1);
        let expected = &metrics[name];
        assert_eq!(
            json!([calibration.genuine.count, calibration.impostor.count]),
            json!([expected["n_genuine"], expected["n_impostor"]])
        );
        for at in &calibration.vendor {
            let here = &expected["at"][format!("{:?}", at.threshold)];
            assert_eq!(
                json!([at.fmr.count, at.fnmr.count]),
                json!([here["fm_ge"], here["fnm_ge"]]),
                "{name} {}",
                at.threshold
            );
            seen += 1;
        }
        for target in &calibration.targets {
            let here = &expected["threshold_for_target_fmr"][target.fmr.to_string()];
            let shown = target.shown.as_ref().map(|at| at.threshold);
            if let Some(grid) = here["t_grid_0_01"].as_f64().filter(|grid| (0.0..=100.0).contains(grid)) {
                assert_eq!(shown, Some(grid), "{name} {}", target.fmr);
                seen += 1;
            }
            assert_eq!(target.proved.is_some(), !here["conf95"].is_null(), "{name} {}", target.fmr);
        }
    }
    assert!(seen > 45, "{seen}");
    let data = [write(folder.path(), "continuous.csv", golden("scores_continuous.csv"))];
    let calibration =
        Calibration::of(&run(&Lab::new(&policy).mapping(mapping), &data).tally, &[1e-3, 1e-5], 1);
    let [thousandth, hundred_thousandth] = &*calibration.targets else { panic!() };
    assert_eq!(thousandth.recommended, Some(70.87));
    assert_eq!(hundred_thousandth.recommended, None);
    let words = "your data cannot support 1/100000: 299572 labelled impostors without an error would be needed (about 3 times 100000), you have 5000";
    assert_eq!(hundred_thousandth.words, words);
}

#[test]
fn recommends_nothing_below_the_end_of_the_labels() {
    let (folder, policy) = (tempfile::tempdir().unwrap(), policy());
    // Labels at 75 and above, as under a policy with that threshold, and a few impostors below.
    let lines: String = (0..20_000_u64)
        .map(|n| {
            let (score, label) = (f64::from(50 + n as u32 % 50), n / 50 % 4 == 0);
            let label = (label && score >= 75.0 || n % 400 == 0).then_some(if score < 76.0 {
                "impostor"
            } else {
                "genuine"
            });
            format!("{}\n", json!({"sub_code": "200", "passed": "T", "verify_score": score, "label": label}))
        })
        .collect();
    let ran = run(&Lab::new(&policy), &[write(folder.path(), "a.jsonl", lines)]);
    let calibration = Calibration::of(&ran.tally, &[0.9], 1);
    assert_eq!(calibration.labels_stop_below, Some(75.0));
    let target = &calibration.targets[0];
    assert!(target.proved.as_ref().is_some_and(|at| at.threshold < 75.0), "{target:?}");
    assert_eq!(target.recommended, None);
    assert!(target.words.contains("labels stop below 75"), "{}", target.words);
}

#[test]
fn detects_a_shift_of_the_scores() {
    let (folder, policy) = (tempfile::tempdir().unwrap(), policy());
    let lines = |by: f64| -> String {
        let month = |n: u64| format!("2026-{:02}-01", 1 + n % 4);
        let score = |n: u64| 70.0 + (n * 7919 % 2000) as f64 / 100.0 + if n % 4 == 3 { by } else { 0.0 };
        (0..8000)
            .map(|n| format!("{}\n", json!({"sub_code": "200", "verify_score": score(n), "time": month(n)})))
            .collect()
    };
    let drift = |by: f64| {
        let ran = run(&Lab::new(&policy), &[write(folder.path(), "a.jsonl", lines(by))]);
        Drift::of(&ran.tally, None, None).unwrap()
    };
    let (same, moved) = (drift(0.0), drift(3.0));
    let verify = |drift: &Drift| drift.scores[0].clone();
    assert_eq!(
        (same.reference.clone(), same.current.clone()),
        (("2026-01".into(), "2026-03".into()), ("2026-04".into(), "2026-04".into()))
    );
    assert!(verify(&same).psi < verify(&same).psi_critical, "{same:?}");
    assert!(verify(&moved).psi > verify(&moved).psi_critical);
    assert!((verify(&moved).mean_shift.unwrap() - 3.0).abs() < 0.1, "{:?}", verify(&moved).mean_shift);
    let shares: f64 = verify(&moved).between.iter().map(|between| between.current).sum();
    assert!((shares - 1.0).abs() < 1e-9);
    assert_eq!(moved.months.len(), 4);
    let ran = run(&Lab::new(&policy), &[write(folder.path(), "b.jsonl", "{\"sub_code\": \"200\"}\n")]);
    assert!(Drift::of(&ran.tally, None, None).unwrap_err().to_string().contains("no row has a time"));
    assert!("2026-13".parse::<cloudauth_lab::Months>().is_err());
}

#[test]
fn a_subject_is_kept_as_a_hash() {
    let (folder, policy) = (tempfile::tempdir().unwrap(), policy());
    let rows = ["张三", "张三", "999999199001012003"].map(|subject| {
        let row = json!({"sub_code": "205", "verify_score": 50.5, "label": "impostor", "subject": subject});
        format!("{row}\n")
    });
    let data = [write(folder.path(), "subjects.jsonl", rows.concat())];
    let ran = run(&Lab::new(&policy).keep_people(), &data);
    let kept = serde_json::to_string(&ran.tally).unwrap();
    assert!(!kept.contains("张三") && !kept.contains("99999919900101"), "{kept}");
    let without = Calibration::of(&ran.tally, &[1e-3], 1).without_subject.unwrap();
    assert_eq!(without.impostor, 0, "every row has its subject: {kept}");
}

#[test]
fn an_id_number_as_an_attack_kind_is_masked() {
    let (folder, policy) = (tempfile::tempdir().unwrap(), policy());
    let mapping = Mapping::parse("format = 1\n[label]\nattack = \"attack\"").unwrap();
    let rows = ["print-2", "999999199001012003", "999999199001012046"]
        .map(|kind| format!("{}\n", json!({"sub_code": "205", "face_attack_score": 0.9, "attack": kind})));
    let data = [write(folder.path(), "attacks.jsonl", rows.concat())];
    let ran = run(&Lab::new(&policy).mapping(mapping), &data);
    let attacks = Calibration::of(&ran.tally, &[1e-3], 1).attacks.unwrap();
    let kinds: Vec<_> = attacks.kinds.iter().map(|(kind, count)| (kind.as_str(), *count)).collect();
    assert_eq!(kinds, [("[digits]", 2), ("print-2", 1)]);
}
