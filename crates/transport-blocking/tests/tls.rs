//! The TLS part of the conformance suite, run by `cargo xtask tls`.

#![cfg(test)]

use std::sync::Arc;

use cloudauth_transport::testing::tls::{Authority, CONNECT, proxied, silent_handshake};
use cloudauth_transport::{BlockingTransport, Limits};
use cloudauth_transport_blocking::UreqTransport;
use ureq::tls::{Certificate, RootCerts, TlsConfig};

#[test]
fn accepts_only_valid_certificates() {
    let authority = Authority::new().unwrap();
    let certificate = Certificate::from_der(authority.der()).to_owned();
    let roots = RootCerts::Specific(Arc::new(vec![certificate]));
    let config = ureq::Agent::config_builder()
        .proxy(None)
        .tls_config(TlsConfig::builder().root_certs(roots).build())
        .build();
    let transport = UreqTransport::from(config);
    let failures = authority.run(&|request, limits| transport.send(request, limits));
    assert!(failures.is_empty(), "{failures:#?}");
}

#[test]
fn gives_up_on_a_silent_handshake() {
    let config = ureq::Agent::config_builder().proxy(None).timeout_connect(Some(CONNECT)).build();
    let transport = UreqTransport::from(config);
    silent_handshake(&|request, limits| transport.send(request, limits)).unwrap();
}

#[test]
fn a_proxy_gets_a_tunnel_for_https_and_nothing_else() {
    let through = |proxy: &_| UreqTransport::with_proxy(proxy).unwrap();
    proxied(through, |transport, request| transport.send(request, &Limits::DEFAULT)).unwrap();
}
