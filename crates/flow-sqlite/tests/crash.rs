//! Processes that are killed, and processes that share a file.

#![cfg(test)]

mod common;

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, SystemTime};

use cloudauth_flow::testing::lives::{Acknowledged, Follower, Report, Server};
use cloudauth_flow::testing::samples::BEGIN;
use cloudauth_flow::{Cursor, DeliveryEnd, EndpointId, Outbox, Store};
use cloudauth_flow_sqlite::SqliteStore;
use cloudauth_protocol::UnixTime;
use common::check_integrity;

/// The threads of a child.
const THREADS: usize = 4;

/// Starts a process that serves the orders, from a number on, until all are final.
fn child(path: &Path, from: u64, to: u64, begin: u64) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["serves_orders", "--exact", "--ignored", "--nocapture"])
        .env("STORE", path)
        .env("FROM", from.to_string())
        .env("TO", to.to_string())
        .env("BEGIN", begin.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

#[test]
#[ignore = "the process that the other tests start"]
fn serves_orders() {
    // Ends the line that the harness has begun.
    println!();
    let number = |name| std::env::var(name).unwrap().parse::<u64>().unwrap();
    let store = SqliteStore::open(std::env::var("STORE").unwrap()).unwrap();
    let (from, to, begin) = (number("FROM"), number("TO"), number("BEGIN"));
    // Ten minutes pass in a second.
    let clock = || UnixTime::from_millis(BEGIN.as_millis() + 600 * millis().saturating_sub(begin));
    let report = |report: Report| writeln!(std::io::stdout(), "{report}").unwrap();
    pollster::block_on(store.subscribe(&endpoint())).unwrap();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                // Half a line of a killed process has no end.
                deliver(&store, clock(), |event| writeln!(std::io::stdout(), "sent {event} .").unwrap());
            }
        });
        let servers: Vec<_> = (0..THREADS)
            .map(|thread| {
                let server = Server {
                    store: &store,
                    clock: &clock,
                    pause: &|| Box::pin(async { thread::sleep(Duration::from_millis(1)) }),
                    report: &report,
                };
                let orders = (from..to).skip(thread).step_by(THREADS);
                scope.spawn(move || pollster::block_on(server.serve(orders)).unwrap())
            })
            .collect();
        servers.into_iter().for_each(|server| server.join().unwrap());
        done.store(true, Ordering::Relaxed);
    });
}

fn endpoint() -> EndpointId {
    EndpointId::new("crm").unwrap()
}

/// Sends what is due: first to the receiver, then the store learns of it. Returns how many.
fn deliver(store: &SqliteStore, now: UnixTime, send: impl Fn(u64)) -> usize {
    let lease = Duration::from_secs(60);
    let Ok(claimed) = pollster::block_on(store.claim_deliveries(&endpoint(), now, lease, 20)) else {
        return 0;
    };
    let claimed = claimed.deliveries;
    for delivery in &claimed {
        send(delivery.event.cursor.0);
        let _ = pollster::block_on(store.end_delivery(delivery, DeliveryEnd::Done));
    }
    if claimed.is_empty() {
        thread::sleep(Duration::from_millis(1));
    }
    claimed.len()
}

fn millis() -> u64 {
    u64::try_from(SystemTime::UNIX_EPOCH.elapsed().unwrap().as_millis()).unwrap()
}

/// What a child acknowledged.
fn reports(child: &mut Child) -> impl Iterator<Item = Report> + use<> {
    lines(child).filter_map(|line| line.parse().ok())
}

fn lines(child: &mut Child) -> impl Iterator<Item = String> + use<> {
    BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok)
}

/// Returns the place of an event that a child sent.
fn sent_by(line: &str) -> Option<u64> {
    line.strip_prefix("sent ")?.strip_suffix(" .")?.parse().ok()
}

/// Checks that every event of a verification was sent, before the kill or after it.
fn check_deliveries(store: &SqliteStore, mut sent: BTreeSet<u64>) {
    let far = BEGIN.plus(Duration::from_secs(3_650 * 86_400));
    let left = std::cell::RefCell::new(Vec::new());
    while deliver(store, far, |event| left.borrow_mut().push(event)) > 0 {}
    sent.extend(left.into_inner());
    let mut cursor = Cursor::default();
    let mut missing = Vec::new();
    loop {
        let events = pollster::block_on(store.events_after(cursor, 1000)).unwrap();
        let Some(last) = events.last() else { break };
        cursor = last.cursor;
        let due = events.iter().filter(|event| event.event.kind.starts_with("verification."));
        missing.extend(due.filter(|event| !sent.contains(&event.cursor.0)).map(|event| event.cursor));
    }
    assert!(missing.is_empty(), "never sent: {missing:?}");
}

/// `cargo xtask crash` sets more kills and orders.
fn setting(name: &str, usual: u64) -> u64 {
    std::env::var(name).map_or(usual, |value| value.parse().unwrap())
}

#[test]
fn processes_that_are_killed_leave_nothing_stuck_decided_twice_or_lost() {
    let (kills, orders) = (setting("CLOUDAUTH_KILLS", 30), setting("CLOUDAUTH_ORDERS", 300));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    let begin = millis();
    let (mut seen, mut follower) = (Acknowledged::default(), Follower::default());
    let mut sent = BTreeSet::new();
    let mut note = |line: String, seen: &mut Acknowledged| match line.parse() {
        Ok(report) => {
            seen.note(report);
            true
        }
        Err(_) => {
            sent.extend(sent_by(&line));
            false
        }
    };
    // Each order has about five reports: the last process has something left to do.
    let most = (6 * orders / kills).max(2);
    let mut random = 1_u64;
    let mut killed = 0;
    while killed < kills && seen.next() < orders {
        let mut child = child(&path, seen.next(), orders, begin);
        let mut lines = lines(&mut child);
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let before = 1 + (random >> 33) % most;
        let mut left = before;
        while left > 0 {
            let Some(line) = lines.next() else { break };
            left -= u64::from(note(line, &mut seen));
        }
        killed += u64::from(child.try_wait().unwrap().is_none());
        child.kill().unwrap();
        child.wait().unwrap();
        // What the pipe still has was acknowledged too.
        lines.for_each(|line| {
            note(line, &mut seen);
        });
        let store = SqliteStore::open(&path).unwrap();
        pollster::block_on(follower.follow(&store)).unwrap();
    }
    let mut last = child(&path, seen.next(), orders, begin);
    lines(&mut last).for_each(|line| {
        note(line, &mut seen);
    });
    assert!(last.wait().unwrap().success());
    assert!(killed * 10 >= kills * 9, "{killed} of {kills} processes were killed at work");
    check_integrity(&path);
    let store = SqliteStore::open(&path).unwrap();
    let problems = pollster::block_on(follower.check(&store, 0..orders, &seen)).unwrap();
    assert!(problems.is_empty(), "{problems:#?}");
    check_deliveries(&store, sent);
    println!("{killed} processes were killed over {orders} verifications");
}

/// A process looked at the mark of a file and then at its tables, which another one had written in between.
#[test]
fn processes_that_open_a_new_file_at_once_find_a_store() {
    for round in 0..20 {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let children = [(); 4].map(|()| child(&path, 0, 0, millis()));
        for child in children {
            let output = child.wait_with_output().unwrap();
            assert!(output.status.success(), "round {round}: {}", String::from_utf8_lossy(&output.stdout));
        }
    }
}

#[test]
fn two_processes_share_a_file() {
    const ORDERS: u64 = 60;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    let begin = millis();
    let mut seen = Acknowledged::default();
    // Half of the orders are served by both.
    let children = [child(&path, 0, 2 * ORDERS, begin), child(&path, ORDERS, 3 * ORDERS, begin)];
    for mut child in children {
        reports(&mut child).for_each(|report| seen.note(report));
        assert!(child.wait().unwrap().success());
    }
    check_integrity(&path);
    let store = SqliteStore::open(&path).unwrap();
    let mut follower = Follower::default();
    let problems = pollster::block_on(follower.check(&store, 0..3 * ORDERS, &seen)).unwrap();
    assert!(problems.is_empty(), "{problems:#?}");
}
