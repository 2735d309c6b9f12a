//! TLS: the password and the name of the user go only to a server whose certificate is trusted.
//!
//! `cargo xtask tls` runs it. The servers answer the first messages of PostgreSQL and then disconnect.

#![cfg(test)]

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use cloudauth_flow_postgres::rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use cloudauth_flow_postgres::rustls::{
    ClientConfig, RootCertStore, ServerConfig, ServerConnection, StreamOwned, crypto::ring,
};
use cloudauth_flow_postgres::{OpenErrorKind, PostgresStore};
use rcgen::{CertificateParams, KeyPair};

/// A request for TLS: its length, and the code of the protocol.
const REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];

/// Accepts one connection, answers the request for TLS, and returns all other bytes that the client sends as plain text.
fn server(answer: u8, tls: Option<ServerConfig>) -> (u16, JoinHandle<Vec<u8>>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = [0; 8];
        stream.read_exact(&mut request).unwrap();
        assert_eq!(request, REQUEST);
        stream.write_all(&[answer]).unwrap();
        let mut received = vec![0; 512];
        let length = match tls {
            None => stream.read(&mut received),
            Some(tls) => {
                let connection = ServerConnection::new(Arc::new(tls)).unwrap();
                StreamOwned::new(connection, stream).read(&mut received)
            }
        };
        // An error is a client that disconnects.
        received.truncate(length.unwrap_or_default());
        received
    });
    (port, server)
}

/// Opens a store that trusts only this certificate. Returns what the server received.
async fn open(trusted: &CertificateDer<'static>, (port, server): (u16, JoinHandle<Vec<u8>>)) -> Vec<u8> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.clone()).unwrap();
    let tls = ClientConfig::builder_with_provider(ring::default_provider().into())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let address =
        format!("host=localhost port={port} user=canary password=canary dbname=app sslmode=disable");
    let error = PostgresStore::open_tls(address.parse().unwrap(), tls).await.unwrap_err();
    assert_eq!(error.kind(), OpenErrorKind::Unavailable);
    assert!(!format!("{error:?}").contains("canary"), "{error:?}");
    server.join().unwrap()
}

/// A certificate of `localhost`, and the configuration of its server.
fn certified() -> (CertificateDer<'static>, ServerConfig) {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(["localhost".to_owned()]).unwrap();
    let certificate = params.self_signed(&key).unwrap().der().clone();
    let config = ServerConfig::builder_with_provider(ring::default_provider().into())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], PrivatePkcs8KeyDer::from(key.serialize_der()).into())
        .unwrap();
    (certificate, config)
}

#[tokio::test]
async fn a_trusted_server_gets_the_user_over_tls() {
    let (certificate, config) = certified();
    let received = open(&certificate, server(b'S', Some(config))).await;
    assert!(received.windows(6).any(|window| window == b"canary"), "{received:?}");
}

#[tokio::test]
async fn a_server_that_is_not_trusted_gets_nothing() {
    let (_, config) = certified();
    assert_eq!(open(&certified().0, server(b'S', Some(config))).await, b"");
}

#[tokio::test]
async fn a_server_without_tls_gets_nothing() {
    assert_eq!(open(&certified().0, server(b'N', None)).await, b"");
}
