//! What a value was made of, it returns unchanged; and an error names the part that is wrong.

#![cfg(test)]

use std::net::{IpAddr, Ipv4Addr};

use bytes::Bytes;
use cloudauth_protocol::{
    Body, Callback, CallbackToken, CallbackUrl, CertName, CertNo, CertifyId, Credentials, DescribeFaceVerify,
    Endpoint, GatewayCode, Identity, InitFaceVerify, Ip, MetaInfo, Model, Nonce, OuterOrderNo, ParamLocation,
    Params, ProductCode, RawOperation, RequestId, ReturnHint, ReturnUrl, SceneId, UiCustomUrl, UserId, parse,
    sign::v3,
};
use http::Response;

const NUMBER: &str = "999999199001012046";

fn identity() -> Identity {
    Identity::plain(CertName::new("张三").unwrap(), CertNo::new(NUMBER).unwrap())
}

#[test]
fn values_return_the_text_they_were_made_of() {
    let url = "https://shop.example/back?x=1";
    assert_eq!(OuterOrderNo::new("order4711").unwrap().as_str(), "order4711");
    assert_eq!(
        CertifyId::new("sha0000000000000000000000000000").unwrap().as_str(),
        "sha0000000000000000000000000000"
    );
    assert_eq!(ReturnUrl::new(url).unwrap().as_str(), url);
    assert_eq!(CallbackUrl::new(url).unwrap().as_str(), url);
    assert_eq!(UiCustomUrl::new(url).unwrap().as_str(), url);
    assert_eq!(MetaInfo::new("{}").unwrap().expose(), "{}");
    assert_eq!(CertName::new("张三").unwrap().expose(), "张三");
    assert_eq!(CertNo::new(NUMBER).unwrap().expose(), NUMBER);
    assert_eq!(CallbackToken::new("token-1").unwrap().expose(), "token-1");
    assert_eq!(UserId::new("user-1").unwrap().expose(), "user-1");
    assert_eq!(Ip::new(IpAddr::V4(Ipv4Addr::LOCALHOST)).expose(), "127.0.0.1");
    let request = "R-1".parse::<RequestId>().unwrap();
    assert_eq!((request.as_str(), format!("{request:?}")), ("R-1", "RequestId(R-1)".to_owned()));
    assert_eq!(Nonce::from_entropy([0xAB; 16]).as_str(), "ab".repeat(16));
    assert_eq!((ProductCode::IdPro.as_str(), ProductCode::Other("NEW".into()).as_str()), ("ID_PRO", "NEW"));
    assert_eq!((Model::Liveness.as_str(), Model::Other("NEW".into()).as_str()), ("LIVENESS", "NEW"));
    assert_eq!(GatewayCode::from_wire("Throttling").as_str(), "Throttling");
}

#[test]
fn parts_are_returned_as_they_were_given() {
    let scene = SceneId::new(1_000_000_006).unwrap();
    let (order, back) =
        (OuterOrderNo::new("order4711").unwrap(), ReturnUrl::new("https://shop.example/").unwrap());
    let init =
        InitFaceVerify::new(scene, order.clone(), identity(), back.clone(), MetaInfo::new("{}").unwrap());
    assert_eq!((init.scene_id(), init.outer_order_no(), init.return_url()), (scene, &order, &back));
    assert_eq!(init.identity().number().expose(), NUMBER);
    assert_eq!(init.identity().name().expose(), "张三");
    assert!(!init.identity().is_encrypted());
    let id = CertifyId::new("sha1").unwrap();
    assert_eq!(DescribeFaceVerify::new(scene, id.clone()).certify_id(), &id);

    let plain = Credentials::new("key", "secret").unwrap();
    assert_eq!((plain.access_key_id(), plain.secret().expose()), ("key", "secret"));
    assert!(plain.security_token().is_none());
    let temporary = Credentials::temporary("key", "secret", "token").unwrap();
    assert_eq!(temporary.security_token().unwrap().expose(), "token");

    let endpoint: Endpoint = "http://127.0.0.1:8321".parse().unwrap();
    assert_eq!(endpoint.scheme().as_str(), "http");
    assert_eq!((endpoint.authority().as_str(), endpoint.host()), ("127.0.0.1:8321", "127.0.0.1"));
    let (body, empty) = (Body::from("four".to_owned()), Body::from(String::new()));
    assert_eq!((body.as_bytes(), body.len(), body.is_empty()), (&b"four"[..], 4, false));
    assert!(empty.is_empty());
}

#[test]
fn a_raw_answer_returns_its_document() {
    let response = Response::new(Body::from(Bytes::from_static(br#"{"Code":"200","x":1}"#)));
    let answer = parse::<RawOperation>(&response).unwrap().output;
    assert_eq!(answer.expose()["x"], 1);
    assert_eq!(answer.into_inner(), serde_json::json!({"Code": "200", "x": 1}));
}

#[test]
fn the_canonical_query_is_sorted_and_encoded() {
    let mut params = Params::new();
    params.push("b c", ParamLocation::Query, "张 *~");
    params.push("a", ParamLocation::Query, "1");
    assert_eq!(v3::canonical_query(params).unwrap(), "a=1&b%20c=%E5%BC%A0%20%2A~");
}

#[test]
fn callbacks_and_returns_say_what_they_claim() {
    let callback = Callback::parse("certifyId=sha1&passed=200&callbackToken=token-1").unwrap();
    assert_eq!(callback.certify_id().as_str(), "sha1");
    assert_eq!(callback.claimed_sub_code().unwrap().as_str(), "200");
    assert_eq!(callback.token().unwrap().expose(), "token-1");
    let response = "%7B%22code%22%3A1003%2C%22subCode%22%3A%22Z5052%22%2C%22extInfo%22%3A%7B%22certifyId%22%3A%22sha1%22%7D%7D";
    let back = ReturnHint::parse(&format!("https://shop.example/back?response={response}")).unwrap();
    assert_eq!((back.code().as_str(), back.sub_code()), ("1003", Some("Z5052")));
    assert_eq!(back.claimed_certify_id().unwrap().as_str(), "sha1");
}

#[test]
fn errors_name_the_part_and_the_problem() {
    let error = CertNo::new("").unwrap_err();
    assert_eq!((error.parameter(), error.problem()), ("CertNo", "must not be empty"));
    assert_eq!(error.to_string(), "CertNo: must not be empty");
    let error = Credentials::new("key", "").unwrap_err();
    assert_eq!(error.part(), "access key secret");
    assert!(
        error.to_string().contains(error.part()) && error.to_string().contains(error.problem()),
        "{error}"
    );
    let error = Callback::parse("passed=200").unwrap_err();
    assert_eq!(error.problem(), "names no certifyId");
    assert!(error.to_string().contains(error.problem()), "{error}");
    let error = "127.0.0.1".parse::<Endpoint>().unwrap_err();
    assert!(!error.problem().is_empty() && error.to_string().contains(error.problem()), "{error}");
}
