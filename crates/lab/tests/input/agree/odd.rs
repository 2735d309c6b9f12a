//! Replies with members that are repeated, nested deeply, or in another form than documented. The lab reads them as the client
//! does.

use std::fs;

use cloudauth_policy::{FlatEvidence, Policy, builtin};

use super::{Case, by_client, by_lab, joined, mapping};

/// What is odd about a reply, and whether a reply that would be approved still is.
pub(super) const ODD: [(&str, bool); 20] = [
    ("Message twice", false),
    ("Message twice, once with an escape", false),
    ("two spellings of RequestId", false),
    ("an unknown member twice", true),
    ("code instead of Code", true),
    ("resultObject instead of ResultObject", true),
    ("128 deep", true),
    ("129 deep", false),
    ("IdentityInfo twice", false),
    ("DegradeInfo twice", false),
    ("a name with half a surrogate pair", false),
    ("MaterialInfo is an object", false),
    ("MaterialInfo is a list", false),
    ("MaterialInfo is a number", false),
    ("MaterialInfo is 128 deep", true),
    ("MaterialInfo is 129 deep", false),
    ("guardRiskScore twice", false),
    ("facialPictureFront is a string", false),
    ("facialPictureFront is a list", false),
    ("pictureUrl twice", false),
];

fn nested(depth: usize) -> String {
    format!("\"Extra\":{}{}", "[".repeat(depth), "]".repeat(depth))
}

/// Adds the odd members of the reply itself.
pub(super) fn envelope(odd: &str, object: String) -> String {
    match odd {
        "Message twice" => joined(&object, r#""Message":"a","Message":"b""#),
        "Message twice, once with an escape" => joined(&object, r#""Messag\u0065":"a","Message":"b""#),
        "two spellings of RequestId" => joined(&object, r#""RequestId":"a","requestId":"b""#),
        "an unknown member twice" => joined(&object, r#""New":1,"New":{"New":2}"#),
        "code instead of Code" => object.replace("\"Code\"", "\"code\""),
        "resultObject instead of ResultObject" => object.replace("\"ResultObject\"", "\"resultObject\""),
        "128 deep" => joined(&object, &nested(127)),
        "129 deep" => joined(&object, &nested(128)),
        _ => object,
    }
}

/// Adds the odd members of the result.
pub(super) fn result(odd: &str, object: String) -> String {
    match odd {
        "IdentityInfo twice" => joined(&object, r#""IdentityInfo":null,"IdentityInfo":"x""#),
        "DegradeInfo twice" => joined(&object, r#""DegradeInfo":[],"DegradeInfo":{}"#),
        "a name with half a surrogate pair" => joined(&object, r#""\ud800":1"#),
        _ => object,
    }
}

/// The value of `MaterialInfo`.
pub(super) fn material(odd: &str, document: String) -> String {
    let document = match odd {
        "MaterialInfo is 128 deep" => joined(&document, &nested(127)),
        "MaterialInfo is 129 deep" => joined(&document, &nested(128)),
        "guardRiskScore twice" => joined(&document, r#""guardRiskScore":1,"guardRiskScore":1"#),
        _ => document,
    };
    match odd {
        "MaterialInfo is an object" => document,
        "MaterialInfo is a list" => format!("[{document}]"),
        "MaterialInfo is a number" => "5".to_owned(),
        _ => serde_json::Value::from(document).to_string(),
    }
}

/// The value of `facialPictureFront`.
pub(super) fn picture(odd: &str, scores: String) -> String {
    match odd {
        "facialPictureFront is a string" => serde_json::Value::from(scores).to_string(),
        "facialPictureFront is a list" => format!("[{scores}]"),
        "pictureUrl twice" => joined(&scores, r#""pictureUrl":"a","pictureUrl":"a""#),
        _ => scores,
    }
}

#[test]
fn an_odd_reply_is_approved_by_both_readers_or_by_none() {
    let folder = tempfile::tempdir().unwrap();
    let policy = Policy::parse(builtin::ONBOARDING).unwrap();
    let data = folder.path().join("a.jsonl");
    let approved = |reply: &str| {
        fs::write(&data, format!("{reply}\n")).unwrap();
        let client = by_client(&policy, reply);
        let (lab, issues) = by_lab(&policy, mapping("reply"), &data);
        let start: String = reply.chars().take(2000).collect();
        assert_eq!(lab.get(&1), client.as_ref(), "{start}");
        let is_approved = client.as_deref() == Some("approve");
        assert!(is_approved || !issues.is_empty(), "not silently: {start}");
        is_approved
    };
    let reply = Case::approved().reply();
    assert!(approved(&reply));
    for (odd, expected) in ODD {
        let reply = Case { odd, ..Case::approved() }.reply();
        assert_eq!(approved(&reply), expected, "{odd}: {reply}");
    }
    let padding = |length: usize| format!("\"Padding\":\"{}\"", "x".repeat(length));
    for (length, expected) in [(500 << 10, true), (1 << 20, false)] {
        assert_eq!(approved(&joined(&reply, &padding(length))), expected, "a reply of {length} bytes");
    }
    let case = Case::approved();
    for quote in ["", "\\\""] {
        for (length, expected) in [(200 << 10, true), (256 << 10, false)] {
            let with =
                |material: &str| joined(material, &padding(length).replace("xx\"", &format!("xx{quote}\"")));
            assert_eq!(approved(&case.reply_with(with)), expected, "MaterialInfo of {length} bytes {quote}");
        }
    }
}

#[test]
fn flat_evidence_is_nested_at_most_128_deep() {
    let folder = tempfile::tempdir().unwrap();
    let policy = Policy::parse(builtin::ONBOARDING).unwrap();
    let data = folder.path().join("a.jsonl");
    for (depth, is_read) in [(127, true), (128, false)] {
        let deep = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        let line = Case::approved().flat().replace("[]", &deep);
        fs::write(&data, format!("{line}\n")).unwrap();
        assert_eq!(FlatEvidence::parse(&line).is_ok(), is_read, "{depth}");
        assert_eq!(by_lab(&policy, mapping("flat"), &data).0.contains_key(&1), is_read, "{depth}");
    }
}
