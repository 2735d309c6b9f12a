//! The number of allocations of signing. A separate test binary, because it counts the allocations of its whole thread.

#![cfg(test)]

#[path = "../benches/common/mod.rs"]
mod common;

use cloudauth_protocol::sign::v1;
use cloudauth_protocol::{Credentials, Nonce, Stamp, UnixTime};
use http::Method;

#[test]
fn signing_the_fifteen_parameters_takes_four_allocations() {
    let op = common::init();
    let by = Credentials::new("testid", "testsecret").unwrap();
    let stamp = Stamp::new(UnixTime::from_secs(1_767_323_045), Nonce::from_entropy([7; 16]));
    let counted = allocation_counter::measure(|| {
        let body = v1::sign_operation(&op, &Method::POST, &by, &stamp).unwrap().into_wire();
        assert!(body.len() > 900);
    });
    // The list of parameters, the SceneId's digits, the body, the string to sign.
    assert_eq!(counted.count_total, 4, "{counted:?}");
}
