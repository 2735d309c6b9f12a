//! What the tests share: commits of the sample orders.

#![allow(dead_code, reason = "each test uses its part")]

use std::path::Path;

use cloudauth_flow::testing::samples::{self, BEGIN};
use cloudauth_flow::{Commit, Input, Lookup, Machine, Snapshot, Store, Stored, Usage, verify_document};
use cloudauth_flow_sqlite::SqliteStore;

/// The commit of the first start of an order.
pub(crate) fn first(order: u64) -> Commit {
    step(None, Input::Start(samples::start(order, 1).unwrap()))
}

/// The commit that opens the link of a stored order.
pub(crate) fn opened(stored: &Stored, order: u64) -> Commit {
    step(Some(stored), Input::Opened(samples::opened(order, 1).unwrap()))
}

pub(crate) fn step(stored: Option<&Stored>, input: Input) -> Commit {
    let snapshot = Snapshot { stored, usage: Usage::default() };
    Machine::new(samples::rules()).step(&snapshot, input, BEGIN).unwrap()
}

pub(crate) fn begin(store: &impl Store, order: u64) -> Stored {
    pollster::block_on(store.commit(&first(order))).unwrap();
    get(store, order).unwrap()
}

pub(crate) fn open(store: &impl Store, order: u64) -> Stored {
    let commit = opened(&begin(store, order), order);
    pollster::block_on(store.commit(&commit)).unwrap();
    get(store, order).unwrap()
}

pub(crate) fn get(store: &impl Store, order: u64) -> Option<Stored> {
    let order = samples::start(order, 1).unwrap().order;
    pollster::block_on(store.load(Lookup::Order(&order))).unwrap()
}

/// Checks that the events of a verification are whole, and that its document says what they say.
pub(crate) fn check_chain(store: &impl Store, stored: &Stored) {
    let id = stored.verification.id;
    let events = pollster::block_on(store.history(&id)).unwrap();
    assert_eq!(verify_document(&stored.verification, &events), Ok(()));
}

/// Checks that no page of the file is damaged.
pub(crate) fn check_integrity(path: &Path) {
    let connection = SqliteStore::connect(path).unwrap();
    let found: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(found, "ok");
}
