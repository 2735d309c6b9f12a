//! The feature `serde`: identifiers and codes are written as on the wire, and validated when read.

#![cfg(test)]

use cloudauth_protocol::{CertifyId, Code, OuterOrderNo, RequestId, SceneId, SubCode};
use serde::{Deserialize, Serialize};

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Row {
    scene: SceneId,
    order: OuterOrderNo,
    certify_id: CertifyId,
    request_id: RequestId,
    code: Code,
    sub_code: SubCode,
}

const ROW: &str = r#"{"scene":1000000006,"order":"e0c34a77f5ac40a5aa5e6ed20c353888","certify_id":"sha02123456789f5c4780e42eaba9331","request_id":"130A2C10-B9EE-4D84-88E3-5384FF039795","code":"200","sub_code":"a new code"}"#;

#[test]
fn a_stored_row_is_read_back_exactly() {
    let row: Row = serde_json::from_str(ROW).unwrap();
    assert_eq!(row.code, Code::Success);
    assert_eq!(row.sub_code.as_str(), "a new code");
    assert_eq!(serde_json::to_string(&row).unwrap(), ROW);
}

#[test]
fn an_escaped_text_is_read_too() {
    let id: CertifyId = serde_json::from_str(r#""sh\u00611""#).unwrap();
    assert_eq!(id.as_str(), "sha1");
}

#[test]
fn rejects_invalid_values_like_the_constructor_and_does_not_quote_them() {
    let planted = "planted 999999199001012003";
    let error = serde_json::from_str::<CertifyId>(&format!("\"{planted}\"")).unwrap_err().to_string();
    assert!(error.starts_with("CertifyId: must be") && !error.contains("planted"), "{error}");
    assert!(serde_json::from_str::<SceneId>("0").is_err());
    assert!(serde_json::from_str::<OuterOrderNo>("\"a-b\"").is_err());
    assert!(serde_json::from_str::<RequestId>("\"a b\"").is_err());
}
