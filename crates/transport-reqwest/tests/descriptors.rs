//! The error when the process has no file descriptors left. A separate test binary, because it exhausts them.

#![cfg(test)]
#![cfg(unix)]

use cloudauth_transport::Transport;
use cloudauth_transport::testing::conformance;
use cloudauth_transport_reqwest::ReqwestTransport;

#[test]
fn without_a_file_descriptor_nothing_is_sent() {
    // Low enough to exhaust quickly, and never raised.
    rlimit::setrlimit(rlimit::Resource::NOFILE, 256, rlimit::getrlimit(rlimit::Resource::NOFILE).unwrap().1)
        .unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let transport = ReqwestTransport::new().unwrap();
    conformance::without_descriptors(&[&|request, limits| runtime.block_on(transport.send(request, limits))])
        .unwrap();
}
