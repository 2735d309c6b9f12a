//! The lab reads a response exactly as the protocol's own reader does, including malformed ones.

use cloudauth_policy::Evidence;
use cloudauth_protocol::{Body, DescribeFaceVerify, FaceVerifyStatus, parse};
use proptest::prelude::*;
use serde_json::{Map, Value as Json, json};

use super::*;
use crate::input::json::{Found, Value, Wanted};

fn odd() -> impl Strategy<Value = Option<Json>> {
    let texts = [
        "T",
        "F",
        "true",
        "f",
        "",
        "null",
        "200",
        "201",
        "424",
        "75",
        "75.5",
        "1e1",
        "+75",
        "075",
        "75.",
        ".5e2",
        "1e400",
        "200.0",
        "200 ",
        "[]",
        "[\"ROOT\", 5]",
        "NaN",
        "inf",
        " 75",
        "VirtualCamera, Root",
        ",",
    ];
    let values = [
        json!(null),
        json!(true),
        json!(false),
        json!(200),
        json!(-1),
        json!(75.25),
        json!(200.0),
        json!(["ROOT", "VPN"]),
        json!(["ROOT", 5]),
        json!(-0.0),
        json!(1e300),
        json!(u64::MAX),
        json!([]),
        json!({}),
        json!({"a": [1]}),
    ];
    prop_oneof![
        1 => Just(None),
        6 => prop::sample::select(texts.map(Json::from).to_vec()).prop_map(Some),
        4 => prop::sample::select(values.to_vec()).prop_map(Some),
    ]
}

prop_compose! {
    fn object(names: &'static [&'static str])(values in prop::collection::vec(odd(), names.len())) -> Map<String, Json> {
        let members = names.iter().zip(values).filter_map(|(name, value)| Some(((*name).to_owned(), value?)));
        members.collect()
    }
}

prop_compose! {
    fn reply()(
        code in prop_oneof![4 => Just(Some(json!("200"))), 1 => odd()],
        mut result in object(&["Passed", "SubCode", "DeviceRisk", "Success", "IdentityInfo"]),
        mut material in object(&["faceAttack", "faceOcclusion", "guardRiskScore"]),
        face in object(&["verifyScore", "qualityScore", "faceAttackScore", "ossObjectName"]),
        odd_face in prop_oneof![5 => Just(None), 1 => odd()],
        odd_material in prop_oneof![5 => Just(None), 1 => odd()],
        odd_result in prop_oneof![5 => Just(None), 1 => odd()],
        cut in prop_oneof![9 => Just(None), 1 => (0_usize..80).prop_map(Some)],
    ) -> String {
        material.insert("facialPictureFront".to_owned(), odd_face.unwrap_or(face.into()));
        let mut text = Json::from(material).to_string();
        text.truncate(cut.unwrap_or(text.len()));
        result.insert("MaterialInfo".to_owned(), odd_material.unwrap_or(text.into()));
        let mut reply = json!({"RequestId": "r", "ResultObject": odd_result.unwrap_or(result.into())});
        if let Some(code) = code {
            reply["Code"] = code;
        }
        reply.to_string()
    }
}

fn evidence_by_the_protocol(text: &str) -> Option<String> {
    let response = http::Response::new(Body::from(text.to_owned()));
    match parse::<DescribeFaceVerify>(&response).ok()?.output {
        status @ FaceVerifyStatus::Finished(_) => Some(format!("{:?}", in_full(&Evidence::from(&status)))),
        _ => None,
    }
}

/// `Debug` of evidence hides malformed values.
fn in_full<'e>(evidence: &Evidence<'e>) -> (Option<&'e str>, Evidence<'e>, &'e [Box<str>]) {
    (evidence.sub_code, evidence.clone(), evidence.device_risk)
}

fn evidence_by_the_lab(text: &str) -> Option<String> {
    let mapping = Mapping::of(Shape::Reply);
    let wanted = Wanted::new(mapping.slots(false).iter().map(String::as_str));
    let mut found = Found::new(&wanted);
    found.read(&wanted, text.as_bytes()).ok()?;
    let mut rows = RowReader::new(&mapping, |_| true);
    let row = rows.row(RowLocation { source: 0, line: 1 }, |slot| match found.value(slot) {
        Value::Missing => Cell::Missing,
        Value::Text(place) => Cell::Text(found.text(text.as_bytes(), *place)),
        Value::Number(place, number) => Cell::Number(found.text(text.as_bytes(), *place), *number),
        Value::Truth(truth) => Cell::Truth(*truth),
        Value::List(place) => Cell::List(found.text(text.as_bytes(), *place)),
        Value::Object => Cell::Object,
        Value::Other => Cell::Other,
    });
    row.map(|row| format!("{:?}", in_full(&row.evidence)))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn a_response_reads_as_in_the_protocol(reply in reply()) {
        prop_assert_eq!(evidence_by_the_lab(&reply), evidence_by_the_protocol(&reply), "{}", reply);
    }
}

#[test]
fn reads_the_documented_response() {
    let text = r#"{"Code":"200","ResultObject":{"Passed":"T","SubCode":"200","MaterialInfo":"{\"faceAttack\":\"F\",\"facialPictureFront\":{\"verifyScore\":88.25}}"}}"#;
    let (ours, theirs) = (evidence_by_the_lab(text), evidence_by_the_protocol(text));
    assert!(ours.as_ref().is_some_and(|ours| ours.contains("88.25")) && ours == theirs, "{ours:?}");
}
