//! What the command does when its output cannot be written: exit code 1 and a message, or the old file.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Output, Stdio};

const PROGRAM: &str = env!("CARGO_BIN_EXE_cloudauth");

const EVIDENCE: &str = r#"{"sub_code":"200","passed":"T","face_attack":"F","face_occlusion":"F","verify_score":88.25,"quality_score":90,"face_attack_score":0.01}"#;

fn command(args: &[&str], folder: &Path) -> Command {
    let mut command = Command::new(PROGRAM);
    command.current_dir(folder).args(args).stdin(Stdio::null());
    command
}

/// Commands that print, with their exit codes.
fn printing(folder: &Path) -> Vec<(Vec<&'static str>, i32)> {
    fs::write(folder.join("e.json"), EVIDENCE).unwrap();
    fs::write(folder.join("rows.jsonl"), format!("{EVIDENCE}\n")).unwrap();
    fs::write(folder.join("map.toml"), "format = 1\n[label]\ncolumn = \"label\"\n").unwrap();
    let mut commands: Vec<(&'static str, i32)> = vec![
        ("--help", 0),
        ("--version", 0),
        ("policy --help", 0),
        ("help policy sql", 0),
        ("codes", 0),
        ("codes 200 --output json", 0),
        ("policy show onboarding", 0),
        ("policy schema", 0),
        ("policy check builtin:onboarding", 0),
        ("policy check builtin:onboarding --output json", 0),
        ("policy decide builtin:onboarding --evidence e.json", 0),
        ("policy explain builtin:onboarding --evidence e.json", 0),
        ("policy diff builtin:onboarding builtin:vendor", 0),
        ("policy sql builtin:onboarding --dialect sqlite", 0),
        ("demo", 0),
        ("demo --output json", 0),
    ];
    if cfg!(feature = "lab") {
        commands.extend([
            ("lab replay builtin:onboarding rows.jsonl", 0),
            ("lab replay builtin:onboarding rows.jsonl --output json", 0),
            ("lab compare builtin:onboarding builtin:vendor rows.jsonl", 0),
            ("lab calibrate builtin:onboarding rows.jsonl", 0),
            ("lab report builtin:onboarding rows.jsonl", 0),
            ("lab sql builtin:onboarding --dialect sqlite --mapping map.toml", 0),
        ]);
    }
    commands.into_iter().map(|(line, code)| (line.split(' ').collect(), code)).collect()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_full_disk_under_standard_output_is_reported_by_every_command() {
    let folder = tempfile::tempdir().unwrap();
    for (args, code) in printing(folder.path()) {
        let well = command(&args, folder.path()).output().unwrap();
        assert_eq!(well.status.code(), Some(code), "{args:?}: {}", said(&well));
        assert!(!well.stdout.is_empty(), "{args:?}");
        let full = File::options().write(true).open("/dev/full").unwrap();
        let output = command(&args, folder.path()).stdout(full).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{args:?}: {}", said(&output));
        assert!(said(&output).contains("cannot write to standard output"), "{args:?}: {}", said(&output));
    }
}

#[test]
fn a_closed_pipe_ends_every_command_quietly() {
    let folder = tempfile::tempdir().unwrap();
    for (args, code) in printing(folder.path()) {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = command(&args, folder.path()).stdout(writer).output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{args:?}: {}", said(&output));
        assert!(!said(&output).contains("standard output"), "{args:?}: {}", said(&output));
    }
}

#[test]
fn listen_ends_when_nobody_reads_its_output() {
    let folder = tempfile::tempdir().unwrap();
    let args = ["listen", "--port", "0", "--output", "json"];
    let mut child =
        command(&args, folder.path()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    stdout.read_line(&mut line).unwrap();
    drop(stdout);
    let document: serde_json::Value = serde_json::from_str(&line).unwrap();
    let url = document["callback_url"].as_str().unwrap();
    let address = url.trim_start_matches("http://").split('/').next().unwrap();
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    stream.write_all(b"GET /callback HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
}

/// As a full standard error, which must not end a command.
#[test]
fn a_failing_standard_error_is_no_panic() {
    let folder = tempfile::tempdir().unwrap();
    let full = File::options().write(true).open("/dev/full").unwrap();
    let output = command(&["policy", "check", "nowhere.toml"], folder.path()).stderr(full).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
}

/// With files of at most a kilobyte: every write beyond fails, as on a full disk.
fn on_a_full_disk(args: &[&str], folder: &Path, signal: &str) -> Output {
    let script = format!("{signal} ulimit -f 1; exec \"$0\" \"$@\"");
    let mut command = Command::new("sh");
    command.current_dir(folder).args(["-c", &script, PROGRAM]).args(args).stdin(Stdio::null());
    command.output().unwrap()
}

/// Commands that write a file, and the file.
fn writing(folder: &Path) -> Vec<(Vec<&'static str>, &'static str)> {
    let policy = Command::new(PROGRAM).args(["policy", "show", "onboarding"]).output().unwrap();
    let policy = String::from_utf8(policy.stdout).unwrap();
    fs::write(folder.join("p.toml"), policy.replace(" = ", "=")).unwrap();
    fs::write(folder.join("rows.jsonl"), format!("{EVIDENCE}\n").repeat(2000)).unwrap();
    let mut commands = vec![("policy fmt p.toml", "p.toml")];
    if cfg!(feature = "lab") {
        commands.extend([
            ("lab report builtin:onboarding rows.jsonl --to out", "out"),
            ("lab calibrate builtin:onboarding rows.jsonl --curve out", "out"),
            ("lab replay builtin:onboarding rows.jsonl --decisions out", "out"),
        ]);
    }
    commands.into_iter().map(|(line, file)| (line.split(' ').collect(), file)).collect()
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn a_full_disk_leaves_the_old_file_in_place() {
    let folder = tempfile::tempdir().unwrap();
    for (args, file) in writing(folder.path()) {
        if file == "out" {
            fs::write(folder.path().join(file), "old").unwrap();
        }
        let (old, before) = (fs::read(folder.path().join(file)).unwrap(), names(folder.path()));
        let output = on_a_full_disk(&args, folder.path(), "trap '' XFSZ;");
        assert_eq!(output.status.code(), Some(1), "{args:?}: {}", said(&output));
        assert!(said(&output).contains("cannot write"), "{args:?}: {}", said(&output));
        assert_eq!(fs::read(folder.path().join(file)).unwrap(), old, "{args:?}");
        assert_eq!(names(folder.path()), before, "{args:?}: something is left");
        // Killed in the middle of a write, too.
        let output = on_a_full_disk(&args, folder.path(), "");
        assert_eq!(output.status.code(), None, "{args:?}: {}", said(&output));
        assert_eq!(fs::read(folder.path().join(file)).unwrap(), old, "{args:?}");
        let output = command(&args, folder.path()).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{args:?}: {}", said(&output));
        assert_ne!(fs::read(folder.path().join(file)).unwrap(), old, "{args:?}");
    }
}
