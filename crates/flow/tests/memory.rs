//! The store in memory keeps the contract of all stores.

#![cfg(test)]

use cloudauth_flow::testing::{MemoryStore, conformance};

#[test]
fn the_store_in_memory_conforms() {
    let failures = pollster::block_on(conformance::run(async || MemoryStore::default()));
    assert!(failures.is_empty(), "{failures:#?}");
    let failures = pollster::block_on(conformance::outbox(async || MemoryStore::default()));
    assert!(failures.is_empty(), "{failures:#?}");
    let failures = pollster::block_on(conformance::pages(async || MemoryStore::default()));
    assert!(failures.is_empty(), "{failures:#?}");
}

#[test]
fn a_damaged_document_in_memory_stops_no_other() {
    let store = MemoryStore::default();
    let failure = pollster::block_on(conformance::run_damaged(
        &store,
        async |id| store.damage(id),
        async |id| store.mend(id),
    ));
    assert_eq!(failure, None);
}
