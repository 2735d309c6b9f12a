//! The callback's query and the browser's return, against `form_urlencoded`.

use cloudauth_protocol::{
    Callback, CallbackKeys, CallbackToken, CertifyId, OuterOrderNo, ReturnHint, SceneId, SubCode,
};

use super::replies::is_out_of_range;
use crate::reach::reached;
use crate::secrets::is_telling;

pub(super) fn callback(data: &[u8]) {
    let Ok(query) = std::str::from_utf8(data) else { return };
    let pairs = || form_urlencoded::parse(query.strip_prefix('?').unwrap_or(query).as_bytes());
    let values = |names: &[&str]| -> Vec<String> {
        pairs().filter(|(name, _)| names.contains(&&**name)).map(|(_, value)| value.into_owned()).collect()
    };
    let (ids, tokens) =
        (values(&["certifyId", "transactionId"]), values(&["callbackToken", "CallbackToken"]));
    let (passed, sub_codes) = (values(&["passed"]), values(&["subCode", "subcode"]));
    let is_once = [&ids, &tokens, &passed, &sub_codes].iter().all(|values| values.len() <= 1);
    let Ok(callback) = Callback::parse(query) else {
        let id = ids.first().is_some_and(|id| CertifyId::new(id).is_ok());
        assert!(query.len() > 2048 || !is_once || !id, "a callback is refused");
        reached(if is_once { "a callback without an id" } else { "a field twice" });
        return;
    };
    assert!(is_once, "a field twice is accepted");
    assert_eq!(ids, [callback.certify_id().as_str()]);
    let is_number = |text: &&String| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    // Another product gives the SubCode beside `passed`.
    let claimed = if sub_codes.is_empty() { passed.iter().find(is_number) } else { sub_codes.first() };
    let claimed = claimed.filter(|code| !code.is_empty()).map(|code| SubCode::from_wire(code));
    assert_eq!(callback.claimed_sub_code(), claimed.as_ref());
    let token = tokens.first().and_then(|token| CallbackToken::new(token).ok());
    assert_eq!(callback.token().map(|token| token.expose()), token.as_ref().map(|token| token.expose()));
    let shown = format!("{callback:?}");
    if let Some(token) = callback.token() {
        reached("a callback with a token");
        let is_elsewhere = callback.certify_id().as_str().contains(token.expose())
            || callback.claimed_sub_code().is_some_and(|code| code.as_str().contains(token.expose()));
        assert!(!is_telling(token.expose()) || is_elsewhere || !shown.contains(token.expose()));
    }
    if !sub_codes.is_empty() {
        reached("a callback of another product");
    }
    // No one can guess the token.
    let keys = CallbackKeys::new(&[7; 32]).unwrap();
    let (scene, order) = (SceneId::new(1_000_000_006).unwrap(), OuterOrderNo::generate([7; 16]));
    let genuine = keys.token(scene, &order);
    let given = callback.token().map(|token| token.expose());
    let is_genuine = keys.verify(&callback, scene, &order);
    assert_eq!(is_genuine, given == Some(genuine.expose()));
    if is_genuine {
        reached("the genuine token");
    }
}

pub(super) fn browser_return(data: &[u8]) {
    let Ok(url) = std::str::from_utf8(data) else { return };
    let message = ReturnHint::parse_message(url);
    if message.is_ok() {
        reached("a message");
        let document = serde_json::from_str::<serde_json::Value>(url);
        // The reader accepts a number that no double holds in a member that it skips.
        assert!(document.is_ok() || is_out_of_range(data), "serde_json reads it");
        assert!(document.iter().all(|document| document.is_object() || document.is_array()));
    }
    let Ok(hint) = ReturnHint::parse(url) else { return };
    assert!(url.contains("response") || url.contains('%'), "no parameter `response`");
    reached("a return");
    if let Some(id) = hint.claimed_certify_id() {
        reached("a return with an id");
        assert!(!id.as_str().is_empty() && id.as_str().bytes().all(|b| b.is_ascii_graphic()));
    }
    assert!(format!("{hint:?}").len() <= 1024 + 8 * url.len());
}
