//! Replies: the distinction of errors, refusals and results; a refusal never looks like a success.

#![cfg(test)]

use cloudauth_protocol::{
    Body, Code, DeleteFaceVerifyResult, Deletion, DescribeFaceVerify, FaceVerifyResult, FaceVerifyStatus,
    FieldState, GatewayCode, InitFaceVerify, Operation, Outcome, Passed, RawOperation, Reply, ReplyError,
    SubCode, parse,
};
use http::Response;

const ID: &str = "130A2C10-B9EE-4D84-88E3-5384FF039795";

fn read<O: Operation>(status: u16, body: &str) -> Result<Reply<O::Output>, ReplyError> {
    parse::<O>(&Response::builder().status(status).body(Body::from(body.to_owned())).unwrap())
}

fn describe(result: &str) -> Result<Reply<FaceVerifyStatus>, ReplyError> {
    read::<DescribeFaceVerify>(
        200,
        &format!(r#"{{"RequestId":"{ID}","Message":"success","Code":"200","ResultObject":{result}}}"#),
    )
}

fn finished(result: &str) -> FaceVerifyResult {
    match describe(result).unwrap().output {
        FaceVerifyStatus::Finished(result) => *result,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_started_verification_has_an_id_and_a_link() {
    let reply = read::<InitFaceVerify>(
        200,
        &format!(
            r#"{{"RequestId":"{ID}","Message":"success","Code":"200","ResultObject":{{"CertifyId":"91707dc296d469ad38e4c5efa6a0f24b","CertifyUrl":"http://m.alyms.cn/x"}}}}"#
        ),
    )
    .unwrap();
    assert_eq!(reply.request_id.unwrap().as_str(), ID);
    assert_eq!(reply.output.certify_url.unwrap().expose(), "http://m.alyms.cn/x");
}

#[test]
fn a_refused_meta_info_gives_an_id_without_a_link() {
    for link in ["", r#","CertifyUrl":null"#, r#","CertifyUrl":"""#] {
        let body = format!(r#"{{"Code":"200","ResultObject":{{"CertifyId":"sha1"{link}}}}}"#);
        assert_eq!(read::<InitFaceVerify>(200, &body).unwrap().output.certify_url, None);
    }
}

/// The result is of another type, so the envelope is read alone.
#[test]
fn an_unreadable_result_does_not_hide_whose_error_it_is() {
    let error = read::<DescribeFaceVerify>(200, r#"{"Code":"Throttling","ResultObject":7}"#).unwrap_err();
    assert!(
        matches!(&error, ReplyError::Gateway(gateway) if *gateway.code() == GatewayCode::from_wire("Throttling")),
        "{error:?}"
    );
    let error = read::<DescribeFaceVerify>(200, r#"{"Code":"406","ResultObject":7}"#).unwrap_err();
    assert!(
        matches!(&error, ReplyError::Refused(refused) if *refused.code() == Code::from_wire("406")),
        "{error:?}"
    );
    let error = read::<DescribeFaceVerify>(200, r#"{"Code":"200","ResultObject":7}"#).unwrap_err();
    assert!(matches!(error, ReplyError::Malformed(_)), "{error:?}");
}

#[test]
fn a_success_without_a_result_is_an_error() {
    for body in [
        r#"{"Code":"200"}"#,
        r#"{"Code":"200","ResultObject":null}"#,
        r#"{"Code":"200","ResultObject":"x"}"#,
        r#"{"Code":"200","ResultObject":[]}"#,
        r#"{"Code":"200","ResultObject":{"CertifyId":""}}"#,
        r#"{"Code":"200","ResultObject":{"CertifyId":{"a":1}}}"#,
        r#"{"ResultObject":{"CertifyId":"sha1"}}"#,
    ] {
        assert!(matches!(read::<InitFaceVerify>(200, body), Err(ReplyError::Malformed(_))), "{body}");
    }
    assert!(matches!(read::<DescribeFaceVerify>(200, r#"{"Code":"200"}"#), Err(ReplyError::Malformed(_))));
}

#[test]
fn a_refusal_is_an_error_with_its_meaning() {
    let error = read::<InitFaceVerify>(
        200,
        &format!(r#"{{"Code":"417","Message":"无法使用刷脸服务","RequestId":"{ID}"}}"#),
    )
    .unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "the service refused the call with code 417 (no reference picture exists to compare this person with; also the response to a new start after SubCode 201, 202 or 203), HTTP 200, RequestId {ID}"
        )
    );
    let ReplyError::Refused(refusal) = error else { panic!() };
    assert_eq!((refusal.code(), refusal.message().expose()), (&Code::CannotUseFace, "无法使用刷脸服务"));
}

#[test]
fn init_refuses_every_code_except_200() {
    for code in
        Code::MANUAL.iter().map(|row| row.code).filter(|code| *code != "200").chain(["999", "0", "2000"])
    {
        let body = format!(
            r#"{{"Code":"{code}","ResultObject":{{"CertifyId":"sha1","CertifyUrl":"https://x.example"}}}}"#
        );
        assert!(matches!(read::<InitFaceVerify>(200, &body), Err(ReplyError::Refused(_))), "{code}");
    }
}

#[test]
fn success_also_needs_a_2xx_status() {
    for status in [301, 400, 500, 502] {
        let error = read::<DescribeFaceVerify>(status, r#"{"Code":"200","ResultObject":{"Passed":"T"}}"#)
            .unwrap_err();
        assert!(matches!(error, ReplyError::Malformed(_)), "{status}");
    }
}

#[test]
fn not_finished_is_pending_and_not_an_error() {
    for (code, expected) in [("403", Code::NotFinished), ("424", Code::NoRecord)] {
        let reply =
            read::<DescribeFaceVerify>(200, &format!(r#"{{"Code":"{code}","RequestId":"{ID}"}}"#)).unwrap();
        assert_eq!(reply.output.outcome(), Outcome::Pending);
        assert!(matches!(reply.output, FaceVerifyStatus::Pending(code) if code == expected));
        assert_eq!(reply.request_id.unwrap().as_str(), ID);
    }
}

#[test]
fn passed_decides_and_a_contradiction_is_unclear() {
    for (result, outcome) in [
        (r#"{"Passed":"T","SubCode":"200"}"#, Outcome::Passed),
        (r#"{"Passed":"T","SubCode":"210"}"#, Outcome::Passed),
        (r#"{"Passed":"T","SubCode":"777"}"#, Outcome::Passed),
        (r#"{"Passed":"T"}"#, Outcome::Passed),
        (r#"{"Passed":"F","SubCode":"204"}"#, Outcome::NotPassed),
        (r#"{"Passed":"F"}"#, Outcome::NotPassed),
        (r#"{"Passed":"T","SubCode":"205"}"#, Outcome::Unclear),
        (r#"{"Passed":"F","SubCode":"200"}"#, Outcome::Unclear),
        (r#"{"Passed":"T","SubCode":{"x":1}}"#, Outcome::Unclear),
        (r#"{"Passed":"T","SubCode":"200","Success":"false"}"#, Outcome::Unclear),
        (r#"{"Passed":"T","SubCode":"200","Success":"True"}"#, Outcome::Passed),
        (r#"{"SubCode":"200"}"#, Outcome::Unclear),
        (r#"{"Passed":"Y","SubCode":"200"}"#, Outcome::Unclear),
        (r#"{"Passed":"t","SubCode":"200"}"#, Outcome::Unclear),
        (r#"{"Passed":true,"SubCode":"200"}"#, Outcome::Unclear),
        (r#"{"Passed":["T"],"SubCode":"200"}"#, Outcome::Unclear),
        (r#"{}"#, Outcome::Unclear),
    ] {
        assert_eq!(finished(result).outcome(), outcome, "{result}");
    }
}

#[test]
fn code_and_sub_code_may_be_numbers() {
    let reply =
        read::<DescribeFaceVerify>(200, r#"{"Code":200,"ResultObject":{"Passed":"T","SubCode":200}}"#)
            .unwrap();
    assert_eq!(reply.output.outcome(), Outcome::Passed);
    assert!(matches!(
        read::<DescribeFaceVerify>(200, r#"{"Code":424}"#).unwrap().output,
        FaceVerifyStatus::Pending(_)
    ));
}

#[test]
fn reads_success_in_any_case_and_as_a_boolean() {
    for (text, expected) in [
        (r#""True""#, Some(true)),
        ("true", Some(true)),
        (r#""FALSE""#, Some(false)),
        (r#""x""#, None),
        ("null", None),
    ] {
        assert_eq!(finished(&format!(r#"{{"Passed":"T","Success":{text}}}"#)).success, expected, "{text}");
    }
}

#[test]
fn an_identity_info_of_null_is_missing() {
    for text in ["null", r#""null""#, r#""""#] {
        assert!(
            finished(&format!(r#"{{"Passed":"T","IdentityInfo":{text}}}"#)).identity_info.is_none(),
            "{text}"
        );
    }
    assert!(finished(r#"{"Passed":"T"}"#).identity_info.is_none());
    assert!(finished(r#"{"Passed":"T","IdentityInfo":"{}"}"#).identity_info.is_some());
}

#[test]
fn material_info_may_be_absent_null_or_empty() {
    for text in ["null", r#""null""#, r#""""#, r#"" ""#] {
        let result = finished(&format!(r#"{{"Passed":"F","SubCode":"201","MaterialInfo":{text}}}"#));
        assert!(result.material_info.is_absent(), "{text}");
        assert_eq!(
            result.material_info.parse().unwrap().facial_picture_front.verify_score,
            FieldState::Missing
        );
    }
}

#[test]
fn a_malformed_material_info_does_not_affect_other_fields() {
    for text in [
        r#""{""#,
        r#""[1]""#,
        r#""{\"faceAttack\":\"F\",\"faceAttack\":\"T\"}""#,
        r#"{"faceAttack":"F"}"#,
        "7.5",
    ] {
        let result = finished(&format!(r#"{{"Passed":"T","SubCode":"200","MaterialInfo":{text}}}"#));
        assert!(result.material_info.parse().is_err(), "{text}");
        assert_eq!((result.passed, result.sub_code), (Some(Passed::Yes), Some(SubCode::Passed)));
    }
}

#[test]
fn reads_device_risk_from_a_json_list() {
    for (written, expected) in [
        ("[]", vec![]),
        (r#""[]""#, vec![]),
        (r#"["ROOT","VPN"]"#, vec!["ROOT", "VPN"]),
        (r#""[\"ROOT\",\"VPN\"]""#, vec!["ROOT", "VPN"]),
        (r#"["ROOT",5]"#, vec!["ROOT", "(malformed)"]),
        ("null", vec![]),
        (r#""null""#, vec![]),
        ("1e400", vec!["(malformed)"]),
        ("{}", vec!["(malformed)"]),
    ] {
        let result = finished(&format!(r#"{{"Passed":"T","DeviceRisk":{written}}}"#));
        assert_eq!(
            result.device_risk.iter().map(|label| &**label).collect::<Vec<_>>(),
            expected,
            "{written}"
        );
    }
}

#[test]
fn reads_integer_sub_codes_and_keeps_malformed_ones_as_unknown() {
    for (written, expected) in [
        ("200", Some("200")),
        ("200.0", Some("200")),
        (r#""200.0""#, Some("200")),
        ("2e2", Some("(malformed)")),
        ("200.5", Some("(malformed)")),
        ("1e400", Some("(malformed)")),
        ("[200]", Some("(malformed)")),
        (r#""200 ""#, Some("200 ")),
        (r#""null""#, None),
        ("null", None),
    ] {
        let result = finished(&format!(r#"{{"Passed":"T","SubCode":{written}}}"#));
        assert_eq!(result.sub_code.as_ref().map(|code| code.as_str()), expected, "{written}");
    }
}

#[test]
fn device_risk_is_an_open_list() {
    let result = finished(r#"{"Passed":"T","DeviceRisk":"ROOT, VPN,,SomethingNew"}"#);
    assert_eq!(
        result.device_risk.iter().map(|label| &**label).collect::<Vec<_>>(),
        ["ROOT", "VPN", "SomethingNew"]
    );
}

/// A label is for a log; a number in its place may be a phone's.
#[test]
fn debug_shows_the_labels_of_devices_and_no_numbers() {
    let result = finished(r#"{"Passed":"T","DeviceRisk":["ROOT","13000000000",5]}"#);
    let shown = format!("{result:?}");
    assert!(shown.contains(r#"device_risk: ["ROOT", ""#) && shown.contains(r#""(malformed)"]"#), "{shown}");
    assert!(!shown.contains("13000000000"), "{shown}");
}

#[test]
fn reads_gateway_errors_from_json_and_xml() {
    let json = format!(
        r#"{{"RequestId":"{ID}","Message":"Specified access key is not found.","Recommend":"https://api.aliyun.com/troubleshoot?q=x","HostId":"cloudauth.aliyuncs.com","Code":"InvalidAccessKeyId.NotFound","AccessDeniedDetail":{{"a":1}}}}"#
    );
    let xml = format!(
        "<?xml version='1.0' encoding='UTF-8'?><Error><RequestId>{ID}</RequestId><HostId>x</HostId><Code>InvalidAccessKeyId.NotFound</Code><Message>Specified access key &amp; is &#110;ot found.</Message></Error>"
    );
    for body in [json, xml] {
        let error = read::<InitFaceVerify>(404, &body).unwrap_err();
        assert_eq!(error.request_id().unwrap().as_str(), ID);
        let ReplyError::Gateway(error) = error else { panic!("{body}") };
        assert_eq!(error.code(), &GatewayCode::AccessKeyNotFound);
        assert!(error.message().expose().starts_with("Specified access key"));
    }
}

#[test]
fn a_gateway_error_with_http_200_is_a_gateway_error() {
    let error = read::<DescribeFaceVerify>(200, r#"{"Code":"Throttling.User"}"#).unwrap_err();
    assert!(matches!(error, ReplyError::Gateway(error) if error.code() == &GatewayCode::ThrottlingUser));
}

#[test]
fn never_shows_the_request_echoed_by_a_signature_error() {
    let body = r#"{"Code":"SignatureDoesNotMatch","Message":"Specified signature is not matched with our calculation. server string to sign is:POST&%2F&CertNo%3D999999199001012003"}"#;
    let error = read::<InitFaceVerify>(400, body).unwrap_err();
    assert!(!format!("{error} {error:?}").contains("999999199001012003"));
    let ReplyError::Gateway(error) = error else { panic!() };
    assert!(error.message().expose().contains("999999199001012003"));
}

#[test]
fn keeps_an_unknown_code_and_shows_it_only_if_it_looks_like_one() {
    let error = read::<InitFaceVerify>(400, r#"{"Code":"Something.New"}"#).unwrap_err();
    assert_eq!(error.to_string(), "the gateway refused the call with Something.New, HTTP 400, no RequestId");
    let error = read::<InitFaceVerify>(400, r#"{"Code":"张三 999999199001012003"}"#).unwrap_err();
    assert!(!format!("{error} {error:?}").contains("9999"));
    let error = read::<InitFaceVerify>(400, r#"{"Code":"MissingSceneId"}"#).unwrap_err();
    assert!(error.to_string().contains("(a parameter is missing)"));
}

#[test]
fn reads_the_outcome_of_a_deletion() {
    for (result, expected) in [
        (r#"{"DeleteResult":"Y"}"#, Deletion::Deleted),
        (r#"{"DeleteResult":"N","FailReason":"NOT_DELETE_REPEATEDLY"}"#, Deletion::AlreadyDeleted),
        (r#"{"DeleteResult":"N","FailReason":"NEED_QUERY_VERIFY_RESULT"}"#, Deletion::ResultNotQueried),
        (r#"{"DeleteResult":"N","FailReason":"X"}"#, Deletion::NotDeleted(Some("X".into()))),
        (r#"{"DeleteResult":"N"}"#, Deletion::NotDeleted(None)),
    ] {
        let body = format!(r#"{{"Code":"200","ResultObject":{result}}}"#);
        assert_eq!(read::<DeleteFaceVerifyResult>(200, &body).unwrap().output, expected);
    }
    assert!(read::<DeleteFaceVerifyResult>(200, r#"{"Code":"200","ResultObject":{}}"#).is_err());
}

#[test]
fn a_raw_operation_returns_the_whole_document() {
    let reply = read::<RawOperation>(200, r#"{"Code":"200","ResultObject":{"BizCode":"1"}}"#).unwrap();
    assert_eq!(reply.output.expose()["ResultObject"]["BizCode"], "1");
    assert!(read::<RawOperation>(200, r#"{"Token":"x"}"#).is_ok(), "the legacy actions have no code");
    assert!(matches!(read::<RawOperation>(200, r#"{"Code":"401"}"#), Err(ReplyError::Refused(_))));
    assert!(matches!(read::<RawOperation>(200, r#"{"Code":417.0}"#), Err(ReplyError::Refused(_))));
    assert!(read::<RawOperation>(500, r#"{"Token":"x"}"#).is_err());
    assert!(read::<RawOperation>(200, "[]").is_err());
    for code in ["417.5", "4.17e2", "1e400", r#"{"value":"417"}"#, r#""""#, r#""null""#, "[]"] {
        let body = format!(r#"{{"Code":{code}}}"#);
        assert!(matches!(read::<RawOperation>(200, &body), Err(ReplyError::Malformed(_))), "{code}");
    }
}
