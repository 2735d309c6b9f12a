//! Commands that read the data twice.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::thread::sleep;
use std::time::Duration;

use serde_json::{Value, json};

use crate::lab;
use crate::support::{json as document, text};

const CSV: &str = "sub_code,passed\n200,T\n";
const REPORT: &str = "report builtin:onboarding a.csv b.csv --to r.html --output json --sweep match_auto --from 75 --up-to 76 --step 1";

fn pipe(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

/// Reports on a pipe and a file that grows while the command reads the pipe for the last time. After it, there is no pipe.
fn report_of_a_file_that_grows_in_pass(last: u32) -> (Output, String) {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    pipe(&at("a.csv"));
    fs::write(at("b.csv"), CSV).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_cloudauth"));
    command.current_dir(folder.path()).arg("lab").args(REPORT.split(' '));
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    for pass in 1..=last {
        // The command opens the pipe in each pass; the next pass has a pipe of its own.
        let mut open = File::options().write(true).open(at("a.csv")).unwrap();
        if pass < last {
            pipe(&at("next"));
            fs::rename(at("next"), at("a.csv")).unwrap();
        } else {
            fs::remove_file(at("a.csv")).unwrap();
            fs::write(at("b.csv"), format!("{CSV}200,T\n")).unwrap();
        }
        open.write_all(CSV.as_bytes()).unwrap();
    }
    let output = child.wait_with_output().unwrap();
    let page = fs::read_to_string(at("r.html")).unwrap_or_default();
    (output, page)
}

#[test]
fn a_report_has_a_sweep_only_if_both_passes_are_complete() {
    for last in [2, 1] {
        let (output, page) = report_of_a_file_that_grows_in_pass(last);
        assert_eq!(output.status.code(), Some(1), "pass {last}: {}", text(&output));
        assert!(text(&output).contains("b.csv changed while it was read"), "pass {last}: {}", text(&output));
        assert_eq!(document(&output)["complete"], false, "pass {last}");
        let has_sweep = page.contains("id=\"sweep\"");
        assert!(page.contains("id=\"decisions\"") && !has_sweep, "pass {last}");
    }
    let folder = tempfile::tempdir().unwrap();
    for name in ["a.csv", "b.csv"] {
        fs::write(folder.path().join(name), CSV).unwrap();
    }
    let output = lab(&REPORT.split(' ').collect::<Vec<_>>(), folder.path());
    assert!(output.status.success() && document(&output)["complete"] == true, "{}", text(&output));
    assert!(fs::read_to_string(folder.path().join("r.html")).unwrap().contains("id=\"sweep\""));
}

/// Without a mapping, only the data shows whether it has labels.
#[test]
fn costs_without_labels_are_refused_before_the_data_is_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    pipe(&at("a.csv"));
    let costs =
        "format = 1\n[cost]\nimpostor_approved = 5000\ngenuine_rejected = 30\nreview = 2\nretry = 0.5\n";
    fs::write(at("cost.toml"), costs).unwrap();
    let report = REPORT.replace(" b.csv", "") + " --cost cost.toml --prior 0.1%";
    let mut command = Command::new(env!("CARGO_BIN_EXE_cloudauth"));
    command.current_dir(folder.path()).arg("lab").args(report.split(' '));
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut open = File::options().write(true).open(at("a.csv")).unwrap();
    pipe(&at("next"));
    fs::rename(at("next"), at("a.csv")).unwrap();
    open.write_all(b"sub_code,passed,label\n200,T,genuine\n").unwrap();
    drop(open);
    // The next pipe has no writer.
    let has_ended = (0..300).any(|_| {
        sleep(Duration::from_millis(100));
        child.try_wait().unwrap().is_some()
    });
    if !has_ended {
        child.kill().unwrap();
    }
    let output = child.wait_with_output().unwrap();
    let text = text(&output);
    assert!(
        output.status.code() == Some(2)
            && text.contains("no cost can be calculated")
            && !at("r.html").exists(),
        "{text}"
    );
}

/// Data without a row is refused after they were read.
#[test]
fn a_sweep_that_cannot_run_is_refused_before_the_data_is_read() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["a.csv", "b.csv"] {
        fs::write(folder.path().join(name), "").unwrap();
    }
    let run = |report: &str| lab(&report.split(' ').collect::<Vec<_>>(), folder.path());
    assert!(text(&run(REPORT)).contains("no row"), "{}", text(&run(REPORT)));
    for (from, to, says) in [
        ("--from 75", "--from 175", "invalid sweep"),
        ("match_auto", "match_high", "no threshold `match_high`"),
    ] {
        let output = run(&REPORT.replace(from, to));
        let text = text(&output);
        assert!(output.status.code() == Some(2) && text.contains(says), "{to}: {text}");
    }
}

#[test]
fn a_file_without_rows_is_listed_once() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    fs::create_dir(&data).unwrap();
    let rows = ["01", "02"].map(|month| {
        let row = |label: &str, score: u32| format!("200,T,F,F,{score},0.01,{label},2026-{month}-01\n");
        row("genuine", 90) + &row("impostor", 40)
    });
    let header = "sub_code,passed,face_attack,face_occlusion,verify_score,face_attack_score,label,time\n";
    fs::write(data.join("a.csv"), header.to_owned() + &rows.concat()).unwrap();
    fs::write(data.join("empty.csv"), header).unwrap();
    fs::write(data.join("notes.txt"), "").unwrap();
    let mapping = "format = 1\ntime = \"time\"\n[label]\ncolumn = \"label\"\n";
    fs::write(folder.path().join("map.toml"), mapping).unwrap();
    let expected = json!([
        { "path": "data/notes.txt", "reason": "unknown format" },
        { "path": "data/empty.csv", "reason": "no rows" },
    ]);
    let listed = |args: &str| -> Value {
        let args = format!("{args} data --mapping map.toml --output json");
        let output = lab(&args.split(' ').collect::<Vec<_>>(), folder.path());
        assert!(output.status.success(), "{}", text(&output));
        document(&output)["skipped"].take()
    };
    let calibrate = "calibrate builtin:onboarding --train ..2026-01-31 --test 2026-02-01..";
    let report = "report builtin:onboarding --to r.html --sweep match_auto --from 75 --up-to 76 --step 1";
    for twice in [calibrate, report] {
        assert_eq!(listed(twice), expected, "{twice}");
    }
}
