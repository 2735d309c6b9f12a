//! The store keeps the contract of all stores.

#![cfg(test)]

use std::cell::Cell;

use cloudauth_flow::testing::conformance;
use cloudauth_flow_sqlite::SqliteStore;

#[test]
fn the_store_in_a_file_conforms() {
    let folder = tempfile::tempdir().unwrap();
    let number = Cell::new(0);
    let failures = pollster::block_on(conformance::run(async || {
        number.set(number.get() + 1);
        SqliteStore::open(folder.path().join(format!("{}.db", number.get()))).unwrap()
    }));
    assert!(failures.is_empty(), "{failures:#?}");
}
