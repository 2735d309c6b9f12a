//! Files that a command writes: on a full disk, in a read-only folder, killed at any point, written twice at the same time. The
//! old content or the new one.

#[path = "files/kills.rs"]
mod kills;

use std::fs;
use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use cloudauth_tests::{names, without_override};

use super::support::said;
use super::{EVIDENCE, PROGRAM, command};

/// A command that writes a file.
struct Writing {
    args: Vec<String>,
    /// The command with other inputs, which writes something else. `None`: it has no others.
    other: Option<Vec<String>>,
    file: PathBuf,
    /// What the file has before. `None`: the command writes new files only.
    old: Option<Vec<u8>>,
}

impl Writing {
    /// Puts the old content in place, and returns it with the names of the folder.
    fn prepare(&self, folder: &Path) -> (Option<Vec<u8>>, Vec<String>) {
        if let Some(old) = &self.old {
            fs::write(&self.file, old).unwrap();
        }
        (self.old.clone(), names(folder))
    }

    fn state(&self, folder: &Path) -> (Option<Vec<u8>>, Vec<String>) {
        (fs::read(&self.file).ok(), names(folder))
    }
}

/// Every command that writes a file, except `man` and `emulator --state`, which have tests of their own. The inputs are in one
/// folder and the files in another.
fn writing(inputs: &Path, outputs: &Path) -> Vec<Writing> {
    let put = |name: &str, text: &str| fs::write(inputs.join(name), text).unwrap();
    let policy = |name: &str| {
        let shown = Command::new(PROGRAM).args(["policy", "show", name]).output().unwrap();
        String::from_utf8(shown.stdout).unwrap()
    };
    let without_examples = |name: &str| policy(name).split("[[example]]").next().unwrap().to_owned();
    let file = outputs.join("out");
    let unformatted = policy("onboarding").replace(" = ", "=");
    let mut all = vec![("policy fmt OUT".to_owned(), unformatted.into_bytes())];
    if cfg!(feature = "lab") {
        put("rows.jsonl", &format!("{EVIDENCE}\n").repeat(2000));
        let higher =
            without_examples("onboarding").replace("value = 75.0, far = \"1/10000\"", "value = 95.0");
        put("higher.toml", &higher);
        let labelled = |number: usize, more: usize| {
            let (label, score) = [("genuine", 85), ("impostor", 40)][number % 2];
            EVIDENCE.replace("88.25", &format!("{},\"label\":\"{label}\"", score + number % 13 + more)) + "\n"
        };
        put("labelled.jsonl", &(0..2000).map(|number| labelled(number, 0)).collect::<String>());
        put("others.jsonl", &(0..2000).map(|number| labelled(number, 2)).collect::<String>());
        let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/kept/0.1");
        for name in ["counts.csv", "policy.toml"] {
            fs::copy(kept.join(name), inputs.join(name)).unwrap();
        }
        for line in [
            "report builtin:onboarding rows.jsonl --to OUT",
            "calibrate builtin:onboarding rows.jsonl --curve OUT",
            "replay builtin:onboarding rows.jsonl --decisions OUT",
            "compare builtin:onboarding higher.toml rows.jsonl --flips OUT",
            "sweep builtin:threshold labelled.jsonl --threshold match --from 70 --to 90 --step 0.4 --csv OUT",
            "finish counts.csv --policy policy.toml --view report --to OUT",
        ] {
            all.push((format!("lab {line}"), b"old".to_vec()));
        }
        let calibrate = "lab calibrate OUT labelled.jsonl --target 1/10 --write match";
        let comments = "# The rest of this file is longer than a page of memory.\n".repeat(100);
        all.push((calibrate.to_owned(), (comments + &without_examples("threshold")).into_bytes()));
        // A complete checkpoint is read, and saved again.
        let resume = "lab replay builtin:onboarding rows.jsonl --resume OUT";
        let args: Vec<&str> =
            resume.split(' ').map(|part| if part == "OUT" { "s.json" } else { part }).collect();
        let made = command(&args, inputs).output().unwrap();
        assert!(made.status.success(), "{}", said(&made));
        all.push((resume.to_owned(), fs::read(inputs.join("s.json")).unwrap()));
    }
    let writing = |line: &str, old| {
        let args = |line: &str| -> Vec<String> {
            let parts = line.split(' ').map(|part| if part == "OUT" { file.to_str().unwrap() } else { part });
            parts.map(str::to_owned).collect()
        };
        let other = match line {
            // A checkpoint is of its own rows.
            line if line.contains("--resume") => None,
            line if line.contains("counts.csv") => Some(format!("--lang zh {line}")),
            line => {
                Some(line.replace(" rows.jsonl", " others.jsonl").replace("labelled.jsonl", "others.jsonl"))
            }
        };
        let other = other.filter(|other| other != line).map(|other| args(&other));
        Writing { args: args(line), other, file: file.clone(), old }
    };
    let mut all: Vec<Writing> = all.into_iter().map(|(line, old)| writing(&line, Some(old))).collect();
    if cfg!(feature = "audit") {
        let store = cloudauth_flow_sqlite::SqliteStore::open(inputs.join("store")).unwrap();
        for commit in cloudauth_flow::testing::lives::life(1).unwrap() {
            pollster::block_on(cloudauth_flow::Store::commit(&store, &commit)).unwrap();
        }
        all.push(writing("audit verify store --write-checkpoint OUT", None));
    }
    all
}

fn run(writing: &Writing, inputs: &Path) -> Command {
    let args: Vec<&str> = writing.args.iter().map(String::as_str).collect();
    command(&args, inputs)
}

/// Runs with a limit of so many blocks for each file: later writes fail, as on a full disk.
fn on_a_full_disk(args: &[String], folder: &Path, signal: &str, blocks: u32) -> Output {
    let script = format!("{signal} ulimit -f {blocks}; exec \"$0\" \"$@\"");
    let mut command = Command::new("sh");
    command.current_dir(folder).args(["-c", &script, PROGRAM]).args(args).stdin(Stdio::null());
    command.output().unwrap()
}

#[test]
fn a_full_disk_leaves_the_old_file_in_place() {
    let (inputs, outputs) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    for writing in writing(inputs.path(), outputs.path()) {
        let args = &writing.args;
        let before = writing.prepare(outputs.path());
        // A checkpoint of the audit is shorter than a block.
        let blocks = u32::from(writing.old.is_some());
        let output = on_a_full_disk(args, inputs.path(), "trap '' XFSZ;", blocks);
        assert_eq!(output.status.code(), Some(1), "{args:?}: {}", said(&output));
        assert!(said(&output).contains("cannot write"), "{args:?}: {}", said(&output));
        assert_eq!(writing.state(outputs.path()), before, "{args:?}");
        // The same with a kill in the middle of a write, which leaves the unfinished file.
        let output = on_a_full_disk(args, inputs.path(), "", blocks);
        assert_eq!(output.status.code(), None, "{args:?}: {}", said(&output));
        assert_eq!(writing.state(outputs.path()).0, before.0, "{args:?}");
        // With room, the file is replaced.
        let changed = |path: &Path| path.metadata().ok().map(|about| (about.mtime(), about.mtime_nsec()));
        let old = changed(&writing.file);
        let output = run(&writing, inputs.path()).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{args:?}: {}", said(&output));
        assert_ne!(changed(&writing.file), old, "{args:?}");
        for name in names(outputs.path()) {
            fs::remove_file(outputs.path().join(name)).unwrap();
        }
    }
}

#[test]
fn a_read_only_file_is_not_replaced() {
    let (inputs, outputs) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    for writing in writing(inputs.path(), outputs.path()).iter().filter(|writing| writing.old.is_some()) {
        let (args, file) = (&writing.args, &writing.file);
        let before = writing.prepare(outputs.path());
        fs::set_permissions(file, fs::Permissions::from_mode(0o444)).unwrap();
        let output = run(writing, inputs.path()).output().unwrap();
        assert_ne!(output.status.code(), Some(0), "{args:?}: {}", said(&output));
        let error = format!("cannot write {}: it is read-only", file.display());
        assert!(said(&output).contains(&error), "{args:?}: {}", said(&output));
        assert_eq!(writing.state(outputs.path()), before, "{args:?}");
        fs::remove_file(file).unwrap();
    }
}

/// Root may write into every folder, unless it gives this right away.
#[test]
fn a_read_only_folder_keeps_its_files() {
    let (inputs, outputs) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mode = |mode| fs::set_permissions(outputs.path(), fs::Permissions::from_mode(mode)).unwrap();
    for writing in writing(inputs.path(), outputs.path()) {
        let args = &writing.args;
        let before = writing.prepare(outputs.path());
        mode(0o555);
        let mut command = without_override(PROGRAM);
        let output = command.current_dir(inputs.path()).args(args).stdin(Stdio::null()).output().unwrap();
        mode(0o755);
        assert_ne!(output.status.code(), Some(0), "{args:?}: {}", said(&output));
        let error = format!("cannot write {}: its folder: ", writing.file.display());
        assert!(said(&output).contains(&error), "{args:?}: {}", said(&output));
        assert_eq!(writing.state(outputs.path()), before, "{args:?}");
        let _ = fs::remove_file(&writing.file);
    }
}

/// SQLite makes its log next to the file.
#[test]
fn a_state_file_in_a_read_only_folder_is_refused_and_stays() {
    let folder = tempfile::tempdir().unwrap();
    let mode = |mode| fs::set_permissions(folder.path(), fs::Permissions::from_mode(mode)).unwrap();
    let file = folder.path().join("state.db");
    let kept = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/kept/0.1/emulator.db");
    for old in [None, Some(fs::read(kept).unwrap())] {
        old.iter().for_each(|old| fs::write(&file, old).unwrap());
        let before = names(folder.path());
        mode(0o555);
        let output = without_override(PROGRAM).args(["emulator", "--state"]).arg(&file).output().unwrap();
        mode(0o755);
        assert_eq!(output.status.code(), Some(2), "{}", said(&output));
        assert!(said(&output).contains("it or its folder cannot be written"), "{}", said(&output));
        assert_eq!((fs::read(&file).ok(), names(folder.path())), (old, before));
    }
}

/// The pages are written one after the other: each has its old content or the new one.
#[cfg(feature = "shell")]
#[test]
fn pages_of_the_manual_are_old_or_new_on_a_full_disk() {
    let folder = tempfile::tempdir().unwrap();
    let args = ["man".to_owned(), folder.path().display().to_string()];
    assert!(Command::new(PROGRAM).args(&args).output().unwrap().status.success());
    let pages: Vec<(PathBuf, Vec<u8>)> = names(folder.path())
        .iter()
        .map(|name| folder.path().join(name))
        .map(|path| (path.clone(), fs::read(path).unwrap()))
        .collect();
    for signal in ["trap '' XFSZ;", ""] {
        pages.iter().for_each(|(path, _)| fs::write(path, "old").unwrap());
        let output = on_a_full_disk(&args, folder.path(), signal, 4);
        assert_eq!(output.status.code(), (!signal.is_empty()).then_some(1), "{}", said(&output));
        let (mut old, mut new) = (0, 0);
        for (path, page) in &pages {
            match fs::read(path).unwrap() {
                text if text == b"old" => old += 1,
                text if text == *page => new += 1,
                text => panic!("{}: {} bytes", path.display(), text.len()),
            }
        }
        assert!(old > 0, "no page is longer than the limit");
        assert!(new > 0, "no page is shorter than the limit");
    }
}

/// A replay is killed with `kill -9` and resumed repeatedly, or `CLOUDAUTH_KILLS` times.
#[cfg(feature = "lab")]
#[test]
fn a_run_that_is_killed_and_resumed_gives_the_same_bytes() {
    let kills = kills::kills();
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    fs::create_dir(&data).unwrap();
    for (number, file) in ["a.jsonl", "b.jsonl"].into_iter().enumerate() {
        let row = |score: usize| EVIDENCE.replace("88.25", &format!("{}.{number}", 60 + score % 40));
        fs::write(data.join(file), (0..20_000).map(|score| row(score) + "\n").collect::<String>()).unwrap();
    }
    let replay = "lab replay builtin:onboarding data --output json --decisions";
    let run =
        |more: &[&str]| command(&[&replay.split(' ').collect::<Vec<_>>()[..], more].concat(), folder.path());
    let whole = run(&["whole.csv"]).output().unwrap();
    assert!(whole.status.success(), "{}", said(&whole));

    let resumed = ["d.csv", "--resume", "s.json", "--checkpoint-every", "20ms"];
    fs::write(folder.path().join("d.csv"), "old").unwrap();
    // The kills that left a checkpoint with an unfinished file, and the runs that resumed from one.
    let (mut unfinished, mut resumes) = (0, 0);
    let mut kill = 0;
    while kill < kills || resumes == 0 {
        let before = fs::read(folder.path().join("s.json")).ok();
        let partials = |folder: &Path| names(folder).iter().any(|name| name.ends_with(".partial"));
        resumes += usize::from(before.is_some() && partials(folder.path()));
        let mut child = run(&resumed).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        // Wait for a new checkpoint, and a little longer, so that the kills happen at different points.
        while fs::read(folder.path().join("s.json")).ok() == before && child.try_wait().unwrap().is_none() {
            std::thread::yield_now();
        }
        std::thread::sleep(std::time::Duration::from_millis(kill * 53 % 20));
        child.kill().unwrap();
        if child.wait().unwrap().success() {
            // Another run from the start, next to a finished file.
            fs::remove_file(folder.path().join("s.json")).unwrap();
            fs::write(folder.path().join("d.csv"), "old").unwrap();
        } else {
            unfinished += usize::from(folder.path().join("s.json").exists() && partials(folder.path()));
            let decisions = fs::read(folder.path().join("d.csv")).unwrap();
            let is_whole = || decisions == fs::read(folder.path().join("whole.csv")).unwrap();
            assert!(decisions == b"old" || is_whole(), "kill {kill}: neither the old file nor the new one");
        }
        kill += 1;
        assert!(kill < kills + 100, "of {kill} runs, {unfinished} left a checkpoint and a partial file");
    }
    assert!(unfinished > 0 && resumes > 0, "{unfinished} unfinished, {resumes} resumed");
    let last = run(&resumed).output().unwrap();
    assert!(last.status.success(), "{}", said(&last));
    assert_eq!(last.stdout, whole.stdout);
    assert!(
        fs::read(folder.path().join("d.csv")).unwrap() == fs::read(folder.path().join("whole.csv")).unwrap()
    );
}

/// A disk with a free page of memory or none, which is enlarged later.
#[test]
#[ignore = "needs a file system of 600 KB: cargo xtask destructive"]
fn a_full_small_disk_keeps_old_files_and_lets_a_run_resume() {
    // It leaves nothing on the disk, which another test fills too.
    let disk = tempfile::tempdir_in(std::env::var("CLOUDAUTH_SMALL_DISK").unwrap()).unwrap();
    let disk = disk.path();
    let inputs = tempfile::tempdir().unwrap();
    let filler = disk.join("filler");
    for writing in writing(inputs.path(), disk) {
        let args = &writing.args;
        writing.prepare(disk);
        let output = run(&writing, inputs.path()).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{args:?}: {}", said(&output));
        let length = writing.file.metadata().unwrap().len();
        fs::remove_file(&writing.file).unwrap();
        for free in [0, 4 << 10].into_iter().filter(|free| *free < length) {
            writing.prepare(disk);
            fill(&filler, free);
            let before = writing.state(disk);
            let output = run(&writing, inputs.path()).output().unwrap();
            assert_eq!(output.status.code(), Some(1), "{args:?}, {free} bytes: {}", said(&output));
            assert!(said(&output).contains("cannot write"), "{args:?}: {}", said(&output));
            assert_eq!(writing.state(disk), before, "{args:?}, {free} bytes");
            fs::remove_file(&filler).unwrap();
            let _ = fs::remove_file(&writing.file);
        }
    }
    if cfg!(feature = "lab") {
        resumes_when_there_is_room(disk, inputs.path());
    }
}

/// Fills the disk, and frees some bytes of it again.
fn fill(filler: &Path, free: u64) {
    let mut file = fs::File::create(filler).unwrap();
    let mut length = 0;
    while file.write_all(&[0; 1 << 10]).is_ok() {
        length += 1 << 10;
        assert!(length < 1 << 20, "the disk is larger than 600 KB");
    }
    file.set_len(length - free).unwrap();
}

/// With a checkpoint, the unfinished file stays, and the run resumes when there is room.
fn resumes_when_there_is_room(disk: &Path, inputs: &Path) {
    let (out, filler, checkpoint) = (disk.join("out"), disk.join("filler"), inputs.join("resumed.json"));
    fs::write(&out, "old").unwrap();
    fill(&filler, 8 << 10);
    let line = "lab replay builtin:onboarding rows.jsonl --decisions";
    let args = [out.to_str().unwrap(), "--resume", checkpoint.to_str().unwrap()];
    let args: Vec<&str> = line.split(' ').chain(args).collect();
    let output = command(&args, inputs).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert_eq!(fs::read_to_string(&out).unwrap(), "old");
    fs::remove_file(&filler).unwrap();
    let output = command(&args, inputs).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert_eq!(fs::read_to_string(&out).unwrap().lines().count(), 2001);
    assert_eq!(names(disk), ["out"]);
}
