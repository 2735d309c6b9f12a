//! What is a state file, and what is refused.

use std::io::ErrorKind;

use rusqlite::Connection;

use super::Store;
use crate::faults::{Fault, FaultInjector, FaultKind};
use crate::sessions::{Magic, Session};
use crate::state::snapshot::{EmulatorRecord, Snapshot};
use crate::time::Clock;

/// The tables as created by versions that did not write the mark.
const UNMARKED: &str = "PRAGMA journal_mode = WAL;
    CREATE TABLE session (number INTEGER PRIMARY KEY, certify_id TEXT UNIQUE NOT NULL, document TEXT NOT NULL) STRICT;
    CREATE TABLE emulator (one INTEGER PRIMARY KEY CHECK (one = 1), document TEXT NOT NULL) STRICT;";

#[cfg(unix)]
#[test]
fn a_file_that_is_no_state_file_keeps_every_byte_and_its_mode() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    let foreign_tables = [
        "CREATE TABLE session (certify_id TEXT PRIMARY KEY, user TEXT)",
        "CREATE TABLE other (one INTEGER)",
        &format!("{UNMARKED} CREATE TABLE other (one INTEGER);"),
        &format!("{UNMARKED} PRAGMA application_id = 1;"),
    ];
    let databases = foreign_tables.map(|tables| {
        let database = folder.path().join("database");
        Connection::open(&database).unwrap().execute_batch(tables).unwrap();
        let bytes = std::fs::read(&database).unwrap();
        std::fs::remove_file(&database).unwrap();
        bytes
    });
    let texts = [b"hello".to_vec(), vec![0; 4096], b"SQLite format 3\0".to_vec()];
    for bytes in databases.into_iter().chain(texts) {
        std::fs::write(&file, &bytes).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o664)).unwrap();
        let error = Store::open(&file).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
        assert_eq!(std::fs::read(&file).unwrap(), bytes);
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o664);
        std::fs::remove_file(&file).unwrap();
    }
}

#[test]
fn nothing_is_written_beside_a_foreign_write_ahead_database() {
    // The name and the bytes of each file in a folder.
    let files = |folder: &std::path::Path| {
        let entries = std::fs::read_dir(folder).unwrap().map(Result::unwrap);
        let files = entries.map(|entry| (entry.file_name(), std::fs::read(entry.path()).unwrap()));
        files.collect::<std::collections::BTreeMap<_, _>>()
    };
    let tables = "CREATE TABLE other (one INTEGER); INSERT INTO other VALUES (1);";
    for mark in [0, 1] {
        // With a space and a question mark, which a URI would read otherwise. Windows has no names with a question mark.
        let name = if cfg!(windows) { "a b#c%20" } else { "a b?c%20" };
        let folder = tempfile::Builder::new().prefix(name).tempdir().unwrap();
        let file = folder.path().join("foreign.db");
        let setup = format!("PRAGMA application_id = {mark}; PRAGMA journal_mode = WAL; {tables}");
        let foreign = Connection::open(&file).unwrap();
        foreign.execute_batch(&setup).unwrap();
        // While the owner has it open, and after that.
        let open = files(folder.path());
        assert_eq!(open.len(), 3);
        assert_eq!(Store::open(&file).unwrap_err().kind(), ErrorKind::InvalidInput);
        assert_eq!(files(folder.path()), open);
        drop(foreign);
        let closed = files(folder.path());
        assert_eq!(closed.len(), 1);
        assert_eq!(Store::open(&file).unwrap_err().kind(), ErrorKind::InvalidInput);
        assert_eq!(files(folder.path()), closed);
        // With a log that its owner left behind, and with all of its tables only there.
        let killed = tempfile::tempdir().unwrap();
        for (name, bytes) in open.iter().filter(|(name, _)| !name.to_str().unwrap().ends_with("-shm")) {
            std::fs::write(killed.path().join(name), bytes).unwrap();
        }
        let left = files(killed.path());
        let error = Store::open(&killed.path().join("foreign.db")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert_eq!(files(killed.path()), left);
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_second_emulator_of_this_process_leaves_the_lock_of_the_first() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().canonicalize().unwrap().join("state.db");
    let first = Store::open(&file).unwrap();
    let locks = || -> usize {
        let descriptors = std::fs::read_dir("/proc/self/fd").unwrap().map(|entry| entry.unwrap().path());
        // Other tests open and close theirs meanwhile.
        let of_file = descriptors.filter(|path| std::fs::read_link(path).is_ok_and(|to| to == file));
        let about = of_file.map(|path| format!("/proc/self/fdinfo/{}", path.file_name().unwrap().display()));
        about.map(|path| std::fs::read_to_string(path).unwrap().matches("lock:").count()).sum()
    };
    let before = locks();
    assert!(before > 0);
    assert_eq!(Store::open(&file).unwrap_err().kind(), ErrorKind::ResourceBusy);
    assert_eq!(locks(), before);
    drop(first);
    drop(Store::open(&file).unwrap());
}

#[test]
fn the_error_of_an_edited_state_file_quotes_no_value() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("state.db");
    drop(Store::open(&file).unwrap());
    for document in [r#""ZHANGSAN""#, r#"{"seed":"ZHANGSAN"}"#, r#"{"ZHANGSAN":999999199001012003}"#] {
        let insert = "INSERT OR REPLACE INTO emulator VALUES (1, ?1)";
        Connection::open(&file).unwrap().execute(insert, [document]).unwrap();
        let error = Store::open(&file).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidData);
        let text = format!("{error} {error:?}");
        assert!(text.contains("record") && text.contains("column"), "{text}");
        assert!(!text.contains("ZHANGSAN") && !text.contains("9999"), "{text}");
    }
}

/// A state with these faults and sessions.
fn snapshot(faults: Vec<Fault>, sessions: &[&str]) -> Snapshot {
    let record = EmulatorRecord::initial(0, Clock::system().save(), FaultInjector::new(0, faults));
    Snapshot::new(record, sessions.iter().map(|id| Session::test(id, Magic::None)).collect())
}

#[test]
fn a_value_that_the_admin_api_would_refuse_is_refused_in_a_state_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("state.db");
    let faults = vec![Fault::new(FaultKind::Reset)];
    Store::open(&file).unwrap().0.replace(snapshot(faults, &["a", "b"])).unwrap();
    let good = std::fs::read(&file).unwrap();
    for (edit, problem) in [
        (
            "UPDATE emulator SET document = replace(document, '\"reset\"', '{\"status\":99}')",
            "the faults: `status`",
        ),
        (
            "UPDATE emulator SET document = replace(document, '\"rate\":1.0', '\"rate\":-1.0')",
            "the clock: `rate`",
        ),
        ("UPDATE emulator SET document = document || ' '", ""),
        (
            "UPDATE session SET document = replace(document, '\"open\"', \
             '{\"finished\":{\"sub_code\":\"200\",\"verify_score\":101}}') WHERE number = 2",
            "session 2: `verify_score` must be from 0 to 100",
        ),
        (
            "UPDATE session SET document = replace(document, '\"forced\":null', \
             '\"forced\":{\"sub_code\":\"x\",\"verify_score\":1}') WHERE number = 1",
            "session 1: `sub_code` must be at most eight digits",
        ),
        (
            "UPDATE session SET document = replace(document, '\"pending\":0', '\"pending\":1000')",
            "session 1: `magic`",
        ),
        ("UPDATE session SET document = replace(document, '\"b\"', '\"a\"')", "session 2: its CertifyId"),
    ] {
        std::fs::write(&file, &good).unwrap();
        assert!(Connection::open(&file).unwrap().execute(edit, []).unwrap() > 0);
        let opened = Store::open(&file);
        match problem {
            "" => assert!(opened.is_ok(), "{edit}"),
            problem => {
                let error = opened.unwrap_err();
                assert_eq!(error.kind(), ErrorKind::InvalidData);
                assert!(error.to_string().contains(problem), "{edit}: {error}");
            }
        }
    }
}

#[test]
fn a_state_file_without_its_record_or_with_text_that_is_not_utf_8_is_damaged() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("state.db");
    Store::open(&file).unwrap().0.replace(snapshot(Vec::new(), &["a"])).unwrap();
    let good = std::fs::read(&file).unwrap();
    for edit in [
        "DELETE FROM emulator",
        "DROP TABLE emulator",
        "UPDATE emulator SET document = CAST(X'7BFF7D' AS TEXT)",
        "UPDATE session SET document = CAST(X'7BFF7D' AS TEXT)",
    ] {
        std::fs::write(&file, &good).unwrap();
        Connection::open(&file).unwrap().execute(edit, []).unwrap();
        let error = Store::open(&file).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidData, "{edit}");
        assert_eq!(error.to_string(), "it is damaged: restore it, or choose another file", "{edit}");
    }
}

#[test]
fn reads_a_state_file_of_at_most_100_000_sessions() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("state.db");
    Store::open(&file).unwrap().0.replace(snapshot(Vec::new(), &["a"])).unwrap();
    let more = |numbers: &str, document: &str| {
        let insert = format!(
            "WITH RECURSIVE new (number) AS (SELECT {numbers}) INSERT INTO session SELECT number, 'id' || number, {document} FROM \
             new, (SELECT document FROM session WHERE number = 1)"
        );
        Connection::open(&file).unwrap().execute(&insert, []).unwrap()
    };
    let copy = "json_set(document, '$.certify_id', 'id' || number)";
    more("2 UNION ALL SELECT number + 1 FROM new WHERE number < 100000", copy);
    let (store, saved) = Store::open(&file).unwrap();
    assert_eq!(saved.unwrap().sessions.len(), 100_000);
    drop(store);
    // What follows is not read.
    more("100001", copy);
    more("100002", "'not a session'");
    let error = Store::open(&file).unwrap_err();
    assert_eq!(error.to_string(), "the sessions: there are more than 100,000");
}

#[test]
fn a_path_that_cannot_be_a_state_file_is_refused_with_its_reason() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("state.db");
    drop(Store::open(&file).unwrap());
    let mut permissions = std::fs::metadata(&file).unwrap().permissions();
    permissions.set_readonly(true);
    std::fs::set_permissions(&file, permissions).unwrap();
    for (path, kind, problem) in [
        (folder.path().to_owned(), ErrorKind::IsADirectory, "it is a folder"),
        (folder.path().join("no/state.db"), ErrorKind::NotFound, "its folder does not exist"),
        (file.join("state.db"), ErrorKind::NotADirectory, "ot a directory"),
        (file.clone(), ErrorKind::PermissionDenied, "it is read-only"),
    ] {
        let error = Store::open(&path).unwrap_err();
        assert!(error.kind() == kind && error.to_string().contains(problem), "{path:?}: {error:?}");
    }
    assert!(std::fs::metadata(&file).unwrap().permissions().readonly(), "its mode stays as it was");
}

#[test]
fn the_file_of_a_newer_version_is_refused_and_stays_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("state.db");
    drop(Store::open(&file).unwrap());
    Connection::open(&file).unwrap().pragma_update(None, "user_version", 2).unwrap();
    let newer = std::fs::read(&file).unwrap();
    let error = Store::open(&file).unwrap_err();
    assert!(error.to_string().ends_with("has state format 2, and this emulator reads format 1"), "{error}");
    assert_eq!(std::fs::read(&file).unwrap(), newer);
}

#[test]
fn an_empty_file_and_the_files_of_older_versions_are_state_files() {
    let folder = tempfile::tempdir().unwrap();
    let empty = folder.path().join("empty");
    std::fs::write(&empty, "").unwrap();
    let old = folder.path().join("old");
    Connection::open(&old).unwrap().execute_batch(UNMARKED).unwrap();
    for file in [empty, old] {
        drop(Store::open(&file).unwrap());
        let mark: i32 = Connection::open(&file)
            .unwrap()
            .query_row("PRAGMA application_id", [], |row| row.get(0))
            .unwrap();
        assert_eq!(mark.to_be_bytes(), *b"caem");
        drop(Store::open(&file).unwrap());
    }
}
