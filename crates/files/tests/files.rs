//! Output files: the old content or the new, never a mixture; no output over an input.

#![cfg(test)]
#![cfg(unix)]

use std::fs;
use std::io::{Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use cloudauth_files::{Access, Named, OutputFile, check_outputs, write};
use cloudauth_tests::{full_text, names, without_override};

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn keeps_the_old_file_until_commit() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a");
    write(&path, "old", Access::Shared).unwrap();
    let mut file = OutputFile::create(&path, Access::Shared).unwrap();
    file.write_all(b"half").unwrap();
    file.sync().unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"old");
    drop(file);
    assert_eq!(
        (fs::read(&path).unwrap().as_slice(), names(folder.path())),
        (&b"old"[..], vec!["a".to_owned()])
    );
    write(&path, "new", Access::Shared).unwrap();
    assert_eq!(
        (fs::read(&path).unwrap().as_slice(), names(folder.path())),
        (&b"new"[..], vec!["a".to_owned()])
    );
}

#[test]
fn private_files_are_for_their_owner_and_replaced_files_keep_their_mode() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a");
    write(&path, "1", Access::Private).unwrap();
    assert_eq!(mode(&path), 0o600);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    write(&path, "2", Access::Private).unwrap();
    assert_eq!(mode(&path), 0o640);
    let shared = folder.path().join("b");
    write(&shared, "1", Access::Shared).unwrap();
    let plain = folder.path().join("c");
    fs::write(&plain, "1").unwrap();
    assert_eq!(mode(&shared), mode(&plain), "the umask decides");
}

#[test]
fn follows_symbolic_links_even_to_a_missing_file() {
    let folder = tempfile::tempdir().unwrap();
    let (there, link, dangling) =
        (folder.path().join("there"), folder.path().join("link"), folder.path().join("dangling"));
    fs::write(&there, "old").unwrap();
    symlink("there", &link).unwrap();
    symlink("missing", &dangling).unwrap();
    write(&link, "new", Access::Shared).unwrap();
    write(&dangling, "made", Access::Shared).unwrap();
    assert!(link.is_symlink() && dangling.is_symlink());
    assert_eq!(fs::read(&there).unwrap(), b"new");
    assert_eq!(fs::read(folder.path().join("missing")).unwrap(), b"made");
    symlink("loop", folder.path().join("loop")).unwrap();
    assert!(write(&folder.path().join("loop"), "", Access::Shared).is_err());
}

#[test]
fn writes_devices_directly_and_reports_what_they_refuse() {
    write(Path::new("/dev/null"), "x", Access::Private).unwrap();
    assert!(!fs::metadata("/dev/null").unwrap().is_file());
    if Path::new("/dev/full").exists() {
        assert!(write(Path::new("/dev/full"), "x", Access::Shared).is_err());
    }
    let folder = tempfile::tempdir().unwrap();
    assert!(write(folder.path(), "x", Access::Shared).unwrap_err().to_string().contains("folder"));
    assert!(
        write(&folder.path().join("no/a"), "x", Access::Shared).unwrap_err().to_string().contains("folder")
    );
}

#[test]
fn two_writers_leave_one_whole_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a");
    std::thread::scope(|scope| {
        for letter in ["a", "b", "c"] {
            let path = &path;
            scope.spawn(move || {
                for _ in 0..20 {
                    write(path, letter.repeat(30_000), Access::Shared).unwrap();
                }
            });
        }
    });
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.len() == 30_000 && text.bytes().all(|byte| byte == text.as_bytes()[0]));
    assert_eq!(names(folder.path()), ["a"]);
}

#[test]
fn a_new_file_never_replaces_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a");
    let [first, second] = ["first", "second"].map(|text| {
        let mut file = OutputFile::create(&path, Access::Shared).unwrap();
        file.write_all(text.as_bytes()).unwrap();
        file
    });
    first.commit_new().unwrap();
    let error = second.commit_new().unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::AlreadyExists, "{error}");
    assert_eq!(fs::read_to_string(&path).unwrap(), "first");
    assert_eq!(names(folder.path()), ["a"], "no unfinished file is left");
    let plain = folder.path().join("b");
    fs::write(&plain, "").unwrap();
    assert_eq!(mode(&path), mode(&plain), "the umask decides");
    // A link to a missing file names that file.
    symlink("missing", folder.path().join("link")).unwrap();
    OutputFile::create(&folder.path().join("link"), Access::Shared).unwrap().commit_new().unwrap();
    assert_eq!(names(folder.path()), ["a", "b", "link", "missing"]);
}

#[test]
fn a_kept_file_is_reopened_at_its_length_by_one_process_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a");
    fs::write(&path, "old").unwrap();
    let mut file = OutputFile::create(&path, Access::Private).unwrap();
    let partial: PathBuf = file.keep_when_dropped().unwrap().to_owned();
    let name = partial.file_name().unwrap().to_str().unwrap();
    assert!(name.starts_with("a.") && name.ends_with(".partial"), "{name}");
    file.write_all(b"one two").unwrap();
    file.sync().unwrap();
    let error = OutputFile::reopen(&path, name, 3).unwrap_err().to_string();
    assert!(error.contains("another process"), "{error}");
    drop(file);
    let error = OutputFile::reopen(&path, name, 8).unwrap_err().to_string();
    assert_eq!(error, "it is 7 bytes, the checkpoint says 8");
    let mut file = OutputFile::reopen(&path, name, 3).unwrap().unwrap();
    file.write_all(b" six").unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"old");
    file.commit().unwrap();
    assert_eq!(
        (fs::read(&path).unwrap().as_slice(), names(folder.path())),
        (&b"one six"[..], vec!["a".to_owned()])
    );
    assert!(OutputFile::reopen(&path, name, 3).unwrap().is_none());
    assert!(OutputFile::reopen(&path, "../a", 0).is_err());
}

/// An edited checkpoint can name any file.
#[test]
fn resumes_only_an_unfinished_file_of_the_target() {
    let folder = tempfile::tempdir().unwrap();
    let long = format!("{}.csv.x.partial", "a".repeat(40));
    for target in ["a.csv", &long] {
        let path = folder.path().join(target);
        for (name, expected) in [
            (target, "not an unfinished one"),
            ("other.csv", "not an unfinished one"),
            ("other.csv.x.partial", "not an unfinished one"),
            ("a.csv.partial", "not an unfinished one"),
            ("a.csv.b.Xy12ab.partial", "not an unfinished one"),
        ] {
            fs::write(folder.path().join(name), "finished").unwrap();
            let error = OutputFile::reopen(&path, name, 3).unwrap_err().to_string();
            assert!(error.contains(expected), "{target} {name}: {error}");
            assert_eq!(fs::read_to_string(folder.path().join(name)).unwrap(), "finished");
        }
    }
    symlink("other.csv", folder.path().join("a.csv.Xy12ab.partial")).unwrap();
    let error = OutputFile::reopen(&folder.path().join("a.csv"), "a.csv.Xy12ab.partial", 3).unwrap_err();
    assert_eq!(error.to_string(), "it is not a regular file");
    assert_eq!(fs::read_to_string(folder.path().join("other.csv")).unwrap(), "finished");
}

#[test]
fn refuses_one_file_under_two_names() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::write(at("in"), "data").unwrap();
    fs::create_dir(at("sub")).unwrap();
    fs::hard_link(at("in"), at("hard")).unwrap();
    symlink("in", at("soft")).unwrap();
    symlink("new", at("to-new")).unwrap();
    let check = |outputs: &[&str]| {
        let outputs: Vec<PathBuf> = outputs.iter().map(|name| at(name)).collect();
        let outputs: Vec<Named<'_>> = outputs.iter().map(|path| Named::new("--out", path)).collect();
        check_outputs(&outputs, [Named::new("the data file", &at("in"))])
    };
    for same in ["in", "./in", "sub/../in", "hard", "soft"] {
        let error = check(&[same]).unwrap_err().to_string();
        assert!(error.contains("is the same file as the data file"), "{same}: {error}");
    }
    for two in [["new", "new"], ["new", "NEW"], ["new", "to-new"], ["new", "sub/../new"]] {
        assert!(check(&two).is_err(), "{two:?}");
    }
    for alone in [&["new", "sub/new"][..], &["new", "other"], &["/dev/null", "/dev/null"], &[]] {
        check(alone).unwrap();
    }
    assert!(full_text(&check(&["no/new"]).unwrap_err()).contains("folder"));
    assert!(full_text(&check(&["sub"]).unwrap_err()).contains("folder"));
}

/// A pipe under its name in `/dev/fd`, as a shell passes `>(gzip > file)`.
#[test]
fn writes_an_open_pipe_by_its_descriptor() {
    let (mut reader, writer) = std::io::pipe().unwrap();
    let path = PathBuf::from(format!("/dev/fd/{}", writer.as_raw_fd()));
    check_outputs(&[Named::new("--out", &path), Named::new("--curve", &path)], []).unwrap();
    write(&path, "one\n", Access::Private).unwrap();
    let link = tempfile::tempdir().unwrap();
    symlink(&path, link.path().join("link")).unwrap();
    write(&link.path().join("link"), "two\n", Access::Shared).unwrap();
    drop(writer);
    let mut text = String::new();
    reader.read_to_string(&mut text).unwrap();
    assert_eq!(text, "one\ntwo\n");
}

#[test]
fn writes_a_fifo_through_a_link() {
    let folder = tempfile::tempdir().unwrap();
    let (fifo, link) = (folder.path().join("fifo"), folder.path().join("link"));
    assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    symlink("fifo", &link).unwrap();
    let reader = std::thread::spawn({
        let fifo = fifo.clone();
        move || fs::read_to_string(fifo).unwrap()
    });
    write(&link, "x", Access::Shared).unwrap();
    assert_eq!(reader.join().unwrap(), "x");
    assert_eq!(names(folder.path()), ["fifo", "link"]);
}

/// Root may write to any file, and a rename needs no right to the file that it replaces.
#[test]
fn refuses_to_replace_a_read_only_file() {
    let folder = tempfile::tempdir().unwrap();
    let (path, link) = (folder.path().join("a"), folder.path().join("link"));
    symlink("a", &link).unwrap();
    write(&path, "old", Access::Shared).unwrap();
    let mut file = OutputFile::create(&path, Access::Shared).unwrap();
    let partial = file.keep_when_dropped().unwrap().to_owned();
    drop(file);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o444)).unwrap();
    let name = partial.file_name().unwrap().to_str().unwrap();
    for error in [
        write(&path, "new", Access::Shared).unwrap_err().to_string(),
        write(&link, "new", Access::Private).unwrap_err().to_string(),
        OutputFile::reopen(&path, name, 0).unwrap_err().to_string(),
        full_text(&check_outputs(&[Named::new("--out", &path)], []).unwrap_err()),
    ] {
        assert!(error.contains("it is read-only: make it writable"), "{error}");
    }
    assert_eq!((fs::read_to_string(&path).unwrap().as_str(), mode(&path)), ("old", 0o444));
    fs::remove_file(partial).unwrap();
    assert_eq!(names(folder.path()), ["a", "link"]);
    // A read-only file is a valid input.
    check_outputs(&[Named::new("--out", &folder.path().join("b"))], [Named::new("the data file", &path)])
        .unwrap();
    let error = check_outputs(&[Named::new("--out", &path)], [Named::new("the data file", &path)]);
    assert!(error.is_err());
}

/// Not even root creates a file in `/sys`.
#[cfg(target_os = "linux")]
#[test]
fn a_folder_that_accepts_no_file_is_reported_before_anything_is_written() {
    assert!(Path::new("/sys").is_dir());
    let path = Path::new("/sys/cloudauth.csv");
    let error = check_outputs(&[Named::new("--out", path)], []).unwrap_err();
    assert_eq!(error.to_string(), "cannot write /sys/cloudauth.csv");
    let error = full_text(&error);
    assert!(error.starts_with("cannot write /sys/cloudauth.csv: its folder: "), "{error}");
    let error = write(path, "x", Access::Shared).unwrap_err().to_string();
    assert!(error.starts_with("its folder: "), "{error}");
}

/// Root may read every folder, unless it gives this right away.
#[test]
fn commits_into_a_folder_that_cannot_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a");
    fs::write(&path, "old").unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o300)).unwrap();
    let output = without_override(std::env::current_exe().unwrap())
        .args(["writes_into_a_folder_that_cannot_be_read", "--exact", "--ignored"])
        .env("OUTPUT", &path)
        .output()
        .unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o700)).unwrap();
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && stdout.contains("1 passed"), "{stdout}");
    assert_eq!(fs::read_to_string(&path).unwrap(), "new");
}

#[test]
#[ignore = "the process without rights that another test starts"]
fn writes_into_a_folder_that_cannot_be_read() {
    let path = PathBuf::from(std::env::var_os("OUTPUT").unwrap());
    let error = fs::read_dir(path.parent().unwrap()).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::PermissionDenied);
    write(&path, "new", Access::Shared).unwrap();
}
