//! Admin authorization.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};

use axum::http::header::{AUTHORIZATION, COOKIE, HOST, SET_COOKIE};

use axum::http::{HeaderMap, HeaderValue, Response, StatusCode};
use axum::middleware::Next;
use axum::response::IntoResponse;

use super::problem::AdminError;
use crate::http::{both, is_cross_origin};
use crate::state::AppState;

const COOKIE_NAME: &str = "cloudauth_emulator";

/// Middleware: on loopback, allows every request from this machine except cross-origin ones. Elsewhere,
/// requires the token.
pub(super) async fn check(
    State(state): State<Arc<AppState>>,
    request: Request,
    next: Next,
) -> Response<Body> {
    let headers = request.headers();
    if !is_same_origin(headers, state.settings.admin_token.is_none()) {
        let error = both("cross-origin requests are not allowed", "不允许跨域请求");
        return AdminError::new(
            StatusCode::FORBIDDEN,
            error,
            both("open the emulator at its own address", "请通过模拟器自身的地址访问"),
        )
        .into_response();
    }
    let Some(token) = &state.settings.admin_token else { return next.run(request).await };
    // A browser cannot set a header when it opens the page, so the first URL contains the token.
    let query = request.uri().query().unwrap_or_default();
    let in_query = form_urlencoded::parse(query.as_bytes())
        .any(|(name, value)| name == "token" && value == token.as_str());
    if !in_query && given(headers) != Some(token.as_str()) {
        let hint = both(
            "send `Authorization: Bearer <token>`, or open /_emu/ui?token=<token>; the emulator prints it at start",
            "请发送 `Authorization: Bearer <token>`，或打开 /_emu/ui?token=<token>；令牌在模拟器启动时打印",
        );
        return AdminError::new(
            StatusCode::UNAUTHORIZED,
            both("the admin token is missing or wrong", "管理令牌缺失或有误"),
            hint,
        )
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

/// Returns whether a request is addressed to the emulator's own name, and is not cross-origin. Other names
/// for loopback are refused, to prevent DNS rebinding.
fn is_same_origin(headers: &HeaderMap, on_loopback: bool) -> bool {
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
    fn refuses_cross_origin_requests_and_rebound_names() {
        let of = |pairs: &[(&'static str, &'static str)]| {
            pairs
                .iter()
                .map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value)))
                .collect()
        };
        let is_same_origin = |pairs: &[_], on_loopback| is_same_origin(&of(pairs), on_loopback);
        assert!(is_same_origin(&[("host", "127.0.0.1:80")], true));
        assert!(is_same_origin(&[("host", "localhost:80"), ("origin", "http://localhost:80")], true));
        assert!(!is_same_origin(&[("host", "localhost:80"), ("origin", "http://evil.example")], true));
        assert!(!is_same_origin(&[("host", "rebound.example:80")], true));
        assert!(!is_same_origin(&[("host", "localhost:80"), ("origin", "null")], true));
        assert!(is_same_origin(&[("host", "emulator:80")], false));
    }

    #[test]
    fn reads_the_token_from_a_header_or_a_cookie() {
        let of = |name, value| HeaderMap::from_iter([(name, HeaderValue::from_static(value))]);
        assert_eq!(given(&of(AUTHORIZATION, "Bearer t")), Some("t"));
        assert_eq!(given(&of(COOKIE, "a=b; cloudauth_emulator=t")), Some("t"));
        assert_eq!(given(&of(COOKIE, "cloudauth_emulators=t")), None);
    }
}
