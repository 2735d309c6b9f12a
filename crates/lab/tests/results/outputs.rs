//! The files that a run writes: other files stay unchanged, no file is incomplete, and a missing file is an error.

use std::fs;
use std::path::{Path, PathBuf};

use cloudauth_lab::{Lab, Mapping, RunControl, RunOutcome, Source};
use cloudauth_policy::{Policy, builtin};
use cloudauth_tests::{full_text, names};

fn policy() -> Policy {
    Policy::parse(builtin::ONBOARDING).unwrap()
}

/// Rows; 9,000 of them are about a megabyte, one chunk.
fn rows(from: u32, to: u32) -> String {
    (from..to)
        .map(|number| {
            let score = 40 + number % 60;
            format!(
                "{{\"id\":\"id{number}\",\"sub_code\":\"200\",\"passed\":\"T\",\"face_attack\":\"F\",\"face_occlusion\":\"F\",\
                 \"verify_score\":{score},\"quality_score\":90,\"face_attack_score\":0.01,\"label\":\"genuine\"}}\n"
            )
        })
        .collect()
}

/// Runs for this number of chunks; 0 means to the end.
fn run(lab: &Lab<'_>, data: &Path, pieces: u64) -> Result<RunOutcome, String> {
    let watch = RunControl::default();
    watch.stop_after(pieces);
    lab.run(&Source::find(&[data.to_owned()]).unwrap(), &watch).map_err(|error| full_text(&error))
}

struct Files {
    folder: tempfile::TempDir,
    data: PathBuf,
    checkpoint: PathBuf,
    decisions: PathBuf,
}

fn files() -> Files {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let (data, checkpoint, decisions) = (at("a.jsonl"), at("s.json"), at("d.csv"));
    fs::write(&data, rows(0, 30_000)).unwrap();
    Files { folder, data, checkpoint, decisions }
}

fn lab<'p>(policy: &'p Policy, files: &Files) -> Lab<'p> {
    Lab::new(policy)
        .threads(1)
        .mapping(Mapping::parse("format = 1\nid = \"id\"").unwrap())
        .decisions(files.decisions.clone())
        .resume(files.checkpoint.clone())
}

#[test]
fn a_checkpoint_leaves_the_files_beside_it_alone_and_is_private() {
    let (files, policy) = (files(), policy());
    let neighbour = files.folder.path().join("s.part");
    fs::write(&neighbour, "somebody's").unwrap();
    run(&lab(&policy, &files), &files.data, 1).unwrap();
    run(&lab(&policy, &files), &files.data, 0).unwrap();
    assert_eq!(fs::read_to_string(&neighbour).unwrap(), "somebody's");
    assert_eq!(names(files.folder.path()), ["a.jsonl", "d.csv", "s.json", "s.part"]);
    #[cfg(unix)]
    for file in [&files.checkpoint, &files.decisions] {
        let mode = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(file).unwrap().permissions());
        assert_eq!(mode & 0o777, 0o600, "{}", file.display());
    }
}

#[test]
fn a_stopped_run_keeps_the_old_decisions_and_its_own_beside_them() {
    let (files, policy) = (files(), policy());
    fs::write(&files.decisions, "old").unwrap();
    let ran = run(&lab(&policy, &files), &files.data, 1).unwrap();
    let partial = ran.partial_decisions.unwrap();
    assert!(!ran.complete && fs::read_to_string(&files.decisions).unwrap() == "old");
    let lines = fs::read_to_string(&partial).unwrap().lines().count() as u64;
    assert_eq!(lines, ran.tally.rows() + 1);
    let ran = run(&lab(&policy, &files), &files.data, 0).unwrap();
    assert!(ran.complete && ran.partial_decisions.is_none() && !partial.exists());
    assert_eq!(fs::read_to_string(&files.decisions).unwrap().lines().count(), 30_001);
    // The decisions made so far are kept without a checkpoint, too.
    let once = Lab::new(&policy).threads(1).decisions(files.folder.path().join("e.csv"));
    let ran = run(&once, &files.data, 1).unwrap();
    assert!(ran.partial_decisions.unwrap().exists() && !files.folder.path().join("e.csv").exists());
}

#[test]
fn refuses_to_resume_with_a_missing_or_shortened_decisions_file() {
    let (files, policy) = (files(), policy());
    let partial = run(&lab(&policy, &files), &files.data, 1).unwrap().partial_decisions.unwrap();
    let whole = fs::read(&partial).unwrap();
    let length = whole.len();
    fs::write(&partial, &whole[..length - 1]).unwrap();
    let error = run(&lab(&policy, &files), &files.data, 0).unwrap_err();
    assert!(error.contains(&format!("it is {} bytes, the checkpoint says {length}", length - 1)), "{error}");
    fs::remove_file(&partial).unwrap();
    let error = run(&lab(&policy, &files), &files.data, 0).unwrap_err();
    assert!(error.contains(&format!("it is 0 bytes, the checkpoint says {length}")), "{error}");
    assert!(!files.decisions.exists());
    // Output after the last checkpoint is truncated.
    fs::write(&partial, [&whole[..], b"half a line"].concat()).unwrap();
    run(&lab(&policy, &files), &files.data, 0).unwrap();
    let resumed = fs::read(&files.decisions).unwrap();
    // A finished run resumes from its checkpoint; its decisions must still exist.
    run(&lab(&policy, &files), &files.data, 0).unwrap();
    fs::write(&files.decisions, &resumed[1..]).unwrap();
    let error = run(&lab(&policy, &files), &files.data, 0).unwrap_err();
    assert!(error.contains("the checkpoint says"), "{error}");
    fs::remove_file(&files.decisions).unwrap();
    let error = run(&lab(&policy, &files), &files.data, 0).unwrap_err();
    assert!(error.contains("d.csv: it is 0 bytes"), "{error}");
    fs::remove_file(&files.checkpoint).unwrap();
    run(&lab(&policy, &files), &files.data, 0).unwrap();
    assert_eq!(fs::read(&files.decisions).unwrap(), resumed);
}

#[test]
fn decisions_that_cannot_be_written_stop_the_run() {
    let (files, policy) = (files(), policy());
    #[cfg(target_os = "linux")]
    {
        let full = Lab::new(&policy).decisions("/dev/full".into());
        let error = run(&full, &files.data, 0).unwrap_err();
        assert!(error.contains("cannot write /dev/full"), "{error}");
        let error = run(&full.resume(files.checkpoint.clone()), &files.data, 0).unwrap_err();
        assert!(error.contains("cannot be resumed"), "{error}");
    }
    let nowhere = Lab::new(&policy).decisions(files.folder.path().join("no/d.csv"));
    assert!(run(&nowhere, &files.data, 0).unwrap_err().contains("folder"));
    let unsaved = lab(&policy, &files).resume(files.folder.path().join("no/s.json"));
    assert!(run(&unsaved, &files.data, 0).unwrap_err().contains("folder"));
    assert_eq!(names(files.folder.path()), ["a.jsonl"]);
}

/// The change of a file between the search for files and its end.
fn changed_by(name: &str, before: &str, change: impl Fn(&Path)) -> RunOutcome {
    let (folder, policy) = (tempfile::tempdir().unwrap(), policy());
    let path = folder.path().join(name);
    fs::write(&path, before).unwrap();
    let sources = Source::find(std::slice::from_ref(&path)).unwrap();
    change(&path);
    Lab::new(&policy).run(&sources, &RunControl::default()).unwrap()
}

#[test]
fn a_file_that_changes_while_it_is_read_makes_the_run_incomplete() {
    let csv = "sub_code,passed\n200,T\n200,T\n200,T\n";
    let cut = |path: &Path| fs::File::options().write(true).open(path).unwrap().set_len(22).unwrap();
    let grow = |path: &Path| {
        let old = fs::read(path).unwrap();
        fs::write(path, [&old[..], b"200,T\n"].concat()).unwrap();
    };
    let replace = |path: &Path| {
        let beside = path.with_extension("new");
        fs::write(&beside, csv).unwrap();
        fs::File::options().write(true).open(&beside).unwrap().set_modified(std::time::UNIX_EPOCH).unwrap();
        fs::rename(beside, path).unwrap();
    };
    for (ran, line) in [
        (changed_by("a.csv", csv, cut), 2),
        (changed_by("a.csv", csv, grow), 5),
        (changed_by("a.csv", csv, replace), 4),
        (changed_by("a.jsonl", &rows(0, 10), |path| fs::write(path, rows(0, 9)).unwrap()), 9),
    ] {
        assert!(!ran.complete && ran.changed.len() == 1, "{ran:?}");
        let notes = cloudauth_lab::Replay::of(&ran.tally).issues;
        let note = notes.iter().find(|note| note.message.contains("changed while it was read")).unwrap();
        assert_eq!((note.rows, note.locations[0].line), (1, line), "{note:?}");
    }
    assert!(changed_by("a.csv", csv, |_| ()).complete);
}

#[test]
fn decisions_on_a_changed_file_are_not_put_in_place() {
    let (files, policy) = (files(), policy());
    let sources = Source::find(std::slice::from_ref(&files.data)).unwrap();
    fs::write(&files.data, rows(0, 20)).unwrap();
    let ran = lab(&policy, &files).run(&sources, &RunControl::default()).unwrap();
    assert!(!ran.complete && ran.partial_decisions.is_some() && !files.decisions.exists());
}

/// The same megabyte many times, compressed: every compression format allows several frames in sequence.
fn packed(name: &str, begin: &str, megabytes: usize) -> Vec<u8> {
    use std::io::Write;
    let pack = |bytes: &[u8]| {
        if name.ends_with(".gz") {
            let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            gz.write_all(bytes).unwrap();
            gz.finish().unwrap()
        } else {
            zstd::encode_all(bytes, 1).unwrap()
        }
    };
    let (begin, part) = (pack(begin.as_bytes()), pack(&vec![b'x'; 1 << 20]));
    [&begin[..], &part.repeat(megabytes)].concat()
}

#[test]
fn lines_and_records_are_bounded_and_the_error_names_the_location() {
    let (folder, policy) = (tempfile::tempdir().unwrap(), policy());
    let row = r#"{"sub_code":"200"}"#;
    for (name, begin, megabytes, expected) in [
        ("a.jsonl.gz", format!("{row}\n{row}\n{{\"id\":\""), 2048, "line 3 is longer than 16 MiB"),
        ("b.jsonl.zst", "{\"id\":\"".to_owned(), 2048, "line 1 is longer than 16 MiB"),
        (
            "c.csv.gz",
            "sub_code,id\n200,a\n200,\"".to_owned(),
            2048,
            "the record at line 3 is longer than 16 MiB",
        ),
        ("d.csv.zst", "sub_code,id\n200,".to_owned(), 2048, "the record at line 2 is longer than 16 MiB"),
        ("e.csv.zst", String::new(), 2048, "a quote that it opens may never be closed"),
    ] {
        let path = folder.path().join(name);
        fs::write(&path, packed(name, &begin, megabytes)).unwrap();
        let error = run(&Lab::new(&policy).threads(1), &path, 0).unwrap_err();
        assert!(error.contains(name) && error.ends_with(expected), "{error}");
        let counts = Lab::new(&policy).finish(&Source::find(&[path]).unwrap()).unwrap_err().to_string();
        assert!(counts.contains(name) && !counts.contains("xxx"), "{counts}");
    }
    // A file within the limit is read.
    let path = folder.path().join("f.csv.zst");
    fs::write(&path, packed("f.csv.zst", "sub_code,id\n200,", 15)).unwrap();
    assert_eq!(run(&Lab::new(&policy), &path, 0).unwrap().tally.rows(), 1);
}

/// A frame of zstd with one record. The window's descriptor has an exponent above ten in five bits, and eighths in three.
fn frame(window: u8) -> Vec<u8> {
    let text = "sub_code,passed\n200,T\n";
    // One block, the last one, not compressed.
    let block = (text.len() as u32) << 3 | 1;
    let header = [0x28, 0xb5, 0x2f, 0xfd, 0, window];
    [&header, &block.to_le_bytes()[..3], text.as_bytes()].concat()
}

/// The window is what a frame may keep in memory.
#[test]
fn a_window_of_zstd_over_128_mib_is_refused() {
    let (folder, policy) = (tempfile::tempdir().unwrap(), policy());
    let path = folder.path().join("a.csv.zst");
    let read = |window| {
        fs::write(&path, frame(window)).unwrap();
        run(&Lab::new(&policy), &path, 0).map(|ran| ran.tally.rows())
    };
    assert_eq!(read((27 - 10) << 3), Ok(1));
    for more in [((27 - 10) << 3) + 1, (28 - 10) << 3, u8::MAX] {
        let error = read(more).unwrap_err();
        assert!(error.contains("a.csv.zst") && error.contains("too much memory"), "{more}: {error}");
    }
}
