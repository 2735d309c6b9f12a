//! The callback: a GET on the caller's address, once the person is done.

mod engine;
mod queue;

use std::time::Duration;

use axum::http::Uri;

use crate::magic::{self, Magic};
use crate::outcome::Outcome;
use crate::sessions::Session;
use crate::state::State;

pub(crate) use engine::{advance, run, settle};
pub(crate) use queue::{Kind, Queue, Waiting};

/// How long one call may take, and how long after it the second follows: both within the three seconds that the
/// vendor names. The parts are not documented.
const TIMEOUT: Duration = Duration::from_secs(1);

/// How late a late callback is.
const LATE: Duration = Duration::from_secs(60);

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

/// Has a finished verification called back as its identity says: once, unless told otherwise.
pub(crate) fn schedule(state: &State, session: &Session) {
    let how = match session.magic {
        Magic::Callback(how) => how,
        _ => 0,
    };
    match how {
        magic::CALLBACK_NEVER => {}
        magic::CALLBACK_TWICE => {
            add(state, session, Kind::Normal, None);
            add(state, session, Kind::Duplicate, None);
        }
        magic::CALLBACK_LATE => drop(add(state, session, Kind::Late, None)),
        magic::CALLBACK_WRONG_TOKEN => drop(add(state, session, Kind::WrongToken, None)),
        magic::CALLBACK_OTHER_SHAPE => drop(add(state, session, Kind::OtherShape, None)),
        _ => drop(add(state, session, Kind::Normal, None)),
    }
}

/// One more callback of a session; `None` if it has no address or nothing to tell. `claimed` is the SubCode to claim
/// instead of the result's.
pub(crate) fn add(state: &State, session: &Session, kind: Kind, claimed: Option<&str>) -> Option<Waiting> {
    let target = session.callback.as_ref()?;
    // Forged ones claim a pass, whatever is true.
    let forged = (kind == Kind::Forged).then(Outcome::pass);
    let claimed = claimed.map(Outcome::with_sub_code);
    let outcome = claimed.as_ref().or(forged.as_ref()).or(session.result())?;
    let wrong = target.token.as_ref().map(|token| format!("{token}x")).unwrap_or_else(|| "forged".to_owned());
    let token = match kind {
        Kind::WrongToken | Kind::Forged => Some(wrong.as_str()),
        _ => target.token.as_deref(),
    };
    // As another product calls back, with the SubCode in a parameter of its own.
    let is_other = kind == Kind::OtherShape;
    let letter = if outcome.passed() { "Y" } else { "N" };
    let sub_code = outcome.sub_code.as_str();
    let url = with_pairs(
        &target.url,
        &[
            ("callbackToken", token),
            ("certifyId", Some(&session.certify_id)),
            ("passed", Some(if is_other { letter } else { sub_code })),
            ("subCode", is_other.then_some(sub_code)),
        ],
    );
    let late = if kind == Kind::Late { LATE } else { Duration::ZERO };
    let due = state.clock.now().plus(late);
    let added = state.callbacks().add(&session.certify_id, kind, url, due);
    state.callbacks_moved.notify_waiters();
    state.changed("callbacks");
    Some(added)
}

/// A URL with these behind its own query, and its fragment where it was.
pub(crate) fn with_pairs(url: &str, pairs: &[(&str, Option<&str>)]) -> String {
    let mut added = form_urlencoded::Serializer::new(String::new());
    added.extend_pairs(pairs.iter().filter_map(|(name, value)| Some((*name, (*value)?))));
    let (front, fragment) = url.split_at(url.find('#').unwrap_or(url.len()));
    let joint = if front.contains('?') { '&' } else { '?' };
    format!("{front}{joint}{}{fragment}", added.finish())
}

/// A URL as it may be shown: what is behind the path can be anybody's secret.
pub(crate) fn shown(url: &str) -> &str {
    url.split(['?', '#']).next().unwrap_or_default()
}

/// The status of the answer, if one came.
async fn get(state: &State, url: String) -> Option<u16> {
    let browser = state.http.clone();
    let answer = tokio::task::spawn_blocking(move || {
        let request = browser.get(url).config().timeout_global(Some(TIMEOUT)).build();
        request.call().map(|answer| answer.status().as_u16())
    });
    answer.await.ok()?.ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_stand_behind_the_query_and_before_the_fragment() {
        let with = |url| with_pairs(url, &[("a", Some("1 +")), ("b", None), ("c", Some("3"))]);
        assert_eq!(with("https://x/p"), "https://x/p?a=1+%2B&c=3");
        assert_eq!(with("https://x/p?q=0#f"), "https://x/p?q=0&a=1+%2B&c=3#f");
        assert_eq!(shown("https://x/p?q=secret#f"), "https://x/p");
    }
}
