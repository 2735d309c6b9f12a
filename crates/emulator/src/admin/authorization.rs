//! Who may look after the emulator.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State as Shared};

use axum::http::header::{AUTHORIZATION, COOKIE, HOST, SET_COOKIE};

use axum::http::{HeaderMap, HeaderValue, Response, StatusCode};
use axum::middleware::Next;
use axum::response::IntoResponse;

use super::problem::Problem;
use crate::http::is_cross_origin;
use crate::state::State;

const COOKIE_NAME: &str = "cloudauth_emulator";

/// On loopback everybody on this machine, but no page of another origin; from elsewhere whoever has the token.
pub(super) async fn check(Shared(state): Shared<Arc<State>>, request: Request, next: Next) -> Response<Body> {
    let headers = request.headers();
    if !is_of_here(headers, state.setup.admin_token.is_none()) {
        let words = "this request comes from another origin's page";
        return Problem::new(StatusCode::FORBIDDEN, words, "open the emulator under its own address")
            .into_response();
    }
    let Some(token) = &state.setup.admin_token else { return next.run(request).await };
    // A browser cannot set a header when it opens the page: the address carries the token once.
    let query = request.uri().query().unwrap_or_default();
    let in_query = form_urlencoded::parse(query.as_bytes())
        .any(|(name, value)| name == "token" && value == token.as_str());
    if !in_query && given(headers) != Some(token.as_str()) {
        let hint = "send `Authorization: Bearer <token>`, or open /_emu/ui?token=<token>; the emulator printed it at its start";
        return Problem::new(StatusCode::UNAUTHORIZED, "the admin token is missing or wrong", hint)
            .into_response();
    }
    let mut response = next.run(request).await;
    if in_query
        && let Ok(cookie) =
            HeaderValue::from_str(&format!("{COOKIE_NAME}={token}; Path=/_emu; HttpOnly; SameSite=Strict"))
    {
        response.headers_mut().insert(SET_COOKIE, cookie);
    }
    response
}

fn given(headers: &HeaderMap) -> Option<&str> {
    let bearer = || headers.get(AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ");
    let cookie = || {
        let cookies = headers.get(COOKIE)?.to_str().ok()?;
        cookies.split(';').find_map(|one| one.trim().strip_prefix(COOKIE_NAME)?.strip_prefix('='))
    };
    bearer().or_else(cookie)
}

/// Whether the request was made to us under our own name, and by no page of another origin: names that lead to loopback
/// (DNS rebinding) are nobody's business here.
fn is_of_here(headers: &HeaderMap, on_loopback: bool) -> bool {
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let host = text(HOST).unwrap_or_default();
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    let is_local = matches!(name, "127.0.0.1" | "localhost" | "[::1]");
    !is_cross_origin(headers) && (is_local || !on_loopback)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_of_other_origins_and_names_that_lead_here_are_turned_away() {
        let of = |pairs: &[(&'static str, &'static str)]| {
            pairs
                .iter()
                .map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value)))
                .collect()
        };
        let is_of_here = |pairs: &[_], on_loopback| is_of_here(&of(pairs), on_loopback);
        assert!(is_of_here(&[("host", "127.0.0.1:80")], true));
        assert!(is_of_here(&[("host", "localhost:80"), ("origin", "http://localhost:80")], true));
        assert!(!is_of_here(&[("host", "localhost:80"), ("origin", "http://evil.example")], true));
        assert!(!is_of_here(&[("host", "rebound.example:80")], true));
        assert!(!is_of_here(&[("host", "localhost:80"), ("origin", "null")], true));
        assert!(is_of_here(&[("host", "emulator:80")], false));
    }

    #[test]
    fn the_token_stands_in_a_header_or_a_cookie() {
        let of = |name, value| HeaderMap::from_iter([(name, HeaderValue::from_static(value))]);
        assert_eq!(given(&of(AUTHORIZATION, "Bearer t")), Some("t"));
        assert_eq!(given(&of(COOKIE, "a=b; cloudauth_emulator=t")), Some("t"));
        assert_eq!(given(&of(COOKIE, "cloudauth_emulators=t")), None);
    }
}
