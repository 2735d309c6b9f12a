//! The number of allocations of signing and of reading a reply. A separate test binary, because it counts the allocations of its whole thread.

#![cfg(test)]

#[path = "../benches/common/mod.rs"]
mod common;

use cloudauth_protocol::sign::v1;
use cloudauth_protocol::{
    Body, Credentials, DescribeFaceVerify, Endpoint, FaceVerifyStatus, Nonce, Signing, Stamp, UnixTime,
    parse, prepare,
};
use http::{Method, Response};

fn stamp() -> Stamp {
    Stamp::new(UnixTime::from_secs(1_767_323_045), Nonce::from_entropy([7; 16]))
}

#[test]
fn signing_the_fifteen_parameters_takes_four_allocations() {
    let op = common::init();
    let by = Credentials::new("testid", "testsecret").unwrap();
    let stamp = stamp();
    let counted = allocation_counter::measure(|| {
        let body = v1::sign_operation(&op, &Method::POST, &by, &stamp).unwrap().into_wire();
        assert!(body.len() > 900);
    });
    // The list of parameters, the SceneId's digits, the body, the string to sign.
    assert_eq!(counted.count_total, 4, "{counted:?}");
}

#[test]
fn a_v3_request_takes_at_most_eleven_allocations() {
    let op = common::init();
    let by = Credentials::new("testid", "testsecret").unwrap();
    let endpoint = Endpoint::cn_shanghai();
    for how in [Signing::V3, Signing::V3Body] {
        let stamp = stamp();
        let counted = allocation_counter::measure(|| {
            let request = prepare(&op, &endpoint, &by, how, stamp).unwrap();
            assert_eq!(request.as_http().headers().len(), 10);
        });
        // The list of parameters, the SceneId's digits, query, body, canonical request with `Authorization`, the header values,
        // the header map (2), and one for what wipes each of query, body and header values on drop.
        assert!(counted.count_total <= 11, "{how:?}: {counted:?}");
    }
}

#[test]
fn reading_a_reply_and_its_material_takes_two_allocations() {
    let response = Response::new(Body::from(common::describe_reply()));
    let counted = allocation_counter::measure(|| {
        let reply = parse::<DescribeFaceVerify>(&response).unwrap();
        let FaceVerifyStatus::Finished(result) = reply.output else { panic!("not finished") };
        assert!(result.material_info.parse().unwrap().facial_picture_front.picture_url.is_some());
    });
    // The result, and the text of `MaterialInfo`.
    assert_eq!(counted.count_total, 2, "{counted:?}");
}
