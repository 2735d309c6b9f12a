//! Schedules callbacks.

use std::time::Duration;

use crate::http::with_pairs;
use crate::sessions::{self, Magic, Outcome, Session};
use crate::state::{Kind, State, Waiting};

/// How late a late callback is.
const LATE: Duration = Duration::from_secs(60);

/// Has a finished verification called back as its identity says: once, unless told otherwise.
pub(crate) fn schedule(state: &State, session: &Session) {
    let how = match session.magic {
        Magic::Callback(how) => how,
        _ => 0,
    };
    match how {
        sessions::CALLBACK_NEVER => {}
        sessions::CALLBACK_TWICE => {
            add(state, session, Kind::Normal, None);
            add(state, session, Kind::Duplicate, None);
        }
        sessions::CALLBACK_LATE => drop(add(state, session, Kind::Late, None)),
        sessions::CALLBACK_WRONG_TOKEN => drop(add(state, session, Kind::WrongToken, None)),
        sessions::CALLBACK_OTHER_SHAPE => drop(add(state, session, Kind::OtherShape, None)),
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
