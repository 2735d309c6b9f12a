//! What stands behind a `CertifyUrl`: the person, as one request.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State as Shared};
use axum::http::header::{CONTENT_TYPE, LOCATION};
use axum::http::{HeaderValue, Response, StatusCode};
use serde_json::json;

use crate::callback;
use crate::sessions::{Outcome, Refused, Session};
use crate::state::State;

/// Tells whoever opens the link what to do.
pub(crate) async fn page(Shared(state): Shared<Arc<State>>, Path(token): Path<String>) -> Response<Body> {
    match state.sessions().open(&token, state.clock.now()) {
        Ok(_) => text(
            StatusCode::OK,
            format!(
                "EMULATOR - not a real verification.\n\nThis is where the person would film their face. Stand in for \
                 them with\n\n    curl -X POST {url}/h5/{token}/submit\n\nor choose the result:\n\n    curl -X POST \
                 -d sub_code=204 {url}/h5/{token}/submit\n",
                url = state.url
            ),
        ),
        Err(refused) => refusal(refused),
    }
}

/// Submits. A form field `sub_code` chooses the result; else the magic identity does.
pub(crate) async fn submit(
    Shared(state): Shared<Arc<State>>,
    Path(token): Path<String>,
    form: String,
) -> Response<Body> {
    let chosen = form_urlencoded::parse(form.as_bytes())
        .find(|(name, value)| name == "sub_code" && !value.is_empty())
        .map(|(_, code)| Outcome::with_sub_code(&code));
    let submitted = state.sessions().submit(&token, chosen, state.clock.now());
    let session = match submitted {
        Ok(session) => session,
        Err(refused) => return refusal(refused),
    };
    let location = way_back(&session);
    let mut response = text(StatusCode::SEE_OTHER, format!("back to {}\n", session.return_url));
    if let Some(location) = location.and_then(|location| HeaderValue::from_str(&location).ok()) {
        response.headers_mut().insert(LOCATION, location);
    }
    // The callback comes from elsewhere, and the browser does not wait for it.
    tokio::spawn(async move { callback::deliver(&state, &session).await });
    response
}

/// `ReturnUrl` with the parameter `response`, which says that the scan is finished, not that anybody passed.
fn way_back(session: &Session) -> Option<String> {
    if session.return_url == "iframe" {
        return None;
    }
    let (code, sub_code, reason) =
        if session.given_up { (1003, "Z1008", "user cancelled") } else { (1000, "Z5050", "success") };
    let response = json!({
        "code": code,
        "subCode": sub_code,
        "reason": reason,
        "extInfo": { "certifyId": session.certify_id },
    });
    Some(callback::with_pairs(&session.return_url, &[("response", Some(&response.to_string()))]))
}

fn refusal(refused: Refused) -> Response<Body> {
    let (status, words) = match refused {
        Refused::Unknown => (StatusCode::NOT_FOUND, "no such link\n"),
        Refused::Expired => (StatusCode::GONE, "the link has expired: it lives 30 minutes\n"),
        Refused::Used => (StatusCode::CONFLICT, "the link was used: it takes one submission\n"),
    };
    text(status, words.to_owned())
}

fn text(status: StatusCode, words: String) -> Response<Body> {
    let mut response = Response::new(Body::from(words));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain;charset=utf-8"));
    response
}
