//! The way back from the page: what the browser brings to the `ReturnUrl`.

use axum::http::Uri;
use serde_json::json;

use crate::http::with_pairs;
use crate::sessions::{Session, Stage};

/// What the browser brings back, or posts to the page around it: that the scan is finished, not that anybody passed.
pub(super) fn message(session: &Session) -> String {
    let (code, sub_code, reason) = match session.stage {
        Stage::GivenUp => (1003, "Z1008", "user cancelled"),
        _ => (1000, "Z5050", "success"),
    };
    let extra = json!({ "certifyId": session.certify_id });
    json!({ "code": code, "subCode": sub_code, "reason": reason, "extInfo": extra }).to_string()
}

/// `ReturnUrl` with the parameter `response`; `None` in iframe mode. It stands in the query, and for a page whose router
/// keeps its routes behind the `#`, at the end.
pub(super) fn way_back(session: &Session) -> Option<String> {
    if session.is_iframe() {
        return None;
    }
    let (url, message) = (&session.return_url, message(session));
    let pairs = [("response", Some(message.as_str()))];
    let routed = url.split_once('#').filter(|(_, route)| route.starts_with('/') || route.starts_with("!/"));
    Some(match routed {
        Some((page, route)) => format!("{page}#{}", with_pairs(route, &pairs)),
        None => with_pairs(url, &pairs),
    })
}

pub(super) fn origin(url: &str) -> String {
    let parsed = url.split('#').next().and_then(|url| url.parse::<Uri>().ok());
    let origin = parsed.and_then(|url| Some(format!("{}://{}", url.scheme_str()?, url.authority()?)));
    // Into a header goes what browsers would send there.
    origin
        .filter(|origin| origin.bytes().all(|b| b.is_ascii_graphic() && b != b';' && b != b','))
        .unwrap_or_default()
}
