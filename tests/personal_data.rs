//! The canary: personal data and secrets are planted in requests, responses and keys; `Debug`, errors, URLs and panics are
//! searched. The tests `logs_at_*` search the logs, and those of the command its output.

#![cfg(test)]

#[allow(dead_code, reason = "what other tests plant")]
mod planted;

use std::sync::{Arc, Mutex};

use cloudauth::{
    Body, Callback, CallbackKeys, CallbackToken, CertName, CertNo, CertifyId, Client, Credentials,
    DescribeFaceVerify, Effect, MetaInfo, Mobile, Operation, ParamLocation, Params, RawOperation, ReplyError,
    ReturnHint, Signing, explain, parse, prepare,
};
use cloudauth_transport::testing::{Recording, Scripted};
use planted::{PLANTED, assert_clean, credentials, debug, init, scene, shown, stamp};

#[test]
fn debug_prints_show_nothing() {
    let op = init();
    assert_clean("InitFaceVerify", &debug(&op));
    let mut params = Params::new();
    op.params(&mut params);
    assert_clean("Params", &debug(&params));
    assert_clean("Credentials", &debug(&credentials()));
    let raw = RawOperation::new("Id2MetaVerify", Effect::Write).unwrap().param(
        ParamLocation::Body,
        "IdentifyNum",
        PLANTED[2],
    );
    assert_clean("RawOperation", &debug(&raw));
    assert_clean("CallbackKeys", &debug(&CallbackKeys::new(b"planted-access-secret-with-32-bytes").unwrap()));
    let callback = Callback::parse("certifyId=sha1&passed=200&callbackToken=PlantedCallbackToken").unwrap();
    assert_clean("Callback", &debug(&callback));
    for signing in [Signing::V1, Signing::V1Get, Signing::V3, Signing::V3Body] {
        let to = "https://cloudauth.aliyuncs.com".parse().unwrap();
        let explained = explain(&op, &to, &credentials(), signing, stamp()).unwrap();
        assert_clean("Explanation", &debug(&explained));
        assert_clean("the masked stages", &debug(explained.masked()));
        assert_clean("the exposed stages' Debug", &debug(explained.expose()));
        assert_clean("the masked canonical text", &explained.masked().canonical);
        assert_clean("the masked string to sign", &explained.masked().string_to_sign);
    }
    for signing in [Signing::V1, Signing::V1Get, Signing::V3, Signing::V3Get, Signing::V3Body] {
        let to = "https://cloudauth.aliyuncs.com".parse().unwrap();
        assert_clean("SignedRequest", &debug(&prepare(&op, &to, &credentials(), signing, stamp()).unwrap()));
    }
}

#[test]
fn refused_values_are_not_quoted() {
    let errors: [&dyn std::error::Error; 9] = [
        &CertNo::new("9999991990010120460").unwrap_err(),
        &CertName::new("欧阳张三丰 A").unwrap_err(),
        &Mobile::new("139999999990").unwrap_err(),
        &MetaInfo::new("planted-meta-info").unwrap_err(),
        &CallbackToken::new("PlantedCallbackToken&").unwrap_err(),
        &Credentials::new("id", "planted-access-secret\n").unwrap_err(),
        &"http://user:planted-access-secret@x.example".parse::<cloudauth::Endpoint>().unwrap_err(),
        &Callback::parse("callbackToken=PlantedCallbackToken").unwrap_err(),
        &ReturnHint::parse("https://x.example/?response=planted-user-id").unwrap_err(),
    ];
    for error in errors {
        assert_clean("an error", &format!("{error} {error:?}"));
    }
}

const REPLY: &str = r#"{"Code":"200","Message":"planted-user-id","ResultObject":{"Passed":"T","SubCode":"200","IdentityInfo":"planted-identity-info","UserInfo":"{\"name\":\"planted-typed-name\"}","MaterialInfo":"{\"facialPictureFront\":{\"pictureUrl\":\"https://x.example/planted-picture\",\"ossObjectName\":\"x\"}}"}}"#;

#[test]
fn replies_show_nothing_good_or_bad() {
    let response = |body: String| http::Response::new(Body::from(body));
    let reply = parse::<DescribeFaceVerify>(&response(REPLY.to_owned())).unwrap();
    assert_clean("Reply", &debug(&reply));
    let cloudauth::FaceVerifyStatus::Finished(result) = reply.output else { panic!() };
    assert_clean("Material", &debug(&result.material_info.parse().unwrap()));
    for end in [20, 60, 120, 200, REPLY.len() - 2] {
        let error = parse::<DescribeFaceVerify>(&response(REPLY.get(..end).unwrap().to_owned())).unwrap_err();
        assert_clean("a malformed reply", &shown(&error));
    }
    let echo =
        format!(r#"{{"Code":"SignatureDoesNotMatch","Message":"server string to sign is:{}"}}"#, PLANTED[2]);
    let error: ReplyError = parse::<DescribeFaceVerify>(&response(echo)).unwrap_err();
    assert_clean("a gateway error", &shown(&error));
}

/// An ID number in every field that holds an open string.
#[test]
fn an_id_number_as_a_code_is_masked() {
    let number = PLANTED[2];
    let response =
        |status: u16, body: String| http::Response::builder().status(status).body(Body::from(body)).unwrap();
    let finished = format!(
        r#"{{"Code":"200","RequestId":"{number}","ResultObject":{{"Passed":"{number}","SubCode":"{number}","DeviceRisk":"VirtualCamera,{number},x{number}","DegradeInfo":"{number}"}}}}"#
    );
    let reply = parse::<DescribeFaceVerify>(&response(200, finished)).unwrap();
    assert_clean("a reply", &debug(&reply));
    assert!(debug(&reply).contains("VirtualCamera") && debug(&reply).contains("x[digits]"), "{reply:?}");
    assert_clean("a RequestId", &reply.request_id.unwrap().to_string());
    for code in [number.to_owned(), format!("X{number}")] {
        let body = format!(r#"{{"Code":"{code}","RequestId":"{number}"}}"#);
        let error = parse::<DescribeFaceVerify>(&response(400, body)).unwrap_err();
        assert_clean("a refusal", &shown(&error));
        assert!(error.to_string().contains("[digits]"), "{error}");
    }
    let id = CertifyId::new(number).unwrap();
    assert_clean("an operation", &debug(&DescribeFaceVerify::new(scene(), id)));
    assert_clean(
        "a callback",
        &debug(&Callback::parse(&format!("certifyId={number}&passed=200&subCode={number}")).unwrap()),
    );
}

#[tokio::test]
async fn urls_of_default_requests_show_nothing() {
    let script = Arc::new(Recording::new(Scripted::bodies([])));
    let client = Client::builder(Arc::clone(&script), credentials()).attempts(1).build();
    assert!(client.init_face_verify(&init()).await.is_err());
    let describe = DescribeFaceVerify::new(scene(), CertifyId::new("sha1").unwrap());
    assert!(client.describe_face_verify(&describe).await.is_err());
    let requests = script.take_requests();
    assert_eq!(requests.len(), 2);
    for request in requests {
        assert_eq!(request.uri(), "https://cloudauth.cn-shanghai.aliyuncs.com/");
        assert_clean("a request", &debug(&request));
    }
}

#[test]
fn panics_show_nothing() {
    let kept = Arc::new(Mutex::new(String::new()));
    let hook = Arc::clone(&kept);
    std::panic::set_hook(Box::new(move |info| *hook.lock().unwrap() += &info.to_string()));
    let caught = std::panic::catch_unwind(|| CertNo::new("9999991990010120460").unwrap());
    let caught_too = std::panic::catch_unwind(|| panic!("{:?} {:?}", init(), credentials()));
    let _ = std::panic::take_hook();
    assert!(caught.is_err() && caught_too.is_err());
    let text = kept.lock().unwrap().clone();
    assert!(text.contains("must be 18 characters"), "{text}");
    assert_clean("a panic", &text);
}
