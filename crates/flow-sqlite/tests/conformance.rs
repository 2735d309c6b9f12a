//! The store keeps the contract of all stores.

#![cfg(test)]

use std::cell::Cell;

use cloudauth_flow::VerificationId;
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
    let failures = pollster::block_on(conformance::outbox(async || {
        number.set(number.get() + 1);
        SqliteStore::open(folder.path().join(format!("{}.db", number.get()))).unwrap()
    }));
    assert!(failures.is_empty(), "{failures:#?}");
    let failures = pollster::block_on(conformance::pages(async || {
        number.set(number.get() + 1);
        SqliteStore::open(folder.path().join(format!("{}.db", number.get()))).unwrap()
    }));
    assert!(failures.is_empty(), "{failures:#?}");
}

#[test]
fn a_damaged_document_in_a_file_stops_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    let store = SqliteStore::open(&path).unwrap();
    let connection = SqliteStore::connect(&path).unwrap();
    let change = |id: &VerificationId, document: &str| {
        let update =
            format!("UPDATE ca_verification SET version = version + 1, document = {document} WHERE id = ?1");
        assert_eq!(connection.execute(&update, [id.as_bytes()]), Ok(1));
    };
    let failure = pollster::block_on(conformance::run_damaged(
        &store,
        async |id| change(id, "json_set(document, '$.canary', 1)"),
        async |id| change(id, "json_remove(document, '$.canary')"),
    ));
    assert_eq!(failure, None);
}
