//! The commands of `cloudauth lab`.

#![cfg(test)]

#[path = "lab/arguments.rs"]
mod arguments;
#[path = "lab/documents.rs"]
mod documents;
#[path = "lab/matchers.rs"]
mod matchers;
#[cfg(unix)]
#[path = "lab/page.rs"]
mod page;
#[cfg(unix)]
#[path = "lab/passes.rs"]
mod passes;
#[path = "lab/plans.rs"]
mod plans;
#[path = "lab/report.rs"]
mod report;
mod support;

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use support::text as said;

fn lab(args: &[&str], folder: &Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cloudauth"));
    command.current_dir(folder).arg("lab").args(args).output().unwrap()
}

/// Four months of labelled results. Genuine people score from 72 on, impostors up to 76.
fn history(folder: &Path) {
    write_history(folder, 4000);
}

fn write_history(folder: &Path, rows: u32) {
    let lines: String = (0..rows)
        .map(|number| {
            let is_impostor = number % 4 == 0;
            let score = if is_impostor { 36 + number % 41 } else { 72 + number % 27 };
            let label = if is_impostor { "impostor" } else { "genuine" };
            format!(
                "{{\"id\":\"id{number}\",\"time\":\"2026-{:02}-03\",\"sub_code\":\"200\",\"passed\":\"T\",\"face_attack\":\"F\",\
                 \"face_occlusion\":\"F\",\"verify_score\":{score},\"face_attack_score\":0.01,\"label\":\"{label}\",\
                 \"subject\":\"s{}\",\"channel\":\"app\"}}\n",
                1 + number % 4,
                number / 3
            )
        })
        .collect();
    std::fs::write(folder.join("history.jsonl"), lines).unwrap();
    std::fs::write(
        folder.join("map.toml"),
        "format = 1\nid = \"id\"\ntime = \"time\"\nsubject = \"subject\"\nsegments = [\"channel\"]\n[label]\ncolumn = \"label\"\n",
    )
    .unwrap();
}

#[test]
fn replays_and_compares_policies() {
    let folder = tempfile::tempdir().unwrap();
    history(folder.path());
    let replay = ["replay", "builtin:onboarding", "history.jsonl", "--mapping", "map.toml"];
    let output = lab(&replay, folder.path());
    let text = said(&output);
    assert!(
        output.status.success() && text.contains("decides on 4,000 rows") && text.contains("grey-zone"),
        "{text}"
    );
    let json = lab(&[&replay[..], &["--output", "json", "--decisions", "d.csv"]].concat(), folder.path());
    let document: Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!((&document["rows"], &document["complete"]), (&Value::from(4000), &Value::from(true)));
    assert_eq!(document["sources"], serde_json::json!(["history.jsonl"]));
    let decisions = std::fs::read_to_string(folder.path().join("d.csv")).unwrap();
    assert_eq!(decisions.lines().count(), 4001);
    assert!(decisions.lines().nth(2).unwrap().starts_with("history.jsonl,2,id1,"), "{decisions:.200}");

    let compare = ["compare", "builtin:onboarding", "builtin:vendor", "history.jsonl", "--flips", "f.jsonl"];
    let output = lab(&compare, folder.path());
    let text = said(&output);
    let flips = std::fs::read_to_string(folder.path().join("f.jsonl")).unwrap();
    let flip: Value = serde_json::from_str(flips.lines().next().unwrap()).unwrap();
    assert_eq!((&flip["from_rule"], &flip["to"]), (&"pass-below-floor".into(), &"approve".into()), "{flip}");
    let wrong = [&compare[..5], &["f.parquet"]].concat();
    assert!(said(&lab(&wrong, folder.path())).contains("--flips writes CSV or JSON Lines"));
    assert!(
        text.contains("differ on") && text.contains("impostors approved") && text.contains("grey-zone -> "),
        "{text}"
    );
    assert!(text.contains("count people, not attempts: 1,000 impostors and 1,334 genuine people"), "{text}");
}

#[test]
fn every_command_with_labels_warns_of_swapped_ones() {
    let folder = tempfile::tempdir().unwrap();
    write_history(folder.path(), 400);
    let swapped = std::fs::read_to_string(folder.path().join("history.jsonl")).unwrap();
    let swapped =
        swapped.replace("genuine", "fraud").replace("impostor", "genuine").replace("fraud", "impostor");
    std::fs::write(folder.path().join("swapped.jsonl"), swapped).unwrap();
    for args in [
        &["replay", "builtin:onboarding"][..],
        &["compare", "builtin:onboarding", "builtin:vendor"],
        &["segments", "builtin:onboarding", "--mapping", "map.toml"],
        &[
            "sweep",
            "builtin:onboarding",
            "--threshold",
            "match_auto",
            "--from",
            "75",
            "--to",
            "76",
            "--step",
            "1",
        ],
    ] {
        let text = said(&lab(&[args, &["swapped.jsonl"]].concat(), folder.path()));
        let warning = "genuine people score below impostors; are the labels swapped?";
        assert_eq!(text.matches(warning).count(), 1, "{args:?}: {text}");
        let json = lab(&[args, &["swapped.jsonl", "--output", "json"]].concat(), folder.path());
        let document: Value = serde_json::from_slice(&json.stdout).unwrap();
        assert_eq!(document["warnings"][0]["kind"], "labels_swapped", "{args:?}");
        let rests_on = if args[0] == "replay" { Value::Null } else { "people".into() };
        assert_eq!(document["rests_on"], rests_on, "{args:?}");
    }
}

#[test]
fn segments_say_that_most_attempts_have_no_subject_even_without_labels() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("map.toml", "format = 1\nsubject = \"subject\"\nsegments = [\"channel\"]\n");
    write("a.csv", "sub_code,passed,subject,channel\n200,T,s1,app\n200,T,,app\n200,T,,web\n");
    let args = ["segments", "builtin:onboarding", "--mapping", "map.toml", "a.csv"];
    let text = said(&lab(&args, folder.path()));
    assert!(text.contains("count people, not attempts; most attempts have no `subject`, and each"), "{text}");
    write(
        "map.toml",
        "format = 1\nsubject = \"subject\"\nsegments = [\"channel\"]\n[label]\ncolumn = \"label\"\n",
    );
    write(
        "a.csv",
        "sub_code,passed,subject,channel,label\n200,T,s1,app,genuine\n200,T,,app,genuine\n200,T,,web,genuine\n",
    );
    let text = said(&lab(&args, folder.path()));
    assert!(text.contains("; most attempts of a label have no `subject`, and each"), "{text}");
}

#[test]
fn compare_explores_a_threshold_with_failing_examples_when_allowed() {
    let folder = tempfile::tempdir().unwrap();
    write_history(folder.path(), 200);
    let policy = cloudauth::policy::builtin::THRESHOLD;
    let candidate = policy.replace("value = 75.0, far = \"1/10000\"", "value = 76.5");
    std::fs::write(folder.path().join("p.toml"), candidate).unwrap();
    let args = ["compare", "builtin:threshold", "p.toml", "history.jsonl"];
    let output = lab(&args, folder.path());
    assert!(!output.status.success() && said(&output).contains("policy check failed"), "{}", said(&output));
    let allowed = [&args[..], &["--allow-failing-examples"]].concat();
    let output = lab(&allowed, folder.path());
    let text = said(&output);
    assert!(output.status.success() && text.contains("failing example, allowed: p.toml:"), "{text}");
    let json = lab(&[&allowed[..], &["--output", "json"]].concat(), folder.path());
    let document: Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(document["failing_examples"][0]["policy"], "p.toml");
}

/// `data/history.parquet` is the history's first 200 rows, as DuckDB 2.0.1 writes them: `COPY (SELECT * FROM
/// read_json('history.jsonl')) TO 'history.parquet'`.
#[test]
fn parquet_and_json_lines_give_the_same_result() {
    let folder = tempfile::tempdir().unwrap();
    write_history(folder.path(), 200);
    let parquet = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/history.parquet");
    let compare = |file: &str| {
        let files = ["compare", "builtin:onboarding", "builtin:vendor", file, "--mapping", "map.toml"];
        lab(&[&files[..], &["--output", "json"]].concat(), folder.path())
    };
    let output = compare(parquet.to_str().unwrap());
    if cfg!(feature = "parquet") {
        let told = |output: &Output| {
            let text =
                String::from_utf8_lossy(&output.stdout).replace(parquet.to_str().unwrap(), "history.jsonl");
            serde_json::from_str::<Value>(&text).unwrap()
        };
        let expected = told(&compare("history.jsonl"));
        assert!(expected["rows"] == 200 && expected["changed"].as_u64() > Some(0), "{expected}");
        assert_eq!(told(&output), expected);
    } else {
        let text = said(&output);
        assert!(!output.status.success() && text.contains("feature `parquet`"), "{text}");
    }
}

#[test]
fn writes_a_threshold_only_if_the_data_prove_it() {
    let folder = tempfile::tempdir().unwrap();
    history(folder.path());
    std::fs::write(folder.path().join("none.toml"), "format = 1\n[label]\ncolumn = \"label\"\n").unwrap();
    let output =
        lab(&["calibrate", "builtin:onboarding", "history.jsonl", "--mapping", "map.toml"], folder.path());
    let text = said(&output);
    assert!(text.contains("your data cannot support 1/100000: 299572 labelled impostors"), "{text}");
    let auc = text.lines().find(|line| line.starts_with("AUC ")).unwrap();
    assert!(auc.contains(" over people), EER "), "{auc}");
    let text = said(&lab(
        &["calibrate", "builtin:threshold", "history.jsonl", "--mapping", "none.toml"],
        folder.path(),
    ));
    assert!(text.contains(" over attempts), EER "), "{text}");

    let policy =
        Command::new(env!("CARGO_BIN_EXE_cloudauth")).args(["policy", "show", "threshold"]).output().unwrap();
    std::fs::write(folder.path().join("p.toml"), &policy.stdout).unwrap();
    let names = said(&lab(
        &["calibrate", "p.toml", "history.jsonl", "--target", "1/100", "--write", "nobody"],
        folder.path(),
    ));
    assert!(names.contains("no threshold `nobody`; it has "), "{names}");
    let before = std::fs::read_to_string(folder.path().join("p.toml")).unwrap();
    let refused = lab(
        &["calibrate", "p.toml", "history.jsonl", "--target", "1/100000", "--write", "match"],
        folder.path(),
    );
    assert!(!refused.status.success() && said(&refused).contains("nothing is written"), "{}", said(&refused));
    assert_eq!(std::fs::read_to_string(folder.path().join("p.toml")).unwrap(), before);
    let written = lab(&["calibrate", "p.toml", "history.jsonl", "--curve", "curve.csv"], folder.path());
    assert!(written.status.success(), "{}", said(&written));
    let curve = std::fs::read_to_string(folder.path().join("curve.csv")).unwrap();
    assert_eq!(curve.lines().count(), 10_002);
    assert!(
        curve.lines().any(|line| line.starts_with("76,25,1000,0.025,")),
        "{}",
        curve.lines().nth(7601).unwrap()
    );
    for wrong in [&["--target", "2"][..], &["--target", "x"], &["--step", "0"], &["--write", "a"]] {
        let output = lab(&[&["calibrate", "p.toml", "history.jsonl"], wrong].concat(), folder.path());
        assert_eq!(output.status.code(), Some(2), "{wrong:?}: {}", said(&output));
    }
}

#[test]
fn refuses_to_overwrite_an_input() {
    let folder = tempfile::tempdir().unwrap();
    write_history(folder.path(), 40);
    let policy =
        Command::new(env!("CARGO_BIN_EXE_cloudauth")).args(["policy", "show", "threshold"]).output().unwrap();
    std::fs::write(folder.path().join("p.toml"), &policy.stdout).unwrap();
    std::fs::hard_link(folder.path().join("history.jsonl"), folder.path().join("link.csv")).unwrap();
    for args in [
        &["replay", "p.toml", "history.jsonl", "--decisions", "./history.jsonl"][..],
        &["replay", "p.toml", "history.jsonl", "--resume", "p.toml"],
        &["compare", "p.toml", "builtin:vendor", "history.jsonl", "--flips", "p.toml"],
        &["compare", "p.toml", "builtin:vendor", "history.jsonl", "--flips", "link.csv"],
        &["report", "p.toml", "history.jsonl", "--to", "history.jsonl"],
        &["report", "builtin:onboarding", "history.jsonl", "--candidate", "p.toml", "--to", "p.toml"],
        &["calibrate", "p.toml", "history.jsonl", "--mapping", "map.toml", "--curve", "map.toml"],
        // Another name of the same file, and one output twice.
        &["replay", "p.toml", "history.jsonl", "--decisions", "link.csv"],
        &["report", "p.toml", "history.jsonl", "--to", "link.csv"],
        &["replay", "p.toml", "history.jsonl", "--decisions", "out", "--resume", "out"],
        &["report", "p.toml", "history.jsonl", "--to", "out", "--resume", "./OUT"],
        &["calibrate", "p.toml", "history.jsonl", "--curve", "out", "--resume", "out"],
        &["finish", "history.jsonl", "--policy", "p.toml", "--view", "report", "--to", "link.csv"],
    ] {
        let before =
            ["history.jsonl", "p.toml", "map.toml"].map(|file| std::fs::read(folder.path().join(file)));
        let output = lab(args, folder.path());
        let text = said(&output);
        assert!(output.status.code() == Some(2) && text.contains("is not written over"), "{args:?}: {text}");
        let after =
            ["history.jsonl", "p.toml", "map.toml"].map(|file| std::fs::read(folder.path().join(file)));
        assert!(before.into_iter().zip(after).all(|(before, after)| before.unwrap() == after.unwrap()));
    }
}

#[test]
fn a_run_without_decisions_is_reported_as_one() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.jsonl"), "no JSON\n").unwrap();
    let output = lab(&["replay", "builtin:onboarding", "a.jsonl"], folder.path());
    let text = said(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(
        text.contains("1 row: each is not a JSON object") && text.contains("no row was decided on"),
        "{text}"
    );
    let output = lab(&["replay", "builtin:onboarding", "a.jsonl", "--threads", "100000"], folder.path());
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
}

#[test]
fn drift_and_report_show_the_same_run() {
    let folder = tempfile::tempdir().unwrap();
    history(folder.path());
    let output = lab(
        &["drift", "builtin:onboarding", "history.jsonl", "--reference", "2026-01..2026-02"],
        folder.path(),
    );
    let text = said(&output);
    assert!(text.contains("2026-04 against 2026-01..2026-02") && text.contains("verify_score"), "{text}");
    assert!(text.contains(">= 0 and < 60") && text.contains(">= 75 and <= 100"), "{text}");
    assert!(text.contains("take rows as independent"), "{text}");
    let wrong = lab(&["drift", "builtin:onboarding", "history.jsonl", "--current", "2031-01"], folder.path());
    assert!(!wrong.status.success() && said(&wrong).contains("no row is of 2031-01"), "{}", said(&wrong));

    for (lang, word) in [("en", "A policy over recorded results"), ("zh", "策略在历史结果上的表现")]
    {
        let args =
            ["report", "builtin:onboarding", "history.jsonl", "--mapping", "map.toml", "--to", "r.html"];
        let output =
            lab(&[&args[..], &["--candidate", "builtin:vendor", "--lang", lang]].concat(), folder.path());
        assert!(output.status.success(), "{}", said(&output));
        let page = std::fs::read_to_string(folder.path().join("r.html")).unwrap();
        assert!(page.contains(word) && !page.contains("NaN") && !page.contains("://"), "{lang}");
    }
}

#[test]
fn missing_arguments_are_named() {
    let folder = tempfile::tempdir().unwrap();
    history(folder.path());
    for (args, part) in [
        (&["replay", "builtin:onboarding", "nowhere.csv"][..], "cannot read nowhere.csv"),
        (&["replay", "builtin:nobody", "history.jsonl"], "unknown built-in policy; the command has vendor"),
        (&["replay", "builtin:onboarding", "map.toml"], "has an unknown format"),
        (&["replay", "builtin:onboarding", "history.jsonl", "--mapping", "history.jsonl"], "history.jsonl: "),
    ] {
        let output = lab(args, folder.path());
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(said(&output).contains(part), "{args:?}: {}", said(&output));
    }
}

#[test]
fn writes_a_threshold_from_swapped_labels_only_with_force() {
    let folder = tempfile::tempdir().unwrap();
    history(folder.path());
    let swapped = std::fs::read_to_string(folder.path().join("history.jsonl")).unwrap();
    let swapped = swapped.replace("impostor", "?").replace("genuine", "impostor").replace('?', "genuine");
    std::fs::write(folder.path().join("history.jsonl"), swapped).unwrap();
    let policy =
        Command::new(env!("CARGO_BIN_EXE_cloudauth")).args(["policy", "show", "threshold"]).output().unwrap();
    let policy = String::from_utf8(policy.stdout).unwrap();
    let policy = policy.split("[[example]]").next().unwrap();
    std::fs::write(folder.path().join("p.toml"), policy).unwrap();
    let write = ["calibrate", "p.toml", "history.jsonl", "--target", "30%", "--write", "match"];
    let refused = lab(&write, folder.path());
    let text = said(&refused);
    assert_eq!(refused.status.code(), Some(1), "{text}");
    for part in
        ["warning: AUC is 0.0", "are the labels swapped?", "nothing is written: withheld", "--force", "30%"]
    {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert_eq!(std::fs::read_to_string(folder.path().join("p.toml")).unwrap(), policy);
    let json = lab(&[&write[..5], &["--output", "json"]].concat(), folder.path());
    let document: Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(document["warnings"][0]["kind"], "labels_swapped");
    assert_eq!(
        (&document["targets"][0]["target"], &document["targets"][0]["recommended"]),
        (&"30%".into(), &Value::Null)
    );
    let forced = lab(&[&write[..], &["--force"]].concat(), folder.path());
    assert!(forced.status.success(), "{}", said(&forced));
    let written = std::fs::read_to_string(folder.path().join("p.toml")).unwrap();
    assert!(
        written.contains("FMR at most 30% with 95 % confidence, on 3000 labelled impostors"),
        "{written}"
    );
    // The message has every decimal of the written threshold, and the next run shows it.
    let value = written.split("value = ").nth(1).unwrap().split([',', ' ', '}']).next().unwrap();
    let value = value.parse::<f64>().unwrap().to_string();
    assert!(said(&forced).contains(&format!("wrote match = {value} to p.toml, was 75")), "{}", said(&forced));
    let again = lab(&["calibrate", "p.toml", "history.jsonl"], folder.path());
    assert!(
        said(&again).lines().any(|line| line.starts_with(&value) && line.contains(" match ")),
        "{}",
        said(&again)
    );
    // Without --write there is nothing to force.
    let alone = lab(&["calibrate", "p.toml", "history.jsonl", "--force"], folder.path());
    assert_eq!(alone.status.code(), Some(2), "{}", said(&alone));
}

#[test]
fn a_threshold_is_not_written_into_a_policy_that_changed_during_the_run() {
    let folder = tempfile::tempdir().unwrap();
    history(folder.path());
    let policy = cloudauth::policy::builtin::THRESHOLD.split("[[example]]").next().unwrap();
    let file = folder.path().join("p.toml");
    let two = cloudauth::policy::builtin::ONBOARDING.split("[[example]]").next().unwrap();
    let swapped = two.replace("match_auto", "??").replace("match_floor", "match_auto");
    let swapped = swapped.replace("??", "match_floor");
    // A rule's threshold changes; the file becomes invalid; two names are swapped without an effect on the decisions.
    for (policy, name, changed) in [
        (policy, "match", policy.replace("value = 75.0, far = \"1/10000\"", "value = 76.5")),
        (policy, "match", "format = 0".to_owned()),
        (two, "match_auto", swapped),
    ] {
        assert_ne!(policy, changed);
        std::fs::write(&file, policy).unwrap();
        let mut running = Command::new(env!("CARGO_BIN_EXE_cloudauth"))
            .current_dir(folder.path())
            .args(["lab", "calibrate", "p.toml", "-", "--target", "30%", "--write", name])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut input = running.stdin.take().unwrap();
        // The command reads far more than a pipe holds only after it has read the policy.
        let rows = std::fs::read(folder.path().join("history.jsonl")).unwrap();
        for _ in 0..(4 << 20) / rows.len() + 1 {
            input.write_all(&rows).unwrap();
        }
        std::fs::write(&file, &changed).unwrap();
        drop(input);
        let output = running.wait_with_output().unwrap();
        let text = said(&output);
        assert_eq!(output.status.code(), Some(1), "{text}");
        assert!(
            text.contains("p.toml: the policy file changed during the run; nothing was written"),
            "{text}"
        );
        assert_eq!(std::fs::read_to_string(&file).unwrap(), changed);
    }
}

#[test]
fn targets_are_printed_as_they_were_written() {
    let folder = tempfile::tempdir().unwrap();
    history(folder.path());
    let targets = ["--target", "3/10", "--target", "0.1%", "--target", "0.6", "--target", "1e-3"];
    let output =
        lab(&[&["calibrate", "builtin:onboarding", "history.jsonl"][..], &targets].concat(), folder.path());
    let text = said(&output);
    for target in ["\n3/10 ", "\n0.1% ", "\n0.6 ", "\n1e-3 "] {
        assert!(text.contains(target), "{target}: {text}");
    }
}

#[test]
fn refuses_csv_with_the_extension_of_another_format() {
    let folder = tempfile::tempdir().unwrap();
    history(folder.path());
    for (args, file) in [
        (["calibrate", "builtin:onboarding", "history.jsonl", "--curve"], "c.parquet"),
        (["calibrate", "builtin:onboarding", "history.jsonl", "--curve"], "c.JSON"),
        (["calibrate", "builtin:onboarding", "history.jsonl", "--curve"], "c.csv.gz"),
        (["calibrate", "builtin:onboarding", "history.jsonl", "--curve"], "c.jsonl"),
        (["replay", "builtin:onboarding", "history.jsonl", "--decisions"], "d.json"),
        (["replay", "builtin:onboarding", "history.jsonl", "--decisions"], "d.tsv"),
    ] {
        let output = lab(&[&args[..], &[file]].concat(), folder.path());
        assert_eq!(output.status.code(), Some(2), "{file}: {}", said(&output));
        assert!(said(&output).contains(&format!("{} writes CSV", args[3])), "{}", said(&output));
        assert!(output.stdout.is_empty() && !folder.path().join(file).exists(), "{file}");
    }
    for file in ["c.csv", "curve"] {
        let curve = ["calibrate", "builtin:onboarding", "history.jsonl", "--curve", file];
        assert!(lab(&curve, folder.path()).status.success());
        assert!(std::fs::read_to_string(folder.path().join(file)).unwrap().starts_with("threshold,"));
    }
}

/// 1,245 of 100,000 was 1.25 % in the terminal and 1.24 % in the report.
#[test]
fn terminal_and_report_round_alike() {
    let folder = tempfile::tempdir().unwrap();
    let row = |passed: &str| {
        format!(
            "{{\"sub_code\":\"200\",\"passed\":\"{passed}\",\"face_attack\":\"F\",\"face_occlusion\":\"F\",\"verify_score\":90,\"quality_score\":90,\"face_attack_score\":0.01,\"channel\":\"\"}}\n"
        )
    };
    let (approved, other) = (row("T"), row("F"));
    std::fs::write(folder.path().join("rows.jsonl"), approved.repeat(249) + &other.repeat(19_751)).unwrap();
    std::fs::write(folder.path().join("map.toml"), "format = 1\nsegments = [\"channel\"]\n").unwrap();
    let data = ["builtin:onboarding", "rows.jsonl", "--mapping", "map.toml"];
    let text = said(&lab(&[&["replay"][..], &data].concat(), folder.path()));
    let report = lab(&[&["report"][..], &data].concat(), folder.path());
    assert!(report.status.success(), "{}", said(&report));
    let page = std::fs::read_to_string(folder.path().join("report.html")).unwrap();
    assert!(text.contains("1.25 %") && !text.contains("1.24 %"), "{text}");
    assert!(page.contains("1.25\u{a0}%") && !page.contains("1.24\u{a0}%"));
    // Rows without a value of the segment are shown as such in both.
    assert!(text.contains("(none)") && page.contains(">(none)<"), "{text}");
}
