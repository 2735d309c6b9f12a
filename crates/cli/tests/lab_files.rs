//! The files that `cloudauth lab` reads and refuses.

#![cfg(test)]

mod support;

#[cfg(unix)]
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::json;
use support::{json as document, text as said};

const ROW: &str = "{\"sub_code\":\"200\",\"passed\":\"T\",\"verify_score\":88}\n";

fn lab(folder: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cloudauth"));
    command.current_dir(folder).arg("lab").args(args).output().unwrap()
}

#[test]
fn skipped_files_are_listed_for_people_and_programs() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    std::fs::create_dir_all(folder.join("d/_temporary")).unwrap();
    for name in ["d/a.jsonl", "d/_temporary/a.jsonl"] {
        std::fs::write(folder.join(name), ROW).unwrap();
    }
    let text = said(&lab(folder, &["replay", "builtin:onboarding", "d"]));
    assert!(text.contains("decides on 1 row"), "{text}");
    assert!(text.contains("d/_temporary: the name begins with `.` or `_`"), "{text}");
    let told = document(&lab(folder, &["replay", "builtin:onboarding", "d", "--output", "json"]));
    let expected = json!([{ "path": "d/_temporary", "reason": "the name begins with `.` or `_`" }]);
    assert_eq!((&told["skipped"], &told["rows"]), (&expected, &json!(1)));
    let args = ["report", "builtin:onboarding", "d", "--to", "r.html", "--output", "json"];
    assert_eq!(document(&lab(folder, &args))["skipped"], expected);
}

#[test]
fn an_output_that_the_next_run_would_read_is_refused_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    std::fs::create_dir_all(folder.join("d/sub")).unwrap();
    std::fs::write(folder.join("d/sub/a.jsonl"), ROW).unwrap();
    std::fs::write(folder.join("p.toml"), cloudauth::policy::builtin::ONBOARDING).unwrap();
    let replay = ["replay", "builtin:onboarding", "d"];
    let sweep =
        ["sweep", "p.toml", "d", "--threshold", "match_auto", "--from", "75", "--to", "76", "--step", "1"];
    let before = cloudauth_tests::names(&folder.join("d"));
    for (args, flag, file) in [
        (&replay[..], "--resume", "d/state.json"),
        (&replay, "--resume", "d/sub/state.json"),
        (&replay, "--decisions", "d/out.csv"),
        (&["calibrate", "builtin:onboarding", "d"], "--curve", "d/curve.csv"),
        (&sweep, "--csv", "d/sweep.csv"),
    ] {
        let output = lab(folder, &[args, &[flag, file]].concat());
        let expected = format!("{flag} {file} is in a data folder");
        assert_eq!(output.status.code(), Some(2), "{args:?} {}", said(&output));
        assert!(said(&output).contains(&expected), "{}", said(&output));
        assert_eq!(cloudauth_tests::names(&folder.join("d")), before);
    }
    // A name that no search reads is allowed, twice.
    for _ in 0..2 {
        let output = lab(folder, &[&replay[..], &["--resume", "d/state"]].concat());
        assert!(output.status.success() && said(&output).contains("decides on 1 row"), "{}", said(&output));
    }
}

#[test]
fn a_file_without_inputs_is_refused_unless_it_is_allowed() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    std::fs::write(folder.join("x.csv"), "kod,ok\n200,T\n").unwrap();
    let output = lab(folder, &["replay", "builtin:onboarding", "x.csv"]);
    let expected = "x.csv: none of the policy's inputs found; there are 2 columns with other names; give --mapping or --allow-missing-inputs";
    assert!(output.status.code() == Some(2) && said(&output).contains(expected), "{}", said(&output));
    let output = lab(folder, &["replay", "builtin:onboarding", "x.csv", "--allow-missing-inputs"]);
    assert!(output.status.success() && said(&output).contains("decides on 1 row"), "{}", said(&output));
}

#[test]
fn every_output_states_the_time_zone_of_its_days() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let line = ROW.replace('}', ",\"time\":\"2026-03-01T20:00:00Z\"}");
    std::fs::write(folder.join("a.jsonl"), line).unwrap();
    std::fs::write(folder.join("m.toml"), "format = 1\ntime = \"time\"\ntimezone = \"UTC\"\n").unwrap();
    let replay = ["replay", "builtin:onboarding", "a.jsonl"];
    let text = said(&lab(folder, &replay));
    assert!(
        text.contains("2026-03-02") && text.contains("days are those of Asia/Shanghai (UTC+08:00)"),
        "{text}"
    );
    let mapped = [&replay[..], &["--mapping", "m.toml"]].concat();
    let text = said(&lab(folder, &mapped));
    assert!(text.contains("2026-03-01") && text.contains("days are those of UTC"), "{text}");
    let told = document(&lab(folder, &[&mapped[..], &["--output", "json"]].concat()));
    assert_eq!(told["timezone"], "UTC");
    for (lang, says) in
        [("en", ", days of <b>UTC (UTC+00:00)</b>"), ("zh", "（按 <b>UTC (UTC+00:00)</b> 计日）")]
    {
        let args = [
            "report",
            "builtin:onboarding",
            "a.jsonl",
            "--mapping",
            "m.toml",
            "--to",
            "r.html",
            "--lang",
            lang,
        ];
        assert!(lab(folder, &args).status.success());
        assert!(std::fs::read_to_string(folder.join("r.html")).unwrap().contains(says), "{lang}");
    }
}

/// Runs with bytes on standard input.
fn piped(folder: &Path, args: &[&str], bytes: &[u8]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cloudauth"));
    let command = command.current_dir(folder).arg("lab").args(args);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // A command that refuses its input closes the pipe.
    drop(child.stdin.take().unwrap().write_all(bytes));
    child.wait_with_output().unwrap()
}

#[test]
fn standard_input_is_json_lines_or_csv() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let replay = ["replay", "builtin:onboarding", "-", "--output", "json"];
    let csv = "sub_code;passed\n200;T\n";
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gz.write_all(ROW.as_bytes()).unwrap();
    // More bytes than are read to detect the format.
    let many = ROW.repeat(40_000);
    for (bytes, rows) in [
        (ROW.as_bytes(), 1),
        (many.as_bytes(), 40_000),
        (&b"\n  {\"sub_code\":\"200\"}"[..], 1),
        (csv.as_bytes(), 1),
        (&gz.finish().unwrap(), 1),
    ] {
        let told = document(&piped(folder, &replay, bytes));
        assert_eq!((&told["rows"], &told["sources"]), (&json!(rows), &json!(["-"])));
    }
    std::fs::write(folder.join("a.jsonl"), ROW).unwrap();
    let both = [&replay[..], &["a.jsonl"]].concat();
    assert_eq!(document(&piped(folder, &both, csv.as_bytes()))["rows"], 2);
    for (args, bytes, part) in [
        (&replay[..], &b"PAR1 and more"[..], "Parquet can only be read from a file"),
        (&[&replay[..], &["-"]].concat(), csv.as_bytes(), "standard input would be read twice"),
        (&[&replay[..], &["--resume", "s.json"]].concat(), csv.as_bytes(), "--resume takes files"),
        (&replay, b"", "- has no rows"),
        (&replay, b"kod;ok\n200;T\n", "-: none of the policy's inputs found"),
    ] {
        let output = piped(folder, args, bytes);
        assert!(!output.status.success() && said(&output).contains(part), "{part}: {}", said(&output));
    }
}

/// The file behind standard input is data that an output must not replace.
#[cfg(unix)]
#[test]
fn refuses_to_write_over_the_file_behind_standard_input() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let csv = "sub_code,passed,verify_score\n200,T,88\n";
    let run = |args: &[&str], input: &str| {
        std::fs::write(folder.join("b.csv"), csv).unwrap();
        std::fs::write(folder.join("other.csv"), csv).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_cloudauth"));
        command.stdin(File::open(folder.join(input)).unwrap());
        let output = command.current_dir(folder).arg("lab").args(args).output().unwrap();
        let read = |name| std::fs::read_to_string(folder.join(name)).unwrap();
        assert_eq!(
            (output.status.code(), read("b.csv"), read("other.csv")),
            (Some(2), csv.into(), csv.into())
        );
        said(&output)
    };
    for args in [
        &["replay", "builtin:onboarding", "-", "--decisions", "b.csv"][..],
        &["report", "builtin:onboarding", "-", "--to", "b.csv"],
        &["calibrate", "builtin:onboarding", "-", "--curve", "b.csv"],
    ] {
        let error = run(args, "b.csv");
        assert!(error.contains("b.csv is the same file as the data file -"), "{error}");
    }
    for stream in ["/dev/stdin", "/dev/fd/0"] {
        for data in ["-", "b.csv"] {
            let error = run(&["replay", "builtin:onboarding", data, "--decisions", stream], "other.csv");
            assert!(error.contains("standard input is not an output"), "{error}");
        }
    }
    for data in [["-", "b.csv"], ["b.csv", "-"]] {
        let error = run(&[&["replay", "builtin:onboarding"], &data[..]].concat(), "b.csv");
        assert!(error.contains("would be read twice"), "{error}");
    }
}

/// As in `cloudauth lab replay POLICY b.csv >> b.csv`.
#[cfg(unix)]
#[test]
fn refuses_to_append_standard_output_to_an_input() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let data = format!("{ROW}{ROW}");
    std::fs::write(folder.join("p.toml"), cloudauth::policy::builtin::ONBOARDING).unwrap();
    std::fs::write(folder.join("m.toml"), "format = 1\n").unwrap();
    std::fs::write(folder.join("a.jsonl"), &data).unwrap();
    let run = |args: &[&str], stdin: Stdio, file: &str, is_error: bool| {
        let before = std::fs::read(folder.join(file)).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_cloudauth"));
        let to = File::options().append(true).open(folder.join(file)).unwrap();
        command.current_dir(folder).args(args).stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped());
        let output = if is_error { command.stderr(to) } else { command.stdout(to) }.output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        let after = std::fs::read(folder.join(file)).unwrap();
        if !is_error {
            let error = said(&output);
            assert!(error.contains("standard output /dev/stdout is the same file as"), "{args:?}: {error}");
            assert!(before == after, "{args:?}");
        }
    };
    let replay = ["lab", "replay", "p.toml", "a.jsonl"];
    run(&replay, Stdio::null(), "a.jsonl", false);
    run(&replay, Stdio::null(), "p.toml", false);
    run(&replay, Stdio::null(), "a.jsonl", true);
    run(&[&replay[..], &["--decisions", "/dev/stdout"]].concat(), Stdio::null(), "a.jsonl", false);
    let stdin = File::open(folder.join("a.jsonl")).unwrap();
    run(&["lab", "replay", "p.toml", "-"], stdin.into(), "a.jsonl", false);
    run(
        &["lab", "sql", "p.toml", "--mapping", "m.toml", "--dialect", "sqlite"],
        Stdio::null(),
        "m.toml",
        false,
    );
    run(
        &["lab", "finish", "--policy", "p.toml", "--view", "replay", "a.jsonl"],
        Stdio::null(),
        "a.jsonl",
        false,
    );
    run(&["policy", "explain", "p.toml", "--evidence", "a.jsonl"], Stdio::null(), "a.jsonl", false);
    // An output would take the place of the file that receives the counts.
    std::fs::write(folder.join("d.csv"), "").unwrap();
    run(&[&replay[..], &["--decisions", "d.csv"]].concat(), Stdio::null(), "d.csv", false);
}

/// Windows has no names with control characters.
#[cfg(unix)]
#[test]
fn control_characters_of_data_do_not_reach_the_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let csv = "sub_code,passed,ch\u{202e}an\n200,T,\u{1b}[2Jred\n200,T,\"two\nlines\u{9b}\"\n";
    std::fs::write(folder.join("a\u{1b}[31m.csv"), csv).unwrap();
    std::fs::write(folder.join("b.csv"), csv).unwrap();
    std::fs::write(folder.join("m.toml"), "format = 1\nsegments = [\"ch\\u202Ean\"]\n").unwrap();
    let people = |args: &[&str]| {
        let output = lab(folder, args);
        let text = said(&output) + &String::from_utf8_lossy(&output.stderr);
        assert!(!text.contains(['\u{1b}', '\u{9b}', '\u{202e}']), "{text:?}");
        text
    };
    let text = people(&["replay", "builtin:onboarding", "b.csv", "--mapping", "m.toml"]);
    for shown in ["ch\\u{202e}an", "\\u{1b}[2Jred", "two\\nlines\\u{9b}"] {
        assert!(text.contains(shown), "{shown}: {text}");
    }
    let text = people(&["replay", "builtin:onboarding", "b.csv", "a\u{1b}[31m.csv", "nowhere\u{1b}.csv"]);
    assert!(text.contains("nowhere\\u{1b}.csv"), "{text}");
    let json = document(&lab(
        folder,
        &["replay", "builtin:onboarding", "b.csv", "--mapping", "m.toml", "--output", "json"],
    ));
    assert!(json["segments"]["ch\u{202e}an"]["\u{1b}[2Jred"].is_object(), "{json}");
}

#[test]
fn data_without_a_row_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    for (name, text) in [("empty.csv", ""), ("header.csv", "sub_code,verify_score\n"), ("empty.jsonl", "")] {
        std::fs::write(folder.join(name), text).unwrap();
        for args in [
            &["replay", "builtin:onboarding", name][..],
            &["compare", "builtin:onboarding", "builtin:vendor", name],
            &["calibrate", "builtin:onboarding", name],
            &["drift", "builtin:onboarding", name],
            &["report", "builtin:onboarding", name],
        ] {
            let output = lab(folder, args);
            assert_eq!(output.status.code(), Some(1), "{args:?}: {}", said(&output));
            assert_eq!(said(&output), format!("cloudauth: {name} has no rows\n"), "{args:?}");
        }
    }
    assert!(!folder.join("report.html").exists());
    let output = lab(folder, &["replay", "builtin:onboarding", "empty.csv", "header.csv"]);
    assert!(said(&output).contains("empty.csv has no rows, and neither does"), "{}", said(&output));

    // Beside a file with rows, an empty one is listed.
    std::fs::write(folder.join("a.jsonl"), ROW.trim_end()).unwrap();
    let args = ["replay", "builtin:onboarding", "a.jsonl", "empty.jsonl", "header.csv"];
    let text = said(&lab(folder, &args));
    assert!(text.contains("empty.jsonl: no rows") && text.contains("header.csv: no rows"), "{text}");
    let told = document(&lab(folder, &[&args[..], &["--output", "json"]].concat()));
    let listed = ["empty.jsonl", "header.csv"].map(|path| json!({ "path": path, "reason": "no rows" }));
    assert_eq!(told["skipped"], json!(listed));
}

#[test]
fn every_command_exits_with_2_for_an_input_that_cannot_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    std::fs::write(folder.join("no.jsonl.gz"), "no gzip").unwrap();
    std::fs::write(folder.join("open.csv"), "sub_code\n\"200\n").unwrap();
    std::fs::write(folder.join("twice.csv"), "sub_code,sub_code\n200,200\n").unwrap();
    std::fs::write(folder.join("counts.csv"), "part\nabout\n").unwrap();
    for args in [
        &["replay", "builtin:onboarding", "no.jsonl.gz"][..],
        &["compare", "builtin:onboarding", "builtin:vendor", "open.csv"],
        &["calibrate", "builtin:onboarding", "twice.csv"],
        &["finish", "counts.csv", "--policy", "builtin:onboarding", "--view", "replay"],
        &["drift", "nowhere.toml", "open.csv"],
        &["report", "builtin:onboarding", "nowhere.csv"],
    ] {
        let output = lab(folder, args);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {}", said(&output));
    }
}
