//! The callback's query and the browser's return, against `form_urlencoded`.

use cloudauth_protocol::{Callback, CallbackKeys, OuterOrderNo, ReturnHint, SceneId};

use crate::secrets::is_telling;

pub(super) fn callback(data: &[u8]) {
    let Ok(query) = std::str::from_utf8(data) else { return };
    let Ok(callback) = Callback::parse(query) else { return };
    let pairs = || form_urlencoded::parse(query.strip_prefix('?').unwrap_or(query).as_bytes());
    let values = |names: &[&str]| -> Vec<String> {
        pairs().filter(|(name, _)| names.contains(&&**name)).map(|(_, value)| value.into_owned()).collect()
    };
    assert_eq!(values(&["certifyId", "transactionId"]), [callback.certify_id().as_str()]);
    let shown = format!("{callback:?}");
    if let Some(token) = callback.token() {
        assert_eq!(values(&["callbackToken", "CallbackToken"]), [token.expose()]);
        let is_elsewhere = callback.certify_id().as_str().contains(token.expose())
            || callback.claimed_sub_code().is_some_and(|code| code.as_str().contains(token.expose()));
        assert!(!is_telling(token.expose()) || is_elsewhere || !shown.contains(token.expose()));
    }
    // No one can guess the token.
    let keys = CallbackKeys::new(&[7; 32]).unwrap();
    let (scene, order) = (SceneId::new(1_000_000_006).unwrap(), OuterOrderNo::generate([7; 16]));
    let genuine = keys.token(scene, &order);
    let given = callback.token().map(|token| token.expose());
    assert_eq!(keys.verify(&callback, scene, &order), given == Some(genuine.expose()));
}

pub(super) fn browser_return(data: &[u8]) {
    let Ok(url) = std::str::from_utf8(data) else { return };
    let message = ReturnHint::parse_message(url);
    if message.is_ok() {
        let document: serde_json::Value = serde_json::from_str(url).expect("serde_json reads it");
        assert!(document.is_object() || document.is_array());
    }
    let Ok(hint) = ReturnHint::parse(url) else { return };
    assert!(url.contains("response") || url.contains('%'), "no parameter `response`");
    if let Some(id) = hint.claimed_certify_id() {
        assert!(!id.as_str().is_empty() && id.as_str().bytes().all(|b| b.is_ascii_graphic()));
    }
    assert!(format!("{hint:?}").len() <= 1024 + 8 * url.len());
}
