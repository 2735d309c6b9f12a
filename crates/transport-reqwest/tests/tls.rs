//! Whom it trusts, by `cargo xtask tls`.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use cloudauth_transport::Transport;
use cloudauth_transport::testing::tls::Authority;
use cloudauth_transport_reqwest::ReqwestTransport;

#[test]
fn it_trusts_good_certificates_and_no_others() {
    let authority = Authority::new().unwrap();
    let certificate = reqwest::Certificate::from_pem(authority.pem().as_bytes()).unwrap();
    let client = reqwest::Client::builder().no_proxy().tls_certs_only([certificate]).build().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let transport = ReqwestTransport::from(client);
    let failures = authority.run(&|request, limits| runtime.block_on(transport.send(request, limits)));
    assert!(failures.is_empty(), "{failures:#?}");
}
