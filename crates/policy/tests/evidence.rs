//! Evidence from replies, with missing and malformed values.

#![cfg(test)]

use cloudauth_policy::{
    Evidence, Flag, FlatEvidence, FlatProblem, Form, Input, Policy, Value, ValueState, Verdict, builtin, diff,
};
use cloudauth_protocol::{Body, DescribeFaceVerify, FaceVerifyStatus, parse};
use http::Response;

fn status(body: &str) -> FaceVerifyStatus {
    parse::<DescribeFaceVerify>(&Response::new(Body::from(body.to_owned()))).unwrap().output
}

#[test]
fn reads_evidence_from_a_reply() {
    let material = r#"{\"faceAttack\":\"F\",\"faceOcclusion\":\"T\",\"facialPictureFront\":{\"verifyScore\":57.678396649466755,\"qualityScore\":99.5,\"faceAttackScore\":0.00008597839769208804}}"#;
    let answer = format!(
        r#"{{"Code":"200","ResultObject":{{"Passed":"F","SubCode":"204","DeviceRisk":"ROOT,VPN","MaterialInfo":"{material}"}}}}"#
    );
    let status = status(&answer);
    let evidence = Evidence::from(&status);
    assert_eq!((evidence.code, evidence.sub_code), (Some("200"), Some("204")));
    assert_eq!(
        (evidence.passed, evidence.face_attack, evidence.face_occlusion),
        (Flag::False, Flag::False, Flag::True)
    );
    assert_eq!((evidence.verify_score, evidence.quality_score), (Some(57.678_396_649_466_755), Some(99.5)));
    assert_eq!(evidence.face_attack_score, Some(0.000_085_978_397_692_088_04));
    assert_eq!(evidence.device_risk.iter().map(|label| &**label).collect::<Vec<_>>(), ["ROOT", "VPN"]);
}

#[test]
fn missing_and_malformed_values_are_kept_and_never_approved() {
    let policy = Policy::parse(builtin::ONBOARDING).unwrap();
    for answer in [
        r#"{"Code":"200","ResultObject":{"Passed":"T","SubCode":"200"}}"#,
        r#"{"Code":"200","ResultObject":{"Passed":"T","SubCode":"200","MaterialInfo":"nonsense"}}"#,
        r#"{"Code":"200","ResultObject":{"Passed":"T","SubCode":"200","MaterialInfo":"{}"}}"#,
        r#"{"Code":"200","ResultObject":{"Passed":"Y","SubCode":"200","MaterialInfo":"{\"faceAttack\":\"F\"}"}}"#,
        r#"{"Code":"200","ResultObject":{"Passed":"T","SubCode":"200","MaterialInfo":"{\"faceAttack\":\"F\",\"faceOcclusion\":\"F\",\"facialPictureFront\":{\"verifyScore\":\"NaN\",\"faceAttackScore\":0.1}}"}}"#,
        r#"{"Code":"200","ResultObject":{"Passed":"T","SubCode":"200","MaterialInfo":"{\"faceAttack\":\"F\",\"faceOcclusion\":\"F\",\"facialPictureFront\":{\"verifyScore\":1000,\"faceAttackScore\":0.1}}"}}"#,
    ] {
        let status = status(answer);
        assert_eq!(policy.decide(&Evidence::from(&status)).verdict(), Verdict::Review, "{answer}");
    }
}

#[test]
fn flat_evidence_keeps_each_value_and_skips_what_no_policy_reads() {
    let line = r#"{"sub_code": "20\u0030", "passed": true, "face_attack": {}, "verify_score": 75.10,
        "device_risk": ["VPN"], "face_occlusion": null, "subject": "x", "id": 1, "time": {}, "label": [], "attack": 0}"#;
    let flat = FlatEvidence::parse(line).unwrap();
    let value = |input: Input| format!("{:?}", flat.value(input));
    let of = |value: Value<'_>| format!("{value:?}");
    assert_eq!(value(Input::SubCode), of(Value::Text("200")));
    assert_eq!(value(Input::Passed), of(Value::Truth(true)));
    assert_eq!(value(Input::FaceAttack), of(Value::Other));
    assert_eq!(value(Input::VerifyScore), of(Value::Number("75.10", 75.1)));
    assert_eq!(value(Input::DeviceRisk), of(Value::List(r#"["VPN"]"#)));
    assert_eq!(value(Input::FaceOcclusion), of(Value::Missing));
    assert_eq!(value(Input::QualityScore), of(Value::Missing));
    assert!(matches!(flat.value(Input::VerifyScore), Value::Number(_, score) if score == 75.1));
}

#[test]
fn what_is_not_flat_evidence_is_refused_without_a_quotation() {
    let problem = |line: &str| {
        let error = FlatEvidence::parse(line).unwrap_err();
        assert!(!error.to_string().contains("planted"), "{error}");
        error.problem().clone()
    };
    for line in ["", "null", "[]", r#""planted""#, "planted"] {
        assert_eq!(problem(line), FlatProblem::NotAnObject, "{line}");
    }
    let deep = |depth: usize| format!(r#"{{"label": {}1{}}}"#, "[".repeat(depth), "]".repeat(depth));
    FlatEvidence::parse(&deep(127)).unwrap();
    assert_eq!(problem(&deep(128)), FlatProblem::TooDeep);
    assert_eq!(problem(r#"{"passed": "planted", "passed": "T"}"#), FlatProblem::Duplicate("passed"));
    assert_eq!(problem(r#"{"label": 1, "label": 1}"#), FlatProblem::Duplicate("label"));
    for line in [r#"{"planted": 1}"#, r#"{"passed": planted}"#, r#"{"passed": "T"} planted"#, r#"{"passed""#]
    {
        assert!(matches!(problem(line), FlatProblem::Invalid(_)), "{line}");
    }
}

#[test]
fn a_pending_verification_has_its_code_only() {
    let status = status(r#"{"Code":"424"}"#);
    let evidence = Evidence::from(&status);
    assert_eq!((evidence.code, evidence.sub_code, evidence.passed), (Some("424"), None, Flag::Invalid));
}

/// The onboarding policy with a rule on the code of the reply.
fn with_code(verdict: &str) -> Policy {
    let text = builtin::ONBOARDING
        .replace("passed            = { type", "code = { type = \"code\", values = [\"200\", \"424\"] }\npassed = { type")
        .replace(
            "[[rule]]\nid = \"attack-flag\"",
            &format!("[[rule]]\nid = \"not-ended\"\nwhen = {{ code = [\"424\", \"unknown\", \"missing\"] }}\nthen = {{ decision = \"{verdict}\", reason = \"pending\" }}\n\n[[rule]]\nid = \"attack-flag\""),
        );
    // The examples have no code.
    let text = text.split("[[example]]").next().unwrap().to_owned();
    Policy::parse(&text).unwrap_or_else(|error| panic!("{error:#?}"))
}

#[test]
fn the_code_of_the_reply_is_an_input() {
    let (retry, review) = (with_code("retry"), with_code("review"));
    let mut evidence = Evidence::default();
    evidence.sub_code = Some("204");
    evidence.verify_score = Some(10.0);
    for (code, expected) in [
        (Some("200"), "mismatch"),
        (Some("424"), "not-ended"),
        (Some("500"), "not-ended"),
        (None, "not-ended"),
    ] {
        evidence.code = code;
        assert_eq!(retry.decide(&evidence).rule(), expected, "{code:?}");
    }
    let difference = diff(&retry, &review).unwrap();
    let regions: Vec<String> = difference.regions.iter().map(ToString::to_string).collect();
    assert_eq!(regions, ["retry becomes review when code is 424 or unknown or missing"]);
    assert_eq!(difference.changed(), 16_200 * 3);
}

#[test]
fn decisions_of_one_rule_of_one_policy_are_equal() {
    let (one, other) = (Policy::parse(builtin::VENDOR).unwrap(), Policy::parse(builtin::THRESHOLD).unwrap());
    let evidence = Evidence::default();
    assert_eq!(one.decide(&evidence), one.decide(&evidence));
    assert_ne!(one.decide(&evidence), other.decide(&evidence));
    let mut passing = Evidence::default();
    (passing.sub_code, passing.passed) = (Some("200"), Flag::True);
    assert_ne!(one.decide(&evidence), one.decide(&passing));
    assert_eq!(format!("{:?}", one.decide(&passing)), "Decision(approve by passed of vendor)");
}

#[test]
fn an_unreadable_device_risk_is_an_unknown_label() {
    let text = builtin::THRESHOLD
        .replace("face_attack = { type = \"flag\" }", "face_attack = { type = \"flag\" }\ndevice_risk = { type = \"labels\", values = [\"VirtualCamera\"] }")
        .replace("[[rule]]\nid = \"attack-flag\"", "[[rule]]\nid = \"device\"\nwhen = { device_risk = [\"VirtualCamera\", \"unknown\"] }\nthen = { decision = \"reject\", reason = \"device\" }\n\n[[rule]]\nid = \"attack-flag\"");
    let policy = Policy::parse(&text).unwrap();
    let material = r#"{\"faceAttack\":\"F\",\"facialPictureFront\":{\"verifyScore\":88}}"#;
    for (risk, expected) in [
        ("null", Verdict::Approve),
        (r#""""#, Verdict::Approve),
        (r#""VirtualCamera""#, Verdict::Reject),
        (r#"" VirtualCamera ,ROOT""#, Verdict::Reject),
        (r#"["VirtualCamera"]"#, Verdict::Reject),
        (r#"{"VirtualCamera":true}"#, Verdict::Reject),
        ("1", Verdict::Reject),
    ] {
        let answer = format!(
            r#"{{"Code":"200","ResultObject":{{"Passed":"T","SubCode":"200","DeviceRisk":{risk},"MaterialInfo":"{material}"}}}}"#
        );
        let status = status(&answer);
        assert_eq!(policy.decide(&Evidence::from(&status)).verdict(), expected, "{risk}");
    }
}

#[test]
fn debug_hides_texts_that_are_not_codes() {
    let mut evidence = Evidence::default();
    evidence.sub_code = Some("11010519491231002X");
    let labels: [Box<str>; 1] = ["ZhangSan".into()];
    evidence.device_risk = &labels;
    let shown = format!("{evidence:?}");
    assert!(!shown.contains("1101") && !shown.contains("Zhang"), "{shown}");
    assert!(
        format!("{:?}", {
            evidence.sub_code = Some("204");
            evidence
        })
        .contains("\"204\"")
    );
}

#[test]
fn value_of_another_type_is_malformed_and_never_understood() {
    use ValueState::{Malformed, Missing, Understood};
    // What each input reads from one value: a code, a flag of flat evidence, a flag of a reply, a score.
    for (value, code, flag, in_reply, score) in [
        (
            Value::Missing,
            (None, Missing),
            (Flag::Invalid, Missing),
            (Flag::Invalid, Missing),
            (None, Missing),
        ),
        (
            Value::Text("null"),
            (None, Missing),
            (Flag::Invalid, Missing),
            (Flag::Invalid, Missing),
            (None, Missing),
        ),
        (
            Value::Text("T"),
            (Some("T"), Malformed),
            (Flag::True, Understood),
            (Flag::True, Understood),
            (None, Malformed),
        ),
        (
            Value::Text("200.0"),
            (Some("200"), Understood),
            (Flag::Invalid, Malformed),
            (Flag::Invalid, Malformed),
            (Some(200.0), Understood),
        ),
        (
            Value::Number("7.5", 7.5),
            (Some("(malformed)"), Malformed),
            (Flag::Invalid, Malformed),
            (Flag::Invalid, Malformed),
            (Some(7.5), Understood),
        ),
        (
            Value::Number("-7", -7.0),
            (Some("-7"), Malformed),
            (Flag::Invalid, Malformed),
            (Flag::Invalid, Malformed),
            (Some(-7.0), Understood),
        ),
        (
            Value::Number("1e999", f64::INFINITY),
            (Some("(malformed)"), Malformed),
            (Flag::Invalid, Malformed),
            (Flag::Invalid, Malformed),
            (None, Malformed),
        ),
        (
            Value::Truth(true),
            (Some("true"), Malformed),
            (Flag::Invalid, Malformed),
            (Flag::True, Understood),
            (None, Malformed),
        ),
        (
            Value::Truth(false),
            (Some("false"), Malformed),
            (Flag::Invalid, Malformed),
            (Flag::False, Understood),
            (None, Malformed),
        ),
        (
            Value::List("[]"),
            (Some("(malformed)"), Malformed),
            (Flag::Invalid, Malformed),
            (Flag::Invalid, Malformed),
            (None, Malformed),
        ),
        (
            Value::Other,
            (Some("(malformed)"), Malformed),
            (Flag::Invalid, Malformed),
            (Flag::Invalid, Malformed),
            (None, Malformed),
        ),
    ] {
        assert_eq!(value.code(), code, "{value:?}");
        assert_eq!(value.flag(Input::FaceAttack, Form::Flat), flag, "{value:?}");
        assert_eq!(value.flag(Input::FaceAttack, Form::Reply), in_reply, "{value:?}");
        assert_eq!(value.score(), score, "{value:?}");
    }
    // The service itself writes `Passed` as `T` or `F`, never as a word.
    for word in [Value::Truth(true), Value::Text("true")] {
        assert_eq!(word.flag(Input::Passed, Form::Reply), (Flag::Invalid, Malformed));
    }
}
