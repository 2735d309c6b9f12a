//! The callback: a GET on the caller's address, once the person is done.

use std::time::Duration;

use axum::http::Uri;

use crate::magic::{self, Magic};
use crate::sessions::Session;
use crate::state::State;

/// How long one call may take, and how long after it the second follows: both within the three seconds that the
/// vendor names. The parts are not documented.
const TIMEOUT: Duration = Duration::from_secs(1);

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
        true => Ok(()),
        false => Err("CallbackUrl does not answer 200"),
    }
}

/// How late a late callback is, by the emulator's clock.
const LATE: Duration = Duration::from_secs(60);

/// Calls back as the identity says: once, unless told otherwise.
pub(crate) async fn deliver(state: &State, session: &Session) {
    let how = match session.magic {
        Magic::Callback(how) => how,
        _ => 0,
    };
    match how {
        magic::CALLBACK_NEVER => return,
        magic::CALLBACK_LATE => {
            let due = state.clock.now().plus(LATE);
            while state.clock.now() < due {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
        _ => {}
    }
    call(state, session, how).await;
    if how == magic::CALLBACK_TWICE {
        call(state, session, how).await;
    }
}

/// One callback, and one more within three seconds if the answer is not 200.
async fn call(state: &State, session: &Session, how: u16) {
    let (Some(target), Some(outcome)) = (&session.callback, &session.result) else { return };
    let wrong = target.token.as_ref().map(|token| format!("{token}x"));
    let token = if how == magic::CALLBACK_WRONG_TOKEN { &wrong } else { &target.token };
    let sub_code = outcome.sub_code.as_str();
    let letter = if outcome.passed() { "Y" } else { "N" };
    // As another product calls back, with the SubCode in a parameter of its own.
    let is_other = how == magic::CALLBACK_OTHER_SHAPE;
    let url = with_pairs(
        &target.url,
        &[
            ("callbackToken", token.as_deref()),
            ("certifyId", Some(&session.certify_id)),
            ("passed", Some(if is_other { letter } else { sub_code })),
            ("subCode", is_other.then_some(sub_code)),
        ],
    );
    if !get(state, url.clone()).await {
        tokio::time::sleep(TIMEOUT).await;
        get(state, url).await;
    }
}

/// A URL with these behind its own query, and its fragment where it was.
pub(crate) fn with_pairs(url: &str, pairs: &[(&str, Option<&str>)]) -> String {
    let mut added = form_urlencoded::Serializer::new(String::new());
    added.extend_pairs(pairs.iter().filter_map(|(name, value)| Some((*name, (*value)?))));
    let (front, fragment) = url.split_at(url.find('#').unwrap_or(url.len()));
    let joint = if front.contains('?') { '&' } else { '?' };
    format!("{front}{joint}{}{fragment}", added.finish())
}

async fn get(state: &State, url: String) -> bool {
    let browser = state.http.clone();
    let answer = tokio::task::spawn_blocking(move || {
        let request = browser.get(url).config().timeout_global(Some(TIMEOUT)).build();
        request.call().map(|answer| answer.status().as_u16())
    });
    matches!(answer.await, Ok(Ok(200)))
}
