//! Requests to a CallbackUrl: the probe at the start of a session, and the callback itself.

use std::time::Duration;

use cloudauth_protocol::{Bilingual, web_url};

use crate::http::both;
use crate::state::AppState;

/// The timeout of one request, and the pause before its retry. The vendor documents three seconds in total, but not the
/// parts.
pub(super) const TIMEOUT: Duration = Duration::from_secs(1);

/// Checks that a CallbackUrl is allowed and answers 200, at the start of a session.
pub(crate) async fn check(state: &AppState, url: &str) -> Result<(), Bilingual> {
    let parsed =
        web_url(url).map_err(|_| both("CallbackUrl is not a valid URL", "CallbackUrl 不是有效的 URL"))?;
    let loopback = matches!(parsed.host(), Some("localhost" | "127.0.0.1" | "[::1]"));
    match parsed.scheme_str().unwrap_or_default() {
        "https" if cfg!(feature = "rustls") => {}
        "https" => {
            return Err(both(
                "this build of the emulator has no TLS: CallbackUrl must be http on loopback",
                "此版本的模拟器不支持 TLS：CallbackUrl 须为本机回环地址的 http 地址",
            ));
        }
        "http" if loopback => {}
        _ => {
            return Err(both(
                "CallbackUrl must be https, or http on loopback during development",
                "CallbackUrl 须为 https 地址；开发时可用本机回环地址的 http 地址",
            ));
        }
    }
    if would_be_logged() {
        return Err(both(
            "ureq would log the CallbackUrl and its token; set its log filter to `ureq=debug,ureq_proto=debug`",
            "ureq 会把 CallbackUrl 及其 token 写入日志；请将其日志过滤设为 `ureq=debug,ureq_proto=debug`",
        ));
    }
    match get(state, url.to_owned()).await {
        Some(200) => Ok(()),
        _ => Err(both("CallbackUrl did not answer 200", "CallbackUrl 未返回 200")),
    }
}

/// Returns whether ureq's log levels would show URLs, as in the crate `cloudauth-transport-blocking`.
fn would_be_logged() -> bool {
    ["ureq::util", "ureq::run", "ureq_proto::util"]
        .into_iter()
        .any(|module| log::log_enabled!(target: module, log::Level::Trace))
}

/// Sends a GET, and returns the status of the answer, if any. Sends nothing while ureq would log the URL.
pub(super) async fn get(state: &AppState, url: String) -> Option<u16> {
    if would_be_logged() {
        return None;
    }
    let http = state.http.clone();
    let answer = tokio::task::spawn_blocking(move || {
        let request = http.get(url).config().timeout_global(Some(TIMEOUT)).build();
        request.call().map(|answer| answer.status().as_u16())
    });
    answer.await.ok()?.ok()
}
