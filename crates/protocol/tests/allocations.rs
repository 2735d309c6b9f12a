//! How often signing allocates. A test of its own, since it counts what its whole thread does.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test may panic"
)]

use cloudauth_protocol::sign::v1;
use cloudauth_protocol::{
    AuthId, CallbackToken, CallbackUrl, CertName, CertNo, CertifyUrlType, Credentials, Identity,
    InitFaceVerify, Ip, MetaInfo, Mobile, Nonce, OuterOrderNo, ReturnUrl, SceneId, Stamp, UnixTime, UserId,
};
use http::Method;

#[test]
fn signing_the_fifteen_parameters_takes_four_allocations() {
    let op = InitFaceVerify::new(
        SceneId::new(1_000_000_006).unwrap(),
        OuterOrderNo::new("e0c34a77f5ac40a5aa5e6ed20c353888").unwrap(),
        Identity::plain(CertName::new("张三").unwrap(), CertNo::new("999999199001012003").unwrap()),
        ReturnUrl::new("https://www.example.com/back?a=1&b=2").unwrap(),
        MetaInfo::new(&format!(r#"{{"zimVer":"{}"}}"#, "x".repeat(287))).unwrap(),
    )
    .mobile(Mobile::new("13000000000").unwrap())
    .ip(Ip::new("192.0.2.7".parse().unwrap()))
    .user_id(UserId::new("123456789").unwrap())
    .callback_url(CallbackUrl::new("https://www.example.com/callback").unwrap())
    .callback_token(CallbackToken::new("NMjvQanQgplBSaEI0sL86WnQplB").unwrap())
    .certify_url_type(CertifyUrlType::H5)
    .auth_id(AuthId::new("92d46b9e9e2d703f2897f350d5bd4149").unwrap());
    let by = Credentials::new("testid", "testsecret").unwrap();
    let stamp = Stamp::new(UnixTime::from_secs(1_767_323_045), Nonce::from_entropy([7; 16]));
    let counted = allocation_counter::measure(|| {
        let body = v1::sign_operation(&op, &Method::POST, &by, &stamp).unwrap().into_wire();
        assert!(body.len() > 900);
    });
    // The list of parameters, the SceneId's digits, the body, the string to sign.
    assert_eq!(counted.count_total, 4, "{counted:?}");
}
