//! The example of a custom transport passes the conformance suite.

#![allow(dead_code, reason = "a test need not use all")]

use cloudauth_transport::Transport;
use cloudauth_transport::testing::conformance;

#[path = "../crates/cloudauth/examples/own_transport.rs"]
mod example;

#[test]
fn hyper_example_passes_the_conformance_suite() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let transport = runtime.block_on(async { example::HyperTransport::new() });
    let failures = conformance::run(&|request, limits| runtime.block_on(transport.send(request, limits)));
    assert!(failures.is_empty(), "{failures:#?}");
    runtime.block_on(conformance::cancel(&transport)).unwrap();
}
