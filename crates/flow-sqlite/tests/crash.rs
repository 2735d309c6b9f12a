//! Processes that are killed, and processes that share a file.

#![cfg(test)]

mod common;

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;

use cloudauth_flow::{Cursor, Store};
use cloudauth_flow_sqlite::SqliteStore;
use common::{begin, check_chain, get, opened};

/// The threads of a child.
const THREADS: u64 = 8;

/// Starts a process that commits orders from a number on. It prints the number after each start, and `open` with it after each
/// link, once the commit is acknowledged.
fn child(path: &Path, from: u64, orders: u64) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["commits_orders", "--exact", "--ignored", "--nocapture"])
        .env("STORE", path)
        .env("FROM", from.to_string())
        .env("ORDERS", orders.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

#[test]
#[ignore = "the process that the other tests start"]
fn commits_orders() {
    let number = |name| std::env::var(name).unwrap().parse::<u64>().unwrap();
    let store = SqliteStore::open(std::env::var("STORE").unwrap()).unwrap();
    let (from, orders) = (number("FROM"), number("ORDERS"));
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let store = &store;
            scope.spawn(move || {
                for order in (from + thread..from + orders).step_by(THREADS as usize) {
                    let stored = begin(store, order);
                    writeln!(std::io::stdout(), "ack {order} 1").unwrap();
                    pollster::block_on(store.commit(&opened(&stored, order))).unwrap();
                    writeln!(std::io::stdout(), "ack {order} 2").unwrap();
                }
            });
        }
    });
}

/// Reads acknowledgements: pairs of an order and a version.
fn acknowledgements(child: &mut Child) -> impl Iterator<Item = (u64, u64)> + use<> {
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    lines.map_while(Result::ok).filter_map(|line| {
        let (order, version) = line.strip_prefix("ack ")?.split_once(' ')?;
        Some((order.parse().ok()?, version.parse().ok()?))
    })
}

#[test]
fn a_killed_process_loses_nothing_that_it_acknowledged() {
    const KILLS: u64 = 30;
    const ORDERS: u64 = 100_000;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    let mut acknowledged = Vec::new();
    for kill in 0..KILLS {
        let mut child = child(&path, kill * ORDERS, ORDERS);
        let mut lines = acknowledgements(&mut child);
        // Another moment each time, while commits are on their way.
        let before = usize::try_from(1 + kill * 7 % 40).unwrap();
        acknowledged.extend(lines.by_ref().take(before));
        child.kill().unwrap();
        child.wait().unwrap();
        // What the pipe still has was acknowledged too.
        acknowledged.extend(lines);

        let store = SqliteStore::open(&path).unwrap();
        let events = pollster::block_on(store.events_after(Cursor::default(), 10_000)).unwrap();
        assert!(!events.is_empty());
        for &(order, version) in &acknowledged {
            let stored = get(&store, order).unwrap_or_else(|| panic!("order {order} is lost"));
            assert!(stored.version >= version, "order {order} has version {}, not {version}", stored.version);
            check_chain(&store, &stored);
        }
    }
    assert!(acknowledged.len() >= 30, "{}", acknowledged.len());
    whole(&path);
}

#[test]
fn two_processes_share_a_file() {
    const ORDERS: u64 = 60;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    let children = [child(&path, 0, ORDERS), child(&path, 1000, ORDERS)];
    for mut child in children {
        assert_eq!(acknowledgements(&mut child).count() as u64, 2 * ORDERS);
        assert!(child.wait().unwrap().success());
    }
    assert_eq!(whole(&path), 2 * ORDERS);
}

/// Checks that the file is sound, and that each verification is whole. Returns their number.
fn whole(path: &Path) -> u64 {
    let connection = SqliteStore::connect(path).unwrap();
    let sound: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(sound, "ok");
    let store = SqliteStore::open(path).unwrap();
    let mut orders = connection.prepare("SELECT order_ref FROM ca_verification").unwrap();
    let orders = orders.query_map([], |row| row.get::<_, String>(0)).unwrap();
    let mut count = 0;
    for order in orders {
        let order = order.unwrap();
        let stored = get(&store, order.strip_prefix("order-").unwrap().parse().unwrap()).unwrap();
        check_chain(&store, &stored);
        // A start has three events, and the link one.
        assert_eq!(stored.verification.head.n, 2 + stored.version, "{order}");
        count += 1;
    }
    count
}
