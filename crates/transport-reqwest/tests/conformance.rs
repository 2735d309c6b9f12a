//! The conformance suite for this transport.

#![cfg(test)]

use cloudauth_transport::Transport;
use cloudauth_transport::testing::conformance;
use cloudauth_transport_reqwest::ReqwestTransport;

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

#[test]
fn passes_the_conformance_suite() {
    let (runtime, transport) = (runtime(), ReqwestTransport::new().unwrap());
    let failures = conformance::run(&|request, limits| runtime.block_on(transport.send(request, limits)));
    assert!(failures.is_empty(), "{failures:#?}");
    runtime.block_on(conformance::cancel(&transport)).unwrap();
    runtime.block_on(conformance::cancel_many(&transport, 1_000, 20)).unwrap();
}

#[test]
fn passes_the_suite_with_the_users_client() {
    let own =
        reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build().unwrap();
    let (runtime, transport) = (runtime(), ReqwestTransport::from(own));
    let failures = conformance::run(&|request, limits| runtime.block_on(transport.send(request, limits)));
    assert!(failures.is_empty(), "{failures:#?}");
}

#[cfg(not(any(feature = "rustls", feature = "native-tls")))]
#[test]
fn https_without_tls_names_the_feature_to_enable() {
    use cloudauth_protocol::Body;
    use cloudauth_transport::{Limits, Sent, TransportErrorKind};

    let request = http::Request::post("https://cloudauth.aliyuncs.com/").body(Body::empty()).unwrap();
    let sent = ReqwestTransport::new().unwrap();
    let error = runtime().block_on(sent.send(request, &Limits::DEFAULT)).unwrap_err();
    assert_eq!((error.kind(), error.sent()), (TransportErrorKind::Unsupported, Sent::No));
    assert!(std::error::Error::source(&error).unwrap().to_string().contains("enable the feature `rustls`"));
}

/// Sends to a listener on loopback, by name and by address.
#[test]
fn a_transport_for_public_addresses_does_not_knock_at_this_machine() {
    use cloudauth_protocol::Body;
    use cloudauth_transport::{Limits, Sent, TransportErrorKind};

    let (runtime, transport) = (runtime(), ReqwestTransport::public_only().unwrap());
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    for host in ["localhost", "127.0.0.1", "[::ffff:127.0.0.1]", "[::1]"] {
        let request = http::Request::get(format!("http://{host}:{port}/")).body(Body::empty()).unwrap();
        let error = runtime.block_on(transport.send(request, &Limits::DEFAULT)).unwrap_err();
        assert_eq!((error.kind(), error.sent()), (TransportErrorKind::Connect, Sent::No), "{host}");
    }
    assert_eq!(listener.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
}
