//! The return from the page: the `response` parameter of the `ReturnUrl`, and the message of iframe mode.

use axum::http::Uri;
use serde_json::json;

use crate::http::with_parameters;
use crate::sessions::{Session, SessionStage};

/// Returns the message to the `ReturnUrl` or to the embedding page. It reports the end of the scan, not its result.
pub(super) fn message(session: &Session) -> String {
    let (code, sub_code, reason) = match session.stage {
        SessionStage::Cancelled => (1003, "Z1008", "user cancelled"),
        _ => (1000, "Z5050", "success"),
    };
    let extra = json!({ "certifyId": session.certify_id });
    json!({ "code": code, "subCode": sub_code, "reason": reason, "extInfo": extra }).to_string()
}

/// Returns the `ReturnUrl` with the parameter `response`; `None` in iframe mode. The parameter is in the query, or after
/// the route for pages with hash routing.
pub(super) fn way_back(session: &Session) -> Option<String> {
    if session.is_iframe() {
        return None;
    }
    let (url, message) = (&session.return_url, message(session));
    let pairs = [("response", Some(message.as_str()))];
    let routed = url.split_once('#').filter(|(_, route)| route.starts_with('/') || route.starts_with("!/"));
    Some(match routed {
        Some((page, route)) => format!("{page}#{}", with_parameters(route, &pairs)),
        None => with_parameters(url, &pairs),
    })
}

/// Returns the origin of the `ReturnUrl` as a source in the page's security policy; empty if it has none that is safe there.
pub(super) fn policy_source(url: &str) -> String {
    let parsed = url.split('#').next().and_then(|url| url.parse::<Uri>().ok());
    let origin = parsed.and_then(|url| {
        // A policy names no user.
        let host = url.authority()?.as_str().rsplit('@').next()?;
        Some(format!("{}://{host}", url.scheme_str()?))
    });
    // Only characters that are safe in a policy header.
    origin
        .filter(|origin| origin.bytes().all(|b| b.is_ascii_graphic() && b != b';' && b != b','))
        .unwrap_or_default()
}
