//! Commits: in groups, in a transaction of the caller, on a full disk, without personal data.

#![cfg(test)]

mod common;

use std::future::Future;
use std::pin::Pin;
#[cfg(unix)]
use std::process::Command;
use std::sync::Mutex;
use std::task::{Context, Poll, Waker};
use std::thread;

use cloudauth_flow::testing::samples::{self, BEGIN};
use cloudauth_flow::{
    Commit, Cursor, Fence, Finding, Input, Look, Looked, Lookup, Review, ReviewReason, Reviewer, Store,
    StoreError, StoreErrorKind, UsageOf,
};
use cloudauth_flow_sqlite::rusqlite::{Connection, TransactionBehavior};
use cloudauth_flow_sqlite::{SqliteStore, commit_in};
use cloudauth_policy::{LivePolicy, Policy, builtin};
use cloudauth_protocol::{Body, CertifyId, DescribeFaceVerify, SceneId, parse};
use common::{begin, check_chain, check_integrity, first, get, open, opened, step};

type Pending<'a> = Pin<Box<dyn Future<Output = Result<(), StoreError>> + Send + 'a>>;

/// Sends commits while another program holds the lock of the file, then releases it. Returns the results.
fn together(store: &SqliteStore, lock: &mut Connection, commits: &[Commit]) -> Vec<Result<(), StoreError>> {
    let held = lock.transaction_with_behavior(TransactionBehavior::Immediate).unwrap();
    let mut waiting: Vec<Pending<'_>> =
        commits.iter().map(|commit| Box::pin(store.commit(commit)) as _).collect();
    for commit in &mut waiting {
        let polled = commit.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        assert!(matches!(polled, Poll::Pending), "a commit needs the lock");
    }
    held.rollback().unwrap();
    waiting.into_iter().map(pollster::block_on).collect()
}

#[test]
fn concurrent_callers_share_a_transaction() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    let store = SqliteStore::open(&path).unwrap();
    let mut lock = SqliteStore::connect(&path).unwrap();
    let commits: Vec<_> = (0..64).map(first).collect();
    let results = together(&store, &mut lock, &commits);
    assert!(results.iter().all(Result::is_ok), "{results:?}");
    assert_eq!(store.transactions(), 1);
    for order in 0..64 {
        check_chain(&store, &get(&store, order).unwrap());
    }
}

/// The bound of the log is in the unit tests of the checkpoints.
#[test]
fn the_log_is_copied_into_the_file_while_the_store_writes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    let store = SqliteStore::open(&path).unwrap();
    let empty = path.metadata().unwrap().len();
    let commits: Vec<_> = (0..2_000).map(first).collect();
    thread::scope(|scope| {
        for commits in commits.chunks(40) {
            let store = &store;
            scope.spawn(move || {
                for commit in commits {
                    pollster::block_on(store.commit(commit)).unwrap();
                }
            });
        }
    });
    let full = path.metadata().unwrap().len();
    assert!(full > 4 * empty, "the empty file had {empty} bytes, and has {full}");
    assert_eq!(store.failed_checkpoints(), 0);
}

/// On the old code the events before it could not be read either, unless the reader asked for fewer.
#[test]
fn a_damaged_event_stops_a_reader_where_it_stands_and_can_be_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    let store = SqliteStore::open(&path).unwrap();
    (1..=2).for_each(|order| drop(begin(&store, order)));
    let damage =
        "DROP TRIGGER ca_event_unchanged; UPDATE ca_event SET body = CAST(x'ff' AS TEXT) WHERE seq = 3";
    SqliteStore::connect(&path).unwrap().execute_batch(damage).unwrap();
    let places = |after| {
        let events = pollster::block_on(store.events_after(Cursor(after), 9));
        events.map(|events| events.iter().map(|event| event.cursor.0).collect::<Vec<_>>())
    };
    assert_eq!(places(0).unwrap(), [1, 2]);
    assert_eq!(places(2).unwrap_err().kind(), StoreErrorKind::Corrupt);
    assert_eq!(places(3).unwrap(), [4, 5, 6]);
}

#[test]
fn a_commit_that_fails_undoes_only_its_own_writes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    let store = SqliteStore::open(&path).unwrap();
    let mut lock = SqliteStore::connect(&path).unwrap();
    // The third has the second's capability: it fails after its verification was written.
    let mut same = samples::start(3, 1).unwrap();
    same.capability = samples::start(2, 1).unwrap().capability;
    let commits = [first(1), first(2), step(None, Input::Start(same)), first(4), first(4), first(5)];
    let results = together(&store, &mut lock, &commits);
    let kinds: Vec<_> =
        results.iter().map(|result| result.as_ref().map_err(StoreError::kind).copied()).collect();
    let (duplicate, conflict) = (Err(StoreErrorKind::Duplicate), Err(StoreErrorKind::Conflict));
    assert_eq!(kinds, [Ok(()), Ok(()), duplicate, Ok(()), conflict, Ok(())]);
    assert_eq!(store.transactions(), 1);
    assert_eq!(get(&store, 3), None);
    let events = pollster::block_on(store.events_after(Cursor::default(), 99)).unwrap();
    let places: Vec<_> = events.iter().map(|event| event.cursor.0).collect();
    assert_eq!(places, (1..=12).collect::<Vec<_>>());
}

#[test]
fn of_two_stores_on_a_file_one_wins() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    let stores = [SqliteStore::open(&path).unwrap(), SqliteStore::open(&path).unwrap()];
    let stored = begin(&stores[0], 1);
    let commit = opened(&stored, 1);
    pollster::block_on(stores[1].commit(&commit)).unwrap();
    let lost = pollster::block_on(stores[0].commit(&commit)).unwrap_err();
    assert_eq!(lost.kind(), StoreErrorKind::Conflict);
    assert_eq!(get(&stores[0], 1), get(&stores[1], 1));
}

#[test]
fn rows_of_the_service_change_with_the_verification_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    let store = SqliteStore::open(&path).unwrap();
    let mut connection = SqliteStore::connect(&path).unwrap();
    connection.execute_batch("CREATE TABLE shipment (order_ref TEXT PRIMARY KEY) STRICT").unwrap();
    let mut ship = |order: &str, commit: &Commit, keep: bool| {
        let mut transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).unwrap();
        transaction.execute("INSERT INTO shipment VALUES (?1)", [order]).unwrap();
        let result = commit_in(&mut transaction, commit);
        if keep {
            transaction.commit().unwrap()
        } else {
            transaction.rollback().unwrap()
        }
        let shipped: u32 = connection
            .query_row("SELECT count(*) FROM shipment WHERE order_ref = ?1", [order], |row| row.get(0))
            .unwrap();
        (result.map_err(|error| error.kind()), shipped)
    };
    assert_eq!(ship("order-1", &first(1), true), (Ok(()), 1));
    assert_eq!(ship("order-2", &first(2), false), (Ok(()), 0));
    let mut same = samples::start(3, 1).unwrap();
    same.capability = samples::start(1, 1).unwrap().capability;
    let third = step(None, Input::Start(same));
    assert_eq!(
        ship("order-3", &third, true),
        (Err(StoreErrorKind::Duplicate), 1),
        "the service decides about its own"
    );
    assert_eq!([1, 2, 3].map(|order| get(&store, order).is_some()), [true, false, false]);
    drop(store);
    assert!(SqliteStore::open(&path).is_ok(), "a file with tables of the service is a store");
}

/// A limit of the file's size stands for a full disk.
#[cfg(unix)]
#[test]
fn a_full_disk_is_unavailable_and_nothing_happened() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    drop(SqliteStore::open(&path).unwrap());
    let status = Command::new("sh")
        .args([
            "-c",
            r#"trap '' XFSZ; ulimit -f 512; exec "$0" fills_the_disk --exact --ignored --nocapture"#,
        ])
        .arg(std::env::current_exe().unwrap())
        .env("STORE", &path)
        .status()
        .unwrap();
    assert!(status.success());
    // With space again, everything is sound, and commits succeed.
    let store = SqliteStore::open(&path).unwrap();
    begin(&store, 1_000_000);
    check_integrity(&path);
}

#[test]
#[ignore = "the process with a limit that another test starts"]
fn fills_the_disk() {
    fill(&SqliteStore::open(std::env::var("STORE").unwrap()).unwrap());
}

/// With a file of its own on the disk, so that space becomes free while the store is open.
#[test]
#[ignore = "needs a small file system: cargo xtask destructive"]
fn a_store_on_a_small_disk_continues_when_there_is_space_again() {
    let folder = tempfile::tempdir_in(std::env::var("CLOUDAUTH_SMALL_DISK").unwrap()).unwrap();
    let (path, filler) = (folder.path().join("store.db"), folder.path().join("filler"));
    std::fs::write(&filler, vec![1; 150_000]).unwrap();
    let store = SqliteStore::open(&path).unwrap();
    fill(&store);
    std::fs::remove_file(filler).unwrap();
    // Together they write more into the log than there is space. A refused one is tried again once: the log has been emptied.
    for order in 1_000_000..1_000_005 {
        let commit = first(order);
        let committed =
            pollster::block_on(store.commit(&commit)).or_else(|_| pollster::block_on(store.commit(&commit)));
        assert_eq!(committed.map_err(|error| error.kind()), Ok(()), "order {order}");
    }
    check_integrity(&path);
}

/// Commits until the disk is full. Checks that everything acknowledged is there, and nothing else.
fn fill(store: &SqliteStore) {
    let (acknowledged, refused) = (Mutex::new(Vec::new()), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for thread in 0..8 {
            let (acknowledged, refused) = (&acknowledged, &refused);
            scope.spawn(move || {
                for order in (thread..10_000).step_by(8) {
                    match pollster::block_on(store.commit(&first(order))) {
                        Ok(()) => acknowledged.lock().unwrap().push(order),
                        Err(error) => return refused.lock().unwrap().push((order, error.kind())),
                    }
                }
            });
        }
    });
    // Every thread meets the end of the disk, in a group with others.
    let (acknowledged, refused) = (acknowledged.into_inner().unwrap(), refused.into_inner().unwrap());
    assert_eq!(refused.len(), 8);
    assert!(!acknowledged.is_empty());
    for (order, kind) in refused {
        assert!(matches!(kind, StoreErrorKind::Unavailable | StoreErrorKind::OutcomeUnknown), "{kind:?}");
        assert_eq!(get(store, order), None, "order {order}");
    }
    for order in acknowledged {
        check_chain(store, &get(store, order).unwrap());
    }
}

#[test]
fn processes_share_the_calls_of_a_second() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    let stores = [SqliteStore::open(&path).unwrap(), SqliteStore::open(&path).unwrap()];
    let reserve = |store: usize, operation: &str, want| {
        pollster::block_on(stores[store].reserve_calls(operation, BEGIN, want, 5)).unwrap()
    };
    // A second may end between two reservations: then another operation is tried.
    let shared = |number: u32| {
        let operation = format!("Operation{number}");
        [reserve(0, &operation, 3), reserve(1, &operation, 3), reserve(0, &operation, 1)] == [3, 2, 0]
    };
    assert!((0..20).any(shared));
}

#[test]
fn no_file_holds_personal_data() {
    const CANARIES: [&str; 5] =
        ["张三", "999999199001012003", "13900000000", "pictures.invalid/face.jpg", "zim-meta-info"];
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    let store = SqliteStore::open(&path).unwrap();
    let stored = open(&store, 1);
    let opened = samples::opened(1, 1).unwrap();
    let look = Looked {
        order_no: opened.order_no.clone(),
        fence: Fence(0),
        answer: Look::Finished(Box::new(finding(&opened.certify_id, &CANARIES))),
    };
    pollster::block_on(store.commit(&step(Some(&stored), Input::Looked(look)))).unwrap();
    let found = pollster::block_on(store.load(Lookup::CertifyId(&opened.certify_id))).unwrap().unwrap();
    assert!(found.verification.decision.is_some());
    let mut bytes = Vec::new();
    for file in std::fs::read_dir(&folder).unwrap() {
        bytes.extend(std::fs::read(file.unwrap().path()).unwrap());
    }
    let has = |text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(has("order-1") && has(opened.certify_id.as_str()), "the search finds what is there");
    for canary in CANARIES {
        assert!(!has(canary), "{canary}");
    }
}

/// A result whose every free text has personal data in it.
fn finding(certify_id: &CertifyId, canaries: &[&str]) -> Finding {
    let all = canaries.join(" ");
    let material = format!(
        r#"{{\"faceAttack\":\"{all}\",\"facialPictureFront\":{{\"pictureUrl\":\"{all}\",\"verifyScore\":\"{all}\"}},\"idCardName\":\"{all}\"}}"#
    );
    let body = format!(
        r#"{{"Code":"200","Message":"{all}","RequestId":"130A2C10-B9EE-4D84-88E3-5384FF039795","ResultObject":{{"Passed":"T",
        "SubCode":"{all}","MaterialInfo":"{material}","IdentityInfo":"{all}","DeviceToken":"{all}","DeviceRisk":"{all}"}}}}"#
    );
    let asked = DescribeFaceVerify::new(SceneId::new(1_000_000_006).unwrap(), certify_id.clone());
    let reply = parse::<DescribeFaceVerify>(&http::Response::new(Body::from(body))).unwrap();
    let live = LivePolicy::new(Policy::parse(builtin::VENDOR).unwrap());
    Finding::decide(&asked, &reply, &live).unwrap()
}

/// A redaction overwrites what it deletes, in the log too, while the store runs.
#[test]
fn a_redaction_leaves_no_digest_of_the_person_in_any_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    let store = SqliteStore::open(&path).unwrap();
    let stored = open(&store, 1);
    let opened = samples::opened(1, 1).unwrap();
    // SubCode 202 blocks the identity: a start of it is counted, and it has a block.
    let answer = Look::Finished(Box::new(samples::finding(&opened.certify_id, "202").unwrap()));
    let look = Looked { order_no: opened.order_no, fence: Fence(0), answer };
    pollster::block_on(store.commit(&step(Some(&stored), Input::Looked(look)))).unwrap();
    let start = samples::start(1, 1).unwrap();
    let of = UsageOf { subject: start.subject, scene: start.scene, identity: start.identity, at: BEGIN };
    let usage = pollster::block_on(store.usage(&of)).unwrap();
    assert_eq!((usage.starts_today, usage.blocked_until.is_some()), (1, true));

    let digests = [
        String::from(start.subject).into_bytes(),
        start.subject.as_bytes().to_vec(),
        String::from(start.capability).into_bytes(),
        start.capability.as_bytes().to_vec(),
        b"VirtualCamera".to_vec(),
    ];
    let found = || {
        let mut bytes = Vec::new();
        for file in std::fs::read_dir(&folder).unwrap() {
            bytes.extend(std::fs::read(file.unwrap().path()).unwrap());
        }
        let has = |digest: &&Vec<u8>| bytes.windows(digest.len()).any(|window| window == **digest);
        digests.iter().filter(has).map(|digest| digest.escape_ascii().to_string()).collect::<Vec<_>>()
    };
    assert!(found().contains(&String::from(start.subject)), "the search finds what is there: {:?}", found());
    let seen = get(&store, 1).unwrap().verification.head.n;
    let (reviewer, reason) =
        (Reviewer::new("r.lee@example").unwrap(), ReviewReason::new("other-person").unwrap());
    for input in [Input::Review(Review { reviewer, reason, approve: false, seen }), Input::Redact] {
        let commit = step(get(&store, 1).as_ref(), input);
        pollster::block_on(store.commit(&commit)).unwrap();
    }
    assert_eq!(found(), Vec::<String>::new());
    assert_eq!(pollster::block_on(store.usage(&of)).unwrap(), usage, "the limits hold after the redaction");
    drop(store);
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1, "the last store removes the log");
}
