//! The file: whose it is, who may read it, which schema it has.

#![cfg(test)]

mod common;

#[cfg(unix)]
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::thread;
use std::time::Duration;

use cloudauth_flow::testing::samples::{self, BEGIN};
use cloudauth_flow::{
    Cursor, Lookup, NewPage, PAGE_LIFETIME, Page, Queue, Sealed, Store, StoreErrorKind, UsageOf,
};
use cloudauth_flow_sqlite::rusqlite::Connection;
use cloudauth_flow_sqlite::{OpenErrorKind, SqliteStore};
use common::{begin, check_chain, check_integrity, first, get, open, opened};

/// Order 1 has a session, order 2 has none yet.
const KEPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/kept/0.1/flow.db");

#[test]
fn reads_the_file_of_the_oldest_supported_version() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("flow.db");
    std::fs::copy(KEPT, &path).unwrap();
    assert_eq!(schema(&path), 1, "the file has the schema of the oldest supported version");
    let store = SqliteStore::open(&path).unwrap();
    assert_eq!(schema(&path), 2, "the store migrates it");
    let verifications = [1, 2].map(|order| get(&store, order).unwrap());
    for stored in &verifications {
        check_chain(&store, stored);
    }
    assert_eq!(
        verifications.each_ref().map(|stored| stored.verification.attempts[0].certify_id.is_some()),
        [true, false]
    );
    // Its tables have no start pages.
    let pages = store.pages().unwrap();
    assert!(pollster::block_on(pages.open_page(&page(2), BEGIN)).unwrap());
    pollster::block_on(store.commit(&opened(&verifications[1], 2))).unwrap();
    let used = pollster::block_on(pages.find_page(&page(2).capability, BEGIN)).unwrap();
    assert_eq!(used, Some(Page::Used), "the identity is erased with the session");
    check_chain(&store, &get(&store, 2).unwrap());
    check_integrity(&path);
}

/// A sealed identity is in no file once the call that needs it is committed, and survives a restart until then.
#[test]
fn a_sealed_identity_survives_a_restart_and_is_overwritten_with_the_session() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    let has = |text: &str| {
        let files = std::fs::read_dir(&folder).unwrap();
        files.into_iter().any(|file| {
            let bytes = std::fs::read(file.unwrap().path()).unwrap();
            bytes.windows(text.len()).any(|window| window == text.as_bytes())
        })
    };
    let store = SqliteStore::open(&path).unwrap();
    let stored = begin(&store, 1);
    assert!(pollster::block_on(store.pages().unwrap().open_page(&page(1), BEGIN)).unwrap());
    drop(store);
    assert!(has(SEALED) && has(REQUEST));
    let store = SqliteStore::open(&path).unwrap();
    let found = pollster::block_on(store.pages().unwrap().find_page(&page(1).capability, BEGIN)).unwrap();
    let Some(Page::Waiting(waiting)) = found else { panic!("{found:?}") };
    assert_eq!((waiting.sealed, waiting.request), (page(1).sealed, page(1).request));
    pollster::block_on(store.commit(&opened(&stored, 1))).unwrap();
    assert!(!has(SEALED) && !has(REQUEST), "while the store runs");
    drop(store);
    assert!(!has(SEALED) && !has(REQUEST));
}

#[test]
fn a_page_empties_the_log_only_if_it_replaces_an_identity() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path().join("file")).unwrap();
    let open = |page: &NewPage| pollster::block_on(store.pages().unwrap().open_page(page, BEGIN)).unwrap();
    let log = || folder.path().join("file-wal").metadata().unwrap().len();
    assert!(open(&page(1)));
    let other = NewPage { capability: page(2).capability, sealed: Sealed::new(*b"another"), ..page(1) };
    assert!(open(&other));
    assert_eq!(log(), 0);
    let bytes = std::fs::read(folder.path().join("file")).unwrap();
    assert!(!bytes.windows(SEALED.len()).any(|window| window == SEALED.as_bytes()));
    assert!(open(&NewPage { capability: page(3).capability, ..page(2) }));
    assert!(log() > 0, "nothing was erased");
}

/// What the sweeper does.
#[test]
fn a_sealed_identity_is_overwritten_when_its_time_is_over() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    let has_sealed = || {
        // The log first: the store may just copy it into the file.
        let log = std::fs::read(folder.path().join("file-wal")).unwrap();
        let bytes = [log, std::fs::read(&path).unwrap()].concat();
        bytes.windows(SEALED.len()).any(|window| window == SEALED.as_bytes())
    };
    let store = SqliteStore::open(&path).unwrap();
    let page = NewPage { lifetime: Duration::ZERO, ..page(1) };
    assert!(pollster::block_on(store.pages().unwrap().open_page(&page, BEGIN)).unwrap());
    assert!(has_sealed());
    assert_eq!(pollster::block_on(store.pages().unwrap().erase_pages(BEGIN, 9)).unwrap(), 1);
    assert!(!has_sealed());
}

const SEALED: &str = "a ciphertext that no other page has";
const REQUEST: &str = "a request that no other page has";

/// The start page of an order.
fn page(order: u64) -> NewPage {
    let start = samples::start(order, 1).unwrap();
    NewPage {
        capability: start.capability,
        order: start.order,
        key: start.key,
        request: REQUEST.into(),
        sealed: Sealed::new(SEALED.as_bytes()),
        lifetime: PAGE_LIFETIME,
    }
}

/// How the file of the test above was made.
#[test]
#[ignore = "writes a file that the repository keeps"]
fn writes_the_kept_file() {
    assert!(!Path::new(KEPT).exists(), "a kept file is never rewritten");
    let store = SqliteStore::open(KEPT).unwrap();
    open(&store, 1);
    begin(&store, 2);
}

/// The version of the tables of a file.
fn schema(path: &Path) -> u32 {
    let connection = Connection::open(path).unwrap();
    connection.query_row("SELECT version FROM ca_schema", [], |row| row.get(0)).unwrap()
}

#[cfg(unix)]
#[test]
fn a_foreign_file_keeps_every_byte_and_its_mode() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    let database = |statements: &str| {
        Connection::open(&path).unwrap().execute_batch(statements).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        bytes
    };
    let files = [
        b"hello".to_vec(),
        vec![0; 4096],
        b"SQLite format 3\0".to_vec(),
        database("CREATE TABLE own (one INTEGER)"),
        database(
            "CREATE TABLE ca_schema (one INTEGER, version INTEGER); INSERT INTO ca_schema VALUES (1, 1)",
        ),
        database("PRAGMA application_id = 1; CREATE TABLE own (one INTEGER)"),
    ];
    for bytes in files {
        std::fs::write(&path, &bytes).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o664)).unwrap();
        let error = SqliteStore::open(&path).unwrap_err();
        assert_eq!(error.kind(), OpenErrorKind::NotAStore, "{error}");
        assert_eq!(std::fs::read(&path).unwrap(), bytes);
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o664);
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1, "no file beside it");
    }
    assert_eq!(SqliteStore::open(folder.path()).unwrap_err().kind(), OpenErrorKind::NotAStore);
    let missing = folder.path().join("missing/file");
    assert_eq!(SqliteStore::open(missing).unwrap_err().kind(), OpenErrorKind::Unavailable);
}

/// POSIX drops all of a process's locks on a file when the process closes it anywhere. Without its lock, another program that
/// closes the file takes the log away, and what is committed afterwards is lost.
#[cfg(target_os = "linux")]
#[test]
fn an_open_store_keeps_its_lock_on_the_file() {
    use std::os::unix::fs::MetadataExt;

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    let store = SqliteStore::open(&path).unwrap();
    begin(&store, 1);
    let other = SqliteStore::connect(&path).unwrap();
    drop(other);
    let file = format!(":{} ", path.metadata().unwrap().ino());
    let process = format!(" {} ", std::process::id());
    let is_locked = || {
        let locks = std::fs::read_to_string("/proc/locks").unwrap();
        locks.lines().any(|lock| lock.contains(&file) && lock.contains(&process))
    };
    // One reading may miss a line while others come and go. A lock that is lost does not come back.
    assert!((0..1000).any(|_| is_locked()));
}

#[test]
fn a_newer_schema_is_refused_and_stays() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    drop(SqliteStore::open(&path).unwrap());
    newer(&path);
    let bytes = std::fs::read(&path).unwrap();
    assert_eq!(SqliteStore::open(&path).unwrap_err().kind(), OpenErrorKind::NewerSchema);
    assert_eq!(std::fs::read(&path).unwrap(), bytes);
}

#[test]
fn a_program_that_runs_during_a_migration_neither_writes_nor_reads_any_more() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    let store = SqliteStore::open(&path).unwrap();
    begin(&store, 1);
    newer(&path);
    let start = samples::start(1, 1).unwrap();
    let of = UsageOf { subject: start.subject, scene: start.scene, identity: start.identity, at: BEGIN };
    let kinds = pollster::block_on(async {
        [
            ("commit", store.commit(&first(2)).await),
            ("claim", store.claim(Queue::Results, BEGIN, Duration::ZERO, 9).await.map(drop)),
            ("purge", store.purge(BEGIN, 9).await.map(drop)),
            ("reserve_calls", store.reserve_calls("InitFaceVerify", BEGIN, 1, 5).await.map(drop)),
            ("load", store.load(Lookup::Id(&start.id)).await.map(drop)),
            ("usage", store.usage(&of).await.map(drop)),
            ("events_after", store.events_after(Cursor::default(), 99).await.map(drop)),
            ("history", store.history(&start.id).await.map(drop)),
            ("find_page", store.pages().unwrap().find_page(&start.capability, BEGIN).await.map(drop)),
            ("erase_pages", store.pages().unwrap().erase_pages(BEGIN, 9).await.map(drop)),
        ]
    });
    for (what, result) in kinds {
        assert_eq!(result.map_err(|error| error.kind()), Err(StoreErrorKind::Corrupt), "{what}");
    }
    let connection = Connection::open(&path).unwrap();
    let events = connection.query_row("SELECT count(*) FROM ca_event", [], |row| row.get::<_, u32>(0));
    assert_eq!(events, Ok(3));
}

/// What a program of the next schema does.
fn newer(path: &Path) {
    let connection = Connection::open(path).unwrap();
    connection.execute("UPDATE ca_schema SET version = version + 1", []).unwrap();
}

/// The log is named after the file: under two names it would have two logs, and be damaged.
#[cfg(unix)]
#[test]
fn a_file_with_two_names_is_refused_and_a_symbolic_link_is_followed() {
    let folder = tempfile::tempdir().unwrap();
    let [path, link, name] = ["file", "link", "name"].map(|name| folder.path().join(name));
    // The link points to nothing yet: its file is created.
    std::os::unix::fs::symlink(&path, &link).unwrap();
    let by_link = SqliteStore::open(&link).unwrap();
    let by_name = SqliteStore::open(&path).unwrap();
    let stored = begin(&by_link, 1);
    assert_eq!(get(&by_name, 1), Some(stored.clone()));
    assert!(folder.path().join("file-wal").exists() && !folder.path().join("link-wal").exists());
    drop((by_link, by_name));

    std::fs::hard_link(&path, &name).unwrap();
    for path in [&path, &name, &link] {
        let error = SqliteStore::open(path).unwrap_err();
        assert_eq!(error.kind(), OpenErrorKind::Unavailable);
        assert!(
            std::error::Error::source(&error).unwrap().to_string().contains("several names"),
            "{error:?}"
        );
    }
    std::fs::remove_file(name).unwrap();
    assert_eq!(get(&SqliteStore::open(&path).unwrap(), 1), Some(stored));
}

/// Root may write every file, unless it gives this right away.
#[cfg(unix)]
#[test]
fn a_file_that_only_can_be_read_is_refused_and_keeps_its_mode() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    begin(&SqliteStore::open(&path).unwrap(), 1);
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o400)).unwrap();
    let output = cloudauth_tests::without_override(std::env::current_exe().unwrap())
        .args(["opens_a_file_that_only_can_be_read", "--exact", "--ignored"])
        .env("STORE", &path)
        .output()
        .unwrap();
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && stdout.contains("1 passed"), "{stdout}");
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o400);
}

#[test]
#[ignore = "the process without rights that another test starts"]
fn opens_a_file_that_only_can_be_read() {
    let error = SqliteStore::open(std::env::var("STORE").unwrap()).unwrap_err();
    assert_eq!(error.kind(), OpenErrorKind::Unavailable);
    let source = std::error::Error::source(&error).unwrap().downcast_ref::<std::io::Error>().unwrap();
    assert_eq!(source.kind(), std::io::ErrorKind::PermissionDenied);
}

#[cfg(unix)]
#[test]
fn the_file_and_its_log_are_private() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    std::fs::write(&path, "").unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o664)).unwrap();
    let store = SqliteStore::open(&path).unwrap();
    begin(&store, 1);
    let files: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|file| file.unwrap()).collect();
    assert_eq!(files.len(), 3, "the file, its log, its shared memory: {files:?}");
    for file in files {
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{file:?}");
    }
}

#[test]
fn each_commit_is_flushed_to_a_write_ahead_log() {
    let folder = tempfile::tempdir().unwrap();
    let connection = SqliteStore::connect(folder.path().join("file")).unwrap();
    let pragma = |name: &str| {
        connection
            .query_row(&format!("PRAGMA {name}"), [], |row| row.get_ref(0).map(|value| format!("{value:?}")))
    };
    for (name, value) in
        [("synchronous", "Integer(2)"), ("foreign_keys", "Integer(1)"), ("secure_delete", "Integer(1)")]
    {
        assert_eq!(pragma(name).unwrap(), value, "{name}");
    }
    let mode: String = connection.query_row("PRAGMA journal_mode", [], |row| row.get(0)).unwrap();
    assert_eq!(mode, "wal");
}

#[test]
fn several_programs_create_a_file_at_once() {
    let folder = tempfile::tempdir().unwrap();
    for number in 0..20 {
        let path = folder.path().join(format!("{number}"));
        thread::scope(|scope| {
            for order in 0..4 {
                let path = &path;
                scope.spawn(move || begin(&SqliteStore::open(path).unwrap(), order));
            }
        });
        let store = SqliteStore::open(&path).unwrap();
        let events = pollster::block_on(store.events_after(Cursor::default(), 99)).unwrap();
        assert_eq!(events.len(), 4 * 3);
    }
}

#[test]
fn a_backup_while_the_store_runs_is_a_store() {
    let folder = tempfile::tempdir().unwrap();
    let (path, backup) = (folder.path().join("file"), folder.path().join("backup"));
    let store = SqliteStore::open(&path).unwrap();
    let stored = open(&store, 1);
    let connection = SqliteStore::connect(&path).unwrap();
    connection.execute("VACUUM INTO ?1", [backup.to_str().unwrap()]).unwrap();
    let restored = SqliteStore::open(&backup).unwrap();
    assert_eq!(get(&restored, 1), Some(stored));
}

/// One damaged row must not stop the sweeper, and its content must not reach a log.
#[test]
fn a_document_that_cannot_be_read_is_corrupt_and_stops_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    let store = SqliteStore::open(&path).unwrap();
    open(&store, 1);
    let second = open(&store, 2);
    open(&store, 3);
    let connection = SqliteStore::connect(&path).unwrap();
    let damage = "UPDATE ca_verification SET version = version + 1, \
                  document = json_set(document, '$.scene', 'canary') WHERE order_ref = 'order-1'";
    connection.execute(damage, []).unwrap();
    let newer =
        "UPDATE ca_verification SET version = version + 1, format = format + 1 WHERE order_ref = 'order-3'";
    connection.execute(newer, []).unwrap();
    for order in [1, 3] {
        let order = samples::start(order, 1).unwrap().order;
        let error = pollster::block_on(store.load(Lookup::Order(&order))).unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Corrupt);
        assert!(!format!("{error:?}").contains("canary"), "{error:?}");
    }
    let due = BEGIN.plus(Duration::from_secs(60));
    let claimed = pollster::block_on(store.claim(Queue::Results, due, Duration::from_secs(30), 9)).unwrap();
    let ids: Vec<_> = claimed.iter().map(|stored| stored.verification.id).collect();
    assert_eq!(ids, [second.verification.id]);
    // A program of the next format can still claim its own.
    let free = "SELECT order_ref FROM ca_verification WHERE lease_until IS NULL";
    assert_eq!(connection.query_row(free, [], |row| row.get::<_, String>(0)).unwrap(), "order-3");
}

/// The constraints hold for any program, such as a repair by hand.
#[test]
fn the_database_refuses_what_the_flow_forbids() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    let store = SqliteStore::open(&path).unwrap();
    let used = begin(&store, 1);
    assert!(pollster::block_on(store.pages().unwrap().open_page(&page(1), BEGIN)).unwrap());
    pollster::block_on(store.commit(&opened(&used, 1))).unwrap();
    begin(&store, 2);
    let connection = SqliteStore::connect(&path).unwrap();
    // Changes the document with its columns.
    let set = |order: u32, column: &str, value: &str| {
        format!(
            "UPDATE ca_verification SET version = version + 1, {column} = {value}, \
             document = json_set(document, '$.{column}', {value}) WHERE order_ref = 'order-{order}'"
        )
    };
    connection.execute(&set(1, "purge_at", "1"), []).unwrap();
    connection.execute(&set(1, "state", "'canceled'"), []).unwrap();
    let event = |n: &str, prev: &str| {
        format!(
            "INSERT INTO ca_event (verification, n, at, kind, body, prev, hash) SELECT verification, {n}, at, kind, body, \
             {prev}, hash FROM ca_event WHERE n = 3 LIMIT 1"
        )
    };
    for (statement, reason) in [
        (&*set(1, "state", "'expired'"), "a final state never changes"),
        ("UPDATE ca_verification SET state = 'approved'", "each change adds one to the version"),
        (
            "UPDATE ca_verification SET version = version + 1, fence = -1",
            "each change adds one to the version",
        ),
        (&set(2, "state", "'passed'"), "CHECK"),
        (&set(2, "state", "'canceled'"), "ca_verification_end"),
        (&set(1, "purge_at", "NULL"), "ca_verification_end"),
        (&set(2, "due_at", "NULL"), "ca_verification_due"),
        (
            "UPDATE ca_verification SET version = version + 1, due_at = due_at + 1 WHERE order_ref = 'order-2'",
            "ca_verification_document",
        ),
        (
            "UPDATE ca_verification SET version = version + 1, document = 'canary' WHERE order_ref = 'order-2'",
            "ca_verification_document",
        ),
        (
            "UPDATE ca_verification SET version = version + 1, purge_at = 1, state = 'approved', \
             document = json_set(document, '$.purge_at', 1, '$.state', 'approved') WHERE order_ref = 'order-2'",
            "ca_verification_decision",
        ),
        ("UPDATE ca_event SET body = '{}' WHERE seq = 1", "an event never changes"),
        ("DELETE FROM ca_event WHERE seq = 1", "an event is deleted with its verification only"),
        (&event("6", "hash"), "the events of a verification have no gap"),
        (&event("1", "hash"), "the events of a verification have no gap"),
        (&event("5", "prev"), "an event follows the one before it"),
        (
            "INSERT INTO ca_attempt (order_no, verification, state, certify_id, capability, next_look_at) \
             SELECT 'other', verification, 'open', 'other', zeroblob(32), 1 FROM ca_attempt WHERE state = 'open'",
            "UNIQUE constraint failed: ca_attempt.verification",
        ),
        (
            "INSERT INTO ca_attempt (order_no, verification, state) SELECT 'other', verification, 'reserved' \
             FROM ca_attempt WHERE state = 'open'",
            "UNIQUE constraint failed: ca_attempt.verification",
        ),
        (
            "UPDATE ca_attempt SET certify_id = (SELECT certify_id FROM ca_attempt WHERE state = 'open')",
            "UNIQUE constraint failed: ca_attempt.certify_id",
        ),
        (
            "UPDATE ca_attempt SET certify_id = 'other' WHERE state = 'open'",
            "an attempt keeps its numbers until the purge",
        ),
        ("DELETE FROM ca_attempt", "an attempt is deleted with its verification only"),
        ("UPDATE ca_attempt SET next_look_at = NULL WHERE state = 'open'", "ca_attempt_look"),
        ("UPDATE ca_attempt SET state = 'settled' WHERE state = 'reserved'", "ca_attempt_session"),
        (
            "INSERT INTO ca_attempt (order_no, verification, state) VALUES ('other', x'00', 'reserved')",
            "FOREIGN KEY",
        ),
        (
            "UPDATE ca_page SET state = 'waiting', request = '{}', sealed = x'00'",
            "a page that was used stays used",
        ),
        ("UPDATE ca_page SET sealed = x'00'", "ca_page_sealed"),
        (
            "INSERT INTO ca_page VALUES (zeroblob(32), 'order', 'key', 'waiting', NULL, x'00', 1)",
            "ca_page_request",
        ),
    ] {
        let error = connection.execute(statement, []).unwrap_err().to_string();
        assert!(error.contains(reason), "{statement}: {error}");
    }
}
