//! Identifiers and codes as users store them: `Display` and `FromStr` round-trip, and values work as keys.

#![cfg(test)]

use std::collections::{BTreeSet, HashSet};
use std::fmt::{Debug, Display};
use std::hash::Hash;
use std::str::FromStr;

use cloudauth_protocol::{
    CertifyId, ClientCode, Code, GatewayCode, OuterOrderNo, RequestId, SceneId, SubCode,
};

/// Reads the text, writes it again, and uses the value as a key.
fn stored<T: FromStr<Err: Debug> + Display + Clone + Debug + Eq + Hash + Ord>(text: &str) -> T {
    let value: T = text.parse().unwrap();
    assert_eq!(value.to_string(), text);
    assert_eq!(value.to_string().parse::<T>().unwrap(), value);
    assert!(BTreeSet::from([value.clone()]).contains(&value));
    assert!(HashSet::from([value.clone()]).contains(&value));
    value
}

#[test]
fn display_and_from_str_round_trip() {
    assert_eq!(stored::<SceneId>("1000000006").get(), 1_000_000_006);
    stored::<OuterOrderNo>("e0c34a77f5ac40a5aa5e6ed20c353888");
    // A run of more than six digits is masked in `Debug`, and kept by `Display`.
    let certify_id: CertifyId = stored("sha02123456789f5c4780e42eaba9331");
    assert!(format!("{certify_id:?}").contains("[digits]"));
    stored::<RequestId>("130A2C10-B9EE-4D84-88E3-5384FF039795");
    assert_eq!(stored::<Code>("200"), Code::Success);
    assert_eq!(stored::<Code>("999"), Code::Other("999".into()));
    stored::<SubCode>("205");
    stored::<GatewayCode>("SignatureDoesNotMatch");
    stored::<ClientCode>("1000");
}

#[test]
fn from_str_validates_and_never_quotes_the_text() {
    for text in ["", "0", "-1", "+5", " 7", "1e3", "9223372036854775808", "99999999999999999999999"] {
        assert!(text.parse::<SceneId>().is_err(), "{text}");
    }
    for text in ["", "a b", "\u{5f20}\u{4e09}", "999999-1990"] {
        let error = text.parse::<CertifyId>().unwrap_err().to_string();
        assert_eq!(error, "CertifyId: must be 1 to 64 letters and digits");
        assert!(text.parse::<OuterOrderNo>().is_err());
    }
    assert!("a b".parse::<RequestId>().is_err());
}
