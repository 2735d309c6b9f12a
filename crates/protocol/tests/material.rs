//! `MaterialInfo`: exact scores, and every ambiguous form that the vendor's sources show.

#![cfg(test)]

use cloudauth_protocol::sign::oss::OssObject;
use cloudauth_protocol::{Body, DescribeFaceVerify, FaceVerifyStatus, FieldState, MaterialInfo, parse};
use http::Response;
use proptest::prelude::*;
use serde_json::json;

fn material(text: &str) -> MaterialInfo {
    let body =
        json!({"Code": "200", "ResultObject": {"Passed": "T", "SubCode": "200", "MaterialInfo": text}});
    match parse::<DescribeFaceVerify>(&Response::new(Body::from(body.to_string()))).unwrap().output {
        FaceVerifyStatus::Finished(result) => result.material_info,
        other => panic!("{other:?}"),
    }
}

/// The sample of the vendor's web flow page, without its comments and its trailing comma.
const SAMPLE: &str = r#"{"faceAttack":"T","faceOcclusion":"F","facialPictureFront":{"faceAttackScore":0.00008597839769208804,"ossBucketName":"cn-shanghai-aliyun-cloudauth-1260051251634779","ossObjectName":"verify/1260051251634779/03a081bd96328aedf83f635f39a50c57_0.jpeg","pictureUrl":"http://cn-shanghai-aliyun-cloudauth-1260051251634779.oss-cn-shanghai.aliyuncs.com/verify/x_0.jpeg?Expires=1625371140&OSSAccessKeyId=STS.x&Signature=y","qualityScore":99.93476867675781,"verifyScore":57.678396649466755}}"#;

#[test]
fn reads_the_sample_of_the_vendors_page() {
    let info = material(SAMPLE);
    let read = info.parse().unwrap();
    let face = &read.facial_picture_front;
    assert_eq!((read.face_attack, read.face_occlusion), (FieldState::Is(true), FieldState::Is(false)));
    assert_eq!(face.verify_score.value(), Some(57.678396649466755));
    assert_eq!(face.face_attack_score.value(), Some(0.00008597839769208804));
    assert_eq!(face.quality_score.value(), Some(99.93476867675781));
    assert_eq!(
        face.oss_object_name.as_deref(),
        Some("verify/1260051251634779/03a081bd96328aedf83f635f39a50c57_0.jpeg")
    );
    assert!(face.picture_url.as_ref().unwrap().expose().starts_with("http://"));
    assert!(!format!("{info:?}{read:?}").contains("Signature"));
    assert!(!info.is_absent());
}

/// The object stays in the bucket: who reads a log must not learn its place.
#[test]
fn debug_does_not_show_where_the_picture_is() {
    let info = material(SAMPLE);
    let parsed = info.parse().unwrap();
    let face = &parsed.facial_picture_front;
    let (bucket, key) = (face.oss_bucket_name.as_deref().unwrap(), face.oss_object_name.as_deref().unwrap());
    let object = OssObject::new(bucket, key, "cn-shanghai").unwrap();
    let shown = format!("{parsed:?}{parsed:#?}{object:?}{object:#?}");
    assert!(shown.contains("57.678396649466755") && shown.contains("cn-shanghai"), "{shown}");
    for planted in ["1260051251634779", "verify/", "jpeg"] {
        assert!(!shown.contains(planted), "{shown}");
    }
}

#[test]
fn an_empty_picture_url_is_missing() {
    let info = material(r#"{"facialPictureFront":{"pictureUrl":""}}"#);
    assert!(info.parse().unwrap().facial_picture_front.picture_url.is_none());
}

#[test]
fn reads_scores_from_numbers_and_texts() {
    for (text, expected) in [
        ("75", FieldState::Is(75.0)),
        ("\"75\"", FieldState::Is(75.0)),
        ("\"0\"", FieldState::Is(0.0)),
        ("8.59e-05", FieldState::Is(8.59e-05)),
        ("\"8.59e-05\"", FieldState::Is(8.59e-05)),
        ("-1", FieldState::Is(-1.0)),
        ("null", FieldState::Missing),
        ("\"\"", FieldState::Missing),
        ("\"null\"", FieldState::Missing),
        ("75.0", FieldState::Is(75.0)),
        ("-0.0", FieldState::Is(-0.0)),
        ("\"7.5e1\"", FieldState::Is(75.0)),
        ("\"\\u0037\\u0035\"", FieldState::Is(75.0)),
        ("\"+75\"", FieldState::Malformed),
        ("\"075\"", FieldState::Malformed),
        ("\"75.\"", FieldState::Malformed),
        ("\".5e2\"", FieldState::Malformed),
        ("\"75 \"", FieldState::Malformed),
        ("1E400", FieldState::Malformed),
        ("\"1E400\"", FieldState::Malformed),
        ("\"\\ud800\"", FieldState::Malformed),
        ("\"NaN\"", FieldState::Malformed),
        ("\"inf\"", FieldState::Malformed),
        ("\"seventy\"", FieldState::Malformed),
        ("true", FieldState::Malformed),
        ("[75]", FieldState::Malformed),
        ("{\"a\":75}", FieldState::Malformed),
    ] {
        let info =
            material(&format!(r#"{{"facialPictureFront":{{"verifyScore":{text},"qualityScore":1}}}}"#));
        let face = info.parse().unwrap().facial_picture_front;
        assert_eq!(face.verify_score, expected, "{text}");
        assert_eq!(face.quality_score, FieldState::Is(1.0), "{text} must not harm its neighbour");
    }
}

#[test]
fn reads_flags_from_letters_and_booleans() {
    for (text, expected) in [
        ("\"T\"", FieldState::Is(true)),
        ("\"F\"", FieldState::Is(false)),
        ("true", FieldState::Is(true)),
        ("null", FieldState::Missing),
        ("\"\"", FieldState::Missing),
        ("\"Y\"", FieldState::Malformed),
        ("1", FieldState::Malformed),
        ("0.5", FieldState::Malformed),
    ] {
        assert_eq!(
            material(&format!(r#"{{"faceAttack":{text}}}"#)).parse().unwrap().face_attack,
            expected,
            "{text}"
        );
    }
}

#[test]
fn an_invalid_picture_does_not_affect_other_fields() {
    for text in ["null", "\"x\"", "[]", "7", "7.5", "-7", "true"] {
        let info = material(&format!(r#"{{"faceAttack":"F","facialPictureFront":{text}}}"#));
        let read = info.parse().unwrap();
        assert_eq!(read.face_attack, FieldState::Is(false), "{text}");
        assert_eq!(read.facial_picture_front.verify_score, FieldState::Missing, "{text}");
    }
}

#[test]
fn ignores_unknown_fields() {
    let info = material(
        r#"{"faceAge":31,"new":{"a":[1,{}]},"facialPictureFront":{"gender":"F","verifyScore":75.0}}"#,
    );
    assert_eq!(info.parse().unwrap().facial_picture_front.verify_score, FieldState::Is(75.0));
}

#[test]
fn an_oversized_document_is_not_parsed() {
    let of = |length: usize| material(&format!(r#"{{"x":"{}"}}"#, "y".repeat(length - r#"{"x":""}"#.len())));
    of(256 << 10).parse().unwrap();
    let error = of((256 << 10) + 1).parse().unwrap_err();
    assert_eq!(error.to_string(), "MaterialInfo is larger than 256 KiB");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]

    /// One ulp can decide at a threshold, so every double is read bit by bit, from a number and from a text.
    #[test]
    fn a_score_keeps_its_exact_value(score in prop_oneof![0.0..100.0_f64, 74.999..75.001_f64, prop::num::f64::NORMAL]) {
        for text in [format!("{score}"), format!("{score:e}"), format!("\"{score}\"")] {
            let info = material(&format!(r#"{{"facialPictureFront":{{"verifyScore":{text}}}}}"#));
            let read = info.parse().unwrap().facial_picture_front.verify_score.value().unwrap();
            prop_assert_eq!(read.to_bits(), score.to_bits());
        }
    }
}

proptest! {
    /// The inner document is read unchanged, with any escapes.
    #[test]
    fn a_document_round_trips(text in "\\PC*", ascii in any::<bool>()) {
        let document = json!({ "x": text, "faceAttack": "F" }).to_string();
        let outer = serde_json::to_string(&document).unwrap();
        // As pure ASCII with surrogate pairs, or as UTF-8.
        let units = |c: char| c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")).collect::<String>();
        let outer: String =
            if ascii { outer.chars().map(|c| if c.is_ascii() { c.to_string() } else { units(c) }).collect() } else { outer };
        let body = format!(r#"{{"Code":"200","ResultObject":{{"Passed":"T","MaterialInfo":{outer}}}}}"#);
        match parse::<DescribeFaceVerify>(&Response::new(Body::from(body))).unwrap().output {
            FaceVerifyStatus::Finished(result) => prop_assert_eq!(result.material_info.expose().unwrap(), document),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn an_unpaired_surrogate_affects_only_material_info() {
    for half in [r"\ud800", r"\udc00", r"\ud800\u0041", r"\ud800x"] {
        let body = format!(r#"{{"Code":"200","ResultObject":{{"Passed":"T","MaterialInfo":"{{{half}}}"}}}}"#);
        match parse::<DescribeFaceVerify>(&Response::new(Body::from(body))).unwrap().output {
            FaceVerifyStatus::Finished(result) => assert!(result.material_info.parse().is_err(), "{half}"),
            other => panic!("{other:?}"),
        }
    }
}
