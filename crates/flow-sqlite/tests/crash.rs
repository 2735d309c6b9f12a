//! Processes that are killed, and processes that share a file.

#![cfg(test)]

mod common;

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, SystemTime};

use cloudauth_flow::testing::lives::{Acknowledged, Follower, Report, Server};
use cloudauth_flow::testing::samples::BEGIN;
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
    let number = |name| std::env::var(name).unwrap().parse::<u64>().unwrap();
    let store = SqliteStore::open(std::env::var("STORE").unwrap()).unwrap();
    let (from, to, begin) = (number("FROM"), number("TO"), number("BEGIN"));
    // Ten minutes pass in a second.
    let clock = || UnixTime::from_millis(BEGIN.as_millis() + 600 * millis().saturating_sub(begin));
    let report = |report: Report| writeln!(std::io::stdout(), "{report}").unwrap();
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let server = Server {
                store: &store,
                clock: &clock,
                pause: &|| Box::pin(async { thread::sleep(Duration::from_millis(1)) }),
                report: &report,
            };
            let orders = (from..to).skip(thread).step_by(THREADS);
            scope.spawn(move || pollster::block_on(server.serve(orders)).unwrap());
        }
    });
}

fn millis() -> u64 {
    u64::try_from(SystemTime::UNIX_EPOCH.elapsed().unwrap().as_millis()).unwrap()
}

/// What a child acknowledged.
fn reports(child: &mut Child) -> impl Iterator<Item = Report> + use<> {
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    lines.map_while(Result::ok).filter_map(|line| line.parse().ok())
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
    // Each order has about five reports: the last process has something left to do.
    let most = (6 * orders / kills).max(2);
    let mut random = 1_u64;
    let mut killed = 0;
    while killed < kills && seen.next() < orders {
        let mut child = child(&path, seen.next(), orders, begin);
        let mut lines = reports(&mut child);
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let before = 1 + (random >> 33) % most;
        lines.by_ref().take(usize::try_from(before).unwrap()).for_each(|report| seen.note(report));
        killed += u64::from(child.try_wait().unwrap().is_none());
        child.kill().unwrap();
        child.wait().unwrap();
        // What the pipe still has was acknowledged too.
        lines.for_each(|report| seen.note(report));
        let store = SqliteStore::open(&path).unwrap();
        pollster::block_on(follower.follow(&store)).unwrap();
    }
    let mut last = child(&path, seen.next(), orders, begin);
    reports(&mut last).for_each(|report| seen.note(report));
    assert!(last.wait().unwrap().success());
    assert!(killed * 10 >= kills * 9, "{killed} of {kills} processes were killed at work");
    check_integrity(&path);
    let store = SqliteStore::open(&path).unwrap();
    let problems = pollster::block_on(follower.check(&store, 0..orders, &seen)).unwrap();
    assert!(problems.is_empty(), "{problems:#?}");
    println!("{killed} processes were killed over {orders} verifications");
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
