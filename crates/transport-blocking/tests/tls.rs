//! Whom it trusts, by `cargo xtask tls`.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::sync::Arc;

use cloudauth_transport::BlockingTransport;
use cloudauth_transport::testing::tls::Authority;
use cloudauth_transport_blocking::UreqTransport;
use ureq::tls::{Certificate, RootCerts, TlsConfig};

#[test]
fn it_trusts_good_certificates_and_no_others() {
    let authority = Authority::new().unwrap();
    let certificate = Certificate::from_der(authority.der()).to_owned();
    let roots = RootCerts::Specific(Arc::new(vec![certificate]));
    let agent = ureq::Agent::config_builder()
        .proxy(None)
        .tls_config(TlsConfig::builder().root_certs(roots).build())
        .build()
        .new_agent();
    let transport = UreqTransport::from(agent);
    let failures = authority.run(&|request, limits| transport.send(request, limits));
    assert!(failures.is_empty(), "{failures:#?}");
}
