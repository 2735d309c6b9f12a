//! The conformance suite for this transport.

#![cfg(test)]

use cloudauth_transport::BlockingTransport;
use cloudauth_transport::testing::conformance;
use cloudauth_transport_blocking::UreqTransport;

#[test]
fn passes_the_conformance_suite() {
    let transport = UreqTransport::new();
    let failures = conformance::run(&|request, limits| transport.send(request, limits));
    assert!(failures.is_empty(), "{failures:#?}");
}

#[test]
fn passes_the_suite_with_the_users_agent() {
    let transport = UreqTransport::from(ureq::Agent::config_builder().proxy(None).build().new_agent());
    let failures = conformance::run(&|request, limits| transport.send(request, limits));
    assert!(failures.is_empty(), "{failures:#?}");
}

#[test]
fn passes_the_suite_with_the_users_configuration() {
    let transport = UreqTransport::from(ureq::Agent::config_builder().proxy(None).build());
    let failures = conformance::run(&|request, limits| transport.send(request, limits));
    assert!(failures.is_empty(), "{failures:#?}");
}

#[cfg(not(any(feature = "rustls", feature = "native-tls")))]
#[test]
fn https_without_tls_names_the_feature_to_enable() {
    use cloudauth_protocol::Body;
    use cloudauth_transport::{Limits, Sent, TransportErrorKind};

    let request = http::Request::post("https://cloudauth.aliyuncs.com/").body(Body::empty()).unwrap();
    let error = UreqTransport::new().send(request, &Limits::DEFAULT).unwrap_err();
    assert_eq!((error.kind(), error.sent()), (TransportErrorKind::Unsupported, Sent::No));
    assert!(std::error::Error::source(&error).unwrap().to_string().contains("enable the feature `rustls`"));
}
