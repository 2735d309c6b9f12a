//! The operations on the wire: the parameters and their locations, for each signature.

#![cfg(test)]

use std::collections::BTreeSet;

use cloudauth_protocol::sign::v3;
use cloudauth_protocol::{
    AuthId, Body, CallbackToken, CallbackUrl, CertName, CertNo, CertifyId, CertifyUrlStyle, CertifyUrlType,
    Credentials, DeleteFaceVerifyResult, DescribeFaceVerify, Effect, Endpoint, FaceGuardOutput, Identity,
    InitFaceVerify, Ip, MetaInfo, Mobile, Model, Nonce, Operation, OuterOrderNo, ParamLocation, Params,
    ProcedurePriority, RawOperation, Reply, ReplyError, ReturnUrl, SceneId, Signing, Stamp, SuitableType,
    UiCustomUrl, UnixTime, UserId, explain, parse, prepare,
};
use http::Response;

const NONCE: [u8; 16] = *b"\x00\x11\x22\x33\x44\x55\x66\x77\x88\x99\xaa\xbb\xcc\xdd\xee\xff";

fn stamp() -> Stamp {
    Stamp::new(UnixTime::from_secs(1_767_323_045), Nonce::from_entropy(NONCE))
}

fn by() -> Credentials {
    Credentials::new("testid", "testsecret").unwrap()
}

fn scene() -> SceneId {
    SceneId::new(1_000_000_006).unwrap()
}

fn init() -> InitFaceVerify {
    InitFaceVerify::new(
        scene(),
        OuterOrderNo::new("e0c34a77f5ac40a5aa5e6ed20c353888").unwrap(),
        Identity::plain(CertName::new("张三").unwrap(), CertNo::new("999999199001012003").unwrap()),
        ReturnUrl::new("https://www.example.com/back?a=1&b=2").unwrap(),
        MetaInfo::new(r#"{"zimVer":"3.0.0"}"#).unwrap(),
    )
}

/// The 15 parameters of the vendor's web flow page.
fn init_of_the_page() -> InitFaceVerify {
    init()
        .mobile(Mobile::new("13000000000").unwrap())
        .ip(Ip::new("192.0.2.7".parse().unwrap()))
        .user_id(UserId::new("123456789").unwrap())
        .callback_url(CallbackUrl::new("https://www.example.com/cb").unwrap())
        .callback_token(CallbackToken::new("NMjvQanQgplBSaEI0sL86WnQplB").unwrap())
        .certify_url_type(CertifyUrlType::H5)
        .auth_id(AuthId::new("92d46b9e9e2d703f2897f350d5bd4149").unwrap())
}

fn names(op: &impl Operation) -> BTreeSet<String> {
    let mut params = cloudauth_protocol::Params::new();
    op.params(&mut params);
    params.names().map(str::to_owned).collect()
}

#[test]
fn init_sends_the_fifteen_parameters_of_the_vendors_page() {
    let expected = [
        "SceneId",
        "OuterOrderNo",
        "ProductCode",
        "CertType",
        "CertName",
        "CertNo",
        "ReturnUrl",
        "MetaInfo",
        "Mobile",
        "Ip",
        "UserId",
        "CallbackUrl",
        "CallbackToken",
        "CertifyUrlType",
        "AuthId",
    ];
    assert_eq!(names(&init_of_the_page()), expected.map(str::to_owned).into());
}

#[test]
fn init_sends_the_newer_parameters_of_the_web_flow() {
    let op = init()
        .model(Model::MoveAction)
        .certify_url_style(CertifyUrlStyle::Long)
        .procedure_priority(ProcedurePriority::Keep)
        .video_evidence(true)
        .face_guard_output(FaceGuardOutput::DeviceRisk)
        .rarely_characters(true)
        .ui_custom_url(UiCustomUrl::new("https://cdn.example.com/ui.json").unwrap())
        .camera_selection(false)
        .h5_degrade_confirm_btn(true)
        .need_multi_face_check(true)
        .suitable_type(SuitableType::One)
        .extra(ParamLocation::Query, "EnableBeauty", "N");
    let request = prepare(&op, &Endpoint::cn_shanghai(), &by(), Signing::V1, stamp()).unwrap().into_http();
    let body = std::str::from_utf8(request.body().as_bytes()).unwrap();
    for pair in [
        "Model=MOVE_ACTION",
        "CertifyUrlStyle=L",
        "ProcedurePriority=keep",
        "VideoEvidence=true",
        "FaceGuardOutput=DeviceRisk",
        "RarelyCharacters=Y",
        "UiCustomUrl=https%3A%2F%2Fcdn.example.com%2Fui.json",
        "CameraSelection=N",
        "H5DegradeConfirmBtn=Y",
        "NeedMultiFaceCheck=Y",
        "SuitableType=1",
        "EnableBeauty=N",
    ] {
        assert!(body.split('&').any(|found| found == pair), "{pair}");
    }
}

#[test]
fn an_encrypted_identity_sends_encrypt_type() {
    let identity = Identity::sm2("BAUG", "BAUH").unwrap();
    let op = InitFaceVerify::new(
        scene(),
        OuterOrderNo::generate([1; 16]),
        identity,
        ReturnUrl::iframe(),
        MetaInfo::new("{}").unwrap(),
    );
    let request = prepare(&op, &Endpoint::cn_shanghai(), &by(), Signing::V1, stamp()).unwrap().into_http();
    let body = std::str::from_utf8(request.body().as_bytes()).unwrap();
    assert!(body.contains("CertName=BAUG&CertNo=BAUH") && body.contains("&EncryptType=SM2&"), "{body}");
}

#[test]
fn v1_sends_all_parameters_in_the_body_like_pop_core() {
    // The vector `wire-popcore-describe-GET` has the same parameters; only the method differs.
    let op = DescribeFaceVerify::new(scene(), CertifyId::new("91707dc296d469ad38e4c5efa6a0f24b").unwrap());
    let request = prepare(&op, &Endpoint::cn_shanghai(), &by(), Signing::V1, stamp()).unwrap().into_http();
    assert_eq!((request.method().as_str(), request.uri().path_and_query().unwrap().as_str()), ("POST", "/"));
    assert_eq!(request.headers()["content-type"], "application/x-www-form-urlencoded");
    assert_eq!(request.headers()["host"], "cloudauth.cn-shanghai.aliyuncs.com");

    let got = prepare(&op, &Endpoint::cn_shanghai(), &by(), Signing::V1Get, stamp()).unwrap().into_http();
    assert_eq!(
        got.uri(),
        "https://cloudauth.cn-shanghai.aliyuncs.com/?AccessKeyId=testid&Action=DescribeFaceVerify&CertifyId=91707dc296d469ad38e4c5efa6a0f24b&Format=JSON&SceneId=1000000006&SignatureMethod=HMAC-SHA1&SignatureNonce=00112233445566778899aabbccddeeff&SignatureVersion=1.0&Timestamp=2026-01-02T03%3A04%3A05Z&Version=2019-03-07&Signature=Ovuvf2u2nOkJKdiLZsmay4ACoXk%3D"
    );
    assert!(got.body().is_empty() && !got.headers().contains_key("content-type"));
}

#[test]
fn v3_puts_each_parameter_into_its_documented_location() {
    let op = init_of_the_page().model(Model::Liveness);
    let request = prepare(&op, &Endpoint::cn_shanghai(), &by(), Signing::V3, stamp()).unwrap().into_http();
    let query = request.uri().query().unwrap();
    assert!(query.starts_with("CallbackToken=") && query.contains("&CertNo=999999199001012003&"));
    let body = std::str::from_utf8(request.body().as_bytes()).unwrap();
    assert_eq!(body, "AuthId=92d46b9e9e2d703f2897f350d5bd4149&Model=LIVENESS");
    let authorization = &request.headers()["authorization"];
    assert!(authorization.is_sensitive());
    assert!(authorization.to_str().unwrap().contains(
        "SignedHeaders=content-type;host;x-acs-action;x-acs-content-sha256;x-acs-date;x-acs-signature-nonce;x-acs-version,"
    ));
}

#[test]
fn v3_body_sends_all_parameters_in_the_body() {
    let request =
        prepare(&init(), &Endpoint::cn_shanghai(), &by(), Signing::V3Body, stamp()).unwrap().into_http();
    assert_eq!(request.uri().path_and_query().unwrap().as_str(), "/");
    assert!(std::str::from_utf8(request.body().as_bytes()).unwrap().contains("CertNo=999999199001012003"));
    let got = prepare(&init(), &Endpoint::cn_shanghai(), &by(), Signing::V3Get, stamp()).unwrap().into_http();
    assert!(got.body().is_empty() && got.uri().query().unwrap().contains("CertNo="));
}

#[test]
fn the_security_token_is_signed_and_marked_sensitive() {
    let sts = Credentials::temporary("STS.FAKE", "secret", "CAIS+FAKE/token==").unwrap();
    let v1 = prepare(&init(), &Endpoint::cn_shanghai(), &sts, Signing::V1, stamp()).unwrap().into_http();
    let body = std::str::from_utf8(v1.body().as_bytes()).unwrap();
    assert!(body.contains("&SecurityToken=CAIS%2BFAKE%2Ftoken%3D%3D&"));
    let v3 = prepare(&init(), &Endpoint::cn_shanghai(), &sts, Signing::V3, stamp()).unwrap().into_http();
    assert!(v3.headers()["x-acs-security-token"].is_sensitive());
    assert!(v3.headers()["authorization"].to_str().unwrap().contains("x-acs-accesskey-id;x-acs-action;"));
}

#[test]
fn rejects_a_repeated_parameter_before_sending() {
    let op = init().extra(ParamLocation::Query, "CertNo", "999999199001012011");
    let error = prepare(&op, &Endpoint::cn_shanghai(), &by(), Signing::V1, stamp()).unwrap_err();
    assert_eq!(error.to_string(), "the parameter CertNo appears twice");
    for added in ["Timestamp", "Signature"] {
        let op = RawOperation::new("Id2MetaVerify", Effect::Write).unwrap();
        let op = op.param(ParamLocation::Body, added, "x");
        for how in [Signing::V1, Signing::V1Get] {
            let error = prepare(&op, &Endpoint::cn_shanghai(), &by(), how, stamp()).unwrap_err();
            assert_eq!(error.to_string(), format!("the parameter {added} appears twice"));
        }
    }
    // Neighbours in order.
    let op = RawOperation::new("Id2MetaVerify", Effect::Write).unwrap();
    let op = op.param(ParamLocation::Query, "UserName", "a").param(ParamLocation::Query, "UserName", "b");
    for how in [Signing::V1, Signing::V1Get, Signing::V3, Signing::V3Body, Signing::V3Get] {
        let error = prepare(&op, &Endpoint::cn_shanghai(), &by(), how, stamp()).unwrap_err();
        assert_eq!(error.to_string(), "the parameter UserName appears twice", "{how:?}");
    }
}

#[test]
fn the_explanation_is_masked_and_has_the_real_signature() {
    for how in [Signing::V1, Signing::V3, Signing::V3Body] {
        let explained = explain(&init_of_the_page(), &Endpoint::cn_shanghai(), &by(), how, stamp()).unwrap();
        let masked =
            format!("{explained:?}{}{}", explained.masked().canonical, explained.masked().string_to_sign);
        for secret in ["999999199001012003", "%E5%BC%A0", "13000000000", "192.0.2.7", "NMjvQanQ", "zimVer"] {
            assert!(!masked.contains(secret), "{how:?} shows {secret}");
            let body = explained.expose().canonical.contains(secret);
            assert!(body || how == Signing::V3Body, "{how:?} does not sign {secret}");
        }
        assert_eq!(explained.masked().signature, explained.expose().signature);
        let begin = if how == Signing::V1 { "POST&%2F&" } else { "ACS3-HMAC-SHA256\n" };
        for stages in [explained.masked(), explained.expose()] {
            assert!(stages.string_to_sign.starts_with(begin), "{}", stages.string_to_sign);
        }
        let sent =
            prepare(&init_of_the_page(), &Endpoint::cn_shanghai(), &by(), how, stamp()).unwrap().into_http();
        assert_eq!(explained.into_request().into_http().body(), sent.body());
    }
}

#[test]
fn the_explanation_masks_names_that_may_be_values() {
    let op = RawOperation::new("Id2MetaVerify", Effect::Read).unwrap();
    let op = ["UserName", "张三", "999999199001012046"]
        .iter()
        .fold(op, |op, name| op.param(ParamLocation::Query, name, "x"));
    let explained = explain(&op, &Endpoint::cn_shanghai(), &by(), Signing::V1, stamp()).unwrap();
    let (masked, whole) = (&explained.masked().canonical, &explained.expose().canonical);
    assert!(masked.contains("UserName") && whole.contains("UserName"), "{masked}");
    for personal in ["%E5%BC%A0", "999999199001012046"] {
        assert!(!masked.contains(personal) && whole.contains(personal), "{masked}");
    }
}

/// The masks of short values are longer than the values.
#[test]
fn explains_each_request_that_can_be_sent() {
    let mut op = RawOperation::new("Id2MetaVerify", Effect::Read).unwrap();
    for number in 0..4_000 {
        op = op.param(ParamLocation::Query, &format!("P{number:04}"), "x");
    }
    let like_a_mask = RawOperation::new("Id2MetaVerify", Effect::Read).unwrap();
    let like_a_mask =
        like_a_mask.param(ParamLocation::Query, "张三", "x").param(ParamLocation::Query, "[name 1]", "x");
    for how in SIGNINGS {
        for op in [&op, &like_a_mask] {
            let sent = prepare(op, &Endpoint::cn_shanghai(), &by(), how, stamp()).unwrap().into_http();
            let explained = explain(op, &Endpoint::cn_shanghai(), &by(), how, stamp()).unwrap();
            assert_eq!(explained.into_request().into_http().uri(), sent.uri());
        }
    }
}

#[test]
fn the_other_operations_send_their_parameters() {
    let id = CertifyId::new("sha1").unwrap();
    let describe = DescribeFaceVerify::new(scene(), id.clone()).picture_return_type("JPG");
    assert_eq!(names(&describe), ["CertifyId", "PictureReturnType", "SceneId"].map(str::to_owned).into());
    assert_eq!((describe.action(), describe.effect()), ("DescribeFaceVerify", Effect::Read));
    let delete = DeleteFaceVerifyResult::new(id).delete_after_query(true);
    assert_eq!(names(&delete), ["CertifyId", "DeleteAfterQuery"].map(str::to_owned).into());
    assert_eq!((delete.action(), delete.effect()), ("DeleteFaceVerifyResult", Effect::HarmlessWrite));
}

/// A client sends calls about a verification to the endpoint that started it.
#[test]
fn each_operation_names_the_verification_that_it_starts_or_is_about() {
    let id = CertifyId::new("sha1").unwrap();
    let body = r#"{"Code":"200","ResultObject":{"CertifyId":"sha1","CertifyUrl":"https://t.example/x"}}"#;
    let reply = parse::<InitFaceVerify>(&Response::new(Body::from(body))).unwrap();
    assert_eq!((InitFaceVerify::started(&reply.output), init().session()), (Some(&id), None));
    assert_eq!(DescribeFaceVerify::new(scene(), id.clone()).session(), Some(&id));
    assert_eq!(DeleteFaceVerifyResult::new(id.clone()).session(), Some(&id));
}

/// An operation of the caller, whose action this crate has not validated.
struct Own(&'static str);

impl Operation for Own {
    type Output = ();

    fn action(&self) -> &str {
        self.0
    }

    fn effect(&self) -> Effect {
        Effect::Read
    }

    fn params<'a>(&'a self, params: &mut Params<'a>) {
        params.push("Long", ParamLocation::Query, "x".repeat(65_000));
    }

    fn read(_: &cloudauth_protocol::Answer<'_>) -> Result<Reply<()>, ReplyError> {
        panic!("nothing is sent")
    }
}

const SIGNINGS: [Signing; 5] = [Signing::V1, Signing::V1Get, Signing::V3, Signing::V3Get, Signing::V3Body];

#[test]
fn rejects_an_action_that_is_not_an_identifier() {
    let long = "a".repeat(65);
    for action in ["", "Descríbe", "核身", "A B", "A\nB", "A&B", long.as_str()] {
        let error = RawOperation::new(action, Effect::Read).unwrap_err();
        assert!(error.to_string().starts_with("Action: must be 1 to 64 ASCII letters"), "{error}");
    }
    assert!(RawOperation::new(&"a".repeat(64), Effect::Read).is_ok());
    for how in SIGNINGS {
        for action in ["", "Descríbe", "A\tB"] {
            let error = prepare(&Own(action), &Endpoint::cn_shanghai(), &by(), how, stamp()).unwrap_err();
            assert!(error.to_string().starts_with("the action must be"), "{how:?}: {error}");
            assert!(!error.to_string().contains("Desc"), "{error}");
        }
    }
}

#[test]
fn v3_signs_the_request_as_sent() {
    let temporary = Credentials::temporary("STS.FAKE", "secret", "CAIS+FAKE/token==").unwrap();
    for (how, by) in [Signing::V3, Signing::V3Get, Signing::V3Body]
        .into_iter()
        .flat_map(|how| [(how, by()), (how, temporary.clone())])
    {
        for op in [init(), init_of_the_page()] {
            let request = prepare(&op, &Endpoint::cn_shanghai(), &by, how, stamp()).unwrap().into_http();
            let headers = request.headers().iter().filter(|(name, _)| {
                name.as_str().starts_with("x-acs-") || ["content-type", "host"].contains(&name.as_str())
            });
            let headers = headers.map(|(name, value)| (name.as_str(), value.to_str().unwrap()));
            let query = request.uri().query().unwrap_or_default();
            let expected = v3::sign(request.method(), query, headers, request.body().as_bytes(), &by);
            assert_eq!(request.headers()["authorization"], expected.authorization(), "{how:?}");
        }
    }
}

#[test]
fn signs_every_own_header() {
    let by = Credentials::temporary("id", "secret", "token").unwrap();
    for how in [Signing::V3, Signing::V3Get, Signing::V3Body] {
        let request = prepare(&init(), &Endpoint::cn_shanghai(), &by, how, stamp()).unwrap().into_http();
        let authorization = request.headers()["authorization"].to_str().unwrap();
        let signed = authorization.split("SignedHeaders=").nth(1).unwrap().split(',').next().unwrap();
        let signed: Vec<_> = signed.split(';').collect();
        for name in request.headers().keys().map(http::HeaderName::as_str) {
            let exempt = ["accept", "authorization", "user-agent"].contains(&name);
            assert_eq!(signed.contains(&name), !exempt, "{how:?}: {name}");
        }
    }
}

#[test]
fn rejects_a_url_over_the_limit_and_names_both_lengths() {
    let to = Endpoint::cn_shanghai();
    assert!(prepare(&Own("Own"), &to, &by(), Signing::V3, stamp()).is_ok());
    let op = |bytes: usize| {
        RawOperation::new("Own", Effect::Read).unwrap().param(
            ParamLocation::Query,
            "CertNo",
            &"9".repeat(bytes),
        )
    };
    for how in [Signing::V1Get, Signing::V3, Signing::V3Get] {
        let error = prepare(&op(70_000), &to, &by(), how, stamp()).unwrap_err().to_string();
        assert!(error.starts_with("the URL would have 70"), "{error}");
        assert!(error.contains("more than 65534; send the parameters in the body"), "{error}");
        assert!(!error.contains("999"), "{error}");
    }
    for how in [Signing::V1, Signing::V3Body] {
        assert!(prepare(&op(70_000), &to, &by(), how, stamp()).is_ok(), "{how:?}");
    }
    // The longest allowed URL can be built.
    let start = "https://cloudauth.cn-shanghai.aliyuncs.com/?CertNo=".len();
    assert!(prepare(&op(65_534 - start), &to, &by(), Signing::V3, stamp()).is_ok());
    assert!(prepare(&op(65_535 - start), &to, &by(), Signing::V3, stamp()).is_err());
}

#[test]
fn rejects_parameters_over_the_limit_under_every_signature() {
    const MOST: usize = 10 << 20;
    for signing in [Signing::V1, Signing::V1Get, Signing::V3, Signing::V3Get, Signing::V3Body] {
        let of = |bytes: usize| {
            let (picture, rest) =
                ("p".repeat(bytes / 2), "r".repeat(bytes - bytes / 2 - "PictureOther".len()));
            let op = RawOperation::new("CompareFaces", Effect::Read).unwrap();
            op.param(ParamLocation::Body, "Picture", &picture).param(ParamLocation::Body, "Other", &rest)
        };
        let prepared =
            |bytes| prepare(&of(bytes), &Endpoint::cn_shanghai(), &by(), signing, stamp()).map(drop);
        let error = prepared(MOST + 1).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the parameters have 10485761 bytes, more than 10485760",
            "{signing:?}"
        );
        if let Signing::V1 | Signing::V3 | Signing::V3Body = signing {
            prepared(MOST).unwrap();
        }
    }
}
