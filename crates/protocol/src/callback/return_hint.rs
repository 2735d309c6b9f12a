//! The browser's return to `ReturnUrl`. A hint, never a decision.

use std::fmt;

use serde::Deserialize;

use crate::codes::ClientCode;
use crate::redact::printable;
use crate::reply::lenient::LenientString;
use crate::values::order::CertifyId;
use crate::wire::decode::{decode, decoded_pairs};

/// The longest URL that is read, in bytes.
const LONGEST: usize = 16 << 10;

/// The `response` parameter of the browser's return. The person can forge it: never decide by it, and do not trust the
/// CertifyId in it. Look up the session by your own order.
/// The name `response`, and that its position depends on the page's router, are documented. The JSON inside was seen only in
/// third-party code.
#[derive(Clone)]
pub struct ReturnHint {
    code: ClientCode,
    sub_code: Option<Box<str>>,
    certify_id: Option<CertifyId>,
}

impl ReturnHint {
    /// Finds and reads `response` in a URL or a query: in the query, in the fragment, or in a query inside the fragment (hash
    /// routers).
    ///
    /// # Errors
    /// If `response` is missing, appears more than once, or is not the expected JSON object.
    pub fn parse(url: &str) -> Result<Self, ReturnHintError> {
        if url.len() > LONGEST {
            return Err(ReturnHintError("is longer than 16 KiB"));
        }
        let mut found =
            url.split(['?', '#']).flat_map(decoded_pairs).filter(|(name, _)| &**name == "response");
        let (_, json) = found.next().ok_or(ReturnHintError("has no parameter `response`"))?;
        if found.next().is_some() {
            return Err(ReturnHintError("has more than one parameter `response`"));
        }
        Self::from_json(&json)
            // Some routers encode the fragment a second time.
            .or_else(|| Self::from_json(&decode(&json, false)))
            .ok_or(ReturnHintError("has a `response` that is not the JSON object expected"))
    }

    /// Reads the message that the vendor's page posts to its parent in iframe mode, as JSON text.
    ///
    /// # Errors
    /// If it is not the expected JSON object.
    pub fn parse_message(json: &str) -> Result<Self, ReturnHintError> {
        Self::from_json(json).ok_or(ReturnHintError("is not the JSON object expected"))
    }

    fn from_json(json: &str) -> Option<Self> {
        let wire: Wire<'_> = serde_json::from_str(json).ok()?;
        Some(Self {
            code: ClientCode::from_wire(wire.code.filled()?),
            sub_code: wire.sub_code.filled().map(Into::into),
            certify_id: wire
                .ext_info
                .unwrap_or_default()
                .certify_id
                .filled()
                .and_then(|id| CertifyId::new(id).ok()),
        })
    }

    /// The page's code. [`ClientCode::Finished`] does not mean that the person passed.
    #[must_use]
    pub const fn code(&self) -> &ClientCode {
        &self.code
    }

    /// The page's own reason, such as `Z5050`. The vendor advises against relying on it.
    #[must_use]
    pub fn sub_code(&self) -> Option<&str> {
        self.sub_code.as_deref()
    }

    /// The claimed verification, to compare with the stored one.
    #[must_use]
    pub const fn claimed_certify_id(&self) -> Option<&CertifyId> {
        self.certify_id.as_ref()
    }
}

/// Shows the page's reason only if it is an identifier: the browser may send anything in its place.
impl fmt::Debug for ReturnHint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReturnHint")
            .field("code", &self.code)
            .field("sub_code", &self.sub_code().map(printable))
            .field("certify_id", &self.certify_id)
            .finish()
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire<'a> {
    #[serde(borrow, default, alias = "resultCode")]
    code: LenientString<'a>,
    #[serde(borrow, default)]
    sub_code: LenientString<'a>,
    #[serde(borrow, default)]
    ext_info: Option<ExtInfo<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ExtInfo<'a> {
    #[serde(borrow, default)]
    certify_id: LenientString<'a>,
}

/// The error of a return without a readable `response`. It never quotes the URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReturnHintError(&'static str);

impl fmt::Display for ReturnHintError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the browser return {}", self.0)
    }
}

impl std::error::Error for ReturnHintError {}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;

    use super::*;

    const RESPONSE: &str = "response=%7B%22code%22%3A1003%2C%22subCode%22%3A%22Z5052%22%2C%22reason%22%3A%22system%20error%22%2C%22extInfo%22%3A%7B%22certifyId%22%3A%22sha02ba3a2ffad9f5c4780e42eaba933%22%7D%7D";

    #[test]
    fn finds_the_response_in_every_position_that_routers_use() {
        for url in [
            format!("https://shop.example/back?{RESPONSE}"),
            format!("https://shop.example/back?order=1&{RESPONSE}#/done"),
            format!("https://shop.example/?a=1#/done?{RESPONSE}"),
            format!("https://shop.example/#{RESPONSE}"),
            RESPONSE.to_owned(),
            RESPONSE.replace('%', "%25"),
        ] {
            let hint = ReturnHint::parse(&url).unwrap();
            assert_eq!(hint.code(), &ClientCode::GivenUp, "{url}");
            assert_eq!(hint.sub_code(), Some("Z5052"));
            assert_eq!(hint.claimed_certify_id().unwrap().as_str(), "sha02ba3a2ffad9f5c4780e42eaba933");
        }
    }

    #[test]
    fn reads_the_posted_message() {
        let hint = ReturnHint::parse_message(r#"{"code":"1000","subCode":"Z5050","extInfo":{}}"#).unwrap();
        assert_eq!((hint.code(), hint.claimed_certify_id()), (&ClientCode::Finished, None));
    }

    #[test]
    fn debug_shows_no_text_of_the_browser() {
        let shown = |sub_code| {
            let json = format!(r#"{{"code":"13800000000","subCode":"{sub_code}","extInfo":{{}}}}"#);
            format!("{:?}", ReturnHint::parse_message(&json).unwrap())
        };
        assert!(shown("Z5050").contains("Z5050"));
        for planted in ["13800000000", "张三 planted", "planted@shop.example"] {
            let shown = shown(planted);
            assert!(!shown.contains("13800000000") && !shown.contains("planted"), "{shown}");
        }
    }

    #[test]
    fn reads_at_most_16_kib() {
        for (length, expected) in [(LONGEST, true), (LONGEST + 1, false)] {
            let url = format!("https://shop.example/?{RESPONSE}&x=");
            let url = format!("{url}{}", "y".repeat(length - url.len()));
            assert_eq!(ReturnHint::parse(&url).is_ok(), expected, "{length}");
        }
    }

    #[test]
    fn rejects_two_responses() {
        assert!(ReturnHint::parse(&format!("?{RESPONSE}#{RESPONSE}")).is_err());
        assert!(ReturnHint::parse("https://shop.example/back?response=1000").is_err());
    }

    /// URLs with a `response`, encoded never, once or twice, whose JSON may be wrong.
    fn urls() -> impl Strategy<Value = String> {
        let json = r#"(\{"(code|resultCode|x)":(1000|"1000"|null|\{\})(,"subCode":"Z5050")?(,"extInfo":(\{"certifyId":"(sha1|sha1|张|)"\}|null|7))?(\}|\}|))|\PC{0,20}"#;
        let encoded = |json: String, times: usize| {
            (0..times).fold(json, |text, _| text.bytes().map(|byte| format!("%{byte:02X}")).collect())
        };
        let response =
            (json, 0..3_usize).prop_map(move |(json, times)| format!("response={}", encoded(json, times)));
        let part = prop_oneof![3 => response, 1 => "[a-z]{0,3}=\\PC{0,6}".prop_map(String::from)];
        prop::collection::vec((part, "[?#&]"), 1..4).prop_map(|parts| {
            parts.iter().fold("https://shop.example/".to_owned(), |url, (part, joint)| url + joint + part)
        })
    }

    proptest! {
        #[test]
        fn a_return_claims_only_what_its_json_has(url in urls()) {
            let Ok(hint) = ReturnHint::parse(&url) else { return Ok(()) };
            prop_assert_eq!(hint.code(), &ClientCode::Finished);
            prop_assert!(hint.claimed_certify_id().is_none_or(|id| id.as_str() == "sha1"));
            prop_assert!(hint.sub_code().is_none_or(|code| code == "Z5050"));
        }
    }

    #[test]
    fn the_urls_of_the_test_reach_every_outcome() {
        let mut runner = TestRunner::deterministic();
        let outcomes: BTreeSet<_> = (0..1_000)
            .map(|_| urls().new_tree(&mut runner).unwrap().current())
            .map(|url| match ReturnHint::parse(&url) {
                Err(error) => error.0,
                Ok(hint) if hint.claimed_certify_id().is_some() => "(read, with an id)",
                Ok(_) => "(read)",
            })
            .collect();
        let expected = [
            "(read)",
            "(read, with an id)",
            "has a `response` that is not the JSON object expected",
            "has more than one parameter `response`",
            "has no parameter `response`",
        ];
        assert_eq!(outcomes, BTreeSet::from(expected));
    }
}
