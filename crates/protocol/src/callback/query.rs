//! The callback: the service reports that a verification is finished. A hint, never a decision.
//!
//! A callback is not signed, and anyone who knows the address can send one. Check its token with
//! [`CallbackKeys`](crate::CallbackKeys), answer 200 immediately, and call `DescribeFaceVerify`.

use std::fmt;

use crate::codes::SubCode;
use crate::values::order::CertifyId;
use crate::values::web::CallbackToken;
use crate::wipe::WipedString;
use crate::wire::decode::decoded_pairs;

/// The longest query that is read, in bytes.
const LONGEST: usize = 2048;

/// The claims of a callback. It never leads to a decision: only `DescribeFaceVerify` decides.
///
/// The form is the web flow's, `certifyId=..&passed=<SubCode>&callbackToken=..`, in which `passed` carries
/// the SubCode; the sibling products' forms (`passed=T&subcode=200`, `transactionId=..&passed=Y&subCode=..`)
/// are accepted too.
///
/// ```
/// # use cloudauth_protocol::{Callback, SubCode};
/// let callback = Callback::parse("callbackToken=1000004826&certifyId=sha02ba3a2f&passed=210").unwrap();
/// assert_eq!(callback.certify_id().as_str(), "sha02ba3a2f");
/// assert_eq!(callback.claimed_sub_code(), Some(&SubCode::PassedByStrategy));
/// ```
#[derive(Clone, Debug)]
pub struct Callback {
    certify_id: CertifyId,
    claimed_sub_code: Option<SubCode>,
    token: Option<CallbackToken>,
}

impl Callback {
    /// Reads the query of a callback's URL, with or without its `?`.
    ///
    /// # Errors
    /// If the query is too long, has no valid CertifyId, or repeats a field. Answer all of these alike, with 200 or 404 and an
    /// empty body, so that an attacker learns nothing from trying.
    pub fn parse(query: &str) -> Result<Self, CallbackError> {
        if query.len() > LONGEST {
            return Err(CallbackError("is longer than 2 KiB"));
        }
        let (mut id, mut passed, mut sub_code, mut token) = (None, None, None, None);
        for (name, value) in decoded_pairs(query.strip_prefix('?').unwrap_or(query)) {
            let field = match &*name {
                "certifyId" | "transactionId" => &mut id,
                "passed" => &mut passed,
                "subCode" | "subcode" => &mut sub_code,
                "callbackToken" | "CallbackToken" => &mut token,
                _ => continue,
            };
            if field.replace(value).is_some() {
                return Err(CallbackError("gives a field twice"));
            }
        }
        let id = id.ok_or(CallbackError("names no certifyId"))?;
        let is_number = |text: &WipedString| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        let sub_code = sub_code.or_else(|| passed.filter(is_number)).filter(|code| !code.is_empty());
        Ok(Self {
            certify_id: CertifyId::new(&id).map_err(|_| CallbackError("names an impossible certifyId"))?,
            claimed_sub_code: sub_code.as_deref().map(SubCode::from_wire),
            token: token.and_then(|token| CallbackToken::new(&token).ok()),
        })
    }

    /// The verification that the callback claims is finished. Compare it with the one that you stored for the order.
    #[must_use]
    pub const fn certify_id(&self) -> &CertifyId {
        &self.certify_id
    }

    /// The claimed result. For a log line only; the real result comes from `DescribeFaceVerify`.
    #[must_use]
    pub const fn claimed_sub_code(&self) -> Option<&SubCode> {
        self.claimed_sub_code.as_ref()
    }

    /// The token, if it is well formed.
    #[must_use]
    pub const fn token(&self) -> Option<&CallbackToken> {
        self.token.as_ref()
    }
}

/// The error of a query that is not a callback. It never quotes the query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallbackError(&'static str);

impl CallbackError {
    /// Returns the problem in English. It quotes no value.
    #[must_use]
    pub const fn problem(&self) -> &'static str {
        self.0
    }
}

impl fmt::Display for CallbackError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the callback {}", self.0)
    }
}

impl std::error::Error for CallbackError {}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;

    use super::*;

    #[test]
    fn reads_the_forms_of_sibling_products() {
        for query in [
            "certifyId=sha1&passed=204",
            "?certifyId=sha1&passed=F&subcode=204",
            "transactionId=sha1&passed=N&subCode=204",
        ] {
            let callback = Callback::parse(query).unwrap();
            assert_eq!(callback.claimed_sub_code(), Some(&SubCode::FaceDiffers), "{query}");
        }
        assert_eq!(Callback::parse("certifyId=sha1&passed=T").unwrap().claimed_sub_code(), None);
    }

    #[test]
    fn reads_the_token_in_either_case() {
        for query in ["certifyId=sha1&callbackToken=abc", "certifyId=sha1&CallbackToken=abc"] {
            assert_eq!(Callback::parse(query).unwrap().token().unwrap().expose(), "abc");
        }
    }

    #[test]
    fn rejects_an_ambiguous_or_empty_callback() {
        for query in [
            "",
            "passed=200",
            "certifyId=",
            "certifyId=a&certifyId=b",
            "certifyId=a%2F..",
            "certifyId=a&passed=200&passed=205",
        ] {
            assert!(Callback::parse(query).is_err(), "{query}");
        }
    }

    #[test]
    fn reads_a_query_of_at_most_2_kib() {
        let query = |length: usize| format!("{:y<length$}", "certifyId=a&x=");
        assert_eq!(Callback::parse(&query(LONGEST)).unwrap().certify_id().as_str(), "a");
        assert!(Callback::parse(&query(LONGEST + 1)).is_err());
    }

    /// Queries of the fields that are read, of others, and of what is wrong with them.
    fn queries() -> impl Strategy<Value = String> {
        let name = "certifyId|transactionId|passed|subCode|subcode|callbackToken|CallbackToken|\\PC{0,4}";
        let value = "(sha1|200|F|T|%73%68a|[+]|%2F|%|%E5%BC%A0|\\PC){0,3}";
        let pairs =
            prop::collection::vec((name, value).prop_map(|(name, value)| format!("{name}={value}")), 0..5);
        pairs.prop_map(|pairs| format!("?{}", pairs.join("&")))
    }

    proptest! {
        #[test]
        fn a_callback_has_the_id_of_its_query(query in queries()) {
            let Ok(callback) = Callback::parse(&query) else { return Ok(()) };
            let id = callback.certify_id().as_str();
            let pairs = query.trim_start_matches('?').split('&');
            let written: Vec<_> = pairs.filter_map(|pair| {
                pair.strip_prefix("certifyId=").or(pair.strip_prefix("transactionId="))
            }).collect();
            let [written] = *written else { panic!("one id, written in one way: {query}") };
            prop_assert_eq!(written.replace("%73%68a", "sha"), id);
        }
    }

    #[test]
    fn the_queries_of_the_test_reach_every_outcome() {
        let mut runner = TestRunner::deterministic();
        let outcomes: BTreeSet<_> = (0..500)
            .map(|_| queries().new_tree(&mut runner).unwrap().current())
            .map(|query| Callback::parse(&query).map_or_else(|error| error.problem(), |_| "(read)"))
            .collect();
        let expected =
            ["(read)", "gives a field twice", "names an impossible certifyId", "names no certifyId"];
        assert_eq!(outcomes, BTreeSet::from(expected));
    }
}
