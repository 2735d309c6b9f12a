//! Actions of the end user, and their side effects.

use axum::http::StatusCode;

use crate::callbacks;
use crate::sessions::{ActionError, Session, UserAction};
use crate::state::{AppState, Change, EntrySource, JournalEntry};

/// Performs an action of the end user. Writes the journal, and schedules the callback.
pub(crate) fn perform(
    state: &AppState,
    certify_id: &str,
    act: UserAction,
    name: &str,
    source: EntrySource,
) -> Result<Session, ActionError> {
    let now = state.clock.now();
    let done = state.sessions().act(certify_id, act, now);
    let status = match done {
        Ok(_) => StatusCode::SEE_OTHER,
        Err(refused) => status_of(refused),
    };
    let code = done.as_ref().ok().and_then(Session::result).map(|outcome| outcome.sub_code.clone());
    let entry = JournalEntry::new(now, source, name, status.as_u16());
    state.journal().write(JournalEntry { code, certify_id: Some(certify_id.to_owned()), ..entry });
    if let Ok(session) = &done {
        callbacks::schedule(state, session);
    }
    state.changed(Change::Sessions);
    state.changed(Change::Journal);
    state.save();
    done
}

/// Returns the HTTP status of a refused action.
pub(crate) const fn status_of(refused: ActionError) -> StatusCode {
    match refused {
        ActionError::Unknown => StatusCode::NOT_FOUND,
        ActionError::Expired => StatusCode::GONE,
        ActionError::Ended => StatusCode::CONFLICT,
    }
}
