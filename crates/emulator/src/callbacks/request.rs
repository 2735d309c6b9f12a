//! The calls to an address: the probe at the start, and the callback.

use std::time::Duration;

use axum::http::Uri;

use crate::state::State;

/// How long one call may take, and how long after it the second follows: both within the three seconds that the
/// vendor names. The parts are not documented.
pub(super) const TIMEOUT: Duration = Duration::from_secs(1);

/// Whether an address may be called back, and answers 200 now: it is looked at when the verification starts.
pub(crate) async fn check(state: &State, url: &str) -> Result<(), &'static str> {
    let parsed: Uri = url.parse().map_err(|_| "CallbackUrl is no URL")?;
    let loopback = matches!(parsed.host(), Some("localhost" | "127.0.0.1" | "[::1]"));
    match parsed.scheme_str().unwrap_or_default() {
        "https" if cfg!(feature = "rustls") => {}
        "https" => {
            return Err("this build of the emulator has no TLS and calls back to http on loopback alone");
        }
        "http" if loopback => {}
        _ => return Err("CallbackUrl must be https, or http on loopback while developing"),
    }
    match get(state, url.to_owned()).await {
        Some(200) => Ok(()),
        _ => Err("CallbackUrl does not answer 200"),
    }
}

/// The status of the answer, if one came.
pub(super) async fn get(state: &State, url: String) -> Option<u16> {
    let browser = state.http.clone();
    let answer = tokio::task::spawn_blocking(move || {
        let request = browser.get(url).config().timeout_global(Some(TIMEOUT)).build();
        request.call().map(|answer| answer.status().as_u16())
    });
    answer.await.ok()?.ok()
}
