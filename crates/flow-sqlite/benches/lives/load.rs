//! The store under the load of a service: callbacks, an erasure of many verifications, and memory over many lives.

use std::io::Write;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use cloudauth_flow::testing::samples::{self, BEGIN};
use cloudauth_flow::{CheckedCallback, Input, Lookup, Machine, Queue, Snapshot, Store, Usage};
use cloudauth_flow_sqlite::SqliteStore;
use cloudauth_protocol::CallbackKeys;

use crate::{median, orders, time};

/// Callbacks of open verifications, from the query to the flushed commit: what `Flow::callback` does before it answers.
pub(crate) fn callbacks(folder: &Path, open: u64) {
    let store = SqliteStore::open(folder.join("callbacks")).unwrap();
    let commits: Vec<_> = orders(open).map(|life| life.into_iter().take(2).collect::<Vec<_>>()).collect();
    in_parts(&commits, 64, |part| {
        for commit in part.iter().flatten() {
            pollster::block_on(store.commit(commit)).unwrap();
        }
    });
    let keys = CallbackKeys::new(&[7; 32]).unwrap();
    let waiting: Vec<_> = commits
        .iter()
        .map(|life| {
            let verification = life.last().unwrap().verification();
            let attempt = verification.open_attempt().unwrap();
            let token = keys.token(verification.scene, &attempt.order_no);
            let certify_id = attempt.certify_id.as_ref().unwrap();
            (attempt.order_no.clone(), format!("certifyId={certify_id}&callbackToken={}", token.expose()))
        })
        .collect();
    let machine = Machine::new(samples::rules());
    let callback = |(order_no, query): &(_, String)| {
        let stored = pollster::block_on(store.load(Lookup::OrderNo(order_no))).unwrap().unwrap();
        let checked = CheckedCallback::check(&keys, stored.verification.scene, order_no, query).unwrap();
        let snapshot = Snapshot { stored: Some(&stored), usage: Usage::default() };
        let commit = machine.step(&snapshot, Input::Callback(checked), BEGIN).unwrap();
        pollster::block_on(store.commit(&commit)).unwrap();
    };
    let (paced, others) = waiting.split_at(waiting.len() / 2);
    let (few, many) = others.split_at(others.len() / 2);
    for (callers, waiting, rate) in [(16, paced, Some(100)), (8, few, None), (64, many, None)] {
        let (times, next) = (std::sync::Mutex::new(Vec::new()), AtomicUsize::new(0));
        let began = Instant::now();
        let took = time(|| {
            thread::scope(|scope| {
                for _ in 0..callers {
                    scope.spawn(|| {
                        let mut own = Vec::new();
                        loop {
                            let number = next.fetch_add(1, Ordering::Relaxed);
                            let Some(one) = waiting.get(number) else { break };
                            // From the time at which it arrives, also if all callers are busy then.
                            let arrives = rate.map_or_else(Instant::now, |rate| {
                                began + Duration::from_secs(number as u64) / rate
                            });
                            thread::sleep(arrives.saturating_duration_since(Instant::now()));
                            callback(one);
                            own.push(arrives.elapsed());
                        }
                        times.lock().unwrap().extend(own);
                    });
                }
            });
        });
        let (median, p99) = median_and_p99(times.into_inner().unwrap());
        let arrive =
            rate.map_or_else(|| format!("{callers} callers"), |rate| format!("{rate} arrive a second"));
        println!(
            "a callback with {open} open, {arrive}: median {median:?}, p99 {p99:?}, {:.0} a second",
            waiting.len() as f64 / took.as_secs_f64()
        );
    }
    flushes(folder, if open < 1_000 { 10 } else { 1_000 });
}

/// What the disk alone takes: ten pages, written and flushed, a hundred times a second.
fn flushes(folder: &Path, count: u64) {
    let mut file = std::fs::File::create(folder.join("flushes")).unwrap();
    let times = (0..count).map(|_| {
        thread::sleep(Duration::from_millis(10));
        time(|| {
            file.write_all(&[7; 10 * 4_096]).unwrap();
            file.sync_data().unwrap();
        })
    });
    let (median, p99) = median_and_p99(times.collect());
    println!("a bare flush of ten pages: median {median:?}, p99 {p99:?}");
}

fn median_and_p99(mut times: Vec<Duration>) -> (Duration, Duration) {
    times.sort();
    let at = |percent: usize| *times.get((times.len() * percent / 100).min(times.len() - 1)).unwrap();
    (at(50), at(99))
}

/// Claims of results while many deletions are due, which have been due for longer.
pub(crate) fn erasure(folder: &Path, rows: i64, rounds: usize) {
    let path = folder.join("erasure");
    let store = SqliteStore::open(&path).unwrap();
    for life in orders(200) {
        for commit in life.iter().take(2) {
            pollster::block_on(store.commit(commit)).unwrap();
        }
    }
    let connection = SqliteStore::connect(&path).unwrap();
    let copies = "INSERT INTO ca_verification (id, order_ref, state, redaction, version, due_at, purge_at, format, document) \
        WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < ?1), \
        ids (n, id) AS MATERIALIZED (SELECT n, randomblob(16) FROM n) \
        SELECT ids.id, 'copy-' || n, 'canceled', 'requested', 2, 1, 1, format, json_set(document, \
            '$.id', lower(hex(ids.id)), '$.order', 'copy-' || n, '$.state', 'canceled', '$.redaction', 'requested', \
            '$.due_at', 1, '$.purge_at', 1) \
        FROM ids, (SELECT * FROM ca_verification WHERE order_ref LIKE 'order-%' LIMIT 1) AS one";
    connection.execute(copies, [rows]).unwrap();
    let claim = |queue, second| {
        let now = BEGIN.plus(Duration::from_secs(second));
        pollster::block_on(store.claim(queue, now, Duration::from_secs(1), 100)).unwrap().len()
    };
    let (mut results, mut deletions) = (Vec::new(), Vec::new());
    for round in 0..rounds.max(2) {
        let second = 3_600 + 2 * round as u64;
        results.push(time(|| assert_eq!(claim(Queue::Results, second), 100)));
        deletions.push(time(|| assert_eq!(claim(Queue::Deletions, second), 100)));
    }
    let (results, deletions) = (median(results), median(deletions));
    println!("claims of 100 while {rows} deletions are due: results {results:?}, deletions {deletions:?}");
}

/// The resident memory after a tenth of the lives, and after all.
pub(crate) fn memory(folder: &Path, lives: u64) {
    let store = SqliteStore::open(folder.join("memory")).unwrap();
    let resident = || -> u64 {
        let status = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
        status.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok()).unwrap_or_default() * 4 / 1024
    };
    let mut seen = Vec::new();
    let took = time(|| {
        for _ in 0..10 {
            let done = AtomicUsize::new(0);
            thread::scope(|scope| {
                for _ in 0..64 {
                    let (store, done) = (&store, &done);
                    scope.spawn(move || {
                        while done.fetch_add(1, Ordering::Relaxed) < usize::try_from(lives / 10).unwrap() {
                            for commit in orders(1).flatten() {
                                pollster::block_on(store.commit(&commit)).unwrap();
                            }
                        }
                    });
                }
            });
            seen.push(resident());
        }
    });
    println!("memory in MiB after each tenth of {lives} lives, in {took:?}: {seen:?}");
}

/// Runs a function with a part of the items, in so many threads.
fn in_parts<T: Sync>(items: &[T], threads: usize, function: impl Fn(&[T]) + Sync) {
    thread::scope(|scope| {
        for part in items.chunks(items.len().div_ceil(threads)) {
            let function = &function;
            scope.spawn(move || function(part));
        }
    });
}
