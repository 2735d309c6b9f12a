//! Malformed input gives a typed error or an open value: never a panic, a lost RequestId or a success.

#![cfg(test)]

mod mutated;

use std::collections::BTreeMap;

use cloudauth_protocol::{
    Body, DescribeFaceVerify, FaceVerifyStatus, InitFaceVerify, Outcome, RawOperation, ReplyError, parse,
};
use http::Response;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use mutated::responses;

const ID: &str = "130A2C10-B9EE-4D84-88E3-5384FF039795";

fn response(status: u16, body: impl Into<Vec<u8>>) -> Response<Body> {
    Response::builder().status(status).body(Body::from(body.into())).unwrap()
}

fn error(status: u16, body: impl Into<Vec<u8>>) -> ReplyError {
    parse::<DescribeFaceVerify>(&response(status, body)).unwrap_err()
}

const GOOD: &str = r#"{"RequestId":"130A2C10-B9EE-4D84-88E3-5384FF039795","Message":"success","Code":"200","ResultObject":{"Passed":"T","SubCode":"200","MaterialInfo":"{\"faceAttack\":\"F\"}"}}"#;

#[test]
fn a_response_truncated_anywhere_is_an_error_with_its_request_id() {
    for cut in 0..GOOD.len() {
        let error = error(200, &GOOD.as_bytes()[..cut]);
        assert!(matches!(error, ReplyError::Malformed(_)), "cut at {cut}");
        if cut > GOOD.find(ID).unwrap() + ID.len() {
            assert_eq!(error.request_id().map(|id| id.as_str()), Some(ID), "cut at {cut}");
        }
    }
    assert_eq!(
        error(200, &GOOD.as_bytes()[..100]).to_string(),
        format!("the response ends in the middle of its JSON, HTTP 200, RequestId {ID}")
    );
}

#[test]
fn distinguishes_kinds_of_malformed_responses() {
    for (status, body, expected) in [
        (200, String::new(), "the response is empty, HTTP 200, no RequestId"),
        (
            502,
            "<html><body>502 Bad Gateway</body></html>".into(),
            "the response is HTML or XML instead of JSON, HTTP 502, no RequestId",
        ),
        (
            200,
            "<InitFaceVerifyResponse><Code>200</Code></InitFaceVerifyResponse>".into(),
            "the response is HTML or XML instead of JSON, HTTP 200, no RequestId",
        ),
        (
            200,
            "not json".into(),
            "the response is not the expected JSON (line 1, column 2), HTTP 200, no RequestId",
        ),
        (200, "[]".into(), "the response has no valid Code, HTTP 200, no RequestId"),
        (200, r#"{"Code":{}}"#.into(), "the response has no valid Code, HTTP 200, no RequestId"),
        (200, " ".repeat((1 << 20) + 1), "the response is larger than 1 MiB, HTTP 200, no RequestId"),
    ] {
        assert_eq!(error(status, body).to_string(), expected);
    }
    assert_eq!(
        error(200, *b"{\"Code\":\"\xff\"}").to_string(),
        "the response is not UTF-8, HTTP 200, no RequestId"
    );
}

#[test]
fn uses_the_request_id_of_the_headers_if_the_body_has_none() {
    let response =
        Response::builder().status(502).header("x-acs-request-id", ID).body(Body::from("<html>")).unwrap();
    let error = parse::<InitFaceVerify>(&response).unwrap_err();
    assert_eq!(error.request_id().unwrap().as_str(), ID);
}

#[test]
fn rejects_duplicate_keys() {
    for body in [
        r#"{"Code":"200","Code":"401","ResultObject":{"Passed":"T"}}"#,
        r#"{"Code":"401","code":"200","ResultObject":{"Passed":"T"}}"#,
        r#"{"Code":"200","ResultObject":{"Passed":"F","Passed":"T"}}"#,
        r#"{"Code":"200","ResultObject":{"Passed":"F"},"ResultObject":{"Passed":"T"}}"#,
    ] {
        assert!(matches!(error(200, body), ReplyError::Malformed(_)), "{body}");
    }
    let two = r#"<Error><Code>Throttling</Code><Code>InternalError</Code></Error>"#;
    assert!(matches!(error(500, two), ReplyError::Malformed(_)));
}

#[test]
fn deep_nesting_is_an_error_without_stack_overflow() {
    for (open, close) in [("[", "]"), (r#"{"a":"#, "}")] {
        let deep = format!("{}1{}", open.repeat(100_000), close.repeat(100_000));
        for body in [deep.clone(), format!(r#"{{"Code":"200","ResultObject":{deep}}}"#)] {
            assert!(parse::<RawOperation>(&response(200, body.clone())).is_err());
            assert!(matches!(error(200, body), ReplyError::Malformed(_)));
        }
    }
    let xml = format!("{}x{}", "<a>".repeat(100_000), "</a>".repeat(100_000));
    assert!(matches!(error(400, xml), ReplyError::Malformed(_)));
}

/// A member that no one reads counts too.
#[test]
fn nesting_is_bounded_at_128() {
    for (depth, is_read) in [(127, true), (128, false)] {
        let deep = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        // Brackets of a text, also behind an escaped quote, are not counted.
        let text = "[{".repeat(100);
        let body = format!(
            r#"{{"Code":"200","ResultObject":{{"Passed":"T"}},"New":{deep},"Text":"{text}\"{text}\\"}}"#
        );
        assert_eq!(parse::<DescribeFaceVerify>(&response(200, body)).is_ok(), is_read, "{depth}");
        let material = serde_json::Value::from(format!(r#"{{"faceAttack":"F","New":{deep}}}"#));
        let body = format!(r#"{{"Code":"200","ResultObject":{{"Passed":"T","MaterialInfo":{material}}}}}"#);
        let reply = parse::<DescribeFaceVerify>(&response(200, body)).unwrap();
        let FaceVerifyStatus::Finished(result) = reply.output else { panic!("finished") };
        assert_eq!(result.material_info.parse().is_ok(), is_read, "{depth}");
    }
}

#[test]
fn a_list_of_values_is_not_an_object() {
    for body in [
        r#"["200","success","x",{"Passed":"T","SubCode":"200"}]"#,
        r#"{"Code":"200","ResultObject":["T","200"]}"#,
    ] {
        assert!(matches!(error(200, body), ReplyError::Malformed(_)), "{body}");
    }
}

#[test]
fn no_error_quotes_the_document() {
    for body in [
        r#"{"Code":"张三" "#,
        r#"{"Code":["张三"]}"#,
        "张三",
        "<Error><Code>张三</Code></Error>",
        r#"{"RequestId":"张三"}"#,
    ] {
        let error = error(200, body);
        assert!(!format!("{error} {error:?}").contains("张三"), "{body}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_096))]

    #[test]
    fn a_mutated_response_is_a_success_only_as_its_json_says((status, body) in responses()) {
        // An unpaired surrogate spoils a whole document for serde_json; this crate refuses the field.
        let text = String::from_utf8_lossy(&body).replace(r"\ud800", "x");
        let document = serde_json::from_str::<serde_json::Value>(&text).unwrap_or_default();
        let code = document.get("Code").or_else(|| document.get("code"));
        let is_success = code.is_some_and(|code| code == "200" || code.as_f64() == Some(200.0));
        let result = document.get("ResultObject").or_else(|| document.get("resultObject"));
        let response = response(status, body);
        let started = parse::<InitFaceVerify>(&response);
        prop_assert!(started.is_err() || is_success);
        let Ok(reply) = parse::<DescribeFaceVerify>(&response) else { return Ok(()) };
        if let FaceVerifyStatus::Finished(result) = &reply.output {
            prop_assert!(is_success);
            let _ = result.material_info.parse();
        }
        if reply.output.outcome() == Outcome::Passed {
            prop_assert_eq!(result.and_then(|result| result.get("Passed")), Some(&"T".into()));
        }
    }
}

/// So that the property above cannot hold because every response fails at the first stage.
#[test]
fn mutated_responses_reach_every_stage() {
    let (mut runner, mut reached) = (TestRunner::deterministic(), BTreeMap::new());
    for _ in 0..4_096 {
        let (status, body) = responses().new_tree(&mut runner).unwrap().current();
        *reached.entry(stage(&response(status, body))).or_insert(0_u32) += 1;
    }
    for stage in [
        "the response is empty",
        "the response is not UTF-8",
        "the response is HTML or XML instead of JSON",
        "the response ends in the middle of its JSON",
        "the response is not the expected JSON",
        "the response has no valid Code",
        "the response has no valid ResultObject",
        "the response has a success code but an HTTP error status",
        "gateway",
        "refused",
        "pending",
        "finished",
        "finished, bad MaterialInfo",
        "passed",
    ] {
        assert!(reached.contains_key(stage), "{stage}: {reached:?}");
    }
}

/// The stage at which reading ends.
fn stage(response: &Response<Body>) -> String {
    match parse::<DescribeFaceVerify>(response) {
        Err(ReplyError::Malformed(error)) => {
            error.to_string().split([',', '(']).next().unwrap_or_default().trim_end().to_owned()
        }
        Err(ReplyError::Gateway(_)) => "gateway".to_owned(),
        Err(_) => "refused".to_owned(),
        Ok(reply) => match &reply.output {
            FaceVerifyStatus::Finished(result) if result.material_info.parse().is_err() => {
                "finished, bad MaterialInfo".to_owned()
            }
            FaceVerifyStatus::Finished(_) if reply.output.outcome() == Outcome::Passed => "passed".to_owned(),
            FaceVerifyStatus::Finished(_) => "finished".to_owned(),
            _ => "pending".to_owned(),
        },
    }
}
