//! The conformance suite for this transport.

#![cfg(test)]

use cloudauth_transport::testing::conformance;
use cloudauth_transport::{BlockingTransport, Transport};
use cloudauth_transport_isahc::IsahcTransport;
use futures_lite::future::block_on;
use isahc::config::Configurable;

#[test]
fn passes_the_conformance_suite() {
    let transport = IsahcTransport::new().unwrap();
    let failures =
        conformance::run(&|request, limits| block_on(Transport::send(&transport, request, limits)));
    assert!(failures.is_empty(), "{failures:#?}");
    block_on(conformance::cancel(&transport)).unwrap();
    block_on(conformance::cancel_many(&transport, 1_000, 20)).unwrap();
}

#[test]
fn passes_the_suite_when_blocking() {
    let transport = IsahcTransport::new().unwrap();
    let failures = conformance::run(&|request, limits| BlockingTransport::send(&transport, request, limits));
    assert!(failures.is_empty(), "{failures:#?}");
}

#[test]
fn passes_the_suite_with_the_users_client() {
    let transport = IsahcTransport::from(isahc::HttpClient::builder().proxy(None).build().unwrap());
    let failures =
        conformance::run(&|request, limits| block_on(Transport::send(&transport, request, limits)));
    assert!(failures.is_empty(), "{failures:#?}");
}

#[cfg(not(feature = "rustls"))]
#[test]
fn https_without_tls_names_the_feature_to_enable() {
    use cloudauth_protocol::Body;
    use cloudauth_transport::{Limits, Sent, TransportErrorKind};

    let request = http::Request::post("https://cloudauth.aliyuncs.com/").body(Body::empty()).unwrap();
    let transport = IsahcTransport::new().unwrap();
    let error = BlockingTransport::send(&transport, request, &Limits::DEFAULT).unwrap_err();
    assert_eq!((error.kind(), error.sent()), (TransportErrorKind::Unsupported, Sent::No));
    assert!(std::error::Error::source(&error).unwrap().to_string().contains("enable the feature `rustls`"));
}
