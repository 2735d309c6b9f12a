//! What a program reads: one document, also if an output fails.

use std::fs;

use serde_json::Value;

use crate::support::{json, text as said};
use crate::{history, lab};

#[test]
fn a_failed_output_is_in_the_document_of_the_analysis() {
    let folder = tempfile::tempdir().unwrap();
    history(folder.path());
    // Its examples would refuse another value.
    let policy = cloudauth::policy::builtin::THRESHOLD.split("[[example]]").next().unwrap();
    fs::write(folder.path().join("p.toml"), policy).unwrap();
    let calibrate = [
        "calibrate",
        "p.toml",
        "history.jsonl",
        "--target",
        "1/100000",
        "--write",
        "match",
        "--curve",
        "c.csv",
    ];
    let output = lab(&[&calibrate[..], &["--output", "json"]].concat(), folder.path());
    let document = json(&output);
    assert!(output.status.code() == Some(1) && document["exit_code"] == 1, "{document}");
    assert!(document["error"].as_str().unwrap().contains("nothing is written"), "{document}");
    assert_eq!(document["targets"][0]["target"], "1/100000");
    assert!(folder.path().join("c.csv").exists(), "the curve does not depend on the threshold");
    let shown = said(&lab(&calibrate, folder.path()));
    assert!(shown.contains("target FMR") && shown.contains("nothing is written"), "{shown}");

    let calibrate = ["calibrate", "p.toml", "history.jsonl", "--target", "30%", "--write", "match"];
    let output = lab(&[&calibrate[..], &["--output", "json"]].concat(), folder.path());
    let document = json(&output);
    assert!(output.status.success() && document["error"] == Value::Null, "{document}");
}

/// Writing to this device fails, and only when the result is written.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_in_the_document_of_the_analysis() {
    let folder = tempfile::tempdir().unwrap();
    history(folder.path());
    let sweep = "sweep builtin:onboarding history.jsonl --threshold match_auto --from 72 --to 74 --step 1 --csv /dev/full";
    let curve = "calibrate builtin:onboarding history.jsonl --curve /dev/full";
    for args in [sweep, curve] {
        let args: Vec<&str> = args.split(' ').chain(["--output", "json"]).collect();
        let output = lab(&args, folder.path());
        let document = json(&output);
        assert_eq!((output.status.code(), &document["exit_code"]), (Some(1), &1.into()), "{document}");
        assert!(document["error"].as_str().unwrap().contains("cannot write /dev/full"), "{document}");
        assert_eq!(document["complete"], true);
    }
}

/// Names of the user that are also headings of the command.
#[test]
fn names_of_segments_and_thresholds_are_not_translated() {
    let folder = tempfile::tempdir().unwrap();
    history(folder.path());
    let rows = fs::read_to_string(folder.path().join("history.jsonl")).unwrap().replace("channel", "from");
    fs::write(folder.path().join("history.jsonl"), rows).unwrap();
    let map = fs::read_to_string(folder.path().join("map.toml")).unwrap().replace("channel", "from");
    fs::write(folder.path().join("map.toml"), map).unwrap();
    let policy = cloudauth::policy::builtin::ONBOARDING.replace("match_auto", "rows");
    fs::write(folder.path().join("p.toml"), policy).unwrap();
    for command in [
        "replay p.toml history.jsonl",
        "compare p.toml builtin:vendor history.jsonl",
        "segments p.toml history.jsonl",
        "sweep p.toml history.jsonl --threshold rows --from 72 --to 74 --step 1",
    ] {
        let args: Vec<&str> = command.split(' ').chain(["--mapping", "map.toml", "--lang", "zh"]).collect();
        let shown = said(&lab(&args, folder.path()));
        let name = if command.starts_with("sweep") { "rows " } else { "from " };
        assert!(shown.lines().any(|line| line.starts_with(name)), "{command}: {shown}");
    }
}

#[test]
fn finish_refuses_options_of_other_views() {
    let folder = tempfile::tempdir().unwrap();
    let finish = "finish counts.csv --policy builtin:onboarding --view";
    for (more, option) in [
        ("replay --target 1/100", "--target"),
        ("report --step 50", "--step"),
        ("segments --reference 2026-01", "--reference"),
        ("compare --current 2026-01", "--current"),
        ("drift --to report.html", "--to"),
    ] {
        let args = format!("{finish} {more}");
        let output = lab(&args.split(' ').collect::<Vec<_>>(), folder.path());
        let shown = said(&output);
        let told = format!("{option} has no effect with --view {}", more.split(' ').next().unwrap());
        assert!(output.status.code() == Some(2) && shown.contains(&told), "{more}: {shown}");
    }
}
