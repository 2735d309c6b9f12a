//! The error when the process has no file descriptors left. A separate test binary, because it exhausts them.

#![cfg(test)]
#![cfg(unix)]

use cloudauth_transport::BlockingTransport;
use cloudauth_transport::testing::conformance;
use cloudauth_transport_blocking::UreqTransport;

#[test]
fn without_a_file_descriptor_nothing_is_sent() {
    // Low enough to exhaust quickly, and never raised.
    rlimit::setrlimit(rlimit::Resource::NOFILE, 256, rlimit::getrlimit(rlimit::Resource::NOFILE).unwrap().1)
        .unwrap();
    let default = UreqTransport::new();
    let own = UreqTransport::from(ureq::Agent::config_builder().proxy(None).build().new_agent());
    conformance::without_descriptors(&[
        &|request, limits| default.send(request, limits),
        &|request, limits| own.send(request, limits),
    ])
    .unwrap();
}
