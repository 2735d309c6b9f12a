//! Failing outputs: the command reports them with exit code 1, and old files stay.

#![cfg(test)]
#![cfg(unix)]

#[path = "outputs/files.rs"]
mod files;
mod support;

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use support::{said, text};

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

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_under_standard_output_is_reported_by_every_command() {
    let folder = tempfile::tempdir().unwrap();
    for (args, code) in printing(folder.path()) {
        let well = command(&args, folder.path()).output().unwrap();
        assert_eq!(well.status.code(), Some(code), "{args:?}: {}", said(&well));
        assert!(!well.stdout.is_empty(), "{args:?}");
        let full = fs::File::options().write(true).open("/dev/full").unwrap();
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
fn listen_ends_when_its_output_is_closed() {
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

#[test]
fn an_emulator_keeps_running_after_a_script_reads_its_address() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = command(&["emulator"], folder.path()).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let address = lines
        .find_map(|line| line.unwrap().strip_prefix("export CLOUDAUTH_ENDPOINT=http://").map(str::to_owned));
    drop(lines);
    // Two requests, with enough time in between for a write to the closed pipe.
    for _ in 0..2 {
        let mut stream = std::net::TcpStream::connect(address.as_ref().unwrap()).unwrap();
        stream
            .write_all(b"GET /_emu/v1/info HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
    assert!(child.try_wait().unwrap().is_none(), "it runs");
    child.kill().unwrap();
    child.wait().unwrap();
}

#[cfg(target_os = "linux")]
#[test]
fn an_emulator_whose_output_fails_ends_with_1() {
    let folder = tempfile::tempdir().unwrap();
    let full = fs::File::options().write(true).open("/dev/full").unwrap();
    let output = command(&["emulator"], folder.path()).stdout(full).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "its address was lost: {}", said(&output));
}

/// A file that the user names is lost if its reader leaves early: unlike printed output, the command does not end with 0.
#[test]
#[cfg(feature = "lab")]
fn a_file_lost_in_a_closed_pipe_ends_with_1() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("rows.jsonl"), EVIDENCE).unwrap();
    for named in [["report", "--to"], ["replay", "--decisions"]] {
        let args = ["lab", named[0], "builtin:onboarding", "rows.jsonl", named[1], "/dev/stdout"];
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = command(&args, folder.path()).stdout(writer).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{args:?}: {}", said(&output));
        assert!(
            said(&output).contains("cannot write /dev/stdout: Broken pipe"),
            "{args:?}: {}",
            said(&output)
        );
    }
}

/// A full standard error must not end a command.
#[cfg(target_os = "linux")]
#[test]
fn a_failing_standard_error_does_not_panic() {
    let folder = tempfile::tempdir().unwrap();
    let full = fs::File::options().write(true).open("/dev/full").unwrap();
    let output = command(&["policy", "check", "nowhere.toml"], folder.path()).stderr(full).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
}

/// Redirected to a file or a pipe, `/dev/stdout` receives the decisions and then the counts.
#[cfg(feature = "lab")]
#[test]
fn decisions_and_counts_share_a_redirected_standard_output() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("rows.jsonl"), format!("{EVIDENCE}\n")).unwrap();
    let replay = ["lab", "replay", "builtin:onboarding", "rows.jsonl", "--output", "json", "--decisions"];
    let run = |to| command(&[&replay[..], &[to]].concat(), folder.path());
    let counts = run("d.csv").output().unwrap().stdout;
    let expected = [fs::read(folder.path().join("d.csv")).unwrap(), counts].concat();
    for to in ["/dev/stdout", "/dev/fd/1"] {
        let piped = run(to).output().unwrap();
        assert!(piped.status.success() && piped.stdout == expected, "{to}: {}", said(&piped));
        let file = fs::File::create(folder.path().join("both")).unwrap();
        assert!(run(to).stdout(file).status().unwrap().success(), "{to}");
        assert_eq!(fs::read(folder.path().join("both")).unwrap(), expected, "{to}");
    }
    assert_eq!(cloudauth_tests::names(folder.path()), ["both", "d.csv", "rows.jsonl"]);
}

/// Appends to the second file while the command waits for the first one, a pipe.
#[cfg(feature = "lab")]
#[test]
fn a_file_that_grows_while_it_is_read_ends_the_command_with_1() {
    // By its name, and behind standard input.
    for named in ["b.csv", "-"] {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        assert!(Command::new("mkfifo").arg(at("a.csv")).status().unwrap().success());
        let csv = "sub_code,passed\n200,T\n";
        fs::write(at("b.csv"), csv).unwrap();
        let args = ["lab", "replay", "builtin:onboarding", "a.csv", named, "--output", "json"];
        let mut child = command(&args, folder.path());
        child.stdin(fs::File::open(at("b.csv")).unwrap()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = child.spawn().unwrap();
        // The command opens the pipe after it has found both files.
        let mut pipe = fs::File::options().write(true).open(at("a.csv")).unwrap();
        fs::write(at("b.csv"), format!("{csv}200,T\n")).unwrap();
        pipe.write_all(csv.as_bytes()).unwrap();
        drop(pipe);
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{}", said(&output));
        assert!(said(&output).contains(&format!("{named} changed while it was read")), "{}", said(&output));
        let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(document["complete"], false);
    }
}

/// Two gigabytes in one line or one field, with less memory than that.
#[cfg(all(feature = "lab", target_os = "linux"))]
#[test]
fn an_endless_line_is_refused_within_a_gigabyte_of_memory() {
    let folder = tempfile::tempdir().unwrap();
    let megabyte = |pack: &dyn Fn(&[u8]) -> Vec<u8>| pack(&vec![b'x'; 1 << 20]).repeat(2048);
    let gz = |bytes: &[u8]| {
        let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gz.write_all(bytes).unwrap();
        gz.finish().unwrap()
    };
    let zst = |bytes: &[u8]| zstd::encode_all(bytes, 1).unwrap();
    let csv = b"sub_code,id\n200,\"";
    for (name, bytes, place) in [
        ("a.jsonl.gz", megabyte(&gz), "line 1"),
        ("b.jsonl.zst", megabyte(&zst), "line 1"),
        ("c.csv.gz", [gz(csv), megabyte(&gz)].concat(), "record at line 2"),
    ] {
        fs::write(folder.path().join(name), bytes).unwrap();
        let script = "ulimit -v 1500000; exec \"$0\" lab replay builtin:onboarding \"$1\"";
        let output = Command::new("sh")
            .current_dir(folder.path())
            .args(["-c", script, PROGRAM, name])
            .output()
            .unwrap();
        let text = said(&output);
        assert_eq!(output.status.code(), Some(2), "{name}: {text}");
        assert!(text.contains(name) && text.contains(place) && text.contains("longer than 16 MiB"), "{text}");
    }
}

fn ran(args: &[&str]) -> Output {
    command(args, Path::new(".")).output().unwrap()
}

#[test]
fn the_version_names_features_and_build() {
    let english = text(&ran(&["--version"]));
    assert!(
        english.starts_with(concat!("cloudauth ", env!("CARGO_PKG_VERSION"), "\nfeatures: ")),
        "{english}"
    );
    assert_eq!(english.contains("parquet"), cfg!(feature = "parquet"), "{english}");
    assert_eq!(english.contains("audit"), cfg!(feature = "audit"), "{english}");
    assert!(english.contains("\nbuild: "), "{english}");
    let chinese = text(&ran(&["--lang", "zh", "--version"]));
    assert!(chinese.contains("\n特性：") && chinese.contains("\n构建："), "{chinese}");
    assert_eq!(text(&ran(&["-V"])), concat!("cloudauth ", env!("CARGO_PKG_VERSION"), "\n"));
}

#[cfg(feature = "shell")]
#[test]
fn the_completions_of_each_shell_know_the_commands() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = text(&ran(&["completions", shell]));
        assert!(
            ["describe", "policy", "emulator"].iter().all(|name| script.contains(name)),
            "{shell}: {script}"
        );
    }
}

#[cfg(feature = "shell")]
#[test]
fn the_manual_for_the_shell_has_a_page_for_each_command() {
    let folder = tempfile::tempdir().unwrap();
    let output = ran(&["man", folder.path().to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
    assert!(read("cloudauth.1").contains("Face\\-based identity verification"), "{}", read("cloudauth.1"));
    assert!(read("cloudauth-policy-check.1").contains("Prove a policy"));
    assert_eq!(text(&output).lines().count(), std::fs::read_dir(&folder).unwrap().count());
    let missing = ran(&["man", folder.path().join("missing").to_str().unwrap()]);
    assert_eq!(missing.status.code(), Some(1), "{}", said(&missing));
}
