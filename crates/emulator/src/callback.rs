//! The callback: a GET on the caller's address, once the person is done.

use std::time::Duration;

use crate::sessions::Session;
use crate::state::State;

/// How long one call may take, and how long after it the second follows: both within the three seconds that the
/// vendor names. The parts are not documented.
const TIMEOUT: Duration = Duration::from_secs(1);

/// Whether an address may be called back, and answers 200 now: it is looked at when the verification starts.
pub(crate) async fn check(state: &State, url: &str) -> Result<(), &'static str> {
    let parsed = reqwest::Url::parse(url).map_err(|_| "CallbackUrl is no URL")?;
    let loopback = matches!(parsed.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    match parsed.scheme() {
        "https" if cfg!(feature = "rustls") => {}
        "https" => {
            return Err("this build of the emulator has no TLS and calls back to http on loopback alone");
        }
        "http" if loopback => {}
        _ => return Err("CallbackUrl must be https, or http on loopback while developing"),
    }
    match get(state, parsed).await {
        true => Ok(()),
        false => Err("CallbackUrl does not answer 200"),
    }
}

/// Calls back, and once more within three seconds if the answer is not 200.
pub(crate) async fn deliver(state: &State, session: &Session) {
    let (Some(target), Some(outcome)) = (&session.callback, &session.result) else { return };
    let Ok(mut url) = reqwest::Url::parse(&target.url) else { return };
    {
        let mut query = url.query_pairs_mut();
        if let Some(token) = &target.token {
            query.append_pair("callbackToken", token);
        }
        query.append_pair("certifyId", &session.certify_id);
        query.append_pair("passed", outcome.sub_code.as_str());
    }
    if !get(state, url.clone()).await {
        tokio::time::sleep(TIMEOUT).await;
        get(state, url).await;
    }
}

async fn get(state: &State, url: reqwest::Url) -> bool {
    let answer = state.http.get(url).timeout(TIMEOUT).send().await;
    answer.is_ok_and(|answer| answer.status() == reqwest::StatusCode::OK)
}
