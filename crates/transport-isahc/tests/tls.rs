//! The TLS part of the conformance suite, run by `cargo xtask tls`.

#![cfg(test)]

use cloudauth_transport::testing::tls::{Authority, CONNECT, proxied, silent_handshake};
use cloudauth_transport::{BlockingTransport, Limits};
use cloudauth_transport_isahc::IsahcTransport;
use isahc::config::Configurable;
use isahc::tls::{TlsConfig, TrustStore};

#[test]
fn accepts_only_valid_certificates() {
    let authority = Authority::new().unwrap();
    let roots = TrustStore::builder().certificate_from_pem(authority.pem().to_owned()).build();
    let tls = TlsConfig::builder().trust_store(roots).build();
    let client = isahc::HttpClient::builder().proxy(None).tls_config(tls).build().unwrap();
    let transport = IsahcTransport::from(client);
    let failures = authority.run(&|request, limits| BlockingTransport::send(&transport, request, limits));
    assert!(failures.is_empty(), "{failures:#?}");
}

#[test]
fn gives_up_on_a_silent_handshake() {
    let client = isahc::HttpClient::builder().proxy(None).connect_timeout(CONNECT).build().unwrap();
    let transport = IsahcTransport::from(client);
    silent_handshake(&|request, limits| BlockingTransport::send(&transport, request, limits)).unwrap();
}

#[test]
fn a_proxy_gets_a_tunnel_for_https_and_nothing_else() {
    let through = |proxy: &_| IsahcTransport::with_proxy(proxy).unwrap();
    proxied(through, |transport, request| BlockingTransport::send(transport, request, &Limits::DEFAULT))
        .unwrap();
}
