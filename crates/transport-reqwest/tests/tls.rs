//! The TLS part of the conformance suite, run by `cargo xtask tls`.

#![cfg(test)]

use cloudauth_transport::testing::tls::{Authority, CONNECT, proxied, silent_handshake};
use cloudauth_transport::{Limits, Transport};
use cloudauth_transport_reqwest::ReqwestTransport;

#[test]
fn accepts_only_valid_certificates() {
    let authority = Authority::new().unwrap();
    let certificate = reqwest::Certificate::from_pem(authority.pem().as_bytes()).unwrap();
    let client = reqwest::Client::builder().no_proxy().tls_certs_only([certificate]).build().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let transport = ReqwestTransport::from(client);
    let failures = authority.run(&|request, limits| runtime.block_on(transport.send(request, limits)));
    assert!(failures.is_empty(), "{failures:#?}");
}

#[test]
fn gives_up_on_a_silent_handshake() {
    let client = reqwest::Client::builder().no_proxy().connect_timeout(CONNECT).build().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let transport = ReqwestTransport::from(client);
    silent_handshake(&|request, limits| runtime.block_on(transport.send(request, limits))).unwrap();
}

#[test]
fn a_proxy_gets_a_tunnel_for_https_and_nothing_else() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let through = |proxy: &_| ReqwestTransport::with_proxy(proxy).unwrap();
    proxied(through, |transport, request| runtime.block_on(transport.send(request, &Limits::DEFAULT)))
        .unwrap();
}
