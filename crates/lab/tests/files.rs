//! Which files a run reads, and in which dialects.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

use std::fs;
use std::path::{Path, PathBuf};

use cloudauth_lab::{Lab, Language, Ran, SkipReason, Source, Watch, report};
use cloudauth_policy::{Policy, builtin};

const HEADER: &str =
    "sub_code,passed,face_attack,face_occlusion,verify_score,quality_score,face_attack_score\n";
const ROW: &str = "200,T,F,F,88,90,0.1\n";

fn policy() -> Policy {
    Policy::parse(builtin::ONBOARDING).unwrap()
}

fn write(folder: &Path, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, bytes).unwrap();
    path
}

fn rows(paths: &[PathBuf]) -> u64 {
    let policy = policy();
    let sources = Source::find(paths).unwrap();
    Lab::new(&policy).run(&sources, &Watch::default()).unwrap().tally.rows()
}

/// The skipped paths inside a folder, and why.
fn skipped(folder: &Path) -> Vec<(String, SkipReason)> {
    let name = |path: &Path| path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
    let found = Source::search(&[folder.to_owned()]).unwrap();
    found.skipped.into_iter().map(|skipped| (name(&skipped.path), skipped.reason)).collect()
}

#[test]
fn hidden_and_uncommitted_files_are_skipped_and_listed() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let data = format!("{HEADER}{ROW}");
    write(folder, "x.csv", &data);
    let hidden = [
        ".ipynb_checkpoints/x-checkpoint.csv",
        "_delta_log/1.checkpoint.csv",
        "_temporary/0/part.csv",
        "._x.csv",
        "_part.csv",
    ];
    for name in hidden {
        write(folder, name, &data);
    }
    write(folder, "_year=2026/month=1/y.csv", &data);
    write(folder, "old.csv.bz2", "");
    assert_eq!(rows(&[folder.to_owned()]), 2);
    let expected = [
        ("._x.csv", SkipReason::Hidden),
        (".ipynb_checkpoints", SkipReason::Hidden),
        ("_delta_log", SkipReason::Hidden),
        ("_part.csv", SkipReason::Hidden),
        ("_temporary", SkipReason::Hidden),
        ("old.csv.bz2", SkipReason::UnknownFormat),
    ];
    assert_eq!(skipped(folder), expected.map(|(name, reason)| (name.to_owned(), reason)));

    // A path that names a hidden file asks for it.
    assert_eq!(rows(&[folder.join("_part.csv")]), 1);
    assert_eq!(rows(&[folder.to_owned(), folder.join("_part.csv")]), 3);
    let only = write(folder, "empty/_a.csv", &data);
    let refused = Source::find(&[only.parent().unwrap().to_owned()]).unwrap_err().to_string();
    assert!(
        refused.contains("1 skipped, such as") && refused.contains("_a.csv: the name begins"),
        "{refused}"
    );
}

#[cfg(unix)]
#[test]
fn a_file_is_read_once_however_many_links_lead_to_it() {
    use std::os::unix::fs::symlink;
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let first = write(folder, "a.csv", format!("{HEADER}{ROW}"));
    fs::hard_link(&first, folder.join("b.csv")).unwrap();
    symlink(&first, folder.join("c.csv")).unwrap();
    symlink(folder.join("nowhere.csv"), folder.join("d.csv")).unwrap();
    symlink(folder.join("e.csv"), folder.join("e.csv")).unwrap();
    symlink(folder, folder.join("f")).unwrap();
    assert_eq!(rows(&[folder.to_owned()]), 1);
    let expected = [
        ("b.csv", SkipReason::SameAs(first.clone())),
        ("c.csv", SkipReason::SameAs(first.clone())),
        ("d.csv", SkipReason::BrokenLink),
        ("e.csv", SkipReason::BrokenLink),
        ("f", SkipReason::SameAs(folder.to_owned())),
    ];
    assert_eq!(skipped(folder), expected.map(|(name, reason)| (name.to_owned(), reason)));
    let refused = Source::find(&[first, folder.join("b.csv")]).unwrap_err().to_string();
    assert!(refused.contains("b.csv would be read twice: it is the same as "), "{refused}");
}

#[test]
fn a_report_lists_what_was_skipped() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "x.csv", format!("{HEADER}{ROW}"));
    write(folder.path(), "_x.csv", format!("{HEADER}{ROW}"));
    let found = Source::search(&[folder.path().to_owned()]).unwrap();
    let policy = policy();
    let lab = Lab::new(&policy).skipped(found.skipped);
    let Ran { tally, .. } = lab.run(&found.sources, &Watch::default()).unwrap();
    for language in [Language::En, Language::Zh] {
        assert!(report(&tally, language).unwrap().contains("_x.csv"));
    }
}
