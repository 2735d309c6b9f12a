//! What the person does, and what follows from it.

use axum::http::StatusCode;

use crate::callbacks;
use crate::sessions::{Act, Refused, Session};
use crate::state::{Entry, State, What};

/// What the person does, or somebody for them, with all that follows from it: the callback, the journal.
pub(crate) fn perform(
    state: &State,
    certify_id: &str,
    act: Act,
    name: &str,
    who: What,
) -> Result<Session, Refused> {
    let now = state.clock.now();
    let done = state.sessions().act(certify_id, act, now);
    let status = match done {
        Ok(_) => StatusCode::SEE_OTHER,
        Err(refused) => status_of(refused),
    };
    let code = done.as_ref().ok().and_then(Session::result).map(|outcome| outcome.sub_code.clone());
    let entry = Entry::new(now, who, name, status.as_u16());
    state.journal().write(Entry { code, certify_id: Some(certify_id.to_owned()), ..entry });
    if let Ok(session) = &done {
        callbacks::schedule(state, session);
    }
    state.changed("sessions");
    state.changed("journal");
    state.save();
    done
}

pub(crate) const fn status_of(refused: Refused) -> StatusCode {
    match refused {
        Refused::Unknown => StatusCode::NOT_FOUND,
        Refused::Expired => StatusCode::GONE,
        Refused::Used => StatusCode::CONFLICT,
    }
}
