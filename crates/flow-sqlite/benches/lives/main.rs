//! The store beside bare SQL that does the same commits, in turns: a life of four commits, 64 at the same time, and a claim of 100
//! verifications of a million. Then callbacks, an erasure and the memory of 100,000 lives.
//!
//! `cargo bench -p cloudauth-flow-sqlite --bench lives`; with `-- --test`, a few of each. A name such as `-- memory` runs one part.

#![allow(clippy::unwrap_used, reason = "a bench may panic")]

mod load;

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use cloudauth_flow::testing::lives::life;
use cloudauth_flow::testing::samples::BEGIN;
use cloudauth_flow::{Commit, Queue, Store};
use cloudauth_flow_sqlite::SqliteStore;
use cloudauth_flow_sqlite::rusqlite::{Connection, TransactionBehavior, params};

fn main() {
    let smoke = std::env::args().any(|arg| arg == "--test");
    let (lives, rounds, rows) = if smoke { (10, 1, 1_000) } else { (500, 9, 1_000_000) };
    let folder = tempfile::tempdir_in(".").unwrap();
    let parts = ["alone", "together", "claims", "callbacks", "erasure", "memory"];
    let named = |part: &str| std::env::args().any(|arg| arg == part);
    let all = !parts.iter().any(|part| named(part));
    for part in parts.into_iter().filter(|part| all || named(part)) {
        match part {
            "alone" => one_at_a_time(folder.path(), lives, rounds),
            "together" => together(folder.path(), lives, rounds),
            "claims" => claims(folder.path(), rows, rounds),
            "callbacks" => load::callbacks(folder.path(), if smoke { 128 } else { 6_000 }),
            "erasure" => load::erasure(folder.path(), rows / 10, rounds),
            _ => load::memory(folder.path(), if smoke { 640 } else { 100_000 }),
        }
    }
}

/// The next order that no measurement has used.
fn orders(count: u64) -> impl Iterator<Item = Vec<Commit>> {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let first = NEXT.fetch_add(count, Ordering::Relaxed);
    (first..first + count).map(|order| life(order).unwrap())
}

fn one_at_a_time(folder: &Path, lives: u64, rounds: usize) {
    let store = SqliteStore::open(folder.join("store")).unwrap();
    let mut bare = Connection::open(folder.join("bare")).unwrap();
    bare.execute_batch(BARE).unwrap();
    let (mut by_store, mut by_bare) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        let own: Vec<_> = orders(lives).collect();
        by_store.push(time(|| {
            for commit in own.iter().flatten() {
                pollster::block_on(store.commit(commit)).unwrap();
            }
        }));
        let rows: Vec<_> = orders(lives).flatten().map(|commit| (document(&commit), commit)).collect();
        by_bare.push(time(|| {
            for (document, commit) in &rows {
                write_bare(&mut bare, commit, document);
            }
        }));
    }
    let (store, bare) = (median(by_store), median(by_bare));
    println!(
        "a life, one at a time: store {:?}, bare SQL {:?}, ratio {:.2}",
        store / u32::try_from(lives).unwrap(),
        bare / u32::try_from(lives).unwrap(),
        store.as_secs_f64() / bare.as_secs_f64()
    );
}

fn together(folder: &Path, lives: u64, rounds: usize) {
    let store = SqliteStore::open(folder.join("together")).unwrap();
    let (mut alone, mut many) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        for (threads, times) in [(1, &mut alone), (64, &mut many)] {
            let own: Vec<_> = orders(lives.next_multiple_of(64)).collect();
            let parts: Vec<_> = own.chunks(own.len() / threads).collect();
            times.push(time(|| {
                thread::scope(|scope| {
                    for part in &parts {
                        let store = &store;
                        scope.spawn(move || {
                            for commit in part.iter().flatten() {
                                pollster::block_on(store.commit(commit)).unwrap();
                            }
                        });
                    }
                });
            }));
        }
    }
    let lives = lives.next_multiple_of(64);
    let rate = |time: Duration| lives as f64 / time.as_secs_f64();
    let (alone, many) = (rate(median(alone)), rate(median(many)));
    println!(
        "lives a second: {alone:.0} one at a time, {many:.0} with 64 at the same time, {:.1} times",
        many / alone
    );
}

fn claims(folder: &Path, rows: i64, rounds: usize) {
    let path = folder.join("claims");
    let store = SqliteStore::open(&path).unwrap();
    for commit in orders(1).flatten().take(2) {
        pollster::block_on(store.commit(&commit)).unwrap();
    }
    let connection = SqliteStore::connect(&path).unwrap();
    // Each id is used three times.
    let copies = "INSERT INTO ca_verification (id, order_ref, state, redaction, version, due_at, format, document) \
        WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < ?1), \
        ids (n, id) AS MATERIALIZED (SELECT n, randomblob(16) FROM n) \
        SELECT ids.id, 'copy-' || n, state, redaction, 2, due_at, format, \
            json_set(document, '$.id', lower(hex(ids.id)), '$.order', 'copy-' || n) FROM ids, ca_verification AS one \
        WHERE one.order_ref LIKE 'order-%'";
    connection.execute(copies, [rows]).unwrap();
    let mut times = Vec::new();
    for _ in 0..rounds.max(2) {
        times.push(time(|| {
            let now = BEGIN.plus(Duration::from_secs(3600));
            let claimed =
                pollster::block_on(store.claim(Queue::Results, now, Duration::from_secs(60), 100)).unwrap();
            assert_eq!(claimed.len(), 100);
        }));
    }
    println!("a claim of 100 of {rows} due verifications: {:?}", median(times));
}

fn time(run: impl FnOnce()) -> Duration {
    let start = Instant::now();
    run();
    start.elapsed()
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    *times.get(times.len() / 2).unwrap()
}

fn document(commit: &Commit) -> String {
    cloudauth_flow::write_document(commit.verification()).unwrap()
}

/// The same columns and indexes as the store's, without a check, a trigger or a foreign key.
const BARE: &str = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
    CREATE TABLE verification (id BLOB PRIMARY KEY, order_ref TEXT UNIQUE, state TEXT, redaction TEXT, version INTEGER,
        lease_until INTEGER, due_at INTEGER, purge_at INTEGER, document TEXT);
    CREATE INDEX due ON verification (due_at) WHERE due_at IS NOT NULL;
    CREATE INDEX purge ON verification (purge_at) WHERE purge_at IS NOT NULL;
    CREATE TABLE attempt (order_no TEXT PRIMARY KEY, verification BLOB, state TEXT, certify_id TEXT UNIQUE, capability BLOB UNIQUE);
    CREATE INDEX attempts ON attempt (verification);
    CREATE UNIQUE INDEX busy ON attempt (verification) WHERE state IN ('reserved', 'open');
    CREATE TABLE event (seq INTEGER PRIMARY KEY AUTOINCREMENT, verification BLOB, n INTEGER, at INTEGER, kind TEXT, body TEXT,
        prev BLOB, hash BLOB, UNIQUE (verification, n));
    CREATE TABLE quota (day INTEGER, subject BLOB, scene TEXT, starts INTEGER, UNIQUE (day, subject, scene));";

fn write_bare(connection: &mut Connection, commit: &Commit, document: &str) {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).unwrap();
    let prepare = |sql: &str| transaction.prepare(sql).unwrap();
    let verification = commit.verification();
    let (id, state) = (verification.id.as_bytes(), verification.state.as_str());
    let due_at = verification.due_at.map(|at| i64::try_from(at.as_millis()).unwrap());
    match commit.expected() {
        None => prepare("INSERT INTO verification VALUES (?1, ?2, ?3, 'none', 1, NULL, ?4, NULL, ?5)")
            .execute(params![id, verification.order.as_str(), state, due_at, document]),
        Some(version) => prepare(
            "UPDATE verification SET state = ?2, version = version + 1, due_at = ?3, document = ?4 \
             WHERE id = ?1 AND version = ?5",
        )
        .execute(params![id, state, due_at, document, i64::try_from(version).unwrap()]),
    }
    .unwrap();
    for attempt in &verification.attempts {
        prepare(
            "INSERT INTO attempt VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (order_no) DO UPDATE \
             SET state = excluded.state, certify_id = excluded.certify_id, capability = excluded.capability",
        )
        .execute(params![
            attempt.order_no.as_str(),
            id,
            attempt.state.as_str(),
            attempt.certify_id.as_ref().map(|id| id.as_str()),
            attempt.capability.as_ref().map(|capability| capability.as_bytes())
        ])
        .unwrap();
    }
    if let Some(take) = commit.take() {
        prepare("INSERT INTO quota VALUES (?1, ?2, ?3, 1) ON CONFLICT DO UPDATE SET starts = starts + 1")
            .execute(params![take.day, take.subject.as_bytes(), take.scene.to_string()])
            .unwrap();
    }
    for event in commit.events() {
        let at = i64::try_from(event.at.as_millis()).unwrap();
        let n = i64::try_from(event.n).unwrap();
        prepare("INSERT INTO event (verification, n, at, kind, body, prev, hash) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")
            .execute(params![id, n, at, &*event.kind, &*event.body, event.prev.as_bytes(), event.hash.as_bytes()])
            .unwrap();
    }
    transaction.commit().unwrap();
}
