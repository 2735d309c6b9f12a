//! The store in memory keeps the contract of all stores.

#![cfg(test)]

use cloudauth_flow::testing::{MemoryStore, conformance};

#[test]
fn the_store_in_memory_conforms() {
    let failures = pollster::block_on(conformance::run(async || MemoryStore::default()));
    assert!(failures.is_empty(), "{failures:#?}");
}
