//! The error when the process has no file descriptors left. A separate test binary, because it exhausts them.

#![cfg(test)]
#![cfg(unix)]

use cloudauth_transport::BlockingTransport;
use cloudauth_transport::testing::conformance;
use cloudauth_transport_isahc::IsahcTransport;

#[test]
fn without_a_file_descriptor_nothing_is_sent() {
    // Low enough to exhaust quickly, and never raised.
    rlimit::setrlimit(rlimit::Resource::NOFILE, 256, rlimit::getrlimit(rlimit::Resource::NOFILE).unwrap().1)
        .unwrap();
    let transport = IsahcTransport::new().unwrap();
    conformance::without_descriptors(&[&|request, limits| {
        BlockingTransport::send(&transport, request, limits)
    }])
    .unwrap();
}
